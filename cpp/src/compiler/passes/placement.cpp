// A concatenation without copies: a convolution or matrix product writes its result into its part. Whoever else reads the result finds it there.
#include <algorithm>
#include <utility>

#include "compiler/passes/fusion.hpp"
#include "compiler/passes/passes.hpp"
#include "compiler/passes/views.hpp"
#include "support/dtype.hpp"
#include "tactics/layout.hpp"

namespace tensorvk::compiler {

namespace {

//! Whether the op moves all of its input, as it is, into a range of its output.
bool is_part(const Ir& ir, const Op& op) {
    const auto* copy = op.role == Role::kCOMPUTE ? std::get_if<tactics::Copy>(&op.kind) : nullptr;
    if (copy == nullptr || copy->destination_axis < 0 || copy->destination_stride != 1 || !op.epilogue.empty()) return false;
    const shape::Exprs& from = ir.value(op.inputs[0]).dims;
    if (copy->region != from || copy->start.size() != from.size()) return false;
    for (std::size_t axis = 0; axis < from.size(); ++axis) {
        if (copy->axis_of[axis] != static_cast<std::int32_t>(axis) || !ir.exprs.is(copy->start[axis], 0) || !ir.exprs.is(copy->stride[axis], 1)) return false;
    }
    return true;
}

//! The axis along which kernels can write a range: channels, or columns.
std::int32_t axis_of_columns(const Ir& ir, const Op& product) {
    return std::holds_alternative<tactics::Convolution>(product.kind) ? 1 : static_cast<std::int32_t>(ir.value(product.outputs[0]).dims.size()) - 1;
}

bool can_be_placed(const Ir& ir, const Op& product, const Op& part) {
    if (!is_product(product) || product.outputs.size() != 1 || product.placement) return false;
    const Value& from = ir.value(product.outputs[0]);
    const Value& to = ir.value(part.outputs[0]);
    if (from.is_output || from.dtype != to.dtype || from.layout != to.layout || !is_floating(ir.value(product.inputs[0]).dtype) || !is_floating(from.dtype)) return false;
    return std::get<tactics::Copy>(part.kind).destination_axis == axis_of_columns(ir, product);
}

//! How the others read what op `index` would put into its part; nothing where one of them cannot step over what lies between.
std::optional<std::vector<ViewedValue>> read_by_others(Ir& ir, Uses& uses, std::size_t index) {
    const Op& part = ir.ops[index];
    const Value& whole = ir.value(part.outputs[0]);
    const auto& copy = std::get<tactics::Copy>(part.kind);
    const shape::Exprs strides = tactics::memory_strides(ir.exprs, whole);
    const shape::Expr first = ir.exprs.mul(copy.destination_offset, strides[static_cast<std::size_t>(copy.destination_axis)]);
    uses.forget_reads(part, index);
    auto viewed = whole.is_output ? std::nullopt : view_of(ir, uses, part.inputs[0], first, strides);
    uses.note_reads(part, index);
    return viewed;
}

} // namespace

void place_parts(Ir& ir) {
    if (!ir.target.placements) return;
    Uses uses(ir);
    std::vector<bool> dead(ir.ops.size(), false);
    for (std::size_t i = 0; i < ir.ops.size(); ++i) {
        Op& part = ir.ops[i];
        if (!is_part(ir, part)) continue;
        const auto result = static_cast<std::size_t>(part.inputs[0]);
        if (uses.producers[result].size() != 1) continue;
        Op& product = ir.ops[uses.producers[result][0]];
        if (!can_be_placed(ir, product, part)) continue;
        const bool others = uses.consumers[result].size() > 1;
        if (others) {
            const auto viewed = read_by_others(ir, uses, i);
            if (!viewed) continue;
            read_there(ir, uses, *viewed, "place_parts");
        }
        product.placement = tactics::Placement{product.outputs[0], std::get<tactics::Copy>(part.kind), others};
        product.outputs = part.outputs;
        product.name = joined_name(product.name, part.name);
        dead[i] = true;
    }
    erase_ops(ir, dead);
    sort_topologically(ir);
}

} // namespace tensorvk::compiler
