// Attention and rotary embedding of the default domain. What the layers cannot do (padded caches, windows) is left to the host functions.
#include <cmath>

#include "onnx/attention.hpp"
#include "onnx/operators.hpp"
#include "support/dtype.hpp"

namespace tensorvk::onnx {

namespace {

using graph::Tensor;
using Ints = Build::Ints;

//! A mask that is shorter than the keys hides the ones beyond it, one that may have holes of its own is for the host function.
void require_full_mask(Build& b, const Tensor* mask, const Tensor* key) {
    const auto width = mask->dims.empty() ? std::nullopt : b.extent(mask, mask->dims.size() - 1);
    if (width && width != b.extent(key, 2)) {
        fail(NodeErrorCode::kUNSUPPORTED_NODE_DYNAMIC, "Its mask '", mask->name, "' is shorter than the keys.");
    }
}

void leave_to_host(NodeContext& node) {
    if (node.has_input(6) || node.integer("left_window_size", -1) >= 0 || node.integer("right_window_size", -1) >= 0) {
        fail(NodeErrorCode::kUNSUPPORTED_NODE_DYNAMIC, "Padded caches and sliding windows are for the host.");
    }
    for (std::size_t i = 1; i < 3; ++i) {
        if (node.input(i)->dims.size() != node.input(0)->dims.size()) {
            fail(NodeErrorCode::kINVALID_NODE, "Q, K and V need equally many dimensions.");
        }
    }
    const std::size_t rank = node.input(0)->dims.size();
    if ((rank != 3 && rank != 4) || (rank == 3 && !(node.has("q_num_heads") && node.has("kv_num_heads")))) {
        fail(NodeErrorCode::kINVALID_NODE, "Q, K and V need 4 dimensions, or 3 and the attributes 'q_num_heads' and 'kv_num_heads'; they have ", rank,
             ".");
    }
    if (node.has_input(4) != node.has_input(5)) {
        fail(NodeErrorCode::kINVALID_NODE, "past_key and past_value have to be given together.");
    }
}

void set_mask(NodeContext& node, AttentionInputs& in, Tensor* new_key) {
    Build& b = node.build;
    const bool causal = node.integer("is_causal", 0) != 0;
    if (causal) {
        in.allowed = causal_mask(b, in.query, in.key, new_key);
    }
    if (!node.has_input(3)) {
        return;
    }
    Tensor* mask = node.input(3);
    require_full_mask(b, mask, in.key);
    in.empty_rows = true;
    if (is_floating(mask->dtype)) {
        in.bias = mask;
    } else {
        in.allowed = causal ? b.elementwise(ElementWiseOperation::kAND, in.allowed, mask, "allowed") : mask;
    }
}

void attention(NodeContext& node) {
    leave_to_host(node);
    Build& b = node.build;
    const bool flat = node.input(0)->dims.size() == 3;
    const auto heads = [&](std::size_t index, const char* count) {
        return flat ? split_heads(b, node.input(index), node.integer(count, 0)) : node.input(index);
    };
    AttentionInputs in{heads(0, "q_num_heads"), heads(1, "kv_num_heads"), heads(2, "kv_num_heads")};
    Tensor* new_key = in.key;
    if (node.has_input(4)) {
        in.key = b.concatenate({node.input(4), in.key}, 2, "present_key");
        in.value = b.concatenate({node.input(5), in.value}, 2, "present_value");
    }
    const auto size = b.extent(in.query, 3);
    if (!size && !node.has("scale")) {
        fail(NodeErrorCode::kUNSUPPORTED_NODE_DYNAMIC, "The head size has to be a fixed number, or 'scale' to be given.");
    }
    in.scale = node.has("scale") ? static_cast<double>(node.real("scale", 1.0f)) : 1.0 / std::sqrt(static_cast<double>(*size));
    in.softcap = static_cast<double>(node.real("softcap", 0.0f));
    set_mask(node, in, new_key);
    const AttentionOutputs out = scaled_dot_product_attention(b, in);
    node.output(flat ? join_heads(b, out.result, "joined") : out.result);
    node.output(in.key, 1);
    node.output(in.value, 2);
    const std::int64_t mode = node.integer("qk_matmul_output_mode", 0);
    if (mode < 0 || mode > 3) {
        fail(NodeErrorCode::kINVALID_NODE, "Attribute 'qk_matmul_output_mode' is ", mode, "; 0 to 3 are allowed.");
    }
    Tensor* const stages[] = {out.scores, out.capped, out.biased, out.weights};
    node.output(stages[mode], 3);
}

//! Caches [positions, r / 2] are read at the position ids; without ids they are [B, S, r / 2]. x is [B, heads, S, D] or [B, S, heads * D].
void rotary_embedding(NodeContext& node) {
    Build& b = node.build;
    Tensor* x = node.input(0);
    const bool flat = x->dims.size() == 3;
    if (flat) {
        const std::int64_t heads = node.integer("num_heads", 0);
        const auto hidden = b.extent(x, 2);
        if (heads < 1 || !hidden || *hidden % heads != 0) {
            fail(NodeErrorCode::kINVALID_NODE, "An input of 3 dimensions needs 'num_heads' and a fixed hidden size that is a multiple of it.");
        }
        x = b.reshape(x, {Extent::axis(0), Extent::axis(1), Extent::of(heads), Extent::of(*hidden / heads)}, "split");
    } else if (x->dims.size() != 4) {
        fail(NodeErrorCode::kINVALID_NODE, "RotaryEmbedding needs an input of 3 or 4 dimensions; it has ", x->dims.size(), ".");
    }
    const auto angle = [&](std::size_t index) {
        Tensor* cache = node.input(index);
        if (node.has_input(3)) {
            cache = b.add(LayerType::kGATHER, {cache, node.input(3)}, graph::GatherAttributes{}, "angles");
        }
        if (cache->dims.size() != 3) {
            fail(NodeErrorCode::kINVALID_NODE, "The caches need 2 dimensions with position ids [batch, sequence], 3 without.");
        }
        return b.unsqueeze(cache, {flat ? 2 : 1}, "angle");
    };
    const RotaryAngles angles{angle(1), angle(2), node.integer("interleaved", 0) != 0};
    std::int64_t turned = node.integer("rotary_embedding_dim", 0);
    if (turned == 0) {
        turned = b.extent(x, 3).value_or(0);
    }
    Tensor* y = rotate(b, x, turned, angles);
    node.output(flat ? b.reshape(y, {Extent::axis(0), Extent::axis(1), Extent::product(2, 4)}, "joined") : y);
}

constexpr Operator kOperators[] = {
    {"Attention", attention, 7},
    {"RotaryEmbedding", rotary_embedding, 4},
};

} // namespace

std::span<const Operator> attention_operators() {
    return kOperators;
}

} // namespace tensorvk::onnx
