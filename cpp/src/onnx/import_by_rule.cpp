#include "onnx/import_by_rule.hpp"

#include <algorithm>
#include <array>

#include "graph/operators.hpp"
#include "onnx/operators.hpp"

namespace tensorvk::onnx {

namespace {

// Numbers of AttributeProto.AttributeType.
enum AttributeType : std::int32_t { kFLOAT = 1, kINT = 2, kSTRING = 3, kFLOATS = 6, kINTS = 7, kSTRINGS = 8 };

struct TypeOfOperator {
    std::string_view op;
    LayerType type;
};

//! Operators for which TensorRT has a layer with the same inputs and attributes.
constexpr std::array kTypes{
    TypeOfOperator{"CumSum", LayerType::kCUMULATIVE},
    TypeOfOperator{"DequantizeLinear", LayerType::kDEQUANTIZE},
    TypeOfOperator{"Einsum", LayerType::kEINSUM},
    TypeOfOperator{"GridSample", LayerType::kGRID_SAMPLE},
    TypeOfOperator{"NonZero", LayerType::kNON_ZERO},
    TypeOfOperator{"QuantizeLinear", LayerType::kQUANTIZE},
    TypeOfOperator{"ReverseSequence", LayerType::kREVERSE_SEQUENCE},
    TypeOfOperator{"ScatterElements", LayerType::kSCATTER},
    TypeOfOperator{"ScatterND", LayerType::kSCATTER},
};

LayerType type_of(std::string_view op) {
    const auto* known = std::ranges::find(kTypes, op, &TypeOfOperator::op);
    return known == kTypes.end() ? LayerType::kOPERATOR : known->type;
}

} // namespace

AttributeValue attribute_value(const onnx_pb::AttributeProto& attribute) {
    switch (attribute.type()) {
        case kFLOAT:
            return static_cast<double>(attribute.f());
        case kINT:
            return std::int64_t{attribute.i()};
        case kSTRING:
            return std::string(attribute.s());
        case kFLOATS:
            return std::vector<double>(attribute.floats().begin(), attribute.floats().end());
        case kINTS:
            return std::vector<std::int64_t>(attribute.ints().begin(), attribute.ints().end());
        case kSTRINGS:
            return std::vector<std::string>(attribute.strings().begin(), attribute.strings().end());
        default:
            fail(NodeErrorCode::kUNSUPPORTED_NODE_ATTR, "Attribute '", attribute.name(),
                 "' is neither a number, a text nor a list of them; it has the type number ", attribute.type(), ".");
    }
}

void import_by_rule(NodeContext& node, const std::string& op) {
    graph::OperatorAttributes attributes{op, {}};
    for (const auto& [name, proto] : node.attributes()) {
        attributes.attributes.set(name, attribute_value(*proto));
    }
    if (!attributes.attributes.has("opset")) { // QLinearSoftmax has an attribute of that name: the Softmax it stands for
        attributes.attributes.set("opset", node.opset());
    }
    std::vector<graph::Tensor*> inputs;
    for (std::size_t i = 0; i < node.input_count(); ++i) {
        inputs.push_back(node.optional_input(i));
    }
    const graph::Layer* layer = node.build.layer(type_of(op), std::move(inputs), std::move(attributes), "");
    for (std::size_t i = 0; i < layer->outputs.size(); ++i) {
        node.output(layer->outputs[i], i);
    }
}

void import_as(NodeContext& node, const std::string& key) {
    const Operator* op = find_operator(key);
    if (op == nullptr) {
        return import_by_rule(node, key);
    }
    try {
        op->import(node);
    } catch (...) {
        // Layers want constants or floating point where ONNX allows more: the operator's host function takes that.
        if (!is_refusal(current_failure(NodeErrorCode::kINVALID_NODE).code) || graph::find_operator_rule(key) == nullptr) {
            throw;
        }
        node.results().clear();
        import_by_rule(node, key);
    }
}

} // namespace tensorvk::onnx
