// pointwise/vec4, pointwise/fours and pointwise/generic: chains of element-wise operations, casts among them.
#include <algorithm>
#include <cmath>

#include "kernels/host/pointwise.hpp"
#include "support/dtype.hpp"
#include "support/error.hpp"
#include "tactics/broadcast.hpp"
#include "tactics/collapse.hpp"
#include "tactics/families.hpp"
#include "tactics/layout.hpp"
#include "tactics/step_builder.hpp"
#include "tactics/word_types.hpp"

namespace tensorvk::tactics {

namespace {

using kernels::PointwiseOp;

constexpr std::size_t kTensors = 5; // the value and four operands

// What integer arithmetic can do exactly (shaders/pointwise/int.glsl and long.glsl); the rest is computed in float.
constexpr PointwiseOp kIntegerOps[] = {
    PointwiseOp::kNOP,     PointwiseOp::kADD,   PointwiseOp::kSUB, PointwiseOp::kMUL,   PointwiseOp::kDIV,  PointwiseOp::kMAX,
    PointwiseOp::kMIN,     PointwiseOp::kFLOOR_DIV, PointwiseOp::kEQUAL, PointwiseOp::kGREATER, PointwiseOp::kLESS, PointwiseOp::kAND,
    PointwiseOp::kOR,      PointwiseOp::kXOR,   PointwiseOp::kRELU, PointwiseOp::kABS,  PointwiseOp::kNEG,  PointwiseOp::kCEIL,
    PointwiseOp::kFLOOR,   PointwiseOp::kNOT,   PointwiseOp::kSIGN, PointwiseOp::kROUND, PointwiseOp::kSELECT, PointwiseOp::kTRUNC,
};

struct Problem {
    Operation operation;
    Value output;
    std::vector<Value> tensors; // the value, then the operands
    Broadcast broadcast;
    bool half = false, integer = false, wide = false; // some tensor is float16; all are integers; one of them is int64

    explicit Problem(const Query& query) : operation(query.operation), output(query.output()) {
        tensors.push_back(query.input(0));
        for (const ValueId id : operation.operands) {
            tensors.push_back(query.value(id));
        }
        std::vector<const Value*> views;
        for (const Value& tensor : tensors) {
            views.push_back(&tensor);
        }
        broadcast = make_broadcast(query.exprs, output, views);
        views.push_back(&output);
        const auto is = [](DataType type) { return [type](const Value* value) { return value->dtype == type; }; };
        half = std::ranges::any_of(views, is(DataType::kHALF));
        wide = std::ranges::any_of(views, is(DataType::kINT64));
        integer = std::ranges::none_of(views, [](const Value* value) { return is_floating(value->dtype); }) &&
                  std::ranges::all_of(operation.epilogue.slots, [](const kernels::PointwiseSlot& slot) {
                      return std::ranges::find(kIntegerOps, slot.op) != std::end(kIntegerOps) && slot.immediate == std::trunc(slot.immediate);
                  });
    }

