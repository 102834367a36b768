// Normalisations as reductions and element-wise layers, in float32 inside.
#include <limits>

#include "layers/composites.hpp"
#include "onnx/failure.hpp"
#include "onnx/normalization.hpp"

namespace tensorvk::layers {

namespace {

using graph::Tensor;
using onnx::Build;
using onnx::Extent;
using Ints = Build::Ints;
using Op = ElementWiseOperation;

//! [N, C, ...] <-> [N, groups, C / groups, ...].
Tensor* grouped(Build& b, Tensor* x, std::int64_t groups) {
    std::vector<Extent> to{Extent::axis(0), Extent::of(groups), Extent::of(*b.extent(x, 1) / groups)};
    for (std::size_t axis = 2; axis < x->dims.size(); ++axis) {
        to.push_back(Extent::axis(axis));
    }
    return b.reshape(x, to, "groups");
}

Tensor* ungrouped(Build& b, Tensor* x) {
    std::vector<Extent> to{Extent::axis(0), Extent::product(1, 3)};
    for (std::size_t axis = 3; axis < x->dims.size(); ++axis) {
        to.push_back(Extent::axis(axis));
    }
    return b.reshape(x, to, "channels");
}

//! The same axes behind the new one, and the channels of a group.
std::uint32_t grouped_axes(std::uint32_t axes) {
    const std::uint32_t behind = axes & ~std::uint32_t{3};
    return behind << 1 | std::uint32_t{4} | (axes & std::uint32_t{1});
}

} // namespace

std::vector<Tensor*> expand_normalization(Composite& c) {
    Build& b = c.build;
    Tensor* x = c.input(0);
    const std::int64_t groups = c.attributes().integer("groups", 1);
    const auto axes = static_cast<std::uint32_t>(c.attributes().integer("axes"));
    const double epsilon = c.attributes().real("epsilon", 1e-5);
    Tensor* y = onnx::as_float(b, x);
    // Scale and bias have one number per channel, or (TensorRT's first version) one per group.
    const auto apply = [&](std::size_t index, Op op, const char* role, bool per_group) {
        Tensor* weights = onnx::as_float(b, c.input(index));
        const bool is_per_group = groups != 1 && b.extent(weights, 1) == groups && b.extent(x, 1) != groups;
        if (is_per_group == per_group) {
            y = b.elementwise(op, y, per_group ? b.unsqueeze(weights, {2}, "per_group") : weights, role);
        }
    };
    if (groups == 1) {
        y = onnx::normalized(b, y, axes, epsilon);
    } else {
        y = onnx::normalized(b, grouped(b, y, groups), grouped_axes(axes), epsilon);
        apply(1, Op::kPROD, "group_scaled", true);
        // A bias per group after a scale per channel would be out of order: it waits.
        const bool scaled_by_channel = b.extent(c.input(1), 1) != groups;
        if (scaled_by_channel && b.extent(c.input(2), 1) == groups && b.extent(x, 1) != groups) {
            fail(onnx::NodeErrorCode::kUNSUPPORTED_NODE, "its scale is per channel and its bias per group; both have to be of one kind.");
        }
        apply(2, Op::kSUM, "group_shifted", true);
        y = ungrouped(b, y);
    }
    apply(1, Op::kPROD, "scaled", false);
    apply(2, Op::kSUM, "shifted", false);
    return {b.cast(y, x->dtype)};
}

//! x / (k + alpha * mean of squares over neighbouring channels) ^ beta
std::vector<Tensor*> expand_lrn(Composite& c) {
    Build& b = c.build;
    Tensor* x = c.input(0);
    const AttributeSet& a = c.attributes();
    const std::int64_t window = a.integer("window", 1);
    const std::size_t rank = x->dims.size();
    Tensor* wide = onnx::as_float(b, x);
    Tensor* plane = b.reshape(b.elementwise(Op::kPROD, wide, wide, "square"),
                              {Extent::axis(0), Extent::of(1), Extent::axis(1), Extent::product(2, rank)}, "plane");
    graph::PoolingAttributes pool;
    pool.op = PoolingType::kAVERAGE;
    pool.geometry.window = {window, 1};
    pool.geometry.pre = {(window - 1) / 2, 0};
    pool.geometry.post = {window / 2, 0};
    pool.geometry.exclude_padding = false;
    Tensor* mean = b.add(LayerType::kPOOLING, {plane}, std::move(pool), "neighbours");
    Ints all;
    for (std::size_t axis = 0; axis < rank; ++axis) {
        all.push_back(static_cast<std::int64_t>(axis));
    }
    graph::ShuffleAttributes back;
    back.zero_is_placeholder = false;
    Tensor* y = b.add(LayerType::kSHUFFLE, {mean, b.extents_of(x, all)}, std::move(back), "back");
    y = b.elementwise(Op::kPROD, y, b.number(y, a.real("alpha")), "alpha");
    y = b.elementwise(Op::kSUM, y, b.number(y, a.real("k")), "k");
    y = b.elementwise(Op::kPOW, y, b.number(y, a.real("beta")), "beta");
    return {b.cast(b.elementwise(Op::kDIV, wide, y, "quotient"), x->dtype)};
}

//! SoftMax over the columns that a row's bound leaves; the others are 0.
std::vector<Tensor*> expand_ragged_softmax(Composite& c) {
    Build& b = c.build;
    Tensor* x = c.input(0);
    const std::size_t rank = x->dims.size();
    const auto last = static_cast<std::int64_t>(rank) - 1;
    Tensor* columns = b.squeeze(b.extents_of(x, {last}), {0}, "columns");
    Tensor* zero = b.number(columns, 0.0);
    Tensor* one = b.number(columns, 1.0);
    Tensor* column = b.add(LayerType::kOPERATOR, {zero, columns, one}, graph::OperatorAttributes{"Range", {}}, "column");
    Tensor* bounds = b.cast(c.input(1), DataType::kINT64, "bounds");
    Tensor* counts = b.elementwise(Op::kLESS, column, bounds, "counts");
    const auto select = [&](Tensor* yes, double otherwise, const char* role) {
        return b.add(LayerType::kSELECT, {counts, yes, b.number(yes, otherwise)}, graph::NoAttributes{}, role);
    };
    // The lowest finite number instead of minus infinity: rows of bound 0 stay free of NaN, and are 0 in the end.
    Tensor* hidden = select(onnx::as_float(b, x), static_cast<double>(std::numeric_limits<float>::lowest()), "hidden");
    Tensor* y = b.add(LayerType::kSOFTMAX, {hidden}, graph::SoftMaxAttributes{std::uint32_t{1} << static_cast<std::uint32_t>(last), false}, "softmax");
    return {b.cast(select(y, 0.0, "kept"), x->dtype)};
}

} // namespace tensorvk::layers
