// Scaled dot product attention and rotary embedding made of layers: what the attention operators of all domains are built from.
#pragma once

#include "onnx/build.hpp"

namespace tensorvk::onnx {

//! softmax(scale * Q K' + mask) V, for Q [B, query heads, Sq, D], K [B, heads, S, D] and V [B, heads, S, Dv]; the number of query heads is a
//! multiple of the number of heads, and both are constant.
struct AttentionInputs {
    graph::Tensor* query;
    graph::Tensor* key;
    graph::Tensor* value;
    double scale = 1.0;
    double softcap = 0.0;            // c * tanh(scores / c) when above 0
    graph::Tensor* allowed = nullptr; // bool, broadcast to the scores: false hides the key
    graph::Tensor* bias = nullptr;    // added to the scores
    graph::Tensor* sink = nullptr;    // one more score of each row whose value is 0, [1, query heads, 1, 1]
    bool empty_rows = false;          // queries may see no key at all: their result is 0
};

struct AttentionOutputs {
    graph::Tensor* result; // [B, query heads, Sq, Dv]
    graph::Tensor* scores; // [B, query heads, Sq, S]: scaled product
    graph::Tensor* capped; // after the soft cap
    graph::Tensor* biased; // and with mask and bias
    graph::Tensor* weights; // after SoftMax
};

[[nodiscard]] AttentionOutputs scaled_dot_product_attention(Build& build, const AttentionInputs& inputs);

//! [B, S, heads * D] -> [B, heads, S, D]. Fails where the last dimension is not a constant multiple of `heads`.
[[nodiscard]] graph::Tensor* split_heads(Build& build, graph::Tensor* x, std::int64_t heads);
//! [B, heads, S, D] -> [B, S, heads * D].
[[nodiscard]] graph::Tensor* join_heads(Build& build, graph::Tensor* x, std::string_view role);

//! bool [Sq, S]: query i sees key j when j <= i + past. All are [B, heads, sequence, D]; `key` is the cache with its past part in front, and
//! `new_key` what came with the queries.
[[nodiscard]] graph::Tensor* causal_mask(Build& build, graph::Tensor* query, graph::Tensor* key, graph::Tensor* new_key);

struct RotaryAngles {
    graph::Tensor* cosines; // broadcast against x's first half: [..., r / 2]
    graph::Tensor* sines;
    bool interleaved = false; // pairs are neighbours, instead of one from each half
};
//! Turns the first r elements of x's last axis, pair by pair; the others stay. All but the last dimension of the angles are broadcast to x's.
[[nodiscard]] graph::Tensor* rotate(Build& build, graph::Tensor* x, std::int64_t r, const RotaryAngles& angles);

} // namespace tensorvk::onnx
