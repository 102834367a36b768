// Quantization: between floating point and integers, and operators on quantized tensors.
#include <array>
#include <utility>

#include "kernels/host/quantized.hpp"

namespace tensorvk::kernels::host {

namespace {

// Numbers of TensorProto.DataType.
constexpr std::int64_t kOnnxInt8 = 3;

DataType quantized_type(const Call& call) {
    if (call.has_input(2)) {
        return call.input(2).dtype;
    }
    return call.attributes().integer("output_dtype", 0) == kOnnxInt8 ? DataType::kINT8 : DataType::kUINT8;
}

void check_zero_points(const Call& call) {
    if (call.has_input(2) && call.input(2).volume() != call.input(1).volume()) {
        call.fail("has ", call.input(1).volume(), " scales and ", call.input(2).volume(), " zero points.");
    }
}

//! saturate(round(x / scale) + zero point); of int4 and uint4 with 'bits' 4, which are kept in bytes.
void quantize_linear(Call& call) {
    const Tensor& x = call.input(0);
    const Tensor& scale = call.input(1);
    const Tensor* zero_point = call.optional_input(2);
    check_zero_points(call);
    const ScaleIndex scale_of(call, x.dims, scale.dims);
    Tensor& y = call.output(0, quantized_type(call), x.dims);
    const bool four_bits = call.attributes().integer("bits", 8) == 4;
    const auto [least, most] = y.dtype == DataType::kINT8 ? std::pair(-8.0, 7.0) : std::pair(0.0, 15.0);
    std::int64_t at = 0;
    for (Odometer index(x.dims); index.valid(); index.next(), ++at) {
        const std::int64_t s = scale_of(index);
        const auto zero = zero_point == nullptr ? 0 : static_cast<std::int32_t>(zero_point->get_integer(s));
        set_quantized(y, at, static_cast<float>(x.get(at)) / static_cast<float>(scale.get(s)), zero);
        if (four_bits) {
            y.set(at, std::clamp(y.get(at), least, most));
        }
    }
}

//! (x - zero point) * scale
void dequantize_linear(Call& call) {
    const Tensor& x = call.input(0);
    const Tensor& scale = call.input(1);
    const Tensor* zero_point = call.optional_input(2);
    check_zero_points(call);
    const ScaleIndex scale_of(call, x.dims, scale.dims);
    const auto y = call.output(0, DataType::kFLOAT, x.dims).as<float>();
    std::int64_t at = 0;
    for (Odometer index(x.dims); index.valid(); index.next(), ++at) {
        const std::int64_t s = scale_of(index);
        const double zero = zero_point == nullptr ? 0.0 : zero_point->get(s);
        y[static_cast<std::size_t>(at)] = static_cast<float>(x.get(at) - zero) * static_cast<float>(scale.get(s));
    }
}

//! uint8 with the smallest scale whose range holds 0 and all of x.
void dynamic_quantize_linear(Call& call) {
    const Tensor& x = call.input(0);
    const auto values = x.as<float>();
    const DynamicRange range(values);
    Tensor& y = call.output(0, DataType::kUINT8, x.dims);
    for (std::size_t i = 0; i < values.size(); ++i) {
        set_quantized(y, static_cast<std::int64_t>(i), values[i] / range.scale, static_cast<std::int32_t>(range.zero));
    }
    call.output(1, DataType::kFLOAT, {}).set(0, static_cast<double>(range.scale));
    call.output(2, DataType::kUINT8, {}).set(0, static_cast<double>(range.zero));
}

constexpr std::array kFunctions{
    Function{"QuantizeLinear", quantize_linear},
    Function{"com.microsoft.QuantizeLinear", quantize_linear},
    Function{"DequantizeLinear", dequantize_linear},
    Function{"com.microsoft.DequantizeLinear", dequantize_linear},
    Function{"DynamicQuantizeLinear", dynamic_quantize_linear},
    Function{"ConvInteger", conv_integer},
    Function{"QLinearConv", qlinear_conv},
    Function{"MatMulInteger", mat_mul_integer},
    Function{"QLinearMatMul", qlinear_mat_mul},
    Function{"com.microsoft.QGemm", qgemm},
    Function{"com.microsoft.QLinearAdd", qlinear_add},
    Function{"com.microsoft.QLinearMul", qlinear_mul},
    Function{"com.microsoft.QLinearSigmoid", qlinear_sigmoid},
    Function{"com.microsoft.QLinearLeakyRelu", qlinear_leaky_relu},
    Function{"com.microsoft.QLinearSoftmax", qlinear_softmax},
    Function{"com.microsoft.QLinearConcat", qlinear_concat},
    Function{"com.microsoft.QLinearAveragePool", qlinear_average_pool},
    Function{"com.microsoft.QLinearGlobalAveragePool", qlinear_global_average_pool},
};

} // namespace

std::span<const Function> quantize_functions() { return kFunctions; }

} // namespace tensorvk::kernels::host
