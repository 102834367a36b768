// Selections in ONNX's operators: TensorRT has other types, other orders of inputs and other layouts of them.
#include "layers/composites.hpp"

namespace tensorvk::layers {

namespace {

using graph::Tensor;
using onnx::Build;
using onnx::Extent;
using Ints = Build::Ints;
using Op = ElementWiseOperation;

} // namespace

std::vector<Tensor*> expand_non_zero(Composite& c) {
    Tensor* found = operation(c.build, "NonZero", {c.input(0)}, {}, "found");
    return {c.build.cast(found, type_of(c, "indices_type", DataType::kINT32), "")};
}

std::vector<Tensor*> expand_one_hot(Composite& c) {
    AttributeSet attributes;
    attributes.set("axis", c.attributes().integer("axis", -1));
    return {operation(c.build, "OneHot", {c.input(0), c.input(2), c.input(1)}, std::move(attributes), "")};
}

namespace {

//! Boxes of each class on their own: as if each class were an image with one class.
Tensor* suppressed_by_class(Composite& c, Tensor* boxes, Tensor* scores, std::int64_t classes, std::vector<Tensor*> limits, const AttributeSet& attributes) {
    Build& b = c.build;
    Tensor* own = b.reshape(b.transpose(boxes, {0, 2, 1, 3}), {Extent::product(0, 2), Extent::axis(2), Extent::axis(3)}, "boxes");
    Tensor* score = b.reshape(scores, {Extent::product(0, 2), Extent::of(1), Extent::axis(2)}, "scores");
    std::vector<Tensor*> inputs{own, score};
    inputs.insert(inputs.end(), limits.begin(), limits.end());
    Tensor* chosen = operation(b, "NonMaxSuppression", std::move(inputs), attributes, "chosen");
    const auto column = [&](std::int64_t index) {
        return b.slice(chosen, {1}, b.ints({index}), b.ints({1}), b.ints({1}), {}, nullptr, "column");
    };
    Tensor* image = column(0);
    Tensor* count = b.number(image, static_cast<double>(classes));
    Tensor* batch = b.elementwise(Op::kFLOOR_DIV, image, count, "batch");
    Tensor* label = b.elementwise(Op::kSUB, image, b.elementwise(Op::kPROD, batch, count), "label");
    return b.concatenate({batch, label, column(2)}, 1, "indices");
}

} // namespace

//! TensorRT has scores [batch, boxes, classes], and perhaps boxes for each class.
std::vector<Tensor*> expand_nms(Composite& c) {
    Build& b = c.build;
    Tensor* boxes = b.cast(c.input(0), DataType::kFLOAT, "float_boxes");
    Tensor* scores = b.transpose(b.cast(c.input(1), DataType::kFLOAT, "float_scores"), {0, 2, 1}, "by_class");
    std::vector<Tensor*> limits{b.cast(c.input(2), DataType::kINT64, "most")};
    for (std::size_t i = 3; i < 5; ++i) {
        limits.push_back(c.input(i) == nullptr ? nullptr : b.cast(c.input(i), DataType::kFLOAT, "threshold"));
    }
    AttributeSet attributes;
    attributes.set("center_point_box", c.attributes().integer("format"));
    attributes.set("most_candidates", c.attributes().integer("limit", 5000)); // TensorRT's default
    Tensor* chosen = nullptr;
    const auto own_boxes = boxes->dims.size() == 4 ? b.extent(boxes, 2) : std::optional<std::int64_t>(1);
    if (own_boxes != 1) {
        chosen = suppressed_by_class(c, boxes, scores, *own_boxes, limits, attributes);
    } else {
        boxes = boxes->dims.size() == 4 ? b.squeeze(boxes, {2}, "boxes") : boxes;
        std::vector<Tensor*> inputs{boxes, scores};
        inputs.insert(inputs.end(), limits.begin(), limits.end());
        chosen = operation(b, "NonMaxSuppression", std::move(inputs), std::move(attributes), "chosen");
    }
    const DataType type = type_of(c, "indices_type", DataType::kINT32);
    Tensor* count = b.squeeze(b.extents_of(chosen, {0}), {0}, "count");
    return {b.cast(chosen, type, ""), b.cast(count, type, "number")};
}

//! ELEMENT and ND are ONNX's operators; with elementwise dimensions, the axis moves behind them and is looked up by GatherND.
std::vector<Tensor*> expand_gather(Composite& c) {
    Build& b = c.build;
    const auto& a = std::get<graph::GatherAttributes>(c.layer.attributes);
    Tensor* data = c.input(0);
    Tensor* indices = c.input(1);
    AttributeSet attributes;
    if (a.mode == GatherMode::kELEMENT) {
        attributes.set("axis", a.axis);
        return {operation(b, "GatherElements", {data, indices}, std::move(attributes), "")};
    }
    attributes.set("batch_dims", a.elementwise_dims);
    if (a.mode == GatherMode::kND) {
        return {operation(b, "GatherND", {data, indices}, std::move(attributes), "")};
    }
    Ints to_front;
    for (std::int64_t axis = 0; axis < static_cast<std::int64_t>(data->dims.size()); ++axis) {
        to_front.push_back(axis);
    }
    to_front.erase(to_front.begin() + a.axis);
    to_front.insert(to_front.begin() + a.elementwise_dims, a.axis);
    Tensor* moved = a.axis == a.elementwise_dims ? data : b.transpose(data, to_front, "moved");
    const auto rank = static_cast<std::int64_t>(indices->dims.size());
    Tensor* found = operation(b, "GatherND", {moved, b.unsqueeze(indices, {rank}, "numbers")}, std::move(attributes), "found");
    // Elementwise dimensions, those of the indices, those that the axis moved over, those behind it: the second group goes behind the third.
    const std::int64_t chosen = rank - a.elementwise_dims;
    const std::int64_t between = a.axis - a.elementwise_dims;
    Ints back;
    for (std::int64_t axis = 0; axis < static_cast<std::int64_t>(found->dims.size()); ++axis) {
        const std::int64_t at = axis - a.elementwise_dims;
        back.push_back(at < 0 || at >= chosen + between ? axis : at < between ? axis + chosen : axis - between);
    }
    return {b.transpose(found, back, "")};
}

} // namespace tensorvk::layers
