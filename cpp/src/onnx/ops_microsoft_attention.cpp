// Attention of ONNX Runtime's domain com.microsoft.
#include <cmath>

#include "onnx/attention.hpp"
#include "onnx/operators.hpp"

namespace tensorvk::onnx {

namespace {

using graph::Tensor;
using Ints = Build::Ints;
using Op = ElementWiseOperation;

void refuse_inputs(const NodeContext& node, std::size_t first, std::size_t last) {
    for (std::size_t i = first; i <= last; ++i) {
        if (node.has_input(i)) {
            fail(NodeErrorCode::kUNSUPPORTED_NODE, "Its input ", i, " is given, which is not offered.");
        }
    }
}

void require_rank(const Tensor* tensor, std::size_t rank, const char* what) {
    if (tensor->dims.size() != rank) {
        fail(NodeErrorCode::kUNSUPPORTED_NODE_SHAPE, "Its ", what, " '", tensor->name, "' has ", tensor->dims.size(), " dimensions; ", rank,
             " are offered.");
    }
}

//! The scale of the scores: given, or one over the root of the head size.
double scale_of(const NodeContext& node, const Tensor* query) {
    const auto given = static_cast<double>(node.real("scale", 0.0f));
    const auto size = node.build.extent(query, 3);
    if (given == 0.0 && !size) {
        fail(NodeErrorCode::kUNSUPPORTED_NODE_DYNAMIC, "The head size has to be a fixed number, or 'scale' to be given.");
    }
    return given != 0.0 ? given : 1.0 / std::sqrt(static_cast<double>(*size));
}

//! A mask of integers, 0 for a key that is not to be seen, as what it adds to the scores: [B, S] or [B, Sq, S].
Tensor* bias_of_mask(NodeContext& node, Tensor* mask) {
    Build& b = node.build;
    if (mask->dims.size() != 2 && mask->dims.size() != 3) {
        fail(NodeErrorCode::kUNSUPPORTED_NODE_SHAPE, "Its mask '", mask->name, "' has ", mask->dims.size(),
             " dimensions; [batch, keys] and [batch, queries, keys] are offered.");
    }
    Tensor* wide = b.unsqueeze(b.cast(mask, DataType::kFLOAT), mask->dims.size() == 2 ? Ints{1, 2} : Ints{1}, "mask");
    Tensor* seen = b.elementwise(Op::kGREATER, wide, b.number(wide, 0.0), "seen");
    const auto filter = static_cast<double>(node.real("mask_filter_value", -10000.0f));
    return b.add(LayerType::kSELECT, {seen, b.number(wide, 0.0), b.number(wide, filter)}, graph::NoAttributes{}, "filter");
}

void add_bias(Build& b, AttentionInputs& in, Tensor* bias) {
    in.bias = in.bias == nullptr ? bias : b.elementwise(Op::kSUM, in.bias, b.cast(bias, in.bias->dtype), "bias");
}

//! Elements [begin, begin + count) along the last axis.
Tensor* part(Build& b, Tensor* x, std::int64_t begin, std::int64_t count) {
    const auto last = static_cast<std::int64_t>(x->dims.size()) - 1;
    return b.slice(x, {last}, b.ints({begin}), b.ints({count}), b.ints({1}), {}, nullptr, "part");
}

std::int64_t hidden_size(Build& b, const Tensor* x) {
    const auto size = b.extent(x, x->dims.size() - 1);
    if (!size) {
        fail(NodeErrorCode::kUNSUPPORTED_NODE_DYNAMIC, "The hidden size of '", x->name, "' has to be a fixed number.");
    }
    return *size;
}

//! query [B, Sq, heads * D]; key and value [B, S, heads * D], or [B, heads, S, D] as caches have it.
void multi_head_attention(NodeContext& node) {
    refuse_inputs(node, 8, 9);
    Build& b = node.build;
    if (!node.has_input(1) || !node.has_input(2)) {
        fail(NodeErrorCode::kUNSUPPORTED_NODE, "Packed keys and values are not offered; give query, key and value as three inputs.");
    }
    Tensor* query = node.input(0);
    Tensor* key = node.input(1);
    Tensor* value = node.input(2);
    require_rank(query, 3, "query");
    const bool flat = key->dims.size() == 3;
    require_rank(key, flat ? 3 : 4, "key");
    require_rank(value, flat ? 3 : 4, "value");
    if (node.has_input(3)) {
        if (!flat) {
            fail(NodeErrorCode::kUNSUPPORTED_NODE, "A bias together with a key of 4 dimensions is not offered.");
        }
        std::int64_t begin = 0; // the three biases lie one behind the other
        for (Tensor** x : {&query, &key, &value}) {
            const std::int64_t size = hidden_size(b, *x);
            *x = b.elementwise(Op::kSUM, *x, part(b, node.input(3), begin, size), "biased");
            begin += size;
        }
    }
    const std::int64_t heads = node.integer("num_heads", 0);
    const auto apart = [&](Tensor* x) { return x->dims.size() == 3 ? split_heads(b, x, heads) : x; };
    AttentionInputs in{apart(query), apart(key), apart(value)};
    Tensor* new_key = in.key;
    if (node.has_input(6) && node.has_input(7)) {
        in.key = b.concatenate({node.input(6), in.key}, 2, "present_key");
        in.value = b.concatenate({node.input(7), in.value}, 2, "present_value");
    }
    in.scale = scale_of(node, in.query);
    if (node.integer("unidirectional", 0) != 0) {
        in.allowed = causal_mask(b, in.query, in.key, new_key);
    }
    if (node.has_input(4)) {
        add_bias(b, in, bias_of_mask(node, node.input(4)));
    }
    if (node.has_input(5)) {
        add_bias(b, in, node.input(5));
    }
    if (node.wants_output(3)) {
        fail(NodeErrorCode::kUNSUPPORTED_NODE, "Its output 3 (qk) is used, which is not offered.");
    }
    node.output(join_heads(b, scaled_dot_product_attention(b, in).result, "joined"));
    node.output(in.key, 1);
    node.output(in.value, 2);
}

//! Half `index` (keys or values) of a cache [2, B, heads, S, D].
Tensor* cached(Build& b, Tensor* past, std::int64_t index) {
    return b.squeeze(b.slice(past, {0}, b.ints({index}), b.ints({1}), b.ints({1}), {}, nullptr, "half"), {0}, "cached");
}

//! input [B, S, in] times weights [in, q + k + v], attention, [B, S, v]. Input and output caches are [2, B, heads, S, D].
void self_attention(NodeContext& node) {
    refuse_inputs(node, 6, 6);
    if (node.integer("do_rotary", 0) != 0 || node.integer("past_present_share_buffer", 0) != 0) {
        fail(NodeErrorCode::kUNSUPPORTED_NODE_ATTR, "Attributes 'do_rotary' and 'past_present_share_buffer' are only offered as 0.");
    }
    Build& b = node.build;
    require_rank(node.input(0), 3, "input");
    Tensor* weights = b.with_rank(node.input(1), 3);
    Tensor* all = b.add(LayerType::kMATRIX_MULTIPLY, {node.input(0), weights}, graph::MatrixMultiplyAttributes{}, "projection");
    if (node.has_input(2)) {
        all = b.elementwise(Op::kSUM, all, node.input(2), "biased");
    }
    const std::int64_t width = hidden_size(b, all);
    const Ints sizes = node.integers("qkv_hidden_sizes", {width / 3, width / 3, width / 3});
    if (sizes.size() != 3 || sizes[0] != sizes[1] || sizes[0] + sizes[1] + sizes[2] != width) {
        fail(NodeErrorCode::kINVALID_NODE, "The weights have ", width, " columns, which do not split into queries, keys and values.");
    }
    const std::int64_t heads = node.integer("num_heads", 0);
    AttentionInputs in{split_heads(b, part(b, all, 0, sizes[0]), heads), split_heads(b, part(b, all, sizes[0], sizes[1]), heads),
                       split_heads(b, part(b, all, sizes[0] + sizes[1], sizes[2]), heads)};
    Tensor* new_key = in.key;
    if (node.has_input(4)) {
        in.key = b.concatenate({cached(b, node.input(4), 0), in.key}, 2, "present_key");
        in.value = b.concatenate({cached(b, node.input(4), 1), in.value}, 2, "present_value");
    }
    in.scale = scale_of(node, in.query);
    if (node.integer("unidirectional", 0) != 0) {
        in.allowed = causal_mask(b, in.query, in.key, new_key);
    }
    if (node.has_input(3)) {
        add_bias(b, in, bias_of_mask(node, node.input(3)));
    }
    if (node.has_input(5)) {
        add_bias(b, in, node.input(5));
    }
    node.output(join_heads(b, scaled_dot_product_attention(b, in).result, "joined"));
    if (node.wants_output(1)) {
        node.output(b.concatenate({b.unsqueeze(in.key, {0}, "keys"), b.unsqueeze(in.value, {0}, "values")}, 0, "present"), 1);
    }
}

//! x [B, heads, S, D] or [B, S, heads * D], caches [positions, r / 2] read at position ids [B, S].
void rotary_embedding(NodeContext& node) {
    Build& b = node.build;
    Tensor* x = node.input(0);
    require_rank(node.input(1), 2, "position ids");
    if (node.integer("is_packed_batching", 0) != 0 || node.real("scale", 1.0f) != 1.0f) {
        fail(NodeErrorCode::kUNSUPPORTED_NODE_ATTR, "Attributes 'is_packed_batching' and 'scale' are only offered as 0 and 1.");
    }
    const std::int64_t turned = 2 * hidden_size(b, node.input(2));
    const bool flat = x->dims.size() == 3;
    if (flat) {
        const std::int64_t given = node.integer("num_heads", 0);
        const std::int64_t size = given > 0 ? hidden_size(b, x) / given : turned;
        if (size < 1 || hidden_size(b, x) % size != 0) {
            fail(NodeErrorCode::kINVALID_NODE, "The hidden size is not a multiple of the number of heads.");
        }
        x = b.reshape(x, {Extent::axis(0), Extent::axis(1), Extent::of(hidden_size(b, x) / size), Extent::of(size)}, "split");
    }
    require_rank(x, 4, "input");
    const auto angle = [&](std::size_t index) {
        Tensor* rows = b.add(LayerType::kGATHER, {node.input(index), node.input(1)}, graph::GatherAttributes{}, "angles");
        return b.unsqueeze(rows, {flat ? 2 : 1}, "angle");
    };
    Tensor* y = rotate(b, x, turned, {angle(2), angle(3), node.integer("interleaved", 0) != 0});
    node.output(flat ? b.reshape(y, {Extent::axis(0), Extent::axis(1), Extent::product(2, 4)}, "joined") : y);
}

constexpr Operator kOperators[] = {
    {"com.microsoft.Attention", self_attention},
    {"com.microsoft.MultiHeadAttention", multi_head_attention},
    {"com.microsoft.RotaryEmbedding", rotary_embedding},
};

} // namespace

std::span<const Operator> microsoft_attention_operators() {
    return kOperators;
}

} // namespace tensorvk::onnx