    [[nodiscard]] std::size_t axes() const { return broadcast.groups.size(); }
};

void bind(StepBuilder& step, const Problem& problem) {
    for (std::size_t t = 0; t < kTensors; ++t) { // all are declared in the shader: absent operands bind the value again
        step.reads(problem.tensors[t < problem.tensors.size() ? t : 0].buffer);
    }
    step.writes(problem.output.buffer).pointwise(stored_program(problem.operation.epilogue, problem.output.dtype));
}

// How a tensor lies, as place_of() in shaders/pointwise/generic.comp reads it.
std::int32_t encode_order(const BroadcastTensor& tensor) {
    std::uint32_t lies = 0;
    for (std::size_t j = 0; j < tensor.order.size(); ++j) {
        lies |= static_cast<std::uint32_t>(tensor.order[j]) << (3 * j) | 1u << (24 + tensor.order[j]);
    }
    // Places that nothing extends along repeat an axis whose bit must not count twice: they name one that is not extended.
    const auto repeated = std::ranges::find(tensor.extends, false);
    const auto spare = static_cast<std::uint32_t>(repeated - tensor.extends.begin());
    for (std::size_t j = tensor.order.size(); j < tensor.extends.size(); ++j) {
        lies |= spare << (3 * j);
    }
    return static_cast<std::int32_t>(lies);
}

void lower_generic(const Problem& problem, Lowering& lowering) {
    shape::ExprPool& exprs = lowering.exprs();
    StepBuilder step(lowering, problem.operation.name,
                     std::string("pointwise/generic:") + (!problem.integer ? "f32" : problem.wide ? "i64" : "i32"));
    const shape::Expr count = element_count(exprs, problem.output);
    const shape::Expr words = exprs.ceil_div(count, exprs.constant(elements_per_word(problem.output.dtype)));
    step.invocations(words).param(count);
    for (std::size_t group = 0; group < problem.axes(); ++group) {
        step.param(problem.broadcast.extent(exprs, problem.output, group));
    }
    std::int32_t types = word_type(problem.output.dtype) << 20;
    for (std::size_t t = 0; t < problem.tensors.size(); ++t) {
        types |= word_type(problem.tensors[t].dtype) << (4 * t);
        step.geometry(static_cast<std::uint32_t>(1 + t), encode_order(problem.broadcast.tensors[t]));
    }
    step.geometry(0, types).geometry(6, static_cast<std::int32_t>(problem.axes()));
    bind(step, problem);
    lowering.add(step.take());
}

Candidate generic(const Problem& problem) {
    Candidate candidate{.name = "pointwise/generic", .refusal = {}, .portable = true, .lower = {}};
    for (const Value& value : problem.tensors) {
        candidate.refusal = candidate.refusal.empty() ? refuse_word_type(value) : candidate.refusal;
    }
    candidate.lower = [problem](Lowering& lowering) { lower_generic(problem, lowering); };
    return candidate;
}

// Why pointwise/vec4 cannot do it, or empty.
std::string refuse_vec4(const Problem& problem, const Query& query) {
    const auto is_float = [](const Value& value) { return value.dtype == DataType::kFLOAT || value.dtype == DataType::kHALF; };
    if (!is_float(problem.output) || !std::ranges::all_of(problem.tensors, is_float)) {
        return "one of the tensors is neither float32 nor float16";
    }
    if (problem.half && !query.caps.fp16_storage) {
        return "the device cannot store 16-bit elements (storageBuffer16BitAccess)";
    }
    if (problem.axes() > 3) {
        return text("broadcasting leaves ", problem.axes(), " axes, at most 3 are allowed");
    }
    if (!std::ranges::all_of(problem.broadcast.tensors, &BroadcastTensor::in_output_order)) {
        return "one of the tensors has its axes in another order than the output";
    }
    for (std::size_t t = 0; t < problem.tensors.size(); ++t) {
        const BroadcastTensor& tensor = problem.broadcast.tensors[t];
        const bool apart = tensor.extends.back() && !tensor.strides.empty() && !query.exprs.is(tensor.strides.back(), 1);
        if (apart || !keeps_units(query.exprs, problem.tensors[t], 4)) return text("elements of '", problem.tensors[t].name, "' do not lie together in fours");
    }
    if (problem.axes() > 1) {
        bool whole = false;
        for (const std::size_t axis : problem.broadcast.groups.back()) {
            whole = whole || is_multiple_of(query.exprs, problem.output.dims[axis], 4);
        }
        if (!whole) {
            return "the extent of the innermost axis is not known to be a multiple of 4";
        }
    }
    return {};
}

void lower_vec4(const Problem& problem, Lowering& lowering) {
    shape::ExprPool& exprs = lowering.exprs();
    StepBuilder step(lowering, problem.operation.name, problem.half ? "pointwise/vec4:f16" : "pointwise/vec4:f32");
    const shape::Expr count = element_count(exprs, problem.output);
    const shape::Expr invocations = exprs.ceil_div(count, exprs.constant(4));
    const std::size_t axes = problem.axes();
    // Groups from the innermost: inner, middle, outer.
    const auto group = [&](std::size_t from_inner) { return axes - 1 - from_inner; };
    step.invocations(invocations).param(count);
    step.param(axes > 1 ? problem.broadcast.extent(exprs, problem.output, group(1)) : exprs.constant(1));
    step.param(axes > 1 ? problem.broadcast.extent(exprs, problem.output, group(0)) : exprs.constant(1));
    std::int32_t halves = problem.output.dtype == DataType::kHALF ? 1 << 5 : 0;
    std::int32_t extends = 0;
    for (std::size_t t = 0; t < problem.tensors.size(); ++t) {
        step.param(axes > 2 ? problem.broadcast.stride(exprs, problem.output, t, group(2)) : exprs.constant(0));
        step.param(axes > 1 ? problem.broadcast.stride(exprs, problem.output, t, group(1)) : exprs.constant(0));
        halves |= problem.tensors[t].dtype == DataType::kHALF ? 1 << t : 0;
        extends |= problem.broadcast.tensors[t].extends[group(0)] ? 1 << t : 0;
    }
    const bool whole = axes > 1 || is_multiple_of(exprs, count, 4);
    step.geometry(0, static_cast<std::int32_t>(axes)).geometry(1, halves).geometry(2, extends).geometry(3, whole ? 1 : 0);
    bind(step, problem);
    lowering.add(step.take());
}

Candidate vec4(const Problem& problem, const Query& query) {
    Candidate candidate{.name = "pointwise/vec4", .refusal = refuse_vec4(problem, query), .portable = !problem.half, .strided = true, .lower = {}};
    if (candidate.applicable()) {
        candidate.lower = [problem](Lowering& lowering) { lower_vec4(problem, lowering); };
    }
    return candidate;
}

// Why pointwise/fours cannot do it, or is not needed, or empty.
std::string refuse_fours(const Problem& problem, const Query& query) {
    constexpr DataType kTypes[] = {DataType::kFLOAT, DataType::kHALF, DataType::kINT8, DataType::kUINT8};
    const auto takes = [&](const Value& value) { return std::ranges::find(kTypes, value.dtype) != std::end(kTypes); };
    if (!takes(problem.output) || !std::ranges::all_of(problem.tensors, takes)) return "one of the tensors is neither of floats nor of 8 bits";
    if (problem.integer) return "integers are computed as such";
    if (problem.axes() > 1) return text("broadcasting leaves ", problem.axes(), " axes, this kernel takes one");
    shape::ExprPool exprs = query.exprs; // a scratch copy
    if (!is_multiple_of(exprs, element_count(exprs, problem.output), 4)) return "the number of elements is not known to be a multiple of 4";
    const bool bytes = is_byte(problem.output.dtype) || std::ranges::any_of(problem.tensors, [](const Value& value) { return is_byte(value.dtype); });
    return bytes || (problem.half && !query.caps.fp16_storage) ? "" : "pointwise/vec4 moves floats as well";
}

void lower_fours(const Problem& problem, Lowering& lowering) {
    StepBuilder step(lowering, problem.operation.name, "pointwise/fours:words");
    const shape::Expr count = element_count(lowering.exprs(), problem.output);
    step.invocations(lowering.exprs().ceil_div(count, lowering.exprs().constant(4))).param(count);
    std::int32_t types = word_type(problem.output.dtype) << 20, ones = 0;
    for (std::size_t t = 0; t < problem.tensors.size(); ++t) {
        types |= word_type(problem.tensors[t].dtype) << (4 * t);
        const std::vector<bool>& extends = problem.broadcast.tensors[t].extends;
        ones |= std::ranges::find(extends, true) == extends.end() ? 1 << t : 0;
    }
    step.geometry(0, types).geometry(1, ones);
    bind(step, problem);
    lowering.add(step.take());
}

Candidate fours(const Problem& problem, const Query& query) {
    Candidate candidate{.name = "pointwise/fours", .refusal = refuse_fours(problem, query), .portable = true, .lower = {}};
    if (candidate.applicable()) candidate.lower = [problem](Lowering& lowering) { lower_fours(problem, lowering); };
    return candidate;
}

//! Why cpu/pointwise cannot do it, or empty.
std::string refuse_on_cpu(const Problem& problem, const Query& query) {
    if (std::string why = refuse_cpu(query, "cpu/pointwise:words"); !why.empty()) return why;
    if (std::string why = refuse_word_type(problem.output); !why.empty()) return why;
    for (const Value& value : problem.tensors) {
        if (std::string why = refuse_word_type(value); !why.empty()) return why;
    }
    const std::size_t params = problem.axes() * (problem.tensors.size() + 1);
    return params > plan::kMaxParams ? text("broadcasting leaves ", problem.axes(), " axes of ", problem.tensors.size(), " tensors, too many to describe") : "";
}

void lower_cpu(const Problem& problem, Lowering& lowering) {
    shape::ExprPool& exprs = lowering.exprs();
    StepBuilder step(lowering, problem.operation.name, "cpu/pointwise:words");
    for (std::size_t group = 0; group < problem.axes(); ++group) {
        step.param(problem.broadcast.extent(exprs, problem.output, group));
    }
    std::int32_t types = word_type(problem.output.dtype) << 20;
    for (std::size_t t = 0; t < problem.tensors.size(); ++t) {
        for (std::size_t group = 0; group < problem.axes(); ++group) {
            step.param(problem.broadcast.stride(exprs, problem.output, t, group));
        }
        types |= word_type(problem.tensors[t].dtype) << (4 * t);
        step.reads(problem.tensors[t].buffer);
    }
    step.geometry(0, static_cast<std::int32_t>(problem.axes())).geometry(1, static_cast<std::int32_t>(problem.tensors.size()));
    step.geometry(2, types).geometry(3, !problem.integer ? 0 : problem.wide ? 2 : 1);
    step.writes(problem.output.buffer).pointwise(problem.operation.epilogue);
    lowering.add(step.take());
}

Candidate cpu(const Problem& problem, const Query& query) {
    Candidate candidate{.name = "pointwise/cpu", .refusal = refuse_on_cpu(problem, query), .host = true, .portable = false, .strided = true, .lower = {}};
    if (candidate.applicable()) {
        candidate.lower = [problem](Lowering& lowering) { lower_cpu(problem, lowering); };
    }
    return candidate;
}

//! What no shader of the device can compute, int64 arithmetic above all, the host does. Only then: a program with host steps runs in pieces.
Candidate on_host(const Problem& problem) {
    Candidate candidate{.name = "pointwise/host", .refusal = {}, .portable = true, .lower = {}};
    const auto linear = [](const Value& value) { return value.layout == Layout::kLINEAR; };
    if (!linear(problem.output) || !std::ranges::all_of(problem.tensors, linear)) {
        candidate.refusal = "a tensor is not in row-major order";
        return candidate;
    }
    Operation call = problem.operation;
    const DataType type = is_floating(problem.output.dtype) ? DataType::kFLOAT : problem.output.dtype;
    call.kind = HostCall{kernels::host::kPointwiseFunction, kernels::host::pointwise_attributes(call.epilogue, type), {}, {}};
    call.inputs.insert(call.inputs.end(), call.operands.begin(), call.operands.end());
    candidate.lower = [call](Lowering& lowering) { lower_host_call(call, lowering); };
    return candidate;
}

} // namespace

std::vector<Candidate> pointwise_candidates(const Query& query) {
    const Problem problem(query);
    std::vector<Candidate> candidates{cpu(problem, query), vec4(problem, query), fours(problem, query), generic(problem)};
    if (std::ranges::none_of(candidates, [&](const Candidate& c) { return c.applicable() && (c.host || query.caps.shaders); })) {
        candidates.push_back(on_host(problem));
    }
    return candidates;
}

} // namespace tensorvk::tactics
