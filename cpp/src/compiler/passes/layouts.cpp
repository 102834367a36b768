// Where each value lives: row-major, or channels last as convolutions want it.
#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "compiler/layout.hpp"
#include "compiler/passes/passes.hpp"
#include "support/dtype.hpp"
#include "tactics/layout.hpp"

namespace tensorvk::compiler {

namespace {

using tactics::Layout;

//! A first convolution reads few channels from the user's layout as fast as from any other.
constexpr std::int64_t kFewChannels = 4;

template <typename Kind>
bool is(const Op& op) {
    return op.role == Role::kCOMPUTE && std::holds_alternative<Kind>(op.kind);
}

bool slides_window(const Op& op) { return is<tactics::Convolution>(op) || is<tactics::Pooling>(op) || is<tactics::Resize>(op); }

//! A copy that keeps the order of axes: slice, pad, a part of a concatenation.
bool keeps_axes(const Op& op) {
    const auto* copy = std::get_if<tactics::Copy>(&op.kind);
    if (copy == nullptr || op.role != Role::kCOMPUTE) {
        return false;
    }
    for (std::size_t axis = 0; axis < copy->axis_of.size(); ++axis) {
        if (copy->axis_of[axis] != static_cast<std::int32_t>(axis)) {
            return false;
        }
    }
    return copy->start.size() == copy->axis_of.size();
}

bool normalizes_groups(const Op& op) { return is<tactics::Normalization>(op) && std::get<tactics::Normalization>(op.kind).groups > 0; }

bool can_write_any_layout(const Op& op) { return is<tactics::Pointwise>(op) || is<tactics::Copy>(op); }

class LayoutPass {
public:
    explicit LayoutPass(Ir& ir) : ir_(ir), uses_(ir) {}

    void run() {
        const std::size_t count = ir_.ops.size(); // reformats are appended behind and sorted in at the end
        for (std::size_t i = 0; i < count; ++i) {
            read_inputs(i);
            for (std::size_t o = 0; o < ir_.ops[i].outputs.size(); ++o) {
                if (ir_.ops[i].outputs[o] >= 0) {
                    write_output(i, o);
                }
            }
        }
        sort_topologically(ir_);
    }

private:
    bool is_last(ValueId id) const {
        const Value& value = ir_.value(id);
        return value.layout == Layout::kCHANNELS_LAST && !same_in_both_layouts(ir_, value);
    }

    void read_inputs(std::size_t index) {
        if (slides_window(ir_.ops[index])) {
            want_channels_last(index);
            linear_inputs(index, 1); // a kernel that is data
            return;
        }
        const Op& op = ir_.ops[index];
        if (normalizes_groups(op) && is_last(op.inputs[0])) return; // what is added to it follows: match_residuals
        const bool linear_only = op.role == Role::kRESHAPE || is<tactics::MatrixProduct>(op) || is<tactics::Gather>(op) || is<tactics::TopK>(op) ||
                                 is<tactics::Normalization>(op) || is<tactics::Attention>(op) || is<tactics::HostCall>(op);
        if (!linear_only) {
            return;
        }
        linear_inputs(index, 0);
        for (std::size_t k = 0; k < ir_.ops[index].operands.size(); ++k) {
            const ValueId id = ir_.ops[index].operands[k];
            if (is_last(id)) {
                ir_.ops[index].operands[k] = reformatted(id, Layout::kLINEAR);
            }
        }
    }

    void linear_inputs(std::size_t index, std::size_t first) {
        for (std::size_t k = first; k < ir_.ops[index].inputs.size(); ++k) {
            const ValueId id = ir_.ops[index].inputs[k];
            if (id >= 0 && is_last(id)) {
                ir_.ops[index].inputs[k] = reformatted(id, Layout::kLINEAR);
            }
        }
    }

