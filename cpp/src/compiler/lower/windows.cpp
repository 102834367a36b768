// Layers that slide a window: convolution, transposed convolution, pooling, resize.
#include <algorithm>

#include "compiler/lower/context.hpp"
#include "kernels/pointwise_program.hpp"
#include "support/error.hpp"

namespace tensorvk::compiler {

void lower_convolution(LayerContext& context, const graph::Layer& layer) {
    const auto& attributes = std::get<graph::ConvolutionAttributes>(layer.attributes);
    const bool transposed = layer.type == LayerType::kDECONVOLUTION;
    tactics::Convolution kind{attributes.geometry, transposed, attributes.output_padding};
    const kernels::ConvGeometry& g = kind.geometry;
    const std::int64_t channels = context.extent(layer, *layer.inputs[0], 1);
    std::vector<std::int64_t> weight_dims = {transposed ? channels : attributes.maps, (transposed ? attributes.maps : channels) / g.groups};
    weight_dims.insert(weight_dims.end(), g.kernel.begin(), g.kernel.end());

    std::vector<ValueId> inputs = {context.input(layer, 0)};
    const bool kernel_is_input = layer.inputs.size() > 1 && layer.inputs[1] != nullptr;
    inputs.push_back(kernel_is_input ? context.input(layer, 1) : context.float_constant(layer.name + "/kernel", attributes.kernel, weight_dims));
    const bool bias_is_input = layer.inputs.size() > 2 && layer.inputs[2] != nullptr;
    const bool has_bias = bias_is_input || !attributes.bias.empty();
    if (has_bias) {
        inputs.push_back(bias_is_input ? context.input(layer, 2)
                                       : context.float_constant(layer.name + "/bias", attributes.bias, {attributes.maps}));
    }
    const ValueId out = context.output(layer, 0);
    context.ir().add_op(layer.name, kind, inputs, {out}).has_bias = has_bias;
}

void lower_pooling(LayerContext& context, const graph::Layer& layer) {
    const auto& attributes = std::get<graph::PoolingAttributes>(layer.attributes);
    tactics::Pooling pool{attributes.geometry};
    kernels::PoolGeometry& g = pool.geometry;
    g.dilation.resize(g.window.size(), 1);
    g.ceil = attributes.padding_mode == PaddingMode::kEXPLICIT_ROUND_UP;
    const ValueId in = context.input(layer, 0);
    const auto add_pool = [&](kernels::PoolGeometry::Op op, ValueId out) {
        g.op = op;
        context.ir().add_op(layer.name, pool, {in}, {out});
    };
    using PoolOp = kernels::PoolGeometry::Op;
    if (attributes.op != PoolingType::kMAX_AVERAGE_BLEND) {
        add_pool(attributes.op == PoolingType::kMAX ? PoolOp::kMAX : PoolOp::kAVERAGE, context.output(layer, 0));
        return;
    }
    const graph::Tensor& result = *layer.outputs[0];
    const ValueId maximum = context.temporary(layer, "max", result.dtype, result.dims);
    const ValueId average = context.temporary(layer, "average", result.dtype, result.dims);
    add_pool(PoolOp::kMAX, maximum);
    add_pool(PoolOp::kAVERAGE, average);
    using kernels::PointwiseArg;
    using kernels::PointwiseOp;
    const PointwiseArg immediate{PointwiseArg::Kind::kIMMEDIATE, 0};
    const PointwiseArg operand{PointwiseArg::Kind::kOPERAND, 0};
    const auto value = [](std::uint8_t i) { return PointwiseArg{PointwiseArg::Kind::kVALUE, i}; };
    const float blend = attributes.blend_factor;
    // (1 - blend) * max + blend * average
    auto& op = context.ir().add_op(layer.name, tactics::Pointwise{}, {maximum}, {context.output(layer, 0)});
    op.operands = {average};
    op.epilogue.slots = {{PointwiseOp::kMUL, value(0), immediate, {}, 1.0f - blend},
                         {PointwiseOp::kMUL, operand, immediate, {}, blend},
                         {PointwiseOp::kADD, value(1), value(2), {}, 0.0f}};
}

void lower_resize(LayerContext& context, const graph::Layer& layer) {
    const auto& a = std::get<graph::ResizeAttributes>(layer.attributes);
    const bool shape_given = !a.shape.empty() || (layer.inputs.size() > 1 && layer.inputs[1] != nullptr);
    const ValueId in = context.input(layer, 0);
    tactics::Resize kind{a.mode, a.coordinates, a.selector, a.rounding, a.exclude_outside, a.cubic_coeff, {}};
    if (!shape_given) {
        kind.scales = a.scales;
    }
    context.ir().add_op(layer.name, kind, {in}, {context.output(layer, 0)});
}

} // namespace tensorvk::compiler
