// Where numbers become 8-bit integers and back. Moving data (reshape, transpose, slice, pad, concatenation) and taking maxima commute with both,
// so quantization moves up to what computed the numbers, dequantization down to what computes with them, and the data moves in 8 bits.
#include <algorithm>
#include <cmath>
#include <map>

#include "compiler/passes/fusion.hpp"
#include "compiler/passes/passes.hpp"
#include "support/dtype.hpp"

namespace tensorvk::compiler {

namespace {

bool is(const Op& op, bool quantizes) { return is_pointwise(op) && op.quantization && op.quantization->quantizes == quantizes; }

bool moves_data(const Op& op) {
    if (op.role == Role::kRESHAPE || std::holds_alternative<tactics::Copy>(op.kind)) {
        return true;
    }
    const auto* pool = std::get_if<tactics::Pooling>(&op.kind);
    return pool != nullptr && pool->geometry.op == kernels::PoolGeometry::Op::kMAX;
}

//! The number that a copy writes where it reads nothing; null when there is none.
double* fill_of(Op& op) {
    auto* copy = std::get_if<tactics::Copy>(&op.kind);
    return op.role == Role::kCOMPUTE && copy != nullptr && copy->outside == SampleMode::kFILL ? &copy->fill : nullptr;
}

double quantized(double number, const Quantization& q, DataType type) {
    const double least = type == DataType::kINT8 ? -128.0 : 0.0;
    const float quotient = static_cast<float>(number) / q.scale[0];
    return std::clamp(static_cast<double>(std::nearbyint(quotient)) + q.zero, least, least + 255.0);
}

double dequantized(double integer, const Quantization& q) { return static_cast<double>(static_cast<float>(integer - q.zero) * q.scale[0]); }

class Mover {
public:
    explicit Mover(Ir& ir) : ir_(ir) {}

    //! One sweep; true when something changed.
    bool sweep() {
        uses_.emplace(ir_);
        dead_.assign(ir_.ops.size(), false);
        touched_.assign(ir_.ops.size(), false);
        bool changed = false;
        const std::size_t count = ir_.ops.size(); // new ops come behind and are sorted in
        for (std::size_t i = 0; i < count; ++i) {
            changed = (!dead_[i] && (merge(i) || cancel(i) || raise(i) || sink(i))) || changed;
        }
        dead_.resize(ir_.ops.size(), false);
        erase_ops(ir_, dead_);
        sort_topologically(ir_);
        first_.clear();
        return changed;
    }

private:
    const std::vector<std::size_t>& producers(ValueId id) const { return uses_->producers[static_cast<std::size_t>(id)]; }

    //! The op that dequantizes to this value, if one does.
    const Op* dequantizer(ValueId id) const {
        if (static_cast<std::size_t>(id) >= uses_->producers.size() || producers(id).size() != 1) {
            return nullptr;
        }
        const Op& op = ir_.ops[producers(id)[0]];
        return is(op, false) ? &op : nullptr;
    }

    void replace(ValueId from, ValueId to) {
        for (Op& op : ir_.ops) {
            std::ranges::replace(op.inputs, from, to);
            std::ranges::replace(op.operands, from, to);
        }
    }

    //! The same numbers quantized twice in the same way.
    bool merge(std::size_t index) {
        const Op& op = ir_.ops[index];
        if (!is(op, true) || ir_.value(op.outputs[0]).is_output) {
            return false;
        }
        for (const std::size_t other : first_[op.inputs[0]]) {
            const Op& before = ir_.ops[other];
            const bool same = !dead_[other] && is(before, true) && before.inputs == op.inputs && before.quantization->same_numbers(*op.quantization) &&
                              ir_.value(before.outputs[0]).dtype == ir_.value(op.outputs[0]).dtype;
            if (same) {
                return drop(index, before.outputs[0]);
            }
        }
        first_[op.inputs[0]].push_back(index);
        return false;
    }

    //! Integers that were numbers in between and are the same integers again: (n * scale) / scale rounds to n for 8 bits.
    bool cancel(std::size_t index) {
        const Op& op = ir_.ops[index];
        if (!is(op, true) || ir_.value(op.outputs[0]).is_output) {
            return false;
        }
        const Op* before = dequantizer(op.inputs[0]);
        const bool same = before != nullptr && before->quantization->same_numbers(*op.quantization) &&
                          ir_.value(before->inputs[0]).dtype == ir_.value(op.outputs[0]).dtype;
        return same && drop(index, before->inputs[0]);
    }