    void want_channels_last(std::size_t index) {
        const ValueId in = ir_.ops[index].inputs[0];
        const Value& value = ir_.value(in);
        const std::int64_t channels = value.dims.size() >= 3 ? ir_.exprs.value(value.dims[1]).value_or(0) : 0;
        const bool already = value.layout == Layout::kCHANNELS_LAST || same_in_both_layouts(ir_, value);
        if (already || channels <= kFewChannels) {
            retag(in, value.dims.size() >= 3 && same_in_both_layouts(ir_, value));
            return;
        }
        ir_.ops[index].inputs[0] = reformatted(in, Layout::kCHANNELS_LAST);
    }

    //! Memory is the same either way: the tag that window kernels expect costs nothing.
    void retag(ValueId id, bool equal) {
        if (equal && !ir_.value(id).constant) {
            ir_.value(id).layout = Layout::kCHANNELS_LAST;
        }
    }

    void write_output(std::size_t index, std::size_t which) {
        const ValueId id = ir_.ops[index].outputs[which];
        if (decided_.size() < ir_.values.size()) {
            decided_.resize(ir_.values.size(), false);
        }
        if (decided_[static_cast<std::size_t>(id)]) { // the other parts of a concatenation follow the first
            return;
        }
        decided_[static_cast<std::size_t>(id)] = true;
        const Op& op = ir_.ops[index];
        const std::size_t rank = ir_.value(id).dims.size();
        if (rank < 3 || op.role == Role::kRESHAPE || !wants_channels_last(op, id)) {
            return;
        }
        if (ir_.value(id).is_output && !same_in_both_layouts(ir_, ir_.value(id))) {
            write_edge(index, which);
        } else {
            ir_.value(id).layout = Layout::kCHANNELS_LAST;
        }
        match_residuals(index);
    }

    bool wants_channels_last(const Op& op, ValueId out) const {
        if (slides_window(op)) {
            return true;
        }
        if (is<tactics::Pointwise>(op) || keeps_axes(op)) {
            return any_input_is_last(op, out) || (reads_only_edges(op) && window_consumer(out) && !stays_in_rows(out));
        }
        if (is<tactics::HostCall>(op)) {
            return false;
        }
        if (is<tactics::Copy>(op)) {
            return window_consumer(out);
        }
        const bool same_rank = !op.inputs.empty() && ir_.value(op.inputs[0]).dims.size() == ir_.value(out).dims.size();
        return (is<tactics::SoftMax>(op) || is<tactics::Reduce>(op) || normalizes_groups(op)) && same_rank && is_last(op.inputs[0]);
    }

    bool any_input_is_last(const Op& op, ValueId out) const {
        const auto counts = [&](ValueId id) { return ir_.value(id).dims.size() == ir_.value(out).dims.size() && is_last(id); };
        if (std::any_of(op.inputs.begin(), op.inputs.end(), counts) || std::any_of(op.operands.begin(), op.operands.end(), counts)) {
            return true;
        }
        const auto& parts = uses_.producers[static_cast<std::size_t>(out)]; // a concatenation: any part counts
        return parts.size() > 1 && std::any_of(parts.begin(), parts.end(), [&](std::size_t p) { return counts(ir_.ops[p].inputs[0]); });
    }

    bool reads_only_edges(const Op& op) const {
        return std::all_of(op.inputs.begin(), op.inputs.end(), [&](ValueId id) { return ir_.value(id).is_input; });
    }

    //! Fewer than four channels gain nothing from lying together.
    bool stays_in_rows(ValueId id) const {
        return ir_.target.pictures_in_rows && ir_.exprs.value(ir_.value(id).dims[1]).value_or(kFewChannels) < kFewChannels;
    }

    bool window_consumer(ValueId id) const {
        if (static_cast<std::size_t>(id) >= uses_.consumers.size()) {
            return false;
        }
        const auto& consumers = uses_.consumers[static_cast<std::size_t>(id)];
        // A kernel that is data stays row-major: only what a window slides over lies with its channels last.
        return std::any_of(consumers.begin(), consumers.end(), [&](std::size_t c) { return slides_window(ir_.ops[c]) && ir_.ops[c].inputs[0] == id; });
    }

