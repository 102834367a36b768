// Attention of ONNX Runtime's domain com.microsoft.
#include "onnx/microsoft_attention.hpp"
#include "onnx/operators.hpp"

namespace tensorvk::onnx {

namespace {

using graph::Tensor;
using Ints = Build::Ints;
using Op = ElementWiseOperation;

//! Slice `index` of x [B, S, heads, count, D] as [B, S, heads * D].
Tensor* unpacked(Build& b, Tensor* x, std::int64_t index) {
    Tensor* slice = b.slice(x, {3}, b.ints({index}), b.ints({1}), b.ints({1}), {}, nullptr, "unpacked");
    return b.reshape(slice, {Extent::axis(0), Extent::axis(1), Extent::product(2, 5)}, "rows");
}

struct Projected {
    Tensor* query;
    Tensor* key;
    Tensor* value;
    bool apart; // key and value are [B, heads, S, D]
};

//! Queries, keys and values, each [B, S, heads * D]: three inputs, one [B, S, heads, 3, D], or queries and one [B, S, heads, 2, D]. As caches have
//! them, keys and values are [B, heads, S, D].
Projected read_projected(NodeContext& node) {
    Build& b = node.build;
    Tensor* query = node.input(0);
    if (query->dims.size() == 5) {
        refuse_inputs(node, 1, 2);
        return {unpacked(b, query, 0), unpacked(b, query, 1), unpacked(b, query, 2), false};
    }
    require_rank(query, 3, "query");
    Tensor* key = node.input(1);
    if (key->dims.size() == 5) {
        refuse_inputs(node, 2, 2);
        return {query, unpacked(b, key, 0), unpacked(b, key, 1), false};
    }
    const std::size_t rank = key->dims.size() == 4 ? 4 : 3;
    require_rank(key, rank, "key");
    require_rank(node.input(2), rank, "value");
    return {query, key, node.input(2), rank == 4};
}

//! The three biases lie one behind the other; keys and values that come from a cache have got theirs.
void add_projection_bias(NodeContext& node, Projected& x) {
    std::int64_t begin = 0;
    for (Tensor** each : {&x.query, &x.key, &x.value}) {
        const std::int64_t size = hidden_size(node.build, *each);
        *each = node.build.elementwise(Op::kSUM, *each, part(node.build, node.input(3), begin, size), "biased");
        begin += size;
        if (x.apart) {
            return;
        }
    }
}

void multi_head_attention(NodeContext& node) {
    refuse_inputs(node, 8, 9);
    Build& b = node.build;
    Projected x = read_projected(node);
    if (node.has_input(3)) {
        add_projection_bias(node, x);
    }
    const std::int64_t heads = node.integer("num_heads", 0);
    const auto apart = [&](Tensor* t) { return t->dims.size() == 3 ? split_heads(b, t, heads) : t; };
    AttentionInputs in{apart(x.query), apart(x.key), apart(x.value)};
    Tensor* new_key = in.key;
    if (node.has_input(6) && node.has_input(7)) {
        require_rank(node.input(6), 4, "past_key");
        require_rank(node.input(7), 4, "past_value");
        in.key = b.concatenate({node.input(6), in.key}, 2, "present_key");
        in.value = b.concatenate({node.input(7), in.value}, 2, "present_value");
    }
    in.scale = scale_of(node, in.query);
    if (node.integer("unidirectional", 0) != 0) {
        in.allowed = causal_mask(b, in.query, in.key, new_key);
    }
    if (node.has_input(4)) {
        add_mask(node, in, node.input(4), new_key);
    }
    if (node.has_input(5)) {
        add_bias(b, in, node.input(5));
    }
    const AttentionOutputs out = scaled_dot_product_attention(b, in);
    node.output(join_heads(b, out.result, "joined"));
    node.output(in.key, 1);
    node.output(in.value, 2);
    node.output(out.biased, 3);
}

//! input [B, S, in] times weights [in, q + k + v], attention, [B, S, v].
void self_attention(NodeContext& node) {
    refuse_inputs(node, 6, 6);
    Build& b = node.build;
    require_rank(node.input(0), 3, "input");
    Tensor* weights = b.with_rank(node.input(1), 3);
    Tensor* all = b.add(LayerType::kMATRIX_MULTIPLY, {node.input(0), weights}, graph::MatrixMultiplyAttributes{}, "projection");
    if (node.has_input(2)) {
        all = b.elementwise(Op::kSUM, all, node.input(2), "biased");
    }
    attend(node, all, {3, 4, 5});
}

//! Position ids [B, S]; one number counts on from there in all sequences.
Tensor* position_ids(NodeContext& node) {
    Build& b = node.build;
    Tensor* ids = node.input(1);
    if (ids->dims.size() != 1) {
        require_rank(ids, 2, "position ids");
        return ids;
    }
    const Tensor* x = node.input(0);
    Tensor* places = b.counted(b.extents_of(node.input(0), {x->dims.size() == 3 ? 1 : 2}));
    return b.unsqueeze(b.elementwise(Op::kSUM, places, b.cast(ids, DataType::kINT32), "positions"), {0}, "positions");
}

//! x [B, heads, S, D] or [B, S, heads * D], caches [positions, r / 2].
void rotary_embedding(NodeContext& node) {
    Build& b = node.build;
    Tensor* x = node.input(0);
    if (x->dims.size() != 3) {
        require_rank(x, 4, "input");
    }
    require_rank(node.input(2), 2, "cosine cache");
    require_rank(node.input(3), 2, "sine cache");
    Tensor* ids = position_ids(node);
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
    const auto angle = [&](std::size_t index) {
        Tensor* rows = b.add(LayerType::kGATHER, {node.input(index), ids}, graph::GatherAttributes{}, "angles");
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
