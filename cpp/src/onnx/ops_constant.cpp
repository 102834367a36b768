// Constants and what only changes types or nothing at all.
#include <span>
#include <vector>

#include "onnx/cast_weights.hpp"
#include "onnx/operators.hpp"
#include "support/checked.hpp"
#include "support/dtype.hpp"
#include "support/onnx_type.hpp"

namespace tensorvk::onnx {

namespace {

using graph::Tensor;

template <typename T>
std::shared_ptr<const ConstantData> data_of(DataType type, std::vector<std::int64_t> dims, std::vector<T> values) {
    return std::make_shared<const ConstantData>(
        ConstantData{std::move(dims), make_weights(type, std::move(values)), {}});
}

std::shared_ptr<const ConstantData> tensor_of(NodeContext& node, const onnx_pb::AttributeProto& attribute) {
    if (!attribute.has_t()) {
        fail(NodeErrorCode::kINVALID_NODE, "Attribute '", attribute.name(), "' must be a tensor.");
    }
    auto data = std::make_shared<ConstantData>(read_tensor(attribute.t(), node.model().owner, node.model().file));
    if (!data->warning.empty()) {
        node.warn(data->warning);
    }
    return data;
}

void constant(NodeContext& node) {
    if (const auto* value = node.attribute("value")) {
        return node.output(tensor_of(node, *value));
    }
    if (node.has("value_int")) {
        return node.output(data_of<std::int64_t>(DataType::kINT64, {}, {node.integer("value_int", 0)}));
    }
    if (node.has("value_float")) {
        return node.output(data_of<float>(DataType::kFLOAT, {}, {node.real("value_float", 0.0f)}));
    }
    if (node.has("value_ints")) {
        auto values = node.integers("value_ints");
        const auto count = static_cast<std::int64_t>(values.size());
        return node.output(data_of(DataType::kINT64, {count}, std::move(values)));
    }
    if (node.has("value_floats")) {
        auto values = node.reals("value_floats");
        const auto count = static_cast<std::int64_t>(values.size());
        return node.output(data_of(DataType::kFLOAT, {count}, std::move(values)));
    }
    fail(NodeErrorCode::kUNSUPPORTED_NODE_ATTR,
         "Its value is sparse, a string or missing; allowed are 'value', 'value_int', 'value_ints', 'value_float' and "
         "'value_floats'.");
}

graph::Weights repeated(const graph::Weights& number, std::size_t count) {
    const std::span element(number.data, dtype_size(number.type));
    auto bytes = std::make_shared<std::vector<std::byte>>();
    for (std::size_t i = 0; i < count; ++i) {
        bytes->insert(bytes->end(), element.begin(), element.end());
    }
    const std::byte* data = bytes->data();
    return {number.type, data, static_cast<std::int64_t>(count), std::move(bytes)};
}

//! One number, repeated.
void constant_of_shape(NodeContext& node) {
    Tensor* shape = node.shape_input(0, "shape");
    std::shared_ptr<const ConstantData> value = data_of<float>(DataType::kFLOAT, {1}, {0.0f});
    if (const auto* attribute = node.attribute("value")) {
        value = tensor_of(node, *attribute);
    }
    if (value->weights.count != 1) {
        fail(NodeErrorCode::kINVALID_NODE, "Attribute 'value' must hold one number; it has ", value->weights.count,
             ".");
    }
    const auto dims = node.build.known(shape);
    for (const std::int64_t extent : dims.value_or(Build::Ints())) {
        if (extent < 0) {
            fail(NodeErrorCode::kINVALID_NODE, "Input 0 (shape) has the dimension ", extent,
                 "; dimensions must not be negative.");
        }
    }
    if (dims && checked_volume(*dims) <= static_cast<std::int64_t>(graph::kMaxShapeValues)) {
        return node.output(
            std::make_shared<const ConstantData>(ConstantData{*dims, repeated(value->weights, static_cast<std::size_t>(checked_volume(*dims))), {}}));
    }
    const std::size_t rank = shape->values->size();
    Tensor* one = node.build.constant(Build::Ints(rank, 1), value->weights, "value");
    Build::Ints axes(rank);
    for (std::size_t axis = 0; axis < rank; ++axis) {
        axes[axis] = static_cast<std::int64_t>(axis);
    }
    Tensor* zeros = node.build.ints(Build::Ints(rank, 0));
    node.output(node.build.slice(one, axes, zeros, shape, zeros, {}, nullptr, ""));
}

void cast_to(NodeContext& node, DataType to) {
    if (const auto data = node.constant(0); data && data->weights.count <= static_cast<std::int64_t>(graph::kMaxShapeValues)) {
        const bool same = data->weights.type == to && data->narrow == 0;
        return node.output(same ? data : std::make_shared<const ConstantData>(ConstantData{data->dims, cast_weights(data->weights, to), {}}));
    }
    Tensor* x = node.input(0);
    const bool wraps = is_byte(to) && !is_floating(x->dtype) && x->dtype != DataType::kBOOL && x->dtype != to;
    node.output(wraps ? node.build.low_bits(x, to, "") : node.build.add(LayerType::kCAST, {x}, graph::CastAttributes{to}));
}

void cast(NodeContext& node) {
    const std::int64_t number = node.integer("to", 0);
    const auto to = onnx_type(number);
    if (!to) {
        fail(NodeErrorCode::kUNSUPPORTED_NODE_DATATYPE, "It casts to ", onnx_type_name(number),
             "; float, float16, bfloat16, double, int8, uint8, int32, int64 and bool are offered.");
    }
    cast_to(node, *to);
}

void cast_like(NodeContext& node) {
    cast_to(node, node.input(1)->dtype);
}

void identity(NodeContext& node) {
    if (node.is_sequence(0)) {
        return node.output_sequence(node.sequence(0));
    }
    if (auto data = node.constant(0)) {
        return node.output(std::move(data));
    }
    node.output(node.build.add(LayerType::kIDENTITY, {node.input(0)}, graph::NoAttributes{}));
}

//! At inference nothing is dropped.
void dropout(NodeContext& node) {
    if (node.wants_output(1)) {
        fail(NodeErrorCode::kUNSUPPORTED_NODE_DYNAMIC, "Its output 1 (mask) is used; only the data is offered.");
    }
    if (node.has_input(2) && node.constant_number(2, "training_mode") != 0.0) {
        fail(NodeErrorCode::kUNSUPPORTED_NODE_DYNAMIC, "It is in training mode; export the model for inference.");
    }
    identity(node);
}

//! An optional value is a tensor or nothing.
void optional_has_element(NodeContext& node) {
    node.output(data_of<std::uint8_t>(DataType::kBOOL, {}, {static_cast<std::uint8_t>(node.has_input(0) ? 1 : 0)}));
}

constexpr Operator kOperators[] = {
    {"Cast", cast, 1},       {"CastLike", cast_like, 2}, {"Constant", constant, 0}, {"ConstantOfShape", constant_of_shape, 1},
    {"Dropout", dropout, 3}, {"Identity", identity, 1},
    {"OptionalGetElement", identity, 1}, {"OptionalHasElement", optional_has_element, 1},
};

} // namespace

std::span<const Operator> constant_operators() {
    return kOperators;
}

} // namespace tensorvk::onnx
