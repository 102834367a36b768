// A pointwise op becomes the epilogue of the convolution or matrix product before it.
#include <algorithm>

#include "compiler/passes/fusion.hpp"
#include "compiler/passes/passes.hpp"

namespace tensorvk::compiler {

namespace {

//! Axis along which an epilogue's per-channel operand varies.
std::size_t channel_axis(const Ir& ir, const Op& producer) {
    return std::holds_alternative<tactics::Convolution>(producer.kind) ? 1 : ir.value(producer.outputs[0]).dims.size() - 1;
}

//! An epilogue reads an operand of the output's own shape, one per channel, or a single one.
bool epilogue_can_read(const Ir& ir, const Op& producer, ValueId operand) {
    const Value& out = ir.value(producer.outputs[0]);
    const Value& value = ir.value(operand);
    if (ir.same_dims(out, value)) {
        return !value.constant; // a constant of full size would have to be laid out like the output
    }
    if (value.dims.size() > out.dims.size()) {
        return false;
    }
    const std::size_t shift = out.dims.size() - value.dims.size();
    for (std::size_t axis = 0; axis < value.dims.size(); ++axis) {
        const bool one = ir.exprs.is(value.dims[axis], 1);
        const bool channel = axis + shift == channel_axis(ir, producer) && value.dims[axis] == out.dims[axis + shift];
        if (!one && !channel) {
            return false;
        }
    }
    return true;
}

//! Sums of integers become floats in front of an epilogue's program, which is what reading them from memory does.
bool casts_sums(const Ir& ir, const Op& producer, const Op& consumer) {
    const auto floats = [&](ValueId id) { return is_floating(ir.value(id).dtype); };
    return is_quantized_product(ir, producer) && producer.epilogue.empty() && consumer.inputs == producer.outputs &&
           std::ranges::all_of(consumer.operands, floats) && std::ranges::all_of(consumer.outputs, floats);
}

//! What an epilogue may read: products of integers take 8 bits as well.
bool reads_type(const Ir& ir, const Op& producer, ValueId id) {
    const DataType type = ir.value(id).dtype;
    return is_floating(type) || (is_byte(type) && is_quantized_product(ir, producer));
}

//! Transposed convolutions on the host finish their phases' positions one by one, whatever they store. Others run where that costs more than it saves.
bool quantizes_floats(const Ir& ir, const Op& producer) {
    const auto* convolution = std::get_if<tactics::Convolution>(&producer.kind);
    const auto is_float = [&](ValueId id) { return ir.value(id).dtype == DataType::kFLOAT; };
    return ir.target.host_tiles && ir.target.internal == DataType::kFLOAT && convolution != nullptr && convolution->transposed && std::ranges::all_of(producer.inputs, is_float);
}

//! Products compute in the type of their result: one that the graph casts keeps its own.
bool casts_product(const Ir& ir, const Op& producer, const Op& consumer) {
    return !is_quantized_product(ir, producer) && is_floating(ir.value(consumer.outputs[0]).dtype) && !ir.one_type(producer.outputs[0], consumer.outputs[0]);
}

//! What it may store: only kernels that store 8-bit integers know how to quantize.
bool stores_type(const Ir& ir, const Op& producer, const Op& consumer) {
    const DataType type = ir.value(consumer.outputs[0]).dtype;
    const bool bytes = is_quantized_product(ir, producer) || (quantizes(consumer) && quantizes_floats(ir, producer));
    return is_floating(type) ? !quantizes(consumer) || is_quantized_product(ir, producer) : is_byte(type) && bytes;
}

} // namespace

bool epilogue_reads(const Ir& ir, const Op& producer, ValueId operand) { return reads_type(ir, producer, operand) && epilogue_can_read(ir, producer, operand); }

namespace {

//! Operations, those that wait for the longest chain of others first; of those that wait as long, the last one.
std::vector<std::size_t> deepest_first(const Ir& ir, const Uses& uses) {
    std::vector<std::size_t> depth(ir.ops.size(), 0), order(ir.ops.size());
    for (std::size_t i = 0; i < ir.ops.size(); ++i) {
        const auto wait_for = [&](ValueId id) {
            if (id < 0) return;
            for (const std::size_t producer : uses.producers[static_cast<std::size_t>(id)]) depth[i] = std::max(depth[i], depth[producer] + 1);
        };
        std::ranges::for_each(ir.ops[i].inputs, wait_for);
        std::ranges::for_each(ir.ops[i].operands, wait_for);
        order[order.size() - 1 - i] = i;
    }
    std::ranges::stable_sort(order, std::ranges::greater{}, [&](std::size_t i) { return depth[i]; });
    return order;
}

} // namespace

void fuse_epilogues(Ir& ir) {
    // Of two convolutions that are added, the one at the end of the longer branch takes the sum. The other one is its residual, and is computed beside what the first one waits for.
    Uses uses(ir);
    std::vector<bool> dead(ir.ops.size(), false);
    for (const std::size_t i : deepest_first(ir, uses)) {
        Op& producer = ir.ops[i];
        if (!is_product(producer) || dead[i]) {
            continue;
        }
        const ValueId joint = producer.outputs[0];
        const auto consumers = uses.consumers[static_cast<std::size_t>(joint)];
        if (consumers.empty() || dead[consumers[0]] || !only_used_by(ir, uses, joint, consumers[0])) {
            continue;
        }
        Op& consumer = ir.ops[consumers[0]];
        if (!is_pointwise(consumer) || !(all_fit_float(ir, consumer) || casts_sums(ir, producer, consumer)) || !stores_type(ir, producer, consumer) ||
            casts_product(ir, producer, consumer) || !ir.same_dims(ir.value(joint), ir.value(consumer.outputs[0]))) {
            continue;
        }
        auto joined = join(producer, -1, joint, consumer);
        if (!joined || !std::ranges::all_of(joined->operands, [&](ValueId id) { return epilogue_reads(ir, producer, id); })) {
            continue;
        }
        producer.name = joined_name(producer.name, consumer.name);
        ir.value(consumer.outputs[0]).pinned |= ir.value(joint).pinned;
        producer.epilogue = std::move(joined->program);
        producer.operands = std::move(joined->operands);
        producer.outputs = consumer.outputs;
        dead[consumers[0]] = true;
        for (auto& list : uses.consumers) { // the consumer's reads are the producer's now
            std::replace(list.begin(), list.end(), consumers[0], i);
        }
        uses.consumers[static_cast<std::size_t>(joint)].clear();
    }
    erase_ops(ir, dead);
    sort_topologically(ir);
}

} // namespace tensorvk::compiler
