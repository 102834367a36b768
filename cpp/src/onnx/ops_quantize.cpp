// QuantizeLinear: the type of its result is that of a constant or an attribute, so 4 bits are known here alone. Networks keep such numbers in
// bytes.
#include "onnx/import_by_rule.hpp"
#include "onnx/operators.hpp"
#include "support/onnx_type.hpp"

namespace tensorvk::onnx {

namespace {

// Numbers of TensorProto.DataType.
constexpr std::int64_t kUint8 = 2, kInt8 = 3;

void quantize_linear(NodeContext& node, const std::string& key) {
    const auto zero_point = node.constant(2);
    const std::int64_t type = zero_point != nullptr && zero_point->narrow != 0 ? zero_point->narrow : node.integer("output_dtype", 0);
    if (type == kOnnxInt4 || type == kOnnxUint4) {
        node.set_attribute("bits", 4);
        node.set_attribute("output_dtype", type == kOnnxInt4 ? kInt8 : kUint8);
    } else if (type != 0) {
        node.set_attribute("output_dtype", type); // the rule says which are offered
    }
    import_by_rule(node, key);
}

void quantize_linear_onnx(NodeContext& node) { quantize_linear(node, "QuantizeLinear"); }
void quantize_linear_microsoft(NodeContext& node) { quantize_linear(node, "com.microsoft.QuantizeLinear"); }

constexpr Operator kOperators[] = {
    {"QuantizeLinear", quantize_linear_onnx, 3},
    {"com.microsoft.QuantizeLinear", quantize_linear_microsoft},
};

} // namespace

std::span<const Operator> quantize_operators() {
    return kOperators;
}

} // namespace tensorvk::onnx