    bool drop(std::size_t index, ValueId instead) {
        dead_[index] = true;
        replace(ir_.ops[index].outputs[0], instead);
        return true;
    }

    //! Ops that write `id` and may be changed in this sweep: all move data.
    bool all_move(ValueId id) const {
        if (static_cast<std::size_t>(id) >= uses_->producers.size() || producers(id).empty() || ir_.value(id).is_output) {
            return false;
        }
        return std::ranges::all_of(producers(id), [&](std::size_t p) {
            return !touched_[p] && !dead_[p] && moves_data(ir_.ops[p]) && is_floating(ir_.value(ir_.ops[p].inputs[0]).dtype);
        });
    }

    //! A quantizer behind moved data goes in front of the move.
    bool raise(std::size_t index) {
        if (!is(ir_.ops[index], true) || touched_[index]) {
            return false;
        }
        const Op quantizer = ir_.ops[index];
        const ValueId joint = quantizer.inputs[0];
        if (!quantizer.quantization->per_tensor() || !all_move(joint) || !only_used_by(ir_, *uses_, joint, index)) {
            return false;
        }
        const DataType type = ir_.value(quantizer.outputs[0]).dtype;
        for (const std::size_t p : producers(joint)) {
            const Value source = ir_.value(ir_.ops[p].inputs[0]);
            const ValueId integers = ir_.add_value(source.name + " quantized", type, source.dims);
            add_copy_of(quantizer, ir_.ops[p].inputs[0], integers);
            ir_.ops[p].inputs[0] = integers;
            ir_.ops[p].outputs[0] = quantizer.outputs[0];
            if (double* fill = fill_of(ir_.ops[p])) {
                *fill = quantized(*fill, *quantizer.quantization, type);
            }
            touched_[p] = true;
        }
        dead_[index] = true;
        return true;
    }

    //! What moves dequantized data moves the integers instead.
    bool sink(std::size_t index) {
        if (!moves_data(ir_.ops[index]) || !all_move(ir_.ops[index].outputs[0])) {
            return false;
        }
        const ValueId out = ir_.ops[index].outputs[0];
        const auto parts = producers(out);
        const Op* first = dequantizer(ir_.ops[parts[0]].inputs[0]);
        if (first == nullptr || !std::ranges::all_of(parts, [&](std::size_t p) { return can_sink(p, *first); })) {
            return false;
        }
        const Op pattern = *first;
        const DataType type = ir_.value(pattern.inputs[0]).dtype;
        const Value result = ir_.value(out);
        const ValueId integers = ir_.add_value(result.name + " quantized", type, result.dims);
        for (const std::size_t p : parts) {
            const ValueId source = dequantizer(ir_.ops[p].inputs[0])->inputs[0];
            Op& op = ir_.ops[p];
            op.inputs[0] = source;
            op.outputs[0] = integers;
            if (double* fill = fill_of(op)) {
                *fill = quantized(*fill, *pattern.quantization, type);
            }
            touched_[p] = true;
        }
        add_copy_of(pattern, integers, out);
        return true;
    }

    bool can_sink(std::size_t index, const Op& first) {
        Op& op = ir_.ops[index];
        const Op* before = dequantizer(op.inputs[0]);
        if (before == nullptr || !before->quantization->per_tensor() || !before->quantization->same_numbers(*first.quantization)) {
            return false;
        }
        const DataType type = ir_.value(before->inputs[0]).dtype;
        const double* fill = fill_of(op);
        const bool exact = fill == nullptr || dequantized(quantized(*fill, *before->quantization, type), *before->quantization) == *fill;
        return exact && type == ir_.value(first.inputs[0]).dtype;
    }

    void add_copy_of(const Op& pattern, ValueId from, ValueId to) {
        Op op = pattern;
        op.inputs = {from};
        op.outputs = {to};
        ir_.ops.push_back(std::move(op));
    }

    Ir& ir_;
    std::optional<Uses> uses_;
    std::vector<bool> dead_, touched_;
    std::map<ValueId, std::vector<std::size_t>> first_; // quantizers of a value
};

} // namespace

void move_quantization(Ir& ir) {
    if (std::ranges::none_of(ir.ops, [](const Op& op) { return op.quantization.has_value(); })) {
        return;
    }
    Mover mover(ir);
    while (mover.sweep()) {
    }
    remove_dead(ir);
}

} // namespace tensorvk::compiler
