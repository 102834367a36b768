// Operations on known data are done once, now, by the host reference.
#include <algorithm>
#include <iterator>
#include <map>
#include <optional>

#include "compiler/evaluate.hpp"
#include "compiler/passes/passes.hpp"
#include "support/checked.hpp"
#include "support/dtype.hpp"
#include "support/error.hpp"
#include "support/shape_text.hpp"

namespace tensorvk::compiler {

namespace {

bool all_known(const Ir& ir, const Op& op) {
    const auto known = [&](ValueId id) { return id < 0 || ir.value(id).constant != nullptr; };
    return !op.inputs.empty() && std::all_of(op.inputs.begin(), op.inputs.end(), known) &&
           std::all_of(op.operands.begin(), op.operands.end(), known);
}

//! Another shape of the same elements.
kernels::host::Tensor reshaped(const Ir& ir, const Op& op) {
    kernels::host::Tensor out = *ir.value(op.inputs[0]).constant;
    out.dims = ir.extents(ir.value(op.outputs[0]).dims);
    return out;
}

//! A few numbers can stand for any amount of memory (a window, a range, what is repeated): that is made when the network runs, not kept in
//! the plan. Weights that are only unpacked grow by less; what only moves them is cheap to do again.
bool blows_up(const Ir& ir, const Op& op) {
    const bool moves = std::holds_alternative<tactics::Copy>(op.kind) && op.role == Role::kCOMPUTE;
    const std::uint64_t much = moves ? 64ULL << 10 : 64ULL << 20;
    const std::uint64_t most_growth = moves ? 1 : 16;
    std::uint64_t given = 0;
    for (const auto* ids : {&op.inputs, &op.operands}) {
        for (const ValueId id : *ids) {
            given += id < 0 ? 0 : ir.value(id).constant->data.size();
        }
    }
    const Value& made = ir.value(op.outputs[0]);
    const auto bytes =
        static_cast<std::uint64_t>(checked_mul(checked_volume(ir.extents(made.dims)), static_cast<std::int64_t>(dtype_size(made.dtype))));
    return bytes > much && bytes / most_growth > given;
}

bool is_part(const Op& op) {
    const auto* copy = std::get_if<tactics::Copy>(&op.kind);
    return copy != nullptr && op.role == Role::kCOMPUTE && copy->destination_axis >= 0;
}

bool can_fold(const Ir& ir, const Op& op) {
    return all_known(ir, op) && op.outputs.size() == 1 && !ir.value(op.outputs[0]).is_output && ir.is_static(ir.value(op.outputs[0]).dims);
}

void keep_result(Ir& ir, const Op& op, kernels::host::Tensor result) {
    const auto inferred = ir.extents(ir.value(op.outputs[0]).dims);
    if (result.dims != inferred) {
        throw InvalidArgument(text("Layer '", op.name, "' produced the shape ", shape_text(result.dims), " where ", shape_text(inferred),
                                   " follows from its inputs' shapes."));
    }
    if (is_short_float(result.dtype)) { // as constants are elsewhere, so that packing sees one type
        result = result.converted(DataType::kFLOAT);
    }
    ir.value(op.outputs[0]).dtype = result.dtype;
    ir.value(op.outputs[0]).constant = std::make_shared<const kernels::host::Tensor>(std::move(result));
}

} // namespace

void fold_constants(Ir& ir) {
    std::vector<bool> dead(ir.ops.size(), false);
    std::map<ValueId, std::vector<std::size_t>> parts; // that are known, of values that are written in parts
    const Uses uses(ir);
    for (std::size_t i = 0; i < ir.ops.size(); ++i) {
        const Op& op = ir.ops[i];
        if (!can_fold(ir, op)) {
            continue;
        }
        if (is_part(op)) {
            std::vector<std::size_t>& known = parts[op.outputs[0]];
            known.push_back(i);
            if (known.size() < uses.producers[static_cast<std::size_t>(op.outputs[0])].size()) {
                continue;
            }
            std::vector<const Op*> all;
            std::ranges::transform(known, std::back_inserter(all), [&](std::size_t part) { return &ir.ops[part]; });
            if (auto result = joined(ir, all)) {
                keep_result(ir, op, std::move(*result));
                std::ranges::for_each(known, [&](std::size_t part) { dead[part] = true; });
            }
            continue;
        }
        if (blows_up(ir, op)) {
            continue;
        }
        if (auto result = op.role == Role::kRESHAPE ? std::optional(reshaped(ir, op)) : evaluate(ir, op)) {
            keep_result(ir, op, std::move(*result));
            dead[i] = true;
        }
    }
    erase_ops(ir, dead);
}

} // namespace tensorvk::compiler
