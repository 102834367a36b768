#include "plan/validate_steps.hpp"

#include <algorithm>
#include <set>
#include <string_view>

#include "plan/validate.hpp"
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
            return !init && !written;
        case BufferKind::kCONSTANT:
            return !written;
        case BufferKind::kDERIVED:
            return init || !written;
    }
    return false;
}

void check_bindings(const Program& program, const Step& step, bool init) {
    if (step.bindings.empty() || step.bindings.size() > kMaxBindings) {
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
    }
}

} // namespace

void validate_steps(const Program& program) {
    check_list(program, program.init, true);
    check_list(program, program.steps, false);
}

} // namespace tensorvk::plan
