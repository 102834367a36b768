// Quantization: between floating point and integers, and operators on quantized tensors.
#include <algorithm>
#include <array>

#include "graph/operators.hpp"
#include "graph/operators/common.hpp"
#include "graph/operators/quantize_parameters.hpp"
#include "graph/operators/window.hpp"
#include "support/dtype.hpp"
#include "support/onnx_type.hpp"

namespace tensorvk::graph {

namespace {

using shape::Expr;
using shape::Exprs;

// Numbers of TensorProto.DataType.
constexpr std::int64_t kOnnxUint8 = 2, kOnnxInt8 = 3;

DataType type_of_zero_point(RuleContext& context, std::size_t index) {
    if (context.optional_input(index) == nullptr) {
        return DataType::kUINT8;
    }
    require_8_bits(context, index);
    return context.input(index).dtype;
}

//! 'bits': 4 for int4 and uint4, which a network keeps in bytes.
std::vector<Inferred> quantize_linear(RuleContext& context) {
    const std::int64_t wanted = attributes_of(context).integer("output_dtype", 0);
    if (wanted != 0 && wanted != kOnnxUint8 && wanted != kOnnxInt8) {
        context.unsupported("quantizes to ", onnx_type_name(wanted), "; int8, uint8 and, in ONNX models, int4 and uint4 are offered.");
    }
    const std::int64_t bits = attributes_of(context).integer("bits", 8);
    if (bits != 4 && bits != 8) {
        context.fail("has 'bits' ", bits, "; 4 and 8 are allowed.");
    }
    if (context.input(0).dtype != DataType::kINT32) {
        context.require_floating(context.input(0), "input");
    }
    require_scales(context, true);
    const bool typed = context.optional_input(2) != nullptr;
    const DataType type = !typed && wanted == kOnnxInt8 ? DataType::kINT8 : type_of_zero_point(context, 2);
    return {{type, context.input(0).dims}};
}

std::vector<Inferred> dequantize_linear(RuleContext& context) {
    const Tensor& x = context.input(0);
    const bool small_floats = x.dtype == DataType::kFLOAT && x.constant; // constants of 8-bit floats are read as float32
    if (x.dtype != DataType::kINT8 && x.dtype != DataType::kUINT8 && x.dtype != DataType::kINT32 && !small_floats) {
        context.unsupported("dequantizes int8, uint8 and int32; '", x.name, "' is ", dtype_name(x.dtype), ".");
    }
    require_scales(context, false); // channels without weights have been given the scale 0 by some
    if (const Tensor* zero = context.optional_input(2)) {
        context.require_same_type(x, *zero);
    }
    const DataType type = type_attribute(context, "output_dtype", context.input(1).dtype);
    if (!is_floating(type)) {
        context.fail("dequantizes to ", dtype_name(type), "; floating-point types are allowed.");
    }
    return {{type, x.dims}};
}

std::vector<Inferred> dynamic_quantize_linear(RuleContext& context) {
    context.require_floating(context.input(0), "input");
    return {{DataType::kUINT8, context.input(0).dims}, {DataType::kFLOAT, {}}, {DataType::kUINT8, {}}};
}

//! Trailing axes behind the maps of a kernel.
std::size_t behind_maps(const Tensor& kernel) { return kernel.dims.size() - 1; }

std::vector<Inferred> conv_integer(RuleContext& context) {
    require_8_bits(context, 0);
    require_8_bits(context, 1);
    const Tensor& w = context.input(1);
    Exprs dims = convolved_dims(context, context.input(0), w);
    require_zero_point(context, 2, context.input(0));
    require_zero_point(context, 3, w, w.dims, behind_maps(w));
    return one(DataType::kINT32, std::move(dims));
}

std::vector<Inferred> qlinear_conv(RuleContext& context) {
    require_8_bits(context, 0);
    require_8_bits(context, 3);
    const Tensor& w = context.input(3);
    Exprs dims = convolved_dims(context, context.input(0), w);
    require_one_scale(context, 1, context.input(0));
    require_scale(context, 4, w.dims, behind_maps(w));
    require_zero_point(context, 5, w, w.dims, behind_maps(w));
    require_scale(context, 6);
    require_fit(context, 7, {}, 0);
    if (const Tensor* bias = context.optional_input(8)) {
        require_rank(context, *bias, 1, "a bias [maps]");
        (void)context.same(bias->dims[0], w.dims[0], "elements of the bias and maps of the kernel");
        require_int32(context, *bias, "bias");
    }
    return one(type_of_zero_point(context, 7), std::move(dims));
}

//! A vector is a row on the left and a column on the right.
Exprs as_matrix(const RuleContext& context, std::size_t index, bool left) {
    Exprs dims = context.input(index).dims;
    if (dims.size() == 1) {
        dims.insert(left ? dims.begin() : dims.end(), context.pool().constant(1));
    }
    return dims;
}

std::vector<Inferred> mat_mul_integer(RuleContext& context) {
    require_8_bits(context, 0);
    require_8_bits(context, 1);
    require_zero_point(context, 2, context.input(0), as_matrix(context, 0, true), 1);
    require_zero_point(context, 3, context.input(1), as_matrix(context, 1, false));
    return one(DataType::kINT32, multiplied_dims(context, context.input(0).dims, context.input(1).dims));
}

std::vector<Inferred> qlinear_mat_mul(RuleContext& context) {
    require_8_bits(context, 0);
    require_8_bits(context, 3);
    const Exprs a = as_matrix(context, 0, true);
    const Exprs b = as_matrix(context, 3, false);
    const Exprs y = multiplied_dims(context, a, b);
    require_scale(context, 1, a, 1);
    require_zero_point(context, 2, context.input(0), a, 1);
    require_scale(context, 4, b);
    require_zero_point(context, 5, context.input(3), b);
    require_scale(context, 6, y, 1);
    require_fit(context, 7, y, 1);
    return one(type_of_zero_point(context, 7), multiplied_dims(context, context.input(0).dims, context.input(3).dims));
}

std::vector<Inferred> qgemm(RuleContext& context) {
    require_8_bits(context, 0);
    require_8_bits(context, 3);
    Exprs a = context.input(0).dims;
    Exprs b = context.input(3).dims;
    if (a.size() != 2 || b.size() != 2) {
        context.fail("multiplies two matrices; '", context.input(0).name, "' is ", context.str(a), " and '", context.input(3).name, "' ",
                     context.str(b), ".");
    }
    if (attributes_of(context).flag("transA")) {
        std::swap(a[0], a[1]);
    }
    if (attributes_of(context).flag("transB")) {
        std::swap(b[0], b[1]);
    }
    const Exprs y = multiplied_dims(context, a, b);
    require_scale(context, 1);
    require_zero_point(context, 2, context.input(0), a, 1);
    require_scale(context, 4, {context.pool().constant(1), b[1]});
    require_zero_point(context, 5, context.input(3), b);
    if (const Tensor* c = context.optional_input(6)) {
        require_int32(context, *c, "summand C");
        require_fit(context, 6, y, 0);
    }
    require_scale(context, 7);
    require_fit(context, 8, {}, 0);
    const bool quantized = context.optional_input(7) != nullptr;
    const DataType type = context.optional_input(8) != nullptr ? type_of_zero_point(context, 8)
                          : quantized                          ? context.input(0).dtype
                                                               : DataType::kFLOAT;
    return one(type, y);
}

//! com.microsoft's operators on two quantized tensors.
std::vector<Inferred> qlinear_binary(RuleContext& context) {
    const Tensor& a = context.input(0);
    require_8_bits(context, 0);
    context.require_same_type(a, context.input(3));
    require_one_scale(context, 1, a);
    require_one_scale(context, 4, a);
    require_one_scale(context, 6, a);
    return one(a.dtype, broadcast_inputs(context, {0, 3}));
}

std::vector<Inferred> qlinear_unary(RuleContext& context) {
    require_8_bits(context, 0);
    require_one_scale(context, 1, context.input(0));
    require_one_scale(context, 3, context.input(0));
    return like_input(context, 0);
}

std::vector<Inferred> qlinear_concat(RuleContext& context) {
    if (context.input_count() < 5 || context.input_count() % 3 != 2) {
        context.fail("needs a scale, a zero point and then three inputs for each tensor; it has ", context.input_count(), ".");
    }
    Exprs dims = context.input(2).dims;
    const std::size_t axis = context.axis(attributes_of(context).integer("axis"), dims.size());
    require_one_scale(context, 0, context.input(2));
    for (std::size_t i = 2; i < context.input_count(); i += 3) {
        const Tensor& part = context.input(i);
        require_8_bits(context, i);
        require_one_scale(context, i + 1, part);
        if (part.dims.size() != dims.size()) {
            context.fail("concatenates tensors with different numbers of dimensions.");
        }
        for (std::size_t d = 0; i > 2 && d < dims.size(); ++d) {
            dims[d] = d == axis ? context.pool().add(dims[d], part.dims[d]) : context.same(dims[d], part.dims[d], "dimensions of its parts");
        }
    }
    return one(context.input(2).dtype, std::move(dims));
}

//! Pooling of [N, C, spatial...], or of [N, spatial..., C] with the attribute channels_last.
template <bool Global>
std::vector<Inferred> qlinear_pool(RuleContext& context) {
    require_8_bits(context, 0);
    Exprs dims = context.input(0).dims;
    if (dims.size() < 3) {
        context.fail("needs an input [N, C, spatial axes]; '", context.input(0).name, "' is ", context.str(dims), ".");
    }
    require_one_scale(context, 1, context.input(0));
    require_one_scale(context, 3, context.input(0));
    const bool last = attributes_of(context).flag("channels_last");
    if (last) {
        std::rotate(dims.begin() + 1, dims.end() - 1, dims.end());
    }
    if (Global) {
        std::fill(dims.begin() + 2, dims.end(), context.pool().constant(1));
    } else {
        dims = pooled_dims(context, dims);
    }
    if (last) {
        std::rotate(dims.begin() + 1, dims.begin() + 2, dims.end());
    }
    return {{context.input(0).dtype, std::move(dims)}};
}

constexpr std::array kRules{
    OperatorRule{"QuantizeLinear", 2, 3, quantize_linear},
    OperatorRule{"com.microsoft.QuantizeLinear", 2, 3, quantize_linear},
    OperatorRule{"DequantizeLinear", 2, 3, dequantize_linear},
    OperatorRule{"com.microsoft.DequantizeLinear", 2, 3, dequantize_linear},
    OperatorRule{"DynamicQuantizeLinear", 1, 1, dynamic_quantize_linear},
    OperatorRule{"ConvInteger", 2, 4, conv_integer},
    OperatorRule{"QLinearConv", 8, 9, qlinear_conv},
    OperatorRule{"MatMulInteger", 2, 4, mat_mul_integer},
    OperatorRule{"QLinearMatMul", 8, 8, qlinear_mat_mul},
    OperatorRule{"com.microsoft.QGemm", 6, 9, qgemm},
    OperatorRule{"com.microsoft.QLinearAdd", 7, 8, qlinear_binary, 1U << 2 | 1U << 5},
    OperatorRule{"com.microsoft.QLinearMul", 7, 8, qlinear_binary, 1U << 2 | 1U << 5},
    OperatorRule{"com.microsoft.QLinearSigmoid", 4, 5, qlinear_unary, 1U << 2},
    OperatorRule{"com.microsoft.QLinearLeakyRelu", 4, 5, qlinear_unary, 1U << 2},
    OperatorRule{"com.microsoft.QLinearSoftmax", 4, 5, qlinear_unary, 1U << 2},
    OperatorRule{"com.microsoft.QLinearConcat", 5, kAnyCount, qlinear_concat},
    OperatorRule{"com.microsoft.QLinearAveragePool", 4, 5, qlinear_pool<false>, 1U << 2},
    OperatorRule{"com.microsoft.QLinearGlobalAveragePool", 5, 5, qlinear_pool<true>},
};

} // namespace

std::span<const OperatorRule> quantize_rules() { return kRules; }

} // namespace tensorvk::graph
