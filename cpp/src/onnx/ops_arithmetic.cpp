// Operators of two or more inputs with numpy broadcasting.
#include <algorithm>

#include "onnx/import_by_rule.hpp"
#include "onnx/operators.hpp"
#include "support/dtype.hpp"

namespace tensorvk::onnx {

namespace {

using graph::Tensor;

//! Input 1. Before operator set 7, 'axis' names the dimension of input 0 where its first one lies; without it, the last ones meet.
Tensor* second_operand(NodeContext& node) {
    Tensor* b = node.input(1);
    const std::int64_t axis = node.integer("axis", -1);
    if (node.opset() >= 7 || node.integer("broadcast", 0) == 0 || axis < 0) {
        return b;
    }
    const auto rank = static_cast<std::int64_t>(node.input(0)->dims.size());
    const auto own = static_cast<std::int64_t>(b->dims.size());
    if (axis + own > rank) {
        fail(NodeErrorCode::kINVALID_NODE, "Its input 1 '", b->name, "' has ", own, " dimensions, which do not fit behind axis ", axis,
             " of input 0 with ", rank, "; 'axis' may be 0 to ", rank - own, ".");
    }
    Build::Ints behind;
    for (std::int64_t added = own; added < rank - axis; ++added) {
        behind.push_back(added);
    }
    return behind.empty() ? b : node.build.unsqueeze(b, behind, "placed");
}

template <ElementWiseOperation Op>
void binary(NodeContext& node) {
    node.output(node.build.elementwise(Op, node.input(0), second_operand(node), ""));
}

//! What 8-bit integers give wraps, as in numpy.
template <ElementWiseOperation Op>
void wrapping(NodeContext& node) {
    const DataType type = node.input(0)->dtype;
    if (!is_byte(type)) {
        return binary<Op>(node);
    }
    Build& b = node.build;
    Tensor* left = b.cast(node.input(0), DataType::kINT32, "left");
    Tensor* right = b.cast(second_operand(node), DataType::kINT32, "right");
    node.output(b.low_bits(b.elementwise(Op, left, right, "exact"), type, ""));
}

//! One input or more, combined from the left.
template <ElementWiseOperation Op>
Tensor* combined(NodeContext& node, bool last_is_node) {
    const std::vector<Tensor*> inputs = node.all_inputs();
    Tensor* y = inputs[0];
    for (std::size_t i = 1; i < inputs.size(); ++i) {
        const bool last = i + 1 == inputs.size() && last_is_node;
        y = node.build.elementwise(Op, y, inputs[i], last ? "" : "partial");
    }
    return y;
}

template <ElementWiseOperation Op>
void variadic(NodeContext& node) {
    Tensor* y = combined<Op>(node, true);
    node.output(node.input_count() > 1 ? y : node.build.add(LayerType::kIDENTITY, {y}, graph::NoAttributes{}));
}

void mean(NodeContext& node) {
    Tensor* sum = combined<ElementWiseOperation::kSUM>(node, false);
    Tensor* factor = node.build.number(sum, 1.0 / static_cast<double>(node.input_count()));
    node.output(node.build.elementwise(ElementWiseOperation::kPROD, sum, factor, ""));
}

//! The exponent may have another type than the base, which gives the result's.
void power(NodeContext& node) {
    Tensor* base = node.input(0);
    Tensor* exponent = second_operand(node);
    if (!is_floating(base->dtype) && is_floating(exponent->dtype)) {
        Tensor* real = node.build.cast(base, exponent->dtype, "base");
        real = node.build.elementwise(ElementWiseOperation::kPOW, real, exponent, "power");
        return node.output(node.build.cast(real, base->dtype, ""));
    }
    node.output(node.build.elementwise(ElementWiseOperation::kPOW, base, node.build.cast(exponent, base->dtype, "exponent"), ""));
}

//! a op b or a == b; not the negation of the opposite, which is wrong for NaN.
template <ElementWiseOperation Op>
void or_equal(NodeContext& node) {
    Tensor* strict = node.build.elementwise(Op, node.input(0), node.input(1), "strict");
    Tensor* equal = node.build.elementwise(ElementWiseOperation::kEQUAL, node.input(0), node.input(1), "equal");
    node.output(node.build.elementwise(ElementWiseOperation::kOR, strict, equal, ""));
}

//! Sign of the divisor (Python), or of the dividend with fmod (C).
void mod(NodeContext& node) {
    const DataType type = node.input(0)->dtype;
    const bool truncates = node.integer("fmod", 0) != 0;
    if (truncates && is_floating(type)) { // no quotient of floating-point numbers is exact enough
        return import_by_rule(node, node.op());
    }
    Build& build = node.build;
    const auto wide = [&](Tensor* x) { return is_byte(type) ? build.cast(x, DataType::kINT32, "wide") : x; };
    Tensor* a = wide(node.input(0));
    Tensor* b = wide(node.input(1));
    Tensor* quotient = build.elementwise(truncates ? ElementWiseOperation::kDIV : ElementWiseOperation::kFLOOR_DIV, a, b, "quotient");
    Tensor* whole = build.elementwise(ElementWiseOperation::kPROD, quotient, b, "whole");
    Tensor* rest = build.elementwise(ElementWiseOperation::kSUB, a, whole, is_byte(type) ? "rest" : "");
    node.output(build.cast(rest, type, ""));
}

void where(NodeContext& node) {
    Tensor* condition = node.input(0);
    Tensor* yes = node.input(1);
    Tensor* no = node.input(2);
    const std::size_t rank = std::max({condition->dims.size(), yes->dims.size(), no->dims.size()});
    Build& b = node.build;
    node.output(b.add(LayerType::kSELECT, {b.with_rank(condition, rank), b.with_rank(yes, rank), b.with_rank(no, rank)},
                      graph::NoAttributes{}));
}

constexpr Operator kOperators[] = {
    {"Add", wrapping<ElementWiseOperation::kSUM>, 2},
    {"And", binary<ElementWiseOperation::kAND>, 2},
    {"Div", wrapping<ElementWiseOperation::kDIV>, 2},
    {"Equal", binary<ElementWiseOperation::kEQUAL>, 2},
    {"Greater", binary<ElementWiseOperation::kGREATER>, 2},
    {"GreaterOrEqual", or_equal<ElementWiseOperation::kGREATER>, 2},
    {"Less", binary<ElementWiseOperation::kLESS>, 2},
    {"LessOrEqual", or_equal<ElementWiseOperation::kLESS>, 2},
    {"Max", variadic<ElementWiseOperation::kMAX>},
    {"Mean", mean},
    {"Min", variadic<ElementWiseOperation::kMIN>},
    {"Mod", mod, 2},
    {"Mul", wrapping<ElementWiseOperation::kPROD>, 2},
    {"Or", binary<ElementWiseOperation::kOR>, 2},
    {"Pow", power, 2},
    {"Sub", wrapping<ElementWiseOperation::kSUB>, 2},
    {"Sum", variadic<ElementWiseOperation::kSUM>},
    {"Where", where, 3},
    {"Xor", binary<ElementWiseOperation::kXOR>, 2},
};

} // namespace

std::span<const Operator> arithmetic_operators() {
    return kOperators;
}

} // namespace tensorvk::onnx
