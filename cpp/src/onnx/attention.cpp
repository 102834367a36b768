#include "onnx/attention.hpp"

#include <cmath>
#include <limits>

#include "graph/operators.hpp"
#include "onnx/failure.hpp"

namespace tensorvk::onnx {

namespace {

using graph::Tensor;
using Ints = Build::Ints;
using Op = ElementWiseOperation;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

Tensor* select(Build& b, Tensor* condition, Tensor* yes, Tensor* no, std::string_view role) {
    const std::size_t rank = std::max(condition->dims.size(), yes->dims.size());
    return b.add(LayerType::kSELECT, {b.with_rank(condition, rank), b.with_rank(yes, rank), no}, graph::NoAttributes{}, role);
}

std::int64_t constant_extent(Build& b, const Tensor* x, std::size_t axis, const char* what) {
    const auto extent = b.extent(x, axis);
    if (!extent) {
        fail(NodeErrorCode::kUNSUPPORTED_NODE_DYNAMIC, "The ", what, " of '", x->name, "' (dimension ", axis, ") has to be a fixed number.");
    }
    return *extent;
}

//! [B, heads * group, S, D] -> [B, heads, group, S, D]: query heads beside the key head that they share.
Tensor* grouped(Build& b, Tensor* x, std::int64_t heads, std::int64_t group) {
    return b.reshape(x, {Extent::axis(0), Extent::of(heads), Extent::of(group), Extent::axis(2), Extent::axis(3)}, "groups");
}

Tensor* ungrouped(Build& b, Tensor* x) {
    return b.reshape(x, {Extent::axis(0), Extent::product(1, 3), Extent::axis(3), Extent::axis(4)}, "heads");
}

//! Where a bias is minus infinity, a key is hidden.
Tensor* finite_bias(Build& b, Tensor* bias) {
    Tensor* hidden = b.elementwise(Op::kEQUAL, bias, b.number(bias, -kInfinity), "hidden");
    return b.unary(UnaryOperation::kNOT, hidden, "seen");
}

//! SoftMax along the last axis of the scores and one more.
Tensor* softmax_with_sink(Build& b, Tensor* scores, Tensor* sink) {
    sink = b.cast(sink, scores->dtype, "sink");
    Tensor* largest = b.elementwise(Op::kMAX, b.reduce(ReduceOperation::kMAX, scores, 1u << 3, true, "largest_score"), sink, "largest");
    Tensor* powers = b.unary(UnaryOperation::kEXP, b.elementwise(Op::kSUB, scores, largest, "lowered"), "powers");
    Tensor* extra = b.unary(UnaryOperation::kEXP, b.elementwise(Op::kSUB, sink, largest, "lowered_sink"), "sink_power");
    return b.elementwise(Op::kDIV, powers, b.elementwise(Op::kSUM, b.reduce(ReduceOperation::kSUM, powers, 1u << 3, true, "sum"), extra, "total"), "weights");
}

} // namespace

AttentionOutputs scaled_dot_product_attention(Build& b, const AttentionInputs& in) {
    const std::int64_t query_heads = constant_extent(b, in.query, 1, "number of heads");
    const std::int64_t heads = constant_extent(b, in.key, 1, "number of heads");
    if (heads < 1 || query_heads % heads != 0) {
        fail(NodeErrorCode::kINVALID_NODE, "The number of query heads has to be a multiple of the number of key heads; they are ", query_heads,
             " and ", heads, ".");
    }
    const bool shares = query_heads != heads;
    // Scaling the queries costs less than scaling the scores, and keeps float16 in its range.
    Tensor* query = in.scale == 1.0 ? in.query : b.elementwise(Op::kPROD, in.query, b.number(in.query, in.scale), "scaled");
    Tensor* key = b.cast(in.key, query->dtype, "key");
    Tensor* value = b.cast(in.value, query->dtype, "value");
    if (shares) {
        query = grouped(b, query, heads, query_heads / heads);
        key = b.unsqueeze(key, {2}, "shared_key");
        value = b.unsqueeze(value, {2}, "shared_value");
    }
    AttentionOutputs out{};
    out.scores = b.add(LayerType::kMATRIX_MULTIPLY, {query, key},
                       graph::MatrixMultiplyAttributes{MatrixOperation::kNONE, MatrixOperation::kTRANSPOSE}, "scores");
    out.scores = shares ? ungrouped(b, out.scores) : out.scores;
    out.capped = out.scores;
    if (in.softcap > 0.0) {
        Tensor* cap = b.number(out.scores, in.softcap);
        Tensor* bent = b.activation(ActivationType::kTANH, b.elementwise(Op::kDIV, out.scores, cap, "uncapped"), 0.0f, 0.0f, "bent");
        out.capped = b.elementwise(Op::kPROD, bent, cap, "capped");
    }
    out.biased = in.bias == nullptr ? out.capped : b.elementwise(Op::kSUM, out.capped, b.cast(in.bias, out.capped->dtype), "biased");
    if (in.allowed != nullptr) {
        out.biased = select(b, in.allowed, out.biased, b.number(out.biased, -kInfinity), "masked");
    }
    out.weights = in.sink != nullptr ? softmax_with_sink(b, out.biased, in.sink)
                                     : b.add(LayerType::kSOFTMAX, {out.biased}, graph::SoftMaxAttributes{1u << 3}, "weights");
    if (in.empty_rows) { // SoftMax gives NaN where all is hidden
        Tensor* zero = b.number(out.weights, 0.0);
        if (in.allowed != nullptr) {
            out.weights = select(b, in.allowed, out.weights, zero, "allowed_weights");
        }
        if (in.bias != nullptr) {
            out.weights = select(b, finite_bias(b, in.bias), out.weights, zero, "seen_weights");
        }
    }
    Tensor* weights = shares ? grouped(b, out.weights, heads, query_heads / heads) : out.weights;
    out.result = b.add(LayerType::kMATRIX_MULTIPLY, {weights, value}, graph::MatrixMultiplyAttributes{}, "product");
    out.result = shares ? ungrouped(b, out.result) : out.result;
    return out;
}

Tensor* split_heads(Build& b, Tensor* x, std::int64_t heads) {
    const std::int64_t hidden = constant_extent(b, x, 2, "hidden size");
    if (heads < 1 || hidden % heads != 0) {
        fail(NodeErrorCode::kINVALID_NODE, "The hidden size of '", x->name, "' is ", hidden, ", which has to be a multiple of its ", heads, " heads.");
    }
    Tensor* split = b.reshape(x, {Extent::axis(0), Extent::axis(1), Extent::of(heads), Extent::of(hidden / heads)}, "split");
    return b.transpose(split, {0, 2, 1, 3}, "heads");
}

Tensor* join_heads(Build& b, Tensor* x, std::string_view role) {
    return b.reshape(b.transpose(x, {0, 2, 1, 3}, "rows"), {Extent::axis(0), Extent::axis(1), Extent::product(2, 4)}, role);
}

Tensor* causal_mask(Build& b, Tensor* query, Tensor* key, Tensor* new_key) {
    Tensor* sizes = b.concatenate({b.extents_of(query, {2}), b.extents_of(key, {2}), b.extents_of(new_key, {2})}, 0, "sizes");
    return b.add(LayerType::kOPERATOR, {sizes}, graph::OperatorAttributes{std::string(graph::kCausalMask), {}}, "causal");
}

Tensor* rotate(Build& b, Tensor* x, std::int64_t r, const RotaryAngles& angles) {
    const std::size_t last = x->dims.size() - 1;
    const std::int64_t size = constant_extent(b, x, last, "head size");
    if (r < 2 || r > size || r % 2 != 0) {
        fail(NodeErrorCode::kINVALID_NODE, "The rotated part has ", r, " elements; it has to be an even number of at most the head size, ", size, ".");
    }
    const auto part = [&](std::int64_t begin, std::int64_t count, std::int64_t step, std::string_view role) {
        return b.slice(x, {static_cast<std::int64_t>(last)}, b.ints({begin}), b.ints({count}), b.ints({step}), {}, nullptr, role);
    };
    const std::int64_t half = r / 2;
    Tensor* real = angles.interleaved ? part(0, half, 2, "real") : part(0, half, 1, "real");
    Tensor* imaginary = angles.interleaved ? part(1, half, 2, "imaginary") : part(half, half, 1, "imaginary");
    const auto times = [&](Tensor* a, Tensor* angle) { return b.elementwise(Op::kPROD, a, b.cast(angle, x->dtype), "turned"); };
    Tensor* turned_real = b.elementwise(Op::kSUB, times(real, angles.cosines), times(imaginary, angles.sines), "turned_real");
    Tensor* turned_imaginary = b.elementwise(Op::kSUM, times(real, angles.sines), times(imaginary, angles.cosines), "turned_imaginary");
    std::vector<Tensor*> parts;
    if (angles.interleaved) {
        const auto pair_axis = static_cast<std::int64_t>(last + 1);
        Tensor* pairs = b.concatenate({b.unsqueeze(turned_real, {pair_axis}), b.unsqueeze(turned_imaginary, {pair_axis})}, pair_axis, "pairs");
        std::vector<Extent> flat;
        for (std::size_t axis = 0; axis < last; ++axis) {
            flat.push_back(Extent::axis(axis));
        }
        flat.push_back(Extent::product(last, last + 2));
        parts = {b.reshape(pairs, flat, "interleaved")};
    } else {
        parts = {turned_real, turned_imaginary};
    }
    if (r < size) {
        parts.push_back(part(r, size - r, 1, "unturned"));
    }
    return parts.size() == 1 ? parts[0] : b.concatenate(parts, static_cast<std::int64_t>(last), "turned_all");
}

} // namespace tensorvk::onnx
