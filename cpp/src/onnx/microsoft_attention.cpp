#include "onnx/microsoft_attention.hpp"

#include <cmath>

#include "onnx/weights.hpp"

namespace tensorvk::onnx {

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

std::int64_t hidden_size(Build& b, const Tensor* x) {
    const auto size = b.extent(x, x->dims.size() - 1);
    if (!size) {
        fail(NodeErrorCode::kUNSUPPORTED_NODE_DYNAMIC, "The hidden size of '", x->name, "' has to be a fixed number.");
    }
    return *size;
}

Tensor* part(Build& b, Tensor* x, std::int64_t begin, std::int64_t count) {
    const auto last = static_cast<std::int64_t>(x->dims.size()) - 1;
    return b.slice(x, {last}, b.ints({begin}), b.ints({count}), b.ints({1}), {}, nullptr, "part");
}

double scale_of(const NodeContext& node, const Tensor* query) {
    const auto given = static_cast<double>(node.real("scale", 0.0f));
    const auto size = node.build.extent(query, 3);
    if (given == 0.0 && !size) {
        fail(NodeErrorCode::kUNSUPPORTED_NODE_DYNAMIC, "The head size has to be a fixed number, or 'scale' to be given.");
    }
    return given != 0.0 ? given : 1.0 / std::sqrt(static_cast<double>(*size));
}

namespace {

//! Which keys are seen, by a vector of how many keys each sequence has ([B]), also with where they begin ([2 B]), or with sums of lengths behind
//! ([3 B + 2]): bool [B, 1, 1, S].
Tensor* seen_by_lengths(Build& b, Tensor* mask, const AttentionInputs& in) {
    shape::ExprPool& pool = b.network().exprs();
    const shape::Expr batch = in.query->dims[0];
    const shape::Expr size = mask->dims[0];
    const bool ends = size == batch;
    const bool starts = size == pool.mul(batch, pool.constant(2));
    if (!ends && !starts && size != pool.add(pool.mul(batch, pool.constant(3)), pool.constant(2))) {
        fail(NodeErrorCode::kUNSUPPORTED_NODE_SHAPE, "Its mask '", mask->name, "' has one dimension, whose extent has to be the batch, twice the batch ",
             "or three times the batch and 2.");
    }
    Tensor* places = b.unsqueeze(b.counted(b.extents_of(in.key, {2})), {0, 1, 2}, "places");
    const auto bound = [&](Tensor* begin) {
        Tensor* own = ends ? mask : b.slice(mask, {0}, begin, b.extents_of(in.query, {0}), b.ints({1}), {}, nullptr, "bound");
        return b.unsqueeze(b.cast(own, DataType::kINT32), {1, 2, 3}, "bound");
    };
    Tensor* seen = b.elementwise(Op::kLESS, places, bound(b.ints({0})), "before_end");
    if (starts) {
        Tensor* early = b.elementwise(Op::kLESS, places, bound(b.extents_of(in.query, {0})), "before_start");
        seen = b.elementwise(Op::kAND, seen, b.unary(UnaryOperation::kNOT, early, "started"), "seen");
    }
    return seen;
}

//! Of a mask [B, 1, longest, longest], the rows of the queries and the columns of the keys.
Tensor* window_of(Build& b, Tensor* mask, const AttentionInputs& in, Tensor* new_key) {
    Tensor* past = b.elementwise(Op::kSUB, b.extents_of(in.key, {2}), b.extents_of(new_key, {2}), "past");
    Tensor* start = b.concatenate({past, b.ints({0})}, 0, "start");
    Tensor* size = b.concatenate({b.extents_of(in.query, {2}), b.extents_of(in.key, {2})}, 0, "size");
    return b.slice(mask, {2, 3}, start, size, b.ints({1, 1}), {}, nullptr, "window");
}

} // namespace

void add_mask(NodeContext& node, AttentionInputs& in, Tensor* mask, Tensor* new_key) {
    Build& b = node.build;
    const std::size_t rank = mask->dims.size();
    if (rank < 1 || rank > 4) {
        fail(NodeErrorCode::kUNSUPPORTED_NODE_SHAPE, "Its mask '", mask->name, "' has ", rank, " dimensions; 1 to 4 are offered.");
    }
    if (rank == 2 && b.extent(mask, 1) == 1 && b.extent(in.key, 2) != 1) {
        return; // stands for no mask
    }
    Tensor* seen = nullptr;
    if (rank == 1) {
        seen = seen_by_lengths(b, mask, in);
    } else {
        Tensor* wide = rank == 4 ? window_of(b, mask, in, new_key) : b.unsqueeze(mask, rank == 2 ? Ints{1, 2} : Ints{1}, "mask");
        wide = b.cast(wide, DataType::kFLOAT);
        seen = b.elementwise(Op::kGREATER, wide, b.number(wide, 0.0), "seen");
    }
    const auto filter = static_cast<double>(node.real("mask_filter_value", -10000.0f));
    Tensor* zero = b.constant({1, 1, 1, 1}, make_weights<float>(DataType::kFLOAT, {0.0f}), "zero");
    add_bias(b, in, b.add(LayerType::kSELECT, {seen, zero, b.number(zero, filter)}, graph::NoAttributes{}, "filter"));
}

void add_bias(Build& b, AttentionInputs& in, Tensor* bias) {
    in.bias = in.bias == nullptr ? bias : b.elementwise(Op::kSUM, in.bias, b.cast(bias, in.bias->dtype), "bias");
}

namespace {

//! Half `index` (keys or values) of a cache [2, B, heads, S, D].
Tensor* cached(Build& b, Tensor* past, std::int64_t index) {
    return b.squeeze(b.slice(past, {0}, b.ints({index}), b.ints({1}), b.ints({1}), {}, nullptr, "half"), {0}, "cached");
}

} // namespace

void attend(NodeContext& node, Tensor* projected, const SelfAttentionInputs& inputs) {
    if (node.integer("do_rotary", 0) != 0 || node.integer("past_present_share_buffer", 0) != 0) {
        fail(NodeErrorCode::kUNSUPPORTED_NODE_ATTR, "Attributes 'do_rotary' and 'past_present_share_buffer' are only offered as 0.");
    }
    Build& b = node.build;
    const std::int64_t width = hidden_size(b, projected);
    const Ints sizes = node.integers("qkv_hidden_sizes", {width / 3, width / 3, width / 3});
    if (sizes.size() != 3 || sizes[0] != sizes[1] || sizes[0] + sizes[1] + sizes[2] != width) {
        fail(NodeErrorCode::kINVALID_NODE, "The weights have ", width, " columns, which do not split into queries, keys and values.");
    }
    const std::int64_t heads = node.integer("num_heads", 0);
    AttentionInputs in{split_heads(b, part(b, projected, 0, sizes[0]), heads), split_heads(b, part(b, projected, sizes[0], sizes[1]), heads),
                       split_heads(b, part(b, projected, sizes[0] + sizes[1], sizes[2]), heads)};
    Tensor* new_key = in.key;
    if (node.has_input(inputs.past)) {
        require_rank(node.input(inputs.past), 5, "past");
        in.key = b.concatenate({cached(b, node.input(inputs.past), 0), in.key}, 2, "present_key");
        in.value = b.concatenate({cached(b, node.input(inputs.past), 1), in.value}, 2, "present_value");
    }
    in.scale = scale_of(node, in.query);
    if (node.integer("unidirectional", 0) != 0) {
        in.allowed = causal_mask(b, in.query, in.key, new_key);
    }
    if (node.has_input(inputs.mask)) {
        add_mask(node, in, node.input(inputs.mask), new_key);
    }
    if (node.has_input(inputs.bias)) {
        add_bias(b, in, node.input(inputs.bias));
    }
    node.output(join_heads(b, scaled_dot_product_attention(b, in).result, "joined"));
    if (node.wants_output(1)) {
        node.output(b.concatenate({b.unsqueeze(in.key, {0}, "keys"), b.unsqueeze(in.value, {0}, "values")}, 0, "present"), 1);
    }
}

} // namespace tensorvk::onnx
