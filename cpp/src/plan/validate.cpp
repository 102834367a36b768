#include "plan/validate.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>

#include "plan/layout.hpp"
#include "plan/validate_steps.hpp"
#include "support/checked.hpp"
#include "support/dtype.hpp"
#include "support/error.hpp"

namespace tensorvk::plan {
namespace {

template <typename... Parts>
[[noreturn]] void refuse(const Parts&... parts) {
    throw InvalidPlan(text(parts..., "; the plan is damaged, build it again."));
}

bool in_pool(const Program& program, shape::Expr e) {
    return e.valid() && static_cast<std::size_t>(e.id) < program.exprs.size();
}

//! Computed weights have no place of their own while they are prepared.
void check_view(const Program& program, const Buffer& view) {
    const auto whole = static_cast<std::size_t>(view.whole);
    if (view.whole < 0 || whole >= program.buffers.size() || !in_pool(program, view.offset)) {
        refuse("Buffer '", view.name, "' of the plan is a part of one that is not there");
    }
    const BufferKind kind = program.buffers[whole].kind;
    if (kind != BufferKind::kARENA && kind != BufferKind::kINPUT && kind != BufferKind::kOUTPUT) {
        refuse("Buffer '", view.name, "' of the plan is a part of buffer '", program.buffers[whole].name, "' of kind ", static_cast<int>(kind), ", which has none");
    }
}

void check_buffers(const Program& program, std::uint64_t weights_size) {
    for (const Buffer& buffer : program.buffers) {
        if (buffer.kind == BufferKind::kVIEW) check_view(program, buffer);
        if (buffer.kind > BufferKind::kVIEW || !in_pool(program, buffer.bytes) ||
            buffer.name.size() > kMaxNameLength) {
            refuse("Buffer '", buffer.name, "' of the plan has no known kind or size");
        }
        const auto bytes = program.exprs.value(buffer.bytes);
        const bool fixed = buffer.kind == BufferKind::kCONSTANT || buffer.kind == BufferKind::kDERIVED;
        if (fixed && (!bytes || *bytes < 0)) {
            refuse("Buffer '", buffer.name, "' of the plan holds weights but its size is not a known number");
        }
        if (buffer.kind == BufferKind::kCONSTANT) {
            const std::uint64_t offset = buffer.constant_offset;
            const auto size = static_cast<std::uint64_t>(*bytes);
            if (offset % kSectionAlignment != 0 || offset > weights_size || size > weights_size - offset) {
                refuse("Constant '", buffer.name, "' of the plan claims ", size, " bytes at ", offset, " of ",
                       weights_size, " bytes of weights");
            }
        }
    }
}

void check_constraints_exist(const Program& program) {
    for (const Constraint& constraint : program.constraints) {
        if (!in_pool(program, constraint.a) || (constraint.b != shape::Expr{} && !in_pool(program, constraint.b)) ||
            constraint.layer.size() > kMaxNameLength) {
            refuse("A shape constraint of layer '", constraint.layer,
                   "' in the plan refers to something that does not exist");
        }
    }
}

void check_io_tensor(const Program& program, const IoTensor& tensor) {
    const bool known_type = tensor.dtype >= DataType::kFLOAT && tensor.dtype < DataType::kINT4;
    const bool known_mode = tensor.mode == TensorIOMode::kINPUT || tensor.mode == TensorIOMode::kOUTPUT;
    if (tensor.name.empty() || tensor.name.size() > kMaxNameLength || !known_type || !known_mode ||
        tensor.dims.size() > kMaxRank) {
        refuse("Input or output '", tensor.name, "' of the plan has an impossible name, type, mode or rank");
    }
    const BufferKind kind = tensor.mode == TensorIOMode::kINPUT ? BufferKind::kINPUT : BufferKind::kOUTPUT;
    const auto index = static_cast<std::size_t>(tensor.buffer);
    if (tensor.buffer < 0 || index >= program.buffers.size() || program.buffers[index].kind != kind) {
        refuse("Tensor '", tensor.name, "' of the plan uses buffer ", tensor.buffer, ", which is not one for it");
    }
    for (const shape::Expr dim : tensor.dims) {
        if (!in_pool(program, dim)) {
            refuse("Tensor '", tensor.name, "' of the plan has a dimension that is not there");
        }
        const shape::ExprOp op = program.exprs.node(dim).op;
        if (tensor.mode == TensorIOMode::kINPUT && op != shape::ExprOp::kSYMBOL && op != shape::ExprOp::kCONSTANT) {
            refuse("Input '", tensor.name, "' of the plan has a dimension that is computed instead of given");
        }
    }
}

void check_io(const Program& program) {
    std::set<std::string_view> names;
    std::set<std::int32_t> buffers;
    bool outputs = false;
    for (const IoTensor& tensor : program.io) {
        check_io_tensor(program, tensor);
        if (!names.insert(tensor.name).second || !buffers.insert(tensor.buffer).second) {
            refuse("Tensor '", tensor.name, "' of the plan stands twice among inputs and outputs");
        }
        outputs = outputs || tensor.mode == TensorIOMode::kOUTPUT;
        if (outputs && tensor.mode == TensorIOMode::kINPUT) {
            refuse("Input '", tensor.name, "' of the plan comes after an output");
        }
    }
    for (const Buffer& buffer : program.buffers) {
        const bool user = buffer.kind == BufferKind::kINPUT || buffer.kind == BufferKind::kOUTPUT;
        const auto index = static_cast<std::int32_t>(&buffer - program.buffers.data());
        if (user && !buffers.contains(index)) {
            refuse("Buffer '", buffer.name, "' of the plan belongs to the user but to no input or output");
        }
    }
}

std::vector<std::vector<std::int64_t>> shapes(const Profile& profile,
                                              std::vector<std::int64_t> Profile::Range::*which) {
    std::vector<std::vector<std::int64_t>> out;
    for (const Profile::Range& range : profile.inputs) {
        out.push_back(range.*which);
    }
    return out;
}

void check_range(const Program& program, std::size_t input, const Profile::Range& range) {
    constexpr std::int64_t kMostDim = INT32_MAX;
    const std::size_t rank = program.io[input].dims.size();
    bool sane = range.min.size() == rank && range.opt.size() == rank && range.max.size() == rank;
    for (std::size_t axis = 0; sane && axis < rank; ++axis) {
        sane = 0 <= range.min[axis] && range.min[axis] <= range.opt[axis] && range.opt[axis] <= range.max[axis] &&
               range.max[axis] <= kMostDim;
    }
    if (!sane) {
        refuse("The profile of input '", program.io[input].name, "' in the plan is not min <= opt <= max of its rank");
    }
}

// Sizes, counts and parameters for one set of shapes.
void check_values(const Program& program, const std::vector<std::optional<std::int64_t>>& values) {
    const auto known = [&](shape::Expr e) { return values[static_cast<std::size_t>(e.id)].has_value(); };
    const auto at = [&](shape::Expr e) { return values[static_cast<std::size_t>(e.id)].value_or(0); };
    for (const Buffer& buffer : program.buffers) {
        if (at(buffer.bytes) < 0) {
            refuse("Buffer '", buffer.name, "' of the plan would have ", at(buffer.bytes), " bytes");
        }
        if (buffer.kind != BufferKind::kVIEW) continue;
        const shape::Expr whole = program.buffers[static_cast<std::size_t>(buffer.whole)].bytes;
        if (at(buffer.offset) < 0 || (known(buffer.offset) && known(whole) && at(buffer.offset) > at(whole))) {
            refuse("Buffer '", buffer.name, "' of the plan would begin at byte ", at(buffer.offset), " of another one");
        }
    }
    for (const IoTensor& tensor : program.io) {
        std::int64_t bytes = static_cast<std::int64_t>(dtype_size(tensor.dtype));
        for (const shape::Expr dim : tensor.dims) {
            if (at(dim) < 0) {
                refuse("Tensor '", tensor.name, "' of the plan would have a dimension of ", at(dim));
            }
            bytes = checked_mul(bytes, at(dim));
        }
        const shape::Expr size = program.buffers[static_cast<std::size_t>(tensor.buffer)].bytes;
        if (known(size) && std::all_of(tensor.dims.begin(), tensor.dims.end(), known) && at(size) != bytes) {
            refuse("The buffer of tensor '", tensor.name, "' of the plan does not have the tensor's ", bytes, " bytes");
        }
    }
    for (const Step& step : program.steps) {
        for (const shape::Expr count : step.groups) {
            if (at(count) < 0) {
                refuse("Step '", step.layer, "' of the plan would run ", at(count), " groups");
            }
        }
    }
}

//! Nothing for those that host steps tell.
std::vector<std::optional<std::int64_t>> known_symbols(const Program& program, const std::vector<std::vector<std::int64_t>>& inputs) {
    std::vector<std::optional<std::int64_t>> known;
    for (const std::int64_t value : symbols_of(program, inputs)) {
        known.push_back(value < 0 ? std::nullopt : std::optional(value));
    }
    return known;
}

void check_symbols(const Program& program) {
    std::vector<bool> known(program.exprs.symbols().size(), false);
    for (const IoTensor& tensor : program.io) {
        for (const shape::Expr dim : tensor.dims) {
            const shape::ExprNode& node = program.exprs.node(dim);
            if (tensor.mode == TensorIOMode::kINPUT && node.op == shape::ExprOp::kSYMBOL) {
                known[static_cast<std::size_t>(node.value)] = true;
            }
        }
    }
    for (const Step& step : program.steps) {
        for (const Definition& definition : step.host ? step.host->definitions : std::vector<Definition>{}) {
            known[static_cast<std::size_t>(definition.symbol)] = true;
        }
    }
    if (std::find(known.begin(), known.end(), false) != known.end()) {
        refuse("A symbol of the plan is no input's dimension and told by no step");
    }
}

void check_profile(const Program& program, const Profile& profile) {
    std::size_t inputs = 0;
    while (inputs < program.io.size() && program.io[inputs].mode == TensorIOMode::kINPUT) {
        ++inputs;
    }
    if (profile.inputs.size() != inputs) {
        refuse("A profile of the plan has shapes for ", profile.inputs.size(), " inputs, the network has ", inputs);
    }
    for (std::size_t i = 0; i < inputs; ++i) {
        check_range(program, i, profile.inputs[i]);
    }
    for (const auto which : {&Profile::Range::min, &Profile::Range::opt, &Profile::Range::max}) {
        try {
            check_values(program, program.exprs.evaluate_known(known_symbols(program, shapes(profile, which))));
        } catch (const InvalidArgument& error) {
            refuse("The plan's shapes do not compute for its own profile (", error.what(), ")");
        }
    }
}

void check_same_network(const Program& portable, const Program& tuned, const std::string& device) {
    bool same = portable.io.size() == tuned.io.size();
    for (std::size_t i = 0; same && i < portable.io.size(); ++i) {
        const IoTensor& a = portable.io[i];
        const IoTensor& b = tuned.io[i];
        same = a.name == b.name && a.dtype == b.dtype && a.mode == b.mode && a.dims.size() == b.dims.size();
        for (std::size_t axis = 0; same && axis < a.dims.size(); ++axis) {
            same = portable.exprs.value(a.dims[axis]) == tuned.exprs.value(b.dims[axis]);
        }
    }
    if (!same) {
        refuse("The plan's program for ", device, " has other inputs or outputs than its portable one");
    }
}

} // namespace

std::vector<std::int64_t> symbols_of(const Program& program, const std::vector<std::vector<std::int64_t>>& inputs) {
    std::vector<std::int64_t> symbols(program.exprs.symbols().size(), -1);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        const IoTensor& tensor = program.io[i];
        for (std::size_t axis = 0; axis < tensor.dims.size(); ++axis) {
            const std::int64_t given = inputs[i][axis];
            const shape::ExprNode& node = program.exprs.node(tensor.dims[axis]);
            const bool fixed = node.op == shape::ExprOp::kCONSTANT;
            const std::int64_t known = fixed ? node.value : symbols[static_cast<std::size_t>(node.value)];
            if (given >= 0 && known >= 0 && given != known) {
                throw InvalidArgument(text("Dimension ", axis, " of input '", tensor.name, "' is given as ", given,
                                           " but must be ", known,
                                           fixed ? ", which the network fixes." : ", the same as another input's."));
            }
            if (!fixed && given >= 0) {
                symbols[static_cast<std::size_t>(node.value)] = given;
            }
        }
    }
    return symbols;
}

void validate(const Program& program, const std::vector<Profile>& profiles, std::uint64_t weights_size) {
    check_buffers(program, weights_size);
    check_io(program);
    check_constraints_exist(program);
    validate_steps(program);
    check_symbols(program);
    for (const Program& body : program.bodies) { // its shapes are its caller's
        validate(body, {}, weights_size);
    }
    for (const Profile& profile : profiles) {
        check_profile(program, profile);
    }
}

void validate(const Plan& plan, std::uint64_t weights_size) {
    if (plan.profiles.empty()) {
        refuse("The plan has no optimization profile");
    }
    validate(plan.portable, plan.profiles, weights_size);
    for (const TunedProgram& tuned : plan.tuned) {
        validate(tuned.program, plan.profiles, weights_size);
        check_same_network(plan.portable, tuned.program, tuned.device.name);
    }
}

} // namespace tensorvk::plan
