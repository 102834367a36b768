#include "plan/validate_steps.hpp"

#include <algorithm>
#include <set>
#include <string_view>

#include "plan/layout.hpp"
#include "plan/validate.hpp"
#include "support/checked.hpp"
#include "support/dtype.hpp"
#include "support/error.hpp"

namespace tensorvk::plan {
namespace {

constexpr std::size_t kMaxKernelId = 200;

template <typename... Parts>
[[noreturn]] void refuse(const Step& step, const Parts&... parts) {
    throw InvalidPlan(text("Step '", step.layer, "' of the plan ", parts..., "; the plan is damaged, build it again."));
}

// "<family>/<name>:<variant>" of the characters that file names and variants are made of.
bool sane_kernel_id(std::string_view id) {
    const auto sane = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("_/:.-+").find(c) != std::string_view::npos;
    };
    return !id.empty() && id.size() <= kMaxKernelId && std::all_of(id.begin(), id.end(), sane);
}

void check_exprs(const Program& program, const Step& step, bool constant) {
    const auto check = [&](shape::Expr e, const char* what) {
        if (!e.valid() || static_cast<std::size_t>(e.id) >= program.exprs.size()) {
            refuse(step, "computes its ", what, " from expression ", e.id, " of ", program.exprs.size());
        }
        if (constant && !program.exprs.value(e)) {
            refuse(step, "prepares weights, but its ", what, " depends on input shapes");
        }
    };
    if (step.params.size() > kMaxParams) {
        refuse(step, "has ", step.params.size(), " parameters, allowed are ", kMaxParams);
    }
    for (const shape::Expr e : step.params) {
        check(e, "parameters");
    }
    for (const shape::Expr e : step.groups) {
        check(e, "group counts");
    }
}

void check_spec(const Step& step) {
    constexpr std::uint32_t kMostId = 1023;
    std::set<std::uint32_t> ids;
    for (const SpecConstant& constant : step.spec) {
        if (constant.id > kMostId || !ids.insert(constant.id).second) {
            refuse(step, "gives specialization constant ", constant.id, " twice or beyond ", kMostId);
        }
    }
}

bool may_bind(BufferKind kind, bool written, bool init) {
    switch (kind) {
        case BufferKind::kARENA:
        case BufferKind::kOUTPUT:
            return !init;
        case BufferKind::kINPUT:
        case BufferKind::kVIEW:
            return !init && !written;
        case BufferKind::kCONSTANT:
            return !written;
        case BufferKind::kDERIVED:
            return init || !written;
    }
    return false;
}

void check_bindings(const Program& program, const Step& step, bool init) {
    if (!step.host && (step.bindings.empty() || step.bindings.size() > kMaxBindings)) {
        refuse(step, "binds ", step.bindings.size(), " buffers, allowed are 1 to ", kMaxBindings);
    }
    for (const Binding& binding : step.bindings) {
        if (binding.buffer < 0 || static_cast<std::size_t>(binding.buffer) >= program.buffers.size()) {
            refuse(step, "binds buffer ", binding.buffer, " of ", program.buffers.size());
        }
        const Buffer& buffer = program.buffers[static_cast<std::size_t>(binding.buffer)];
        if (!may_bind(buffer.kind, binding.written, init)) {
            refuse(step, binding.written ? "writes" : "reads", " buffer '", buffer.name, "' of kind ",
                   static_cast<int>(buffer.kind), init ? " while weights are prepared" : "");
        }
    }
}

bool is_buffer(const Program& program, std::int32_t buffer) {
    return buffer >= 0 && static_cast<std::size_t>(buffer) < program.buffers.size();
}

void check_host_tensor(const Program& program, const Step& step, const HostTensor& tensor) {
    if (tensor.buffer == -1) {
        return;
    }
    const bool bound = std::any_of(step.bindings.begin(), step.bindings.end(), [&](const Binding& b) { return b.buffer == tensor.buffer; });
    const bool known_type = tensor.dtype >= DataType::kFLOAT && tensor.dtype < DataType::kINT4;
    if (!is_buffer(program, tensor.buffer) || !bound || !known_type || tensor.dims.size() > kMaxRank) {
        refuse(step, "gives a host function a tensor that is not there");
    }
    for (const shape::Expr dim : tensor.dims) {
        if (!dim.valid() || static_cast<std::size_t>(dim.id) >= program.exprs.size()) {
            refuse(step, "gives a host function a tensor whose extents are not there");
        }
    }
    const BufferKind kind = program.buffers[static_cast<std::size_t>(tensor.buffer)].kind;
    if (kind == BufferKind::kDERIVED) {
        refuse(step, "gives a host function weights that are prepared for kernels");
    }
}

//! A constant's bytes are read as they are, so its tensor must not be larger.
void check_constant_size(const Program& program, const Step& step, const HostTensor& tensor) {
    if (tensor.buffer < 0 || program.buffers[static_cast<std::size_t>(tensor.buffer)].kind != BufferKind::kCONSTANT) {
        return;
    }
    std::int64_t bytes = static_cast<std::int64_t>(dtype_size(tensor.dtype));
    for (const shape::Expr dim : tensor.dims) {
        const auto extent = program.exprs.value(dim);
        if (!extent || *extent < 0) {
            refuse(step, "gives a host function a constant of unknown size");
        }
        bytes = checked_mul(bytes, *extent);
    }
    if (program.exprs.value(program.buffers[static_cast<std::size_t>(tensor.buffer)].bytes) != bytes) {
        refuse(step, "gives a host function a constant of another size than its buffer has");
    }
}

void check_definition(const Program& program, const Step& step, const Definition& definition) {
    const HostCall& call = *step.host;
    const bool symbol = definition.symbol >= 0 && static_cast<std::size_t>(definition.symbol) < program.exprs.symbols().size();
    const bool element = definition.output == -1 && !call.inputs.empty() && definition.axis >= 0;
    const bool extent = definition.output >= 0 && static_cast<std::size_t>(definition.output) < call.outputs.size() && definition.axis >= 0 &&
                        static_cast<std::size_t>(definition.axis) < call.outputs[static_cast<std::size_t>(definition.output)].dims.size();
    if (!symbol || !(element || extent) || (definition.most.valid() && static_cast<std::size_t>(definition.most.id) >= program.exprs.size())) {
        refuse(step, "tells an extent that is not there");
    }
}

void check_host_step(const Program& program, const Step& step) {
    const HostCall& call = *step.host;
    if (call.function.empty() || call.function.size() > kMaxKernelId) {
        refuse(step, "calls a host function without a sane name");
    }
    for (const HostTensor& tensor : call.inputs) {
        check_host_tensor(program, step, tensor);
        check_constant_size(program, step, tensor);
    }
    for (const HostTensor& tensor : call.outputs) {
        check_host_tensor(program, step, tensor);
        if (tensor.buffer >= 0 && !may_bind(program.buffers[static_cast<std::size_t>(tensor.buffer)].kind, true, false)) {
            refuse(step, "lets a host function write what must not be written");
        }
    }
    for (const Definition& definition : call.definitions) {
        check_definition(program, step, definition);
    }
    for (const std::int32_t body : call.bodies) {
        if (body < 0 || static_cast<std::size_t>(body) >= program.bodies.size()) {
            refuse(step, "runs network ", body, " of ", program.bodies.size());
        }
    }
}

void check_list(const Program& program, const std::vector<Step>& steps, bool init) {
    std::int32_t group = 0;
    for (const Step& step : steps) {
        if (!sane_kernel_id(step.kernel) || step.layer.size() > kMaxNameLength) {
            refuse(step, "has an impossible kernel id or layer name");
        }
        if (step.group < group) {
            refuse(step, "is in barrier group ", step.group, " after group ", group);
        }
        group = step.group;
        check_exprs(program, step, init);
        check_spec(step);
        check_bindings(program, step, init);
        if (step.host && init) {
            refuse(step, "calls the host while weights are prepared");
        }
        if (step.host) {
            check_host_step(program, step);
        }
    }
}

} // namespace

void validate_steps(const Program& program) {
    check_list(program, program.init, true);
    check_list(program, program.steps, false);
}

} // namespace tensorvk::plan
