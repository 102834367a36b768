// ONNX's operators on quantized tensors (QLinearConv, ConvInteger, ...) as products of integers and pointwise operations, where scales and zero
// points are constants. Their sums are scaled once and rounded: what the host functions of the same names do.
#include <algorithm>
#include <array>

#include "compiler/lower/quantization.hpp"
#include "support/dtype.hpp"

namespace tensorvk::compiler {

namespace {

using kernels::PointwiseArg;
using kernels::PointwiseOp;
using kernels::host::Tensor;

constexpr PointwiseArg kImmediate{PointwiseArg::Kind::kIMMEDIATE, 0};

//! What a quantized operator's layer says, as constants; each reader gives nothing where it is none.
class Reader {
public:
    Reader(LayerContext& context, const graph::Layer& layer) : context_(context), layer_(layer) {}

    [[nodiscard]] bool has(std::size_t input) const { return input < layer_.inputs.size() && layer_.inputs[input] != nullptr; }
    [[nodiscard]] const graph::Tensor& tensor(std::size_t input) const { return *layer_.inputs[input]; }
    [[nodiscard]] const AttributeSet& attributes() const { return std::get<graph::OperatorAttributes>(layer_.attributes).attributes; }

    [[nodiscard]] std::optional<std::vector<float>> scales(std::size_t input) const {
        const auto constant = context_.ir().value(context_.value(tensor(input))).constant;
        if (!constant || constant->dtype != DataType::kFLOAT || constant->volume() == 0) {
            return std::nullopt;
        }
        const auto numbers = constant->as<float>();
        return std::vector<float>(numbers.begin(), numbers.end());
    }
    [[nodiscard]] std::optional<float> scale(std::size_t input) const {
        const auto all = scales(input);
        return all && all->size() == 1 ? std::optional((*all)[0]) : std::nullopt;
    }
    //! One number for all elements; 0 when the input is absent.
    [[nodiscard]] std::optional<std::int32_t> zero(std::size_t input) const {
        if (!has(input)) {
            return 0;
        }
        const auto constant = context_.ir().value(context_.value(tensor(input))).constant;
        if (!constant || constant->volume() == 0) {
            return std::nullopt;
        }
        const std::int64_t first = constant->get_integer(0);
        for (std::int64_t i = 1; i < constant->volume(); ++i) {
            if (constant->get_integer(i) != first) {
                return std::nullopt;
            }
        }
        return static_cast<std::int32_t>(first);
    }
    [[nodiscard]] std::optional<std::int64_t> extent(const graph::Tensor& tensor, std::size_t axis) const {
        return context_.ir().exprs.value(tensor.dims[axis]);
    }

private:
    LayerContext& context_;
    const graph::Layer& layer_;
};

//! auto_pad SAME_UPPER and SAME_LOWER: as many outputs as strides fit into the input. Nothing where the input's extents are dynamic.
bool pad_same(const Reader& reader, const graph::Tensor& x, bool upper, kernels::ConvGeometry& g) {
    for (std::size_t axis = 0; axis < g.kernel.size(); ++axis) {
        const auto extent = reader.extent(x, axis + 2);
        if (!extent || *extent < 1 || g.stride[axis] < 1) {
            return false;
        }
        const std::int64_t outputs = (*extent + g.stride[axis] - 1) / g.stride[axis];
        const std::int64_t read = (outputs - 1) * g.stride[axis] + (g.kernel[axis] - 1) * g.dilation[axis] + 1;
        const std::int64_t total = std::max<std::int64_t>(read - *extent, 0);
        g.pre.push_back(upper ? total / 2 : total - total / 2);
        g.post.push_back(total - g.pre.back());
    }
    return true;
}

//! Geometry from ONNX's attributes; nothing for padding that depends on dynamic shapes.
std::optional<kernels::ConvGeometry> geometry_of(const Reader& reader, const graph::Tensor& x, const graph::Tensor& weights) {
    const std::size_t axes = weights.dims.size() - 2;
    const std::string mode = reader.attributes().text("auto_pad", "NOTSET");
    const auto list = [&](const char* name, std::size_t count, std::int64_t otherwise) {
        const auto given = reader.attributes().integers(name);
        return given.empty() ? std::vector<std::int64_t>(count, otherwise) : given;
    };
    kernels::ConvGeometry g;
    for (std::size_t axis = 0; axis < axes; ++axis) {
        const auto extent = reader.extent(weights, axis + 2);
        if (!extent) {
            return std::nullopt;
        }
        g.kernel.push_back(*extent);
    }
    g.stride = list("strides", axes, 1);
    g.dilation = list("dilations", axes, 1);
    g.groups = reader.attributes().integer("group", 1);
    const bool explicit_pads = mode == "NOTSET" || mode.empty();
    const auto pads = explicit_pads ? list("pads", 2 * axes, 0) : std::vector<std::int64_t>(2 * axes, 0);
    if (axes < 1 || axes > 3 || pads.size() != 2 * axes || g.stride.size() != axes || g.dilation.size() != axes) {
        return std::nullopt;
    }
    if (mode == "SAME_UPPER" || mode == "SAME_LOWER") {
        return pad_same(reader, x, mode == "SAME_UPPER", g) ? std::optional(g) : std::nullopt;
    }
    if (!explicit_pads && mode != "VALID") {
        return std::nullopt;
    }
    const auto half = pads.begin() + static_cast<std::ptrdiff_t>(axes);
    g.pre.assign(pads.begin(), half);
    g.post.assign(half, pads.end());
    return g;
}

std::optional<tactics::Kind> convolution(const Reader& reader, std::size_t weights, std::optional<tactics::ZeroPoints> zero) {
    const graph::Tensor& w = reader.tensor(weights);
    const graph::Tensor& x = reader.tensor(0);
    if (!zero || x.dims.size() != w.dims.size() || w.dims.size() < 3) {
        return std::nullopt;
    }
    const auto geometry = geometry_of(reader, x, w);
    const auto channels = reader.extent(x, 1);
    std::optional<std::int64_t> terms = reader.extent(w, 1);
    for (std::size_t axis = 0; geometry && terms && axis < geometry->kernel.size(); ++axis) {
        terms = *terms * geometry->kernel[axis];
    }
    const bool known = geometry && channels && terms && reader.extent(w, 0) && *terms <= tactics::kLongestByteSum;
    return known ? std::optional<tactics::Kind>(tactics::Convolution{*geometry, false, {}, *zero}) : std::nullopt;
}

std::optional<tactics::Kind> product(const Reader& reader, std::size_t weights, std::optional<tactics::ZeroPoints> zero) {
    const graph::Tensor& a = reader.tensor(0);
    const graph::Tensor& b = reader.tensor(weights);
    if (!zero || a.dims.size() < 2 || b.dims.size() < 2 || !reader.extent(b, b.dims.size() - 1)) {
        return std::nullopt;
    }
    const auto terms = reader.extent(a, a.dims.size() - 1);
    return terms && *terms <= tactics::kLongestByteSum ? std::optional<tactics::Kind>(tactics::MatrixProduct{false, false, *zero}) : std::nullopt;
}

using MakeKind = std::optional<tactics::Kind> (*)(const Reader& reader, std::size_t weights, std::optional<tactics::ZeroPoints> zero);

std::optional<tactics::ZeroPoints> zeros(const Reader& reader, std::size_t x, std::size_t weights) {
    const auto first = reader.zero(x);
    const auto second = reader.zero(weights);
    return first && second ? std::optional(tactics::ZeroPoints{*first, *second}) : std::nullopt;
}

//! ConvInteger, MatMulInteger: x, w, their zero points; the sums themselves.
template <MakeKind Make>
bool sums(LayerContext& context, const graph::Layer& layer) {
    const Reader reader(context, layer);
    const auto kind = Make(reader, 1, zeros(reader, 2, 3));
    if (!kind) {
        return false;
    }
    const ValueId x = context.input(layer, 0);
    const ValueId w = context.input(layer, 1);
    context.ir().add_op(layer.name, *kind, {x, w}, {context.output(layer, 0)});
    return true;
}

//! QLinearConv, QLinearMatMul: x, w and the result, each with a scale and a zero point; the bias of sums as input 8.
template <MakeKind Make>
bool requantized(LayerContext& context, const graph::Layer& layer) {
    const Reader reader(context, layer);
    const auto kind = Make(reader, 3, zeros(reader, 2, 5));
    const auto x_scale = reader.scale(1);
    const auto w_scale = reader.scales(4);
    const auto y_scale = reader.scale(6);
    const auto y_zero = reader.zero(7);
    const bool convolves = kind && std::holds_alternative<tactics::Convolution>(*kind);
    const auto columns = kind ? reader.extent(reader.tensor(3), convolves ? 0 : reader.tensor(3).dims.size() - 1) : std::nullopt;
    const bool one_per_column = w_scale && columns && reader.tensor(4).dims.size() <= 1 &&
                                (w_scale->size() == 1 || static_cast<std::int64_t>(w_scale->size()) == *columns);
    if (!kind || !x_scale || !y_scale || !y_zero || !one_per_column) {
        return false;
    }
    std::vector<std::int64_t> dims{static_cast<std::int64_t>(w_scale->size())};
    dims.resize(convolves ? layer.outputs[0]->dims.size() - 1 : 1, 1);
    Tensor factor(DataType::kFLOAT, dims);
    std::ranges::transform(*w_scale, factor.as<float>().begin(), [&](float w) { return *x_scale * w / *y_scale; });
    PointwiseChain chain;
    chain.with_operand(PointwiseOp::kMUL, context.ir().add_constant(layer.name + "/factor", std::move(factor)));
    chain.step(PointwiseOp::kROUND, {});
    chain.to_bytes(layer.outputs[0]->dtype, *y_zero);
    std::vector<ValueId> inputs{context.input(layer, 0), context.input(layer, 3)};
    const bool biased = convolves && reader.has(8);
    if (biased) {
        inputs.push_back(context.input(layer, 8));
    }
    Op& op = context.ir().add_op(layer.name, *kind, std::move(inputs), {context.output(layer, 0)});
    op.has_bias = biased;
    op.epilogue = std::move(chain.program);
    op.operands = std::move(chain.operands);
    return true;
}

//! com.microsoft.QLinearAdd, QLinearMul: a, b and the result, each with a scale and a zero point.
template <PointwiseOp What>
bool binary(LayerContext& context, const graph::Layer& layer) {
    const Reader reader(context, layer);
    const auto a_scale = reader.scale(1), b_scale = reader.scale(4), y_scale = reader.scale(6);
    const auto a_zero = reader.zero(2), b_zero = reader.zero(5), y_zero = reader.zero(7);
    if (!a_scale || !b_scale || !y_scale || !a_zero || !b_zero || !y_zero) {
        return false;
    }
    PointwiseChain chain;
    chain.operands.push_back(context.input(layer, 3));
    auto& slots = chain.program.slots;
    slots.push_back({PointwiseOp::kSUB, {PointwiseArg::Kind::kOPERAND, 0}, kImmediate, {}, static_cast<float>(*b_zero)});
    chain.step(PointwiseOp::kMUL, kImmediate, *b_scale);
    slots.push_back({PointwiseOp::kSUB, {}, kImmediate, {}, static_cast<float>(*a_zero)});
    chain.step(PointwiseOp::kMUL, kImmediate, *a_scale);
    chain.step(What, {PointwiseArg::Kind::kVALUE, 2});
    chain.step(PointwiseOp::kQUANTIZE, kImmediate, *y_scale);
    chain.to_bytes(layer.outputs[0]->dtype, *y_zero);
    const ValueId a = context.input(layer, 0);
    Op& op = context.ir().add_op(layer.name, tactics::Pointwise{}, {a}, {context.output(layer, 0)});
    op.epilogue = std::move(chain.program);
    op.operands = std::move(chain.operands);
    return true;
}

struct Row {
    std::string_view name;
    bool (*lower)(LayerContext& context, const graph::Layer& layer);
};

constexpr std::array kRows{
    Row{"QuantizeLinear", lower_quantize},
    Row{"com.microsoft.QuantizeLinear", lower_quantize},
    Row{"DequantizeLinear", lower_dequantize},
    Row{"com.microsoft.DequantizeLinear", lower_dequantize},
    Row{"ConvInteger", sums<convolution>},
    Row{"MatMulInteger", sums<product>},
    Row{"QLinearConv", requantized<convolution>},
    Row{"QLinearMatMul", requantized<product>},
    Row{"com.microsoft.QLinearAdd", binary<PointwiseOp::kADD>},
    Row{"com.microsoft.QLinearMul", binary<PointwiseOp::kMUL>},
};

} // namespace

bool lower_quantization(LayerContext& context, const graph::Layer& layer) {
    const auto* attributes = std::get_if<graph::OperatorAttributes>(&layer.attributes);
    if (attributes == nullptr) {
        return false;
    }
    const auto* row = std::ranges::find(kRows, attributes->op, &Row::name);
    return row != kRows.end() && row->lower(context, layer);
}

} // namespace tensorvk::compiler
