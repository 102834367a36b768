// Layers that move elements without computing: shuffle, concatenation, slice, gather.
#include <algorithm>
#include <optional>

#include "compiler/lower/context.hpp"
#include "support/dtype.hpp"
#include "support/error.hpp"

namespace tensorvk::compiler {

namespace {

bool is_identity(const Permutation& permutation, std::size_t rank) {
    for (std::size_t axis = 0; axis < rank; ++axis) {
        if (permutation.order[axis] != static_cast<std::int32_t>(axis)) {
            return false;
        }
    }
    return true;
}

shape::Exprs permuted(const shape::Exprs& dims, const Permutation& permutation) {
    shape::Exprs out;
    for (std::size_t axis = 0; axis < dims.size(); ++axis) {
        out.push_back(dims.at(static_cast<std::size_t>(permutation.order[axis])));
    }
    return out;
}

void add_transpose(LayerContext& context, const std::string& name, ValueId from, ValueId to, const Permutation& permutation) {
    const shape::Exprs in_dims = context.ir().value(from).dims;
    tactics::Copy copy = context.ir().plain_copy(in_dims, context.ir().value(to).dims);
    for (std::size_t axis = 0; axis < in_dims.size(); ++axis) {
        copy.axis_of[axis] = permutation.order[axis];
    }
    context.ir().add_op(name, std::move(copy), {from}, {to});
}

} // namespace

//! Transpose, reshape, transpose; each part only where it changes something.
void lower_shuffle(LayerContext& context, const graph::Layer& layer) {
    const auto& a = std::get<graph::ShuffleAttributes>(layer.attributes);
    const graph::Tensor& result = *layer.outputs[0];
    ValueId current = context.input(layer, 0);
    shape::Exprs dims = context.ir().value(current).dims;
    const std::size_t rank = result.dims.size();
    shape::Exprs before_second = result.dims;
    const bool second = a.second_transpose && !is_identity(*a.second_transpose, rank);
    if (second) {
        for (std::size_t axis = 0; axis < rank; ++axis) {
            before_second[static_cast<std::size_t>(a.second_transpose->order[axis])] = result.dims[axis];
        }
    }
    const bool first = a.first_transpose && !is_identity(*a.first_transpose, dims.size());
    if (first) {
        dims = permuted(dims, *a.first_transpose);
    }
    const bool reshape = dims != before_second;
    const auto target = [&](bool last, const char* role, const shape::Exprs& shape) {
        return last ? context.output(layer, 0) : context.temporary(layer, role, result.dtype, shape);
    };
    if (first) {
        const ValueId out = target(!reshape && !second, "transposed", dims);
        add_transpose(context, layer.name, current, out, *a.first_transpose);
        current = out;
    }
    if (reshape) {
        const ValueId out = target(!second, "reshaped", before_second);
        context.ir().add_reshape(layer.name, current, out);
        current = out;
    }
    if (second) {
        add_transpose(context, layer.name, current, context.output(layer, 0), *a.second_transpose);
    }
    if (!first && !reshape && !second) {
        context.alias(result, current);
    }
}

//! One copy per input into its part of the output.
void lower_concatenation(LayerContext& context, const graph::Layer& layer) {
    const auto& a = std::get<graph::ConcatenationAttributes>(layer.attributes);
    const auto rank = static_cast<std::int64_t>(layer.outputs[0]->dims.size());
    const auto axis = static_cast<std::size_t>(a.axis < 0 ? a.axis + rank : a.axis);
    std::vector<ValueId> inputs;
    for (std::size_t i = 0; i < layer.inputs.size(); ++i) {
        inputs.push_back(context.input(layer, i));
    }
    if (inputs.size() == 1) {
        context.alias(*layer.outputs[0], inputs[0]);
        return;
    }
    const ValueId out = context.output(layer, 0);
    shape::Expr offset = context.ir().exprs.constant(0);
    for (const ValueId in : inputs) {
        const shape::Exprs dims = context.ir().value(in).dims;
        tactics::Copy copy = context.ir().plain_copy(dims, dims);
        copy.destination_axis = static_cast<std::int32_t>(axis);
        copy.destination_offset = offset;
        offset = context.ir().exprs.add(offset, dims[axis]);
        context.ir().add_op(layer.name, std::move(copy), {in}, {out});
    }
}

namespace {

//! A copy kernel watches this many axes along which it may leave its source.
constexpr std::size_t kMostWatchedAxes = 3;

//! Axes along which the source's elements are not simply taken one by one.
std::vector<std::size_t> moved_axes(LayerContext& context, const tactics::Copy& copy, const shape::Exprs& from) {
    std::vector<std::size_t> moved;
    for (std::size_t axis = 0; axis < from.size(); ++axis) {
        const bool whole = context.ir().exprs.is(copy.start[axis], 0) && context.ir().exprs.is(copy.stride[axis], 1);
        if (!whole || copy.region[axis] != from[axis]) {
            moved.push_back(axis);
        }
    }
    return moved;
}

//! Leaving the source means the same axis by axis: a copy that may do so along many axes becomes several.
void add_slice(LayerContext& context, const graph::Layer& layer, const tactics::Copy& copy, ValueId in, ValueId out) {
    const shape::Exprs from = context.ir().value(in).dims;
    std::vector<std::size_t> moved = moved_axes(context, copy, from);
    if (copy.outside == SampleMode::kSTRICT_BOUNDS || moved.size() <= kMostWatchedAxes) {
        context.ir().add_op(layer.name, copy, {in}, {out});
        return;
    }
    tactics::Copy first = context.ir().plain_copy(from, from);
    tactics::Copy rest = copy;
    first.outside = copy.outside;
    first.fill = copy.fill;
    for (std::size_t i = 0; i < kMostWatchedAxes; ++i) {
        const std::size_t axis = moved[i];
        first.start[axis] = copy.start[axis];
        first.stride[axis] = copy.stride[axis];
        first.region[axis] = copy.region[axis];
        rest.start[axis] = context.ir().exprs.constant(0);
        rest.stride[axis] = context.ir().exprs.constant(1);
    }
    const ValueId between = context.temporary(layer, "some_axes", context.ir().value(in).dtype, first.region);
    context.ir().add_op(layer.name, std::move(first), {in}, {between});
    add_slice(context, layer, rest, between, out);
}

} // namespace

void lower_slice(LayerContext& context, const graph::Layer& layer) {
    const auto& a = std::get<graph::SliceAttributes>(layer.attributes);
    const graph::Tensor& x = *layer.inputs[0];
    const shape::Exprs start = context.shape_input(layer, 1, a.start);
    const shape::Exprs stride = context.shape_input(layer, 3, a.stride);
    const shape::Exprs axes = context.shape_input(layer, 5, a.axes);
    tactics::Copy copy = context.ir().plain_copy(x.dims, layer.outputs[0]->dims);
    copy.outside = a.mode;
    copy.fill = a.fill;
    if (layer.inputs.size() > 4 && layer.inputs[4] != nullptr) {
        const ValueId fill = context.value(*layer.inputs[4]);
        const auto constant = context.ir().value(fill).constant;
        if (!constant) {
            throw Unsupported(text("Layer '", layer.name, "' has a fill value that is computed while the network runs; it has to be a constant."));
        }
        copy.fill = constant->get(0);
    }
    for (std::size_t i = 0; i < start.size(); ++i) {
        std::int64_t axis = static_cast<std::int64_t>(i);
        if (!axes.empty()) {
            axis = context.ir().exprs.value(axes[i]).value_or(-1);
            axis = axis < 0 ? axis + static_cast<std::int64_t>(x.dims.size()) : axis;
        }
        copy.start.at(static_cast<std::size_t>(axis)) = start[i];
        if (i < stride.size()) {
            copy.stride.at(static_cast<std::size_t>(axis)) = stride[i];
        }
    }
    const ValueId in = context.input(layer, 0);
    add_slice(context, layer, copy, in, context.output(layer, 0));
}

namespace {

//! Where a gather reads one known place of an axis whose extent is known, that place; else nothing.
std::optional<std::int64_t> only_place(const Ir& ir, ValueId data, ValueId indices, std::size_t axis) {
    const auto& constant = ir.value(indices).constant;
    const auto extent = ir.exprs.value(ir.value(data).dims[axis]);
    if (!constant || constant->volume() != 1 || !extent || ir.value(data).constant || !is_floating(ir.value(data).dtype)) return std::nullopt;
    const auto given = static_cast<std::int64_t>(constant->get(0));
    const std::int64_t place = given < 0 ? given + *extent : given;
    return place >= 0 && place < *extent ? std::optional(place) : std::nullopt;
}

//! A range, which may stay where it is (passes/views.cpp).
void add_range(LayerContext& context, const graph::Layer& layer, ValueId data, std::size_t axis, std::int64_t place) {
    Ir& ir = context.ir();
    shape::Exprs region = ir.value(data).dims;
    region[axis] = ir.exprs.constant(1);
    tactics::Copy copy = ir.plain_copy(ir.value(data).dims, region);
    copy.start[axis] = ir.exprs.constant(place);
    const ValueId range = context.temporary(layer, "range", ir.value(data).dtype, region);
    ir.add_op(layer.name, std::move(copy), {data}, {range});
    ir.add_reshape(layer.name, range, context.output(layer, 0));
}

} // namespace

void lower_gather(LayerContext& context, const graph::Layer& layer) {
    const auto& a = std::get<graph::GatherAttributes>(layer.attributes);
    if (a.mode != GatherMode::kDEFAULT || a.elementwise_dims != 0) {
        throw Unsupported(text("Layer '", layer.name, "' gathers in mode ", static_cast<int>(a.mode), " with ", a.elementwise_dims,
                               " element-wise dimensions; only GatherMode.DEFAULT without them is offered."));
    }
    const auto rank = static_cast<std::int64_t>(layer.inputs[0]->dims.size());
    const ValueId data = context.input(layer, 0);
    const ValueId indices = context.input(layer, 1);
    const std::int64_t axis = a.axis < 0 ? a.axis + rank : a.axis;
    if (const auto place = only_place(context.ir(), data, indices, static_cast<std::size_t>(axis))) return add_range(context, layer, data, static_cast<std::size_t>(axis), *place);
    context.ir().add_op(layer.name, tactics::Gather{axis}, {data, indices}, {context.output(layer, 0)});
}

} // namespace tensorvk::compiler
