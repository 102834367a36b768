// Element types in memory.
#include "compiler/passes/passes.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "compiler/passes/constant_types.hpp"
#include "compiler/passes/fusion.hpp"
#include "support/dtype.hpp"
#include "support/error.hpp"

namespace tensorvk::compiler {

namespace {

void refuse_edge_type(const Value& value) {
    const bool offered = value.dtype != DataType::kFP8 && value.dtype != DataType::kINT4;
    if (!offered) {
        throw Unsupported(text("Tensor '", value.name, "' is a network input or output of type ", dtype_name(value.dtype),
                               "; float32, float16, bfloat16, int32, int64, int8, uint8 and bool are offered there."));
    }
}

//! A pointwise op converts on its own whatever it reads and writes.
bool converts(const Op& op) { return op.role == Role::kCOMPUTE && std::holds_alternative<tactics::Pointwise>(op.kind); }

void replace_reads(Op& op, ValueId from, ValueId to) {
    std::ranges::replace(op.inputs, from, to);
    std::ranges::replace(op.operands, from, to);
}

//! Products of bfloat16 are sums of float32, which nobody has to round.
bool sums_floats(const Op& op, DataType internal) {
    return internal == DataType::kBF16 && is_product(op);
}

//! Products write float32 where that is wanted, whatever they multiply. Where a picture has to be turned for the user anyway, that step converts it, and reads less.
bool writes_floats(const Ir& ir, const Op& op, DataType internal) {
    if (!is_product(op) || internal == DataType::kFLOAT) return false;
    const bool rows = std::holds_alternative<tactics::MatrixProduct>(op.kind) || ir.exprs.is(ir.value(op.outputs[0]).dims[1], 1);
    return internal == DataType::kBF16 || rows;
}

//! Too few channels for matrix units: kernels bring them into another order, or read them one by one.
bool has_few_channels(const Ir& ir, ValueId x) {
    constexpr std::int64_t kFew = 4;
    const shape::Exprs& dims = ir.value(x).dims;
    return dims.size() > 2 && ir.exprs.value(dims[1]).value_or(kFew + 1) <= kFew;
}

//! Reads a network's input as it is: what converts on its own, and convolutions, which bring it into another order anyway and round it on that way.
bool rounds_input(const Ir& ir, const Op& op, ValueId input, DataType internal) {
    if (internal == DataType::kFLOAT || op.role != Role::kCOMPUTE || !ir.value(input).is_input || ir.value(input).dtype != DataType::kFLOAT) return false;
    const bool operand = std::ranges::count(op.operands, input) > 0;
    const bool convolution = std::holds_alternative<tactics::Convolution>(op.kind) && op.inputs[0] == input && !operand;
    const bool turned = convolution && (internal == DataType::kBF16 || has_few_channels(ir, input));
    return turned || std::holds_alternative<tactics::Pointwise>(op.kind) || std::holds_alternative<tactics::Reduce>(op.kind);
}

//! Scores are made of sums and lose nothing on their way to a softmax.
bool reads_floats(const Op& op, DataType internal) { return internal == DataType::kBF16 && op.role == Role::kCOMPUTE && std::holds_alternative<tactics::SoftMax>(op.kind); }

//! What the graph says is not of the internal type stays float32, bfloat16 beside float16 as well: kernels compute with one short type.
void pin_others(Ir& ir, DataType internal) {
    for (Value& value : ir.values) {
        value.pinned = value.pinned || (!value.constant && is_floating(value.dtype) && value.dtype != internal);
    }
}

//! A copy in the type of what is inside takes the place of an input for everybody but those who are to compute in float32. Returns the copy.
ValueId cast_input(Ir& ir, ValueId input, DataType type) {
    const Value& value = ir.value(input);
    const bool exact = value.dtype == DataType::kFLOAT;
    const ValueId inside = ir.add_value(value.name + " as " + std::string(dtype_name(type)), type, value.dims);
    bool read = false;
    for (Op& op : ir.ops) {
        const bool reads = std::ranges::count(op.inputs, input) + std::ranges::count(op.operands, input) > 0;
        const bool pinned = exact && op.result() >= 0 && ir.value(op.result()).pinned;
        if (!reads || pinned || rounds_input(ir, op, input, type)) continue;
        replace_reads(op, input, inside);
        read = true;
    }
    if (read) ir.add_op("cast " + ir.value(input).name, tactics::Pointwise{}, {input}, {inside});
    return inside;
}

//! Those that turned out to compute float32 from it read the input itself; a copy that nobody reads any more goes.
void uncast_input(Ir& ir, ValueId inside, ValueId input) {
    bool read = false;
    for (Op& op : ir.ops) {
        if (op.result() >= 0 && ir.value(op.result()).dtype == DataType::kFLOAT && !is_product(op)) replace_reads(op, inside, input);
        read = read || std::ranges::count(op.inputs, inside) + std::ranges::count(op.operands, inside) > 0;
    }
    if (!read) std::erase_if(ir.ops, [&](const Op& op) { return op.result() == inside; });
}

//! The producer writes the type of what is inside; a last op converts. Returns what the producer writes.
ValueId cast_output(Ir& ir, ValueId output, DataType type) {
    const Value& value = ir.value(output);
    const ValueId inside = ir.add_value(value.name + " as " + std::string(dtype_name(type)), type, value.dims);
    for (Op& op : ir.ops) {
        replace_reads(op, output, inside);
        std::replace(op.outputs.begin(), op.outputs.end(), output, inside);
    }
    const std::string name = "cast " + ir.value(output).name;
    ir.add_op(name, tactics::Pointwise{}, {inside}, {output});
    return inside;
}

//! The last op of cast_output() goes again where its two sides turned out to be of one type.
void uncast_output(Ir& ir, ValueId inside, ValueId output) {
    std::erase_if(ir.ops, [&](const Op& op) { return op.result() == output; });
    for (Op& op : ir.ops) {
        replace_reads(op, inside, output);
        std::replace(op.outputs.begin(), op.outputs.end(), inside, output);
    }
}

//! Its producer alone has to do with it, and writes what type is asked for.
bool produced_by_converter(const Ir& ir, const Uses& uses, ValueId id, DataType internal) {
    const auto& producers = uses.producers[static_cast<std::size_t>(id)];
    if (producers.size() != 1 || !uses.consumers[static_cast<std::size_t>(id)].empty()) return false;
    const Op& op = ir.ops[producers[0]];
    const bool normalizes = op.role == Role::kCOMPUTE && std::holds_alternative<tactics::Normalization>(op.kind);
    const bool floats = ir.value(id).dtype == DataType::kFLOAT && (reads_floats(op, internal) || writes_floats(ir, op, internal) || normalizes);
    return converts(op) || floats;
}

//! Pointwise operations and reductions convert what they read; all others compute in the type of their result. Casts go in between, one for all
//! readers of a value.
void match_inputs(Ir& ir, DataType internal) {
    std::map<std::pair<ValueId, DataType>, ValueId> casts;
    const std::size_t count = ir.ops.size();
    for (std::size_t i = 0; i < count; ++i) {
        const bool any = converts(ir.ops[i]) || reads_floats(ir.ops[i], internal) || std::holds_alternative<tactics::Reduce>(ir.ops[i].kind) ||
                         std::holds_alternative<tactics::Normalization>(ir.ops[i].kind) || std::holds_alternative<tactics::HostCall>(ir.ops[i].kind);
        const ValueId out = ir.ops[i].result();
        if (any || out < 0 || !is_floating(ir.value(out).dtype)) {
            continue;
        }
        const bool float_result = sums_floats(ir.ops[i], internal) || (writes_floats(ir, ir.ops[i], internal) && ir.value(out).is_output);
        const DataType type = float_result && !ir.value(out).pinned ? internal : ir.value(out).dtype;
        for (std::size_t k = 0; k < ir.ops[i].inputs.size(); ++k) {
            const ValueId id = ir.ops[i].inputs[k];
            const bool mask = k == 3 && std::holds_alternative<tactics::Attention>(ir.ops[i].kind); // read as it is
            if (id < 0 || mask || rounds_input(ir, ir.ops[i], id, internal) || ir.value(id).constant || !is_floating(ir.value(id).dtype) || ir.value(id).dtype == type) {
                continue;
            }
            const auto [known, added] = casts.try_emplace({id, type}, -1);
            if (added) {
                known->second = ir.add_value(text(ir.value(id).name, " as ", dtype_name(type)), type, ir.value(id).dims);
                ir.add_op("cast " + ir.value(id).name, tactics::Pointwise{}, {id}, {known->second});
            }
            ir.ops[i].inputs[k] = known->second;
        }
    }
}

//! Host functions compute with float32.
void host_calls_in_float(Ir& ir) {
    const std::size_t count = ir.ops.size();
    for (std::size_t i = 0; i < count; ++i) {
        if (!std::holds_alternative<tactics::HostCall>(ir.ops[i].kind)) {
            continue;
        }
        for (std::size_t k = 0; k < ir.ops[i].inputs.size(); ++k) {
            const ValueId id = ir.ops[i].inputs[k];
            if (id >= 0 && is_short_float(ir.value(id).dtype)) {
                const ValueId wide = ir.add_value(ir.value(id).name + " as float32", DataType::kFLOAT, ir.value(id).dims);
                ir.add_op("cast " + ir.value(id).name, tactics::Pointwise{}, {id}, {wide});
                ir.ops[i].inputs[k] = wide;
            }
        }
        for (std::size_t k = 0; k < ir.ops[i].outputs.size(); ++k) {
            const ValueId id = ir.ops[i].outputs[k];
            if (id >= 0 && is_short_float(ir.value(id).dtype)) {
                const ValueId wide = ir.add_value(ir.value(id).name + " as float32", DataType::kFLOAT, ir.value(id).dims);
                ir.add_op("cast " + ir.value(id).name, tactics::Pointwise{}, {wide}, {id});
                ir.ops[i].outputs[k] = wide;
            }
        }
    }
}

//! Rows that no product multiplies stay the sums that they are: the scores of a softmax, and a transformer's residuals, which all its layers add to.
//! Images are larger: there the memory counts.
void keep_sums(Ir& ir, DataType internal) {
    const Uses uses(ir);
    for (const Op& op : ir.ops) {
        if (!sums_floats(op, internal) || !std::holds_alternative<tactics::MatrixProduct>(op.kind)) continue;
        const ValueId out = op.result();
        const auto reads_any = [&](std::size_t i) {
            const Op& reader = ir.ops[i];
            const bool adds = sums_floats(reader, internal) && std::ranges::count(reader.inputs, out) == 0;
            return adds || reads_floats(reader, internal) || converts(reader) || (reader.role == Role::kCOMPUTE && std::holds_alternative<tactics::Reduce>(reader.kind));
        };
        if (ir.value(out).dtype == internal && !ir.value(out).is_output && std::ranges::all_of(uses.consumers[static_cast<std::size_t>(out)], reads_any)) {
            ir.value(out).dtype = DataType::kFLOAT;
        }
    }
}

//! What is computed from float32, multiplied, and added to what later products give stays float32 as well, with one rounded copy for the products: the
//! norms of a transformer (BERT) that its residuals are. Rounded there, it would be rounded again in every layer.
void keep_residuals(Ir& ir, DataType internal) {
    const Uses uses(ir);
    for (const Op& op : ir.ops) {
        const ValueId out = op.result();
        const auto is_sum = [&](ValueId id) { return ir.value(id).dtype == DataType::kFLOAT && !ir.value(id).constant; };
        if (internal != DataType::kBF16 || !converts(op) || ir.value(out).dtype != internal || ir.value(out).is_output || std::ranges::none_of(op.inputs, is_sum)) continue;
        bool added = false;
        const auto reads_any = [&](std::size_t i) {
            const Op& reader = ir.ops[i];
            if (!std::holds_alternative<tactics::MatrixProduct>(reader.kind)) return converts(reader);
            const bool factor = std::ranges::count(reader.inputs, out) > 0;
            added = added || !factor;
            return (ir.value(reader.outputs[0]).dtype == internal) == factor; // else the product would be one of float32
        };
        if (std::ranges::all_of(uses.consumers[static_cast<std::size_t>(out)], reads_any) && added) ir.value(out).dtype = DataType::kFLOAT;
    }
}

} // namespace

void assign_types(Ir& ir, DataType internal) {
    for (const ValueId id : ir.inputs) {
        refuse_edge_type(ir.value(id));
    }
    for (const ValueId id : ir.outputs) {
        refuse_edge_type(ir.value(id));
    }
    const bool typed = ir.target.typed;
    const DataType other = typed ? DataType::kFLOAT : internal; // inside, of edges that are not of the internal type
    const Uses uses(ir);
    std::map<ValueId, ValueId> cast; // a network's outputs by what their producers write
    for (const ValueId id : ir.outputs) {
        const Value& value = ir.value(id);
        const bool kept = (value.pinned || typed) && value.dtype == DataType::kFLOAT;
        if (is_floating(value.dtype) && value.dtype != internal && !kept && !produced_by_converter(ir, uses, id, internal)) {
            cast.emplace(cast_output(ir, id, other), id);
        }
    }
    std::map<ValueId, ValueId> copies; // inputs by their copies in the internal type
    for (const ValueId id : ir.inputs) {
        const Value& value = ir.value(id);
        if (is_floating(value.dtype) && value.dtype != internal && value.dtype != other) {
            copies.emplace(cast_input(ir, id, other), id);
        }
    }
    if (typed) pin_others(ir, internal);
    const std::vector<bool> wide = wide_values(ir, internal);
    for (std::size_t id = 0; id < ir.values.size(); ++id) {
        Value& value = ir.values[id];
        const bool inside = !value.is_input && !value.is_output && !value.constant;
        if (inside && is_floating(value.dtype)) {
            value.dtype = wide[id] ? DataType::kFLOAT : internal;
        }
    }
    for (const auto& [inside, input] : copies) {
        if (internal == DataType::kBF16 && ir.value(input).dtype == DataType::kFLOAT) uncast_input(ir, inside, input);
    }
    for (const auto& [inside, output] : cast) {
        if (ir.value(inside).dtype == ir.value(output).dtype) uncast_output(ir, inside, output);
    }
    keep_sums(ir, internal);
    keep_residuals(ir, internal);
    convert_operand_constants(ir, internal);
    convert_moved_constants(ir);
    if (internal != DataType::kFLOAT) {
        saturate_results(ir);
        match_inputs(ir, internal);
        host_calls_in_float(ir);
    }
    sort_topologically(ir);
}

} // namespace tensorvk::compiler
