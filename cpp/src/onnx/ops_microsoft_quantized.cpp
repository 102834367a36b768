// Operators of ONNX Runtime's domain com.microsoft that multiply integers and give floats, or read tables of integers.
#include "onnx/microsoft_attention.hpp"
#include "onnx/import_by_rule.hpp"
#include "onnx/operators.hpp"
#include "support/onnx_type.hpp"

namespace tensorvk::onnx {

namespace {

using graph::Tensor;
using Op = ElementWiseOperation;

//! 8-bit numbers with their scale and zero point.
struct Quantized {
    Tensor* numbers;
    Tensor* scale;
    Tensor* zero_point; // null for 0
};

Tensor* require_one_number(Build& b, Tensor* scale, const char* what) {
    if (scale->dims.size() > 1 || (scale->dims.size() == 1 && b.extent(scale, 0) != 1)) {
        fail(NodeErrorCode::kUNSUPPORTED_NODE_SHAPE, "Its ", what, " '", scale->name, "' has to be one number; scales for each row are not offered.");
    }
    return scale;
}

//! Exact sums of a * w, times both scales, plus a bias: float32.
Tensor* scaled_product(NodeContext& node, const Quantized& a, const Quantized& w, Tensor* bias) {
    Build& b = node.build;
    Tensor* sums = b.add(LayerType::kOPERATOR, {a.numbers, w.numbers, a.zero_point, w.zero_point}, graph::OperatorAttributes{"MatMulInteger", {}}, "sums");
    Tensor* a_scale = b.cast(require_one_number(b, a.scale, "scale"), DataType::kFLOAT, "a_scale");
    Tensor* scale = b.elementwise(Op::kPROD, a_scale, b.cast(w.scale, DataType::kFLOAT, "b_scale"), "scale");
    Tensor* y = b.elementwise(Op::kPROD, b.cast(sums, DataType::kFLOAT, "float_sums"), scale, "product");
    return bias == nullptr ? y : b.elementwise(Op::kSUM, y, b.cast(bias, DataType::kFLOAT, "bias"), "biased");
}

void matmul_integer_to_float(NodeContext& node) {
    const Quantized a{node.input(0), node.input(2), node.optional_input(4)};
    const Quantized w{node.input(1), node.input(3), node.optional_input(5)};
    node.output(node.build.cast(scaled_product(node, a, w, node.optional_input(6)), a.scale->dtype, ""));
}

//! a is quantized to uint8 by its own range first.
void dynamic_quantize_matmul(NodeContext& node) {
    const graph::Layer* a = node.build.layer(LayerType::kOPERATOR, {node.input(0)}, graph::OperatorAttributes{"DynamicQuantizeLinear", {}}, "quantized");
    const Quantized w{node.input(1), node.input(2), node.optional_input(3)};
    node.output(scaled_product(node, {a->outputs[0], a->outputs[1], a->outputs[2]}, w, node.optional_input(4)));
}

//! Attention whose projection multiplies integers.
void quantized_attention(NodeContext& node) {
    require_rank(node.input(0), 3, "input");
    const Quantized x{node.input(0), node.input(3), node.optional_input(6)};
    const Quantized w{node.input(1), node.input(4), node.optional_input(7)};
    attend(node, scaled_product(node, x, w, node.input(2)), {5, 8, kNoInput});
}

//! Tables of int4 and uint4 come as one number a byte; those of uint8 have 8 / bits numbers a byte.
void gather_block_quantized(NodeContext& node) {
    const auto table = node.constant(0);
    node.set_attribute("unpacked", table != nullptr && (table->narrow == kOnnxInt4 || table->narrow == kOnnxUint4) ? 1 : 0);
    import_by_rule(node, "com.microsoft.GatherBlockQuantized");
}

constexpr Operator kOperators[] = {
    {"com.microsoft.DynamicQuantizeMatMul", dynamic_quantize_matmul},
    {"com.microsoft.GatherBlockQuantized", gather_block_quantized},
    {"com.microsoft.MatMulIntegerToFloat", matmul_integer_to_float},
    {"com.microsoft.QAttention", quantized_attention},
};

} // namespace

std::span<const Operator> microsoft_quantized_operators() {
    return kOperators;
}

} // namespace tensorvk::onnx
