// What the attention operators of ONNX Runtime's domain com.microsoft share.
#pragma once

#include <limits>

#include "onnx/attention.hpp"
#include "onnx/context.hpp"

namespace tensorvk::onnx {

inline constexpr std::size_t kNoInput = std::numeric_limits<std::size_t>::max();

void require_rank(const graph::Tensor* tensor, std::size_t rank, const char* what);
void refuse_inputs(const NodeContext& node, std::size_t first, std::size_t last);

//! The last extent of x, which has to be constant.
[[nodiscard]] std::int64_t hidden_size(Build& build, const graph::Tensor* x);
//! Elements [begin, begin + count) along the last axis.
[[nodiscard]] graph::Tensor* part(Build& build, graph::Tensor* x, std::int64_t begin, std::int64_t count);
//! The scale of the scores: given, or one over the root of the head size. query is [B, heads, Sq, D].
[[nodiscard]] double scale_of(const NodeContext& node, const graph::Tensor* query);

//! Adds what a mask of integers adds to the scores. `new_key` is what came with the queries.
void add_mask(NodeContext& node, AttentionInputs& in, graph::Tensor* mask, graph::Tensor* new_key);
void add_bias(Build& build, AttentionInputs& in, graph::Tensor* bias);

//! Which inputs of a node are what; kNoInput where it has none.
struct SelfAttentionInputs {
    std::size_t mask, past, bias;
};
//! Attention of queries, keys and values that lie side by side in `projected` [B, S, q + k + v]. Caches are [2, B, heads, S, D].
void attend(NodeContext& node, graph::Tensor* projected, const SelfAttentionInputs& inputs);

} // namespace tensorvk::onnx
