#include "tactics/copy_transpose.hpp"

#include <algorithm>
#include <optional>

#include "support/dtype.hpp"
#include "support/error.hpp"
#include "tactics/step_builder.hpp"

namespace tensorvk::tactics {

namespace {

constexpr std::int32_t kLocalSize = 64;
constexpr std::size_t kMostAxes = 6; // of shaders/copy/transpose.comp
constexpr std::int64_t kBlock = 4;

// The last axis along which a tensor of the plan runs element by element.
std::optional<std::size_t> run_axis(const shape::ExprPool& exprs, const CopyPlan& plan, std::size_t tensor) {
    for (std::size_t axis = plan.axes.size(); axis-- > 0;) {
        if (exprs.is(plan.axes[axis].strides[tensor], 1)) {
            return axis;
        }
    }
    return std::nullopt;
}

struct Block {
    std::size_t source_axis = 0, target_axis = 0; // along which source and target run
};

std::optional<Block> find_block(const shape::ExprPool& exprs, const CopyPlan& plan) {
    const auto source = run_axis(exprs, plan, kSource);
    const auto target = run_axis(exprs, plan, kTarget);
    return source && target && *source != *target ? std::optional(Block{*source, *target}) : std::nullopt;
}

// Runs of four begin at multiples of four and are never cut.
bool in_vectors(const shape::ExprPool& exprs, const CopyPlan& plan, std::size_t tensor, std::size_t axis) {
    const shape::Expr base = tensor == kSource ? plan.source_base : plan.target_base;
    if (!is_multiple_of(exprs, base, kBlock) || !is_multiple_of(exprs, plan.axes[axis].extent, kBlock)) {
        return false;
    }
    for (std::size_t a = 0; a < plan.axes.size(); ++a) {
        if (a != axis && !is_multiple_of(exprs, plan.axes[a].strides[tensor], kBlock)) {
            return false;
        }
    }
    return true;
}

struct Problem {
    Operation operation;
    Value source, target;
};

void lower(const Problem& problem, Lowering& lowering) {
    shape::ExprPool& exprs = lowering.exprs();
    const CopyPlan plan = plan_copy(exprs, std::get<Copy>(problem.operation.kind), problem.source, problem.target);
    const Block block = find_block(exprs, plan).value();
    CopyPlan blocks = plan;
    for (const std::size_t axis : {block.source_axis, block.target_axis}) {
        blocks.axes[axis].extent = exprs.ceil_div(blocks.axes[axis].extent, exprs.constant(kBlock));
    }
    const shape::Expr count = blocks.count(exprs);
    StepBuilder step(lowering, problem.operation.name, text("copy/transpose:b", 8 * dtype_size(problem.target.dtype)));
    step.local_size(kLocalSize).flat_groups(exprs.ceil_div(count, exprs.constant(kLocalSize)));
    step.param(count).param(plan.source_base).param(plan.target_base);
    for (std::size_t a = 1; a < kMostAxes; ++a) {
        step.param(a < plan.axes.size() ? blocks.axes[a].extent : exprs.constant(0));
    }
    for (const std::size_t tensor : {kSource, kTarget}) {
        for (std::size_t a = 0; a < kMostAxes; ++a) {
            step.param(a < plan.axes.size() ? plan.axes[a].strides[tensor] : exprs.constant(0));
        }
    }
    const StridedAxis& source = plan.axes[block.source_axis];
    const StridedAxis& target = plan.axes[block.target_axis];
    step.param(source.extent).param(target.extent).param(target.strides[kSource]).param(source.strides[kTarget]);
    const bool whole = is_multiple_of(exprs, source.extent, kBlock) && is_multiple_of(exprs, target.extent, kBlock);
    step.geometry(0, static_cast<std::int32_t>(plan.axes.size()));
    step.geometry(1, static_cast<std::int32_t>(block.source_axis)).geometry(2, static_cast<std::int32_t>(block.target_axis));
    step.geometry(3, in_vectors(exprs, plan, kSource, block.source_axis) ? 1 : 0);
    step.geometry(4, in_vectors(exprs, plan, kTarget, block.target_axis) ? 1 : 0).geometry(5, whole ? 1 : 0);
    step.reads(problem.source.buffer).writes(problem.target.buffer);
    lowering.add(step.take());
}

std::string refuse(const Query& query, const shape::ExprPool& exprs, const CopyPlan& plan) {
    const std::size_t size = dtype_size(query.output().dtype);
    if (size != 2 && size != 4) {
        return text("blocks are made of elements of 2 or 4 bytes, these have ", size);
    }
    if (size == 2 && !(query.caps.fp16_storage && query.caps.int16_arithmetic)) {
        return "the device cannot store or move 16-bit elements (storageBuffer16BitAccess, shaderInt16)";
    }
    if (!plan.bounds.empty()) {
        return "the copy may leave the source";
    }
    if (plan.axes.size() > kMostAxes) {
        return text("the copy has ", plan.axes.size(), " axes after merging, at most ", kMostAxes, " are allowed");
    }
    return find_block(exprs, plan) ? "" : "source and target run along the same axis";
}

} // namespace

Candidate transpose_candidate(const Query& query, const shape::ExprPool& exprs, const CopyPlan& plan, std::string refusal) {
    Candidate out{.name = "copy/transpose", .refusal = refusal.empty() ? refuse(query, exprs, plan) : std::move(refusal), .portable = true, .lower = {}};
    if (out.applicable()) {
        out.portable = dtype_size(query.output().dtype) == 4;
        out.lower = [problem = Problem{query.operation, query.input(0), query.output()}](Lowering& lowering) { lower(problem, lowering); };
    }
    return out;
}

} // namespace tensorvk::tactics
