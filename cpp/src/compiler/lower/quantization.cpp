// QuantizeLinear and DequantizeLinear as pointwise operations.
#include <algorithm>

#include "compiler/lower/quantization.hpp"
#include "graph/operators/quantize_parameters.hpp"
#include "support/dtype.hpp"

namespace tensorvk::compiler {

namespace {

using kernels::PointwiseArg;
using kernels::PointwiseOp;
using kernels::host::Tensor;


//! Scale and zero point of the layer, one or one per index of `axis`.
struct Parameters {
    ValueId scale = -1, zero = -1;
    std::size_t axis = 0;
};

//! A vector along `axis` of a tensor of that rank: [C] as [C, 1, 1].
ValueId along_axis(LayerContext& context, const graph::Layer& layer, ValueId vector, std::size_t axis, std::size_t rank) {
    Ir& ir = context.ir();
    const Value& value = ir.value(vector);
    if (value.dims.size() != 1 || axis + 1 == rank || ir.exprs.is(value.dims[0], 1)) {
        return vector;
    }
    if (value.constant) {
        Tensor tensor = *value.constant;
        tensor.dims.resize(rank - axis, 1);
        return ir.add_constant(value.name, std::move(tensor));
    }
    shape::Exprs dims = value.dims;
    dims.resize(rank - axis, ir.exprs.constant(1));
    const ValueId out = context.temporary(layer, "along axis", value.dtype, std::move(dims));
    ir.add_reshape(layer.name, vector, out);
    return out;
}

//! Nothing for forms that the host function is left with: blocks of an axis, values that are not there as floats.
std::optional<Parameters> read_parameters(LayerContext& context, const graph::Layer& layer) {
    if (const std::string misfit = graph::misfit_of_scales(context.ir().exprs, layer); !misfit.empty()) {
        throw InvalidArgument(text("Layer '", layer.name, "' ", misfit));
    }
    const graph::Tensor& x = *layer.inputs[0];
    const graph::Tensor& scale = *layer.inputs[1];
    const AttributeSet& attributes = std::get<graph::OperatorAttributes>(layer.attributes).attributes;
    const auto rank = static_cast<std::int64_t>(x.dims.size());
    const bool one = scale.dims.empty() || (scale.dims.size() == 1 && context.ir().exprs.is(scale.dims[0], 1));
    std::int64_t axis = attributes.integer("axis", 1);
    axis += axis < 0 ? rank : 0;
    if (attributes.integer("block_size", 0) != 0 || (!one && (scale.dims.size() != 1 || axis < 0 || axis >= rank))) {
        return std::nullopt;
    }
    if (!one && scale.dims[0] != x.dims[static_cast<std::size_t>(axis)]) {
        return std::nullopt; // a dynamic extent: the host function compares when the network runs
    }
    Parameters out;
    out.axis = one ? 0 : static_cast<std::size_t>(axis);
    const auto read = [&](std::size_t input) { return along_axis(context, layer, context.value(*layer.inputs[input]), out.axis, x.dims.size()); };
    out.scale = read(1);
    if (layer.inputs.size() > 2 && layer.inputs[2] != nullptr) {
        if (layer.inputs[2]->dims != scale.dims) {
            return std::nullopt;
        }
        out.zero = read(2);
        const auto& constant = context.ir().value(out.zero).constant;
        bool zeros = constant != nullptr;
        for (std::int64_t i = 0; zeros && i < constant->volume(); ++i) {
            zeros = constant->get(i) == 0.0;
        }
        out.zero = zeros ? -1 : out.zero;
    }
    return out;
}

std::optional<Quantization> known_numbers(const Ir& ir, const Parameters& p, bool quantizes) {
    const auto& scale = ir.value(p.scale).constant;
    const auto zero = p.zero < 0 ? nullptr : ir.value(p.zero).constant;
    if (!scale || scale->dtype != DataType::kFLOAT || (p.zero >= 0 && !zero)) {
        return std::nullopt;
    }
    Quantization out{quantizes, {}, p.axis, zero ? static_cast<std::int32_t>(zero->get_integer(0)) : 0};
    for (std::int64_t i = 0; zero && i < zero->volume(); ++i) {
        if (zero->get_integer(i) != out.zero) {
            return std::nullopt;
        }
    }
    const auto numbers = scale->as<float>();
    out.scale.assign(numbers.begin(), numbers.end());
    const bool positive = std::ranges::all_of(out.scale, [](float s) { return s > 0.0f; });
    return positive && !out.scale.empty() ? std::optional(std::move(out)) : std::nullopt;
}

void add(LayerContext& context, const graph::Layer& layer, PointwiseChain built, std::optional<Quantization> numbers) {
    const ValueId in = context.input(layer, 0);
    Op& op = context.ir().add_op(layer.name, tactics::Pointwise{}, {in}, {context.output(layer, 0)});
    op.epilogue = std::move(built.program);
    op.operands = std::move(built.operands);
    op.quantization = std::move(numbers);
}

} // namespace

void PointwiseChain::step(PointwiseOp op, PointwiseArg b, float immediate) {
    const PointwiseArg last{PointwiseArg::Kind::kVALUE, static_cast<std::uint8_t>(program.slots.size())};
    program.slots.push_back({op, last, b, {}, immediate});
}

void PointwiseChain::with_operand(PointwiseOp op, ValueId operand) {
    operands.push_back(operand);
    step(op, {PointwiseArg::Kind::kOPERAND, static_cast<std::uint8_t>(operands.size() - 1)});
}

void PointwiseChain::to_bytes(DataType type, std::int32_t zero, int bits) {
    const PointwiseArg immediate{PointwiseArg::Kind::kIMMEDIATE, 0};
    if (zero != 0) {
        step(PointwiseOp::kADD, immediate, static_cast<float>(zero));
    }
    const int count = 1 << bits;
    const int least = type == DataType::kINT8 ? -count / 2 : 0;
    step(PointwiseOp::kMAX, immediate, static_cast<float>(least));
    step(PointwiseOp::kMIN, immediate, static_cast<float>(least + count - 1));
}

//! saturate(round(x / scale) + zero point)
bool lower_quantize(LayerContext& context, const graph::Layer& layer) {
    const DataType type = layer.outputs[0]->dtype;
    if (!is_byte(type) || !is_floating(layer.inputs[0]->dtype)) {
        return false;
    }
    const auto parameters = read_parameters(context, layer);
    if (!parameters) {
        return false;
    }
    PointwiseChain built;
    built.with_operand(PointwiseOp::kQUANTIZE, parameters->scale);
    if (parameters->zero >= 0) {
        built.with_operand(PointwiseOp::kADD, parameters->zero);
    }
    const auto bits = static_cast<int>(std::get<graph::OperatorAttributes>(layer.attributes).attributes.integer("bits", 8));
    built.to_bytes(type, 0, bits);
    add(context, layer, std::move(built), bits == 8 ? known_numbers(context.ir(), *parameters, true) : std::nullopt); // passes saturate to bytes
    return true;
}

//! (x - zero point) * scale
bool lower_dequantize(LayerContext& context, const graph::Layer& layer) {
    const DataType type = layer.inputs[0]->dtype;
    if ((!is_byte(type) && type != DataType::kINT32 && type != DataType::kFLOAT) || !is_floating(layer.outputs[0]->dtype)) {
        return false;
    }
    const auto parameters = read_parameters(context, layer);
    if (!parameters || (!is_byte(type) && parameters->zero >= 0)) {
        return false;
    }
    PointwiseChain built;
    if (parameters->zero >= 0) {
        built.with_operand(PointwiseOp::kSUB, parameters->zero);
    }
    built.with_operand(PointwiseOp::kMUL, parameters->scale);
    add(context, layer, std::move(built), is_byte(type) ? known_numbers(context.ir(), *parameters, false) : std::nullopt);
    return true;
}

} // namespace tensorvk::compiler
