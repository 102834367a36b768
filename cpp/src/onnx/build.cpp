#include "onnx/build.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "onnx/failure.hpp"
#include "onnx/weights.hpp"
#include "support/error.hpp"

namespace tensorvk::onnx {

using graph::Attributes;
using graph::Tensor;

void Build::begin_node(std::string name) {
    node_ = std::move(name);
}

std::string Build::unique(std::string_view role) {
    const std::string base = role.empty() ? node_ : text(node_, "/", role);
    if (used_.insert(base).second) {
        return base;
    }
    int& copies = copies_.try_emplace(base, 1).first->second; // names are many: it goes on where it ended
    std::string name;
    do {
        name = text(base, "_", ++copies);
    } while (!used_.insert(name).second);
    return name;
}

graph::Layer* Build::layer(LayerType type, std::vector<Tensor*> inputs, Attributes attributes, std::string_view role) {
    graph::Layer* added = network_.add_layer(type, std::move(inputs), std::move(attributes), unique(role));
    added->metadata = text("[ONNX Layer: ", node_, "]");
    return added;
}

Tensor* Build::constant(Ints dims, graph::Weights weights, std::string_view role) {
    return add(LayerType::kCONSTANT, {}, graph::ConstantAttributes{std::move(dims), std::move(weights)}, role);
}

Tensor* Build::ints(Ints values) {
    const auto count = static_cast<std::int64_t>(values.size());
    return constant({count}, make_weights(DataType::kINT64, std::move(values)), "ints");
}

Tensor* Build::number(const Tensor* like, double value) {
    return constant(Ints(like->dims.size(), 1), from_doubles(like->dtype, {value}), "number");
}

std::optional<Build::Ints> Build::known(const Tensor* tensor) const {
    if (!tensor->values) {
        return std::nullopt;
    }
    Ints out;
    for (const shape::Expr e : *tensor->values) {
        const auto value = network_.exprs().value(e);
        if (!value) {
            return std::nullopt;
        }
        out.push_back(*value);
    }
    return out;
}

std::optional<std::int64_t> Build::extent(const Tensor* tensor, std::size_t axis) const {
    if (axis >= tensor->dims.size()) {
        fail(NodeErrorCode::kINVALID_NODE, "'", tensor->name, "' has only ", tensor->dims.size(), " dimensions, which are too few here.");
    }
    return network_.exprs().value(tensor->dims[axis]);
}

void Build::require(Tensor* condition, std::string message) {
    graph::OperatorAttributes assertion{"Assertion", {}};
    assertion.attributes.set("message", std::move(message));
    layer(LayerType::kASSERTION, {condition}, std::move(assertion), "condition");
}

Tensor* Build::unary(UnaryOperation op, Tensor* x, std::string_view role) {
    return add(LayerType::kUNARY, {x}, graph::UnaryAttributes{op}, role);
}

Tensor* Build::activation(ActivationType op, Tensor* x, float alpha, float beta, std::string_view role) {
    return add(LayerType::kACTIVATION, {x}, graph::ActivationAttributes{op, alpha, beta}, role);
}

Tensor* Build::elementwise(ElementWiseOperation op, Tensor* a, Tensor* b, std::string_view role) {
    const std::size_t rank = std::max(a->dims.size(), b->dims.size());
    return add(LayerType::kELEMENTWISE, {with_rank(a, rank), with_rank(b, rank)}, graph::ElementWiseAttributes{op},
               role);
}

Tensor* Build::reduce(ReduceOperation op, Tensor* x, std::uint32_t axes, bool keep_dims, std::string_view role) {
    return add(LayerType::kREDUCE, {x}, graph::ReduceAttributes{op, axes, keep_dims}, role);
}

Tensor* Build::cast(Tensor* x, DataType to, std::string_view role) {
    return x->dtype == to ? x : add(LayerType::kCAST, {x}, graph::CastAttributes{to}, role);
}

Tensor* Build::transpose(Tensor* x, const Ints& permutation, std::string_view role) {
    graph::ShuffleAttributes attributes;
    attributes.first_transpose.emplace();
    for (std::size_t i = 0; i < permutation.size() && i < static_cast<std::size_t>(Dims::MAX_DIMS); ++i) {
        attributes.first_transpose->order[i] = static_cast<std::int32_t>(permutation[i]);
    }
    return add(LayerType::kSHUFFLE, {x}, std::move(attributes), role);
}

Tensor* Build::reshape(Tensor* x, const std::vector<Extent>& to, std::string_view role) {
    // Known numbers, 0 for an axis that stays in its place, and at most one -1 need no shape tensor.
    Ints numbers;
    int unknown = 0;
    bool zero_extent = false;
    bool copies = false;
    for (std::size_t i = 0; i < to.size(); ++i) {
        const std::span<const shape::Expr> axes = std::span(x->dims).subspan(to[i].first, to[i].last - to[i].first);
        const shape::Expr e =
            to[i].is_number() ? network_.exprs().constant(to[i].number) : network_.exprs().product(axes);
        if (const auto value = network_.exprs().value(e)) {
            numbers.push_back(*value);
            zero_extent = zero_extent || *value == 0;
        } else if (i < x->dims.size() && e == x->dims[i]) {
            numbers.push_back(0);
            copies = true;
        } else {
            numbers.push_back(-1);
            ++unknown;
        }
    }
    if (x->constant && unknown == 0 && !copies) {
        return constant(std::move(numbers), *x->constant, role);
    }
    graph::ShuffleAttributes attributes;
    if (unknown <= 1 && !(zero_extent && (copies || unknown == 1))) {
        attributes.reshape = std::move(numbers);
        attributes.zero_is_placeholder = copies;
        return add(LayerType::kSHUFFLE, {x}, std::move(attributes), role);
    }
    std::vector<Tensor*> parts;
    for (const Extent& extent : to) {
        if (extent.is_number()) {
            parts.push_back(ints({extent.number}));
            continue;
        }
        Ints axes(extent.last - extent.first);
        std::iota(axes.begin(), axes.end(), static_cast<std::int64_t>(extent.first));
        Tensor* extents = extents_of(x, axes);
        parts.push_back(axes.size() == 1 ? extents : reduce(ReduceOperation::kPROD, extents, 1, true, "volume"));
    }
    attributes.zero_is_placeholder = false;
    return add(LayerType::kSHUFFLE, {x, concatenate(parts, 0, "shape")}, std::move(attributes), role);
}

Tensor* Build::with_rank(Tensor* x, std::size_t rank) {
    if (x->dims.size() >= rank) {
        return x;
    }
    Ints axes(rank - x->dims.size());
    std::iota(axes.begin(), axes.end(), 0);
    return unsqueeze(x, axes, "align");
}

Tensor* Build::unsqueeze(Tensor* x, const Ints& axes, std::string_view role) {
    std::vector<Extent> to;
    std::size_t next = 0;
    for (std::size_t axis = 0; axis < x->dims.size() + axes.size(); ++axis) {
        const bool is_new = std::find(axes.begin(), axes.end(), static_cast<std::int64_t>(axis)) != axes.end();
        to.push_back(is_new ? Extent::of(1) : Extent::axis(next++));
    }
    return reshape(x, to, role);
}

Tensor* Build::squeeze(Tensor* x, const Ints& axes, std::string_view role) {
    std::vector<Extent> to;
    for (std::size_t axis = 0; axis < x->dims.size(); ++axis) {
        if (std::find(axes.begin(), axes.end(), static_cast<std::int64_t>(axis)) == axes.end()) {
            to.push_back(Extent::axis(axis));
        }
    }
    return reshape(x, to, role);
}

Tensor* Build::low_bits(Tensor* x, DataType to, std::string_view role) {
    if (x->dtype != DataType::kINT32 && x->dtype != DataType::kINT64) {
        x = cast(x, DataType::kINT32, "wide");
    }
    Tensor* shifted = to == DataType::kINT8 ? elementwise(ElementWiseOperation::kSUM, x, number(x, 128), "shifted") : x;
    Tensor* turns = elementwise(ElementWiseOperation::kFLOOR_DIV, shifted, number(x, 256), "turns");
    Tensor* excess = elementwise(ElementWiseOperation::kPROD, turns, number(x, 256), "excess");
    return cast(elementwise(ElementWiseOperation::kSUB, x, excess, "wrapped"), to, role);
}

Tensor* Build::reshape_to(Tensor* x, Tensor* extents, std::string_view role) {
    graph::ShuffleAttributes attributes;
    attributes.zero_is_placeholder = false;
    if (auto numbers = known(extents)) {
        attributes.reshape = std::move(*numbers);
        return add(LayerType::kSHUFFLE, {x}, std::move(attributes), role);
    }
    return add(LayerType::kSHUFFLE, {x, extents}, std::move(attributes), role);
}

Tensor* Build::shape_of(Tensor* x) {
    return add(LayerType::kSHAPE, {x}, graph::NoAttributes{}, "shape_of");
}

Tensor* Build::extents_of(Tensor* x, const Ints& axes) {
    Ints fixed;
    for (const std::int64_t axis : axes) {
        const auto value = extent(x, static_cast<std::size_t>(axis));
        if (!value) {
            return add(LayerType::kGATHER, {shape_of(x), ints(axes)}, graph::GatherAttributes{}, "extents");
        }
        fixed.push_back(*value);
    }
    return ints(std::move(fixed));
}

Tensor* Build::counted(Tensor* count) {
    if (!count->values || count->values->size() != 1) {
        fail(NodeErrorCode::kINVALID_NODE, "'", count->name, "' has to be one number.");
    }
    const shape::Expr length = count->values->front();
    const auto it = std::ranges::find(counted_, length, &std::pair<shape::Expr, Tensor*>::first);
    if (it != counted_.end()) {
        return it->second;
    }
    Tensor* numbers = add(LayerType::kOPERATOR, {ints({0}), count, ints({1})}, graph::OperatorAttributes{"Range", {}}, "counted");
    return counted_.emplace_back(length, cast(numbers, DataType::kINT32, "places")).second;
}

Tensor* Build::concatenate(std::vector<Tensor*> parts, std::int64_t axis, std::string_view role) {
    return add(LayerType::kCONCATENATION, std::move(parts), graph::ConcatenationAttributes{axis}, role);
}

Tensor* Build::slice(Tensor* x, const Ints& axes, Tensor* start, Tensor* size, Tensor* stride,
                     graph::SliceAttributes attributes, Tensor* fill, std::string_view role) {
    attributes.axes = axes;
    std::vector<Tensor*> inputs = {x, nullptr, nullptr, nullptr, nullptr};
    const auto place = [&](Tensor* tensor, Ints& attribute, std::size_t index) {
        if (auto numbers = known(tensor)) {
            attribute = std::move(*numbers);
        } else {
            inputs[index] = tensor;
        }
    };
    place(start, attributes.start, 1);
    place(size, attributes.size, 2);
    place(stride, attributes.stride, 3);
    inputs[4] = fill;
    while (inputs.back() == nullptr) {
        inputs.pop_back();
    }
    return add(LayerType::kSLICE, std::move(inputs), std::move(attributes), role);
}

} // namespace tensorvk::onnx
