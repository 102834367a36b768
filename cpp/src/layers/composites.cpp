#include "layers/composites.hpp"

#include <bit>
#include <map>

#include "onnx/attention.hpp"
#include "onnx/einsum.hpp"
#include "onnx/failure.hpp"

namespace tensorvk::layers {

namespace {

using graph::Tensor;
using onnx::Build;
using onnx::Extent;
using Ints = Build::Ints;

//! The numbers of a constant input; its rule has checked that they are known.
Ints known_numbers(Composite& c, std::size_t index, std::size_t rank) {
    Ints axes = c.build.known(c.input(index)).value_or(Ints{});
    for (std::int64_t& axis : axes) {
        axis += axis < 0 ? static_cast<std::int64_t>(rank) : 0;
    }
    return axes;
}

std::vector<Tensor*> expand_squeeze(Composite& c) {
    Tensor* x = c.input(0);
    return {c.build.squeeze(x, known_numbers(c, 1, x->dims.size()), "")};
}

std::vector<Tensor*> expand_unsqueeze(Composite& c) {
    Tensor* x = c.input(0);
    const std::size_t rank = x->dims.size() + c.build.known(c.input(1)).value_or(Ints{}).size();
    return {c.build.unsqueeze(x, known_numbers(c, 1, rank), "")};
}

//! [..., a, b, c] -> [..., maps, 1, 1] by a product of matrices.
std::vector<Tensor*> expand_fully_connected(Composite& c) {
    const auto& a = std::get<graph::FullyConnectedAttributes>(c.layer.attributes);
    Build& b = c.build;
    Tensor* x = c.input(0);
    const std::size_t batch = x->dims.size() - 3;
    const std::int64_t inputs = a.kernel.count / a.maps;
    Tensor* rows = b.reshape(x, {Extent::product(0, batch), Extent::of(inputs)}, "rows");
    Tensor* kernel = b.cast(b.constant({a.maps, inputs}, a.kernel, "kernel"), x->dtype);
    const graph::MatrixMultiplyAttributes product{MatrixOperation::kNONE, MatrixOperation::kTRANSPOSE};
    Tensor* y = b.add(LayerType::kMATRIX_MULTIPLY, {rows, kernel}, product, "product");
    if (!a.bias.empty()) {
        y = b.elementwise(ElementWiseOperation::kSUM, y, b.cast(b.constant({1, a.maps}, a.bias, "bias"), x->dtype), "biased");
    }
    Ints batch_axes;
    for (std::size_t axis = 0; axis < batch; ++axis) {
        batch_axes.push_back(static_cast<std::int64_t>(axis));
    }
    Tensor* ending = b.ints({a.maps, 1, 1});
    Tensor* to = batch == 0 ? ending : b.concatenate({b.extents_of(x, batch_axes), ending}, 0, "shape");
    graph::ShuffleAttributes reshape;
    reshape.zero_is_placeholder = false;
    return {b.add(LayerType::kSHUFFLE, {y, to}, std::move(reshape))};
}

std::vector<Tensor*> expand_rotary_embedding(Composite& c) {
    Build& b = c.build;
    Tensor* x = c.input(0);
    const auto angle = [&](std::size_t index) {
        Tensor* cache = c.input(index);
        if (c.input(3) != nullptr) {
            cache = b.add(LayerType::kGATHER, {cache, c.input(3)}, graph::GatherAttributes{}, "angles");
        }
        if (cache->dims.size() != 3) {
            onnx::fail(onnx::NodeErrorCode::kINVALID_NODE, "caches [positions, turned / 2] need position ids [batch, sequence] as input 3.");
        }
        return b.unsqueeze(cache, {1}, "angle");
    };
    const onnx::RotaryAngles angles{angle(1), angle(2), c.attributes().flag("interleaved")};
    const std::int64_t given = c.attributes().integer("rotary_embedding_dim");
    return {onnx::rotate(b, x, given == 0 ? *b.extent(x, 3) : given, angles)};
}

//! Query i sees key j when j <= i, or, aligned at the end, when j <= i + keys - queries.
Tensor* causal_mask(Build& b, CausalMaskKind kind, Tensor* query, Tensor* key) {
    // The part of the keys that came with the queries decides the offset: all of them, or as many as there are queries.
    return kind == CausalMaskKind::kUPPER_LEFT ? onnx::causal_mask(b, query, key, key) : onnx::causal_mask(b, query, key, query);
}

std::vector<Tensor*> expand_attention(Composite& c) {
    const auto& a = std::get<graph::AttentionAttributes>(c.layer.attributes);
    Build& b = c.build;
    onnx::AttentionInputs in{c.input(0), c.input(1), c.input(2)};
    if (a.causal != CausalMaskKind::kNONE) {
        in.allowed = causal_mask(b, a.causal, in.query, in.key);
    }
    if (Tensor* mask = c.input(3)) {
        (mask->dtype == DataType::kBOOL ? in.allowed : in.bias) = mask;
        in.empty_rows = true;
    }
    if (a.normalization == AttentionNormalizationOp::kSOFTMAX) {
        return {onnx::scaled_dot_product_attention(b, in).result};
    }
    const onnx::AttentionOutputs out = onnx::scaled_dot_product_attention(b, in);
    return {b.add(LayerType::kMATRIX_MULTIPLY, {out.biased, b.cast(in.value, out.biased->dtype, "value")}, graph::MatrixMultiplyAttributes{})};
}

std::vector<Tensor*> expand_einsum(Composite& c) {
    const std::string equation = c.attributes().text("equation");
    Tensor* y = onnx::einsum_by_products(c.build, equation, c.inputs);
    AttributeSet attributes;
    attributes.set("equation", equation);
    return {y != nullptr ? y : operation(c.build, "Einsum", c.inputs, std::move(attributes), "")};
}

//! The one that is refused when it is never true.
std::vector<Tensor*> expand_assertion(Composite& c) {
    graph::OperatorAttributes assertion{"Assertion", {}};
    assertion.attributes.set("message", c.attributes().text("message"));
    (void)c.build.layer(LayerType::kASSERTION, {c.input(0)}, std::move(assertion));
    return {};
}

//! K of input 1: a number of the layer where it is known, else the operator, whose K is data.
std::vector<Tensor*> expand_topk(Composite& c) {
    Build& b = c.build;
    auto a = std::get<graph::TopKAttributes>(c.layer.attributes);
    if (const auto k = b.known(c.input(1))) {
        a.k = k->at(0);
        return b.layer(LayerType::kTOPK, {c.input(0)}, a)->outputs;
    }
    AttributeSet attributes;
    attributes.set("axis", std::int64_t{std::countr_zero(a.axes)});
    attributes.set("largest", std::int64_t{a.op == TopKOperation::kMAX ? 1 : 0});
    Tensor* k = b.reshape(b.cast(c.input(1), DataType::kINT64, "k"), {Extent::of(1)}, "k");
    const graph::Layer* found = b.layer(LayerType::kOPERATOR, {c.input(0), k}, graph::OperatorAttributes{"TopK", std::move(attributes)});
    return {found->outputs[0], b.cast(found->outputs[1], a.indices, "indices")};
}

const std::map<LayerType, Expansion>& expansions() {
    static const std::map<LayerType, Expansion> table = {
        {LayerType::kSQUEEZE, expand_squeeze},
        {LayerType::kUNSQUEEZE, expand_unsqueeze},
        {LayerType::kFULLY_CONNECTED, expand_fully_connected},
        {LayerType::kROTARY_EMBEDDING, expand_rotary_embedding},
        {LayerType::kATTENTION_INPUT, expand_attention},
        {LayerType::kATTENTION_OUTPUT, [](Composite& c) { return c.inputs; }},
        {LayerType::kONE_HOT, expand_one_hot},
        {LayerType::kNMS, expand_nms},
        {LayerType::kFILL, expand_fill},
        {LayerType::kNORMALIZATION, expand_normalization},
        {LayerType::kLRN, expand_lrn},
        {LayerType::kRAGGED_SOFTMAX, expand_ragged_softmax},
        {LayerType::kRNN_V2, expand_rnn},
    };
    return table;
}

} // namespace

Expansion find_expansion(const graph::Layer& layer) {
    if (layer.type == LayerType::kGATHER) {
        const auto& a = std::get<graph::GatherAttributes>(layer.attributes);
        return a.mode != GatherMode::kDEFAULT || a.elementwise_dims != 0 ? expand_gather : nullptr;
    }
    if (layer.type == LayerType::kEINSUM) {
        const bool tried = !std::get<graph::OperatorAttributes>(layer.attributes).attributes.has("product"); // by the parser
        return layer.inputs.size() >= 2 && !tried ? expand_einsum : nullptr;
    }
    if (layer.type == LayerType::kASSERTION) {
        return std::get<graph::OperatorAttributes>(layer.attributes).attributes.has("deferred") ? expand_assertion : nullptr;
    }
    if (layer.type == LayerType::kTOPK) {
        return layer.inputs.size() > 1 && layer.inputs[1] != nullptr ? expand_topk : nullptr;
    }
    if (layer.type == LayerType::kNON_ZERO) { // the parser's gives int64, as the operator does
        return std::get<graph::OperatorAttributes>(layer.attributes).attributes.has("indices_type") ? expand_non_zero : nullptr;
    }
    const auto it = expansions().find(layer.type);
    return it == expansions().end() ? nullptr : it->second;
}

} // namespace tensorvk::layers