    //! The network's edge keeps the user's layout: written directly where the op can, else through one more copy.
    void write_edge(std::size_t index, std::size_t which) {
        const ValueId id = ir_.ops[index].outputs[which];
        if (can_write_any_layout(ir_.ops[index])) {
            return;
        }
        const Value value = ir_.value(id);
        const ValueId inside = ir_.add_value(value.name + " channels last", value.dtype, value.dims);
        ir_.value(inside).layout = Layout::kCHANNELS_LAST;
        for (Op& op : ir_.ops) {
            std::replace(op.inputs.begin(), op.inputs.end(), id, inside);
            std::replace(op.operands.begin(), op.operands.end(), id, inside);
        }
        ir_.ops[index].outputs[which] = inside;
        add_reformat(value, inside, id);
    }

    //! What moves whole words is a transposition, of which copies know the quick ways; shorter elements not every device can store alone.
    void add_reformat(const Value& value, ValueId from, ValueId to) {
        constexpr std::size_t kWord = 4;
        const bool words = dtype_size(value.dtype) >= kWord;
        ir_.add_op("reformat " + value.name, words ? tactics::Kind(ir_.plain_copy(value.dims, value.dims)) : tactics::Kind(tactics::Pointwise{}), {from}, {to});
    }

    //! A residual of full size has to lie in memory like the output it is added to.
    void match_residuals(std::size_t index) {
        if (!is<tactics::Convolution>(ir_.ops[index]) && !normalizes_groups(ir_.ops[index])) {
            return;
        }
        const shape::Exprs dims = ir_.value(ir_.ops[index].outputs[0]).dims;
        for (std::size_t k = 0; k < ir_.ops[index].operands.size(); ++k) {
            const ValueId id = ir_.ops[index].operands[k];
            const Value& value = ir_.value(id);
            if (value.dims != dims || value.layout == Layout::kCHANNELS_LAST) {
                continue;
            }
            if (same_in_both_layouts(ir_, value)) {
                retag(id, true);
            } else {
                ir_.ops[index].operands[k] = reformatted(id, Layout::kCHANNELS_LAST);
            }
        }
    }

    ValueId reformatted(ValueId id, Layout layout) {
        if (const auto it = reformats_.find({id, layout}); it != reformats_.end()) {
            return it->second;
        }
        const Value value = ir_.value(id);
        const ValueId out = ir_.add_value(value.name + (layout == Layout::kLINEAR ? " linear" : " channels last"), value.dtype, value.dims);
        ir_.value(out).layout = layout;
        add_reformat(value, id, out);
        reformats_[{id, layout}] = out;
        return out;
    }

    Ir& ir_;
    Uses uses_;
    std::vector<bool> decided_;
    std::map<std::pair<ValueId, Layout>, ValueId> reformats_;
};

} // namespace

bool same_in_both_layouts(const Ir& ir, const Value& value) { return tactics::same_in_both_layouts(ir.exprs, value); }

void assign_layouts(Ir& ir) { LayoutPass(ir).run(); }

void find_views(Ir& ir) {
    for (Op& op : ir.ops) {
        const auto* copy = std::get_if<tactics::Copy>(&op.kind);
        if (copy == nullptr || op.role != Role::kCOMPUTE || copy->destination_axis >= 0 || copy->axis_of.size() != copy->start.size()) {
            continue;
        }
        const Value& in = ir.value(op.inputs[0]);
        const Value& out = ir.value(op.outputs[0]);
        const shape::Exprs from = tactics::memory_strides(ir.exprs, in);
        const shape::Exprs to = tactics::memory_strides(ir.exprs, out);
        bool view = true;
        for (std::size_t axis = 0; axis < to.size() && view; ++axis) {
            const auto source = static_cast<std::size_t>(copy->axis_of[axis]);
            view = copy->axis_of[axis] >= 0 && ir.exprs.is(copy->start[source], 0) && ir.exprs.is(copy->stride[axis], 1) &&
                   in.dims[source] == out.dims[axis] && (ir.exprs.is(out.dims[axis], 1) || from[source] == to[axis]);
        }
        if (view) {
            op.role = Role::kRESHAPE;
        }
    }
}

} // namespace tensorvk::compiler
