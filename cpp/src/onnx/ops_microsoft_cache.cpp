// com.microsoft's GroupQueryAttention: attention whose keys and values go to places of a cache that sequences of different lengths share.
#include "onnx/microsoft_attention.hpp"
#include "onnx/normalization.hpp"
#include "onnx/operators.hpp"

namespace tensorvk::onnx {

namespace {

using graph::Tensor;
using Ints = Build::Ints;
using Op = ElementWiseOperation;

// Inputs.
constexpr std::size_t kPastKey = 3, kPastValue = 4, kLengths = 5, kTotalLength = 6, kCosines = 7, kSines = 8, kPositions = 9, kBias = 10, kSink = 11,
                      kQueryNorm = 14, kKeyNorm = 15;

void refuse_unknown_forms(const NodeContext& node) {
    refuse_inputs(node, 12, 13);
    if (node.integer("sliding_window_cache", 0) != 0 || node.string("k_quant_type", "NONE") != "NONE" || node.string("v_quant_type", "NONE") != "NONE") {
        fail(NodeErrorCode::kUNSUPPORTED_NODE_ATTR,
             "Attribute 'sliding_window_cache' is only offered as 0, 'k_quant_type' and 'v_quant_type' as NONE.");
    }
    if (node.has_input(kPastKey) != node.has_input(kPastValue)) {
        fail(NodeErrorCode::kINVALID_NODE, "past_key and past_value have to be given together.");
    }
}

void check_ranks(NodeContext& node) {
    struct Row {
        std::size_t input, rank;
        const char* what;
    };
    constexpr Row kRows[] = {{kPastKey, 4, "past_key"}, {kPastValue, 4, "past_value"}, {kCosines, 2, "cosine cache"}, {kSines, 2, "sine cache"},
                             {kPositions, 2, "position ids"}, {kSink, 1, "head sink"}};
    for (const Row& row : kRows) {
        if (node.has_input(row.input)) {
            require_rank(node.input(row.input), row.rank, row.what);
        }
    }
}

//! Queries, keys and values as [B, heads, S, D], from three inputs or from one where they lie side by side.
AttentionInputs read_heads(NodeContext& node) {
    Build& b = node.build;
    const std::int64_t query_heads = node.integer("num_heads", 0);
    const std::int64_t heads = node.integer("kv_num_heads", 0);
    Tensor* x = node.input(0);
    require_rank(x, 3, "query");
    if (node.has_input(1)) {
        require_rank(node.input(1), 3, "key");
        require_rank(node.input(2), 3, "value");
        return {split_heads(b, x, query_heads), split_heads(b, node.input(1), heads), split_heads(b, node.input(2), heads)};
    }
    const std::int64_t count = query_heads + 2 * heads;
    if (query_heads < 1 || heads < 1 || hidden_size(b, x) % count != 0) {
        fail(NodeErrorCode::kINVALID_NODE, "Its hidden size ", hidden_size(b, x), " has to be a multiple of all heads, ", count, ".");
    }
    const std::int64_t size = hidden_size(b, x) / count;
    return {split_heads(b, part(b, x, 0, query_heads * size), query_heads), split_heads(b, part(b, x, query_heads * size, heads * size), heads),
            split_heads(b, part(b, x, (query_heads + heads) * size, heads * size), heads)};
}

//! Where things are: int32 [B, 1] for what depends on the sequence, [1, count] for what is counted.
struct Places {
    Tensor* past;      // how many keys a sequence has before these
    Tensor* positions; // [B, S]: of the new ones in their sequences
    Tensor* slots;     // [1, L]: of the cache
    Tensor* length;    // keys with the new ones
};

Tensor* plus(Build& b, Tensor* x, std::int64_t number) {
    return b.elementwise(Op::kSUM, x, b.number(x, static_cast<double>(number)), "plus");
}

//! `longest` is how many slots the cache has: a vector of one int64.
Places find_places(NodeContext& node, const AttentionInputs& in, Tensor* longest) {
    Build& b = node.build;
    Tensor* lengths = node.input(kLengths); // less 1
    lengths = b.cast(lengths->dims.size() == 1 ? b.unsqueeze(lengths, {1}, "lengths") : lengths, DataType::kINT32);
    require_rank(lengths, 2, "lengths");
    Tensor* count = b.extents_of(in.query, {2});
    Places places{};
    places.length = plus(b, lengths, 1);
    // A sequence that is shorter than what came is a padded prompt.
    Tensor* before = b.elementwise(Op::kSUB, places.length, b.cast(count, DataType::kINT32), "before");
    places.past = b.elementwise(Op::kMAX, before, b.number(before, 0.0), "past");
    Tensor* counted_new = b.unsqueeze(b.counted(count), {0}, "new");
    places.positions = b.elementwise(Op::kSUM, places.past, counted_new, "positions");
    places.slots = longest == nullptr ? counted_new : b.unsqueeze(b.counted(longest), {0}, "slots");
    return places;
}

void turn(NodeContext& node, AttentionInputs& in, const Places& places) {
    Build& b = node.build;
    Tensor* ids = node.has_input(kPositions) ? node.input(kPositions) : places.positions;
    const auto angle = [&](std::size_t index) {
        return b.unsqueeze(b.add(LayerType::kGATHER, {node.input(index), ids}, graph::GatherAttributes{}, "angles"), {1}, "angle");
    };
    const std::int64_t turned = 2 * hidden_size(b, node.input(kCosines));
    const RotaryAngles angles{angle(kCosines), angle(kSines), node.integer("rotary_interleaved", 0) != 0};
    in.query = rotate(b, in.query, turned, angles);
    in.key = rotate(b, in.key, turned, angles);
}

//! Which rows of x [B, heads, S, D] lie at place `from` [B, L] of each head, when all rows are counted: [B, heads, L].
Tensor* rows_at(Build& b, Tensor* x, Tensor* from) {
    const auto extent = [&](std::int64_t axis) { return b.cast(b.extents_of(x, {axis}), DataType::kINT32); };
    const auto count = [&](std::int64_t axis) { return b.counted(b.extents_of(x, {axis})); };
    Tensor* head = b.elementwise(Op::kSUM, b.elementwise(Op::kPROD, b.unsqueeze(count(0), {1, 2}, "batch"), extent(1), "first_head"),
                                 b.unsqueeze(count(1), {0, 2}, "head"), "heads");
    return b.elementwise(Op::kSUM, b.elementwise(Op::kPROD, head, extent(2), "first_row"), b.unsqueeze(from, {1}, "from"), "rows");
}

//! The cache with the new rows behind the past ones of each sequence; zeros behind those.
Tensor* updated(Build& b, Tensor* past, Tensor* rows, const Places& places) {
    const auto count_of = [&](Tensor* x) { return b.cast(b.extents_of(x, {2}), DataType::kINT32); };
    Tensor* all = b.concatenate({past, b.cast(rows, past->dtype)}, 2, "past_and_new");
    Tensor* is_past = b.elementwise(Op::kLESS, places.slots, places.past, "is_past");
    Tensor* behind = b.elementwise(Op::kSUM, b.elementwise(Op::kSUB, places.slots, places.past, "new_slot"), count_of(past), "behind");
    Tensor* from = b.add(LayerType::kSELECT, {is_past, places.slots, behind}, graph::NoAttributes{}, "from");
    from = b.elementwise(Op::kMIN, from, plus(b, count_of(all), -1), "inside");
    Tensor* moved = b.add(LayerType::kGATHER, {b.reshape(all, {Extent::product(0, 3), Extent::axis(3)}, "all_rows"), rows_at(b, all, from)},
                          graph::GatherAttributes{}, "moved");
    Tensor* end = b.elementwise(Op::kSUM, places.past, count_of(rows), "end");
    Tensor* written = b.unsqueeze(b.elementwise(Op::kLESS, places.slots, end, "written"), {1, 3}, "written");
    return b.add(LayerType::kSELECT, {written, moved, b.number(moved, 0.0)}, graph::NoAttributes{}, "present");
}

//! bool [B, 1, S, L]
Tensor* allowed(NodeContext& node, const Places& places) {
    Build& b = node.build;
    Tensor* slots = b.unsqueeze(places.slots, {1, 2}, "keys");
    Tensor* positions = b.unsqueeze(places.positions, {1, 3}, "queries");
    if (node.integer("causal", 1) == 0) {
        return b.elementwise(Op::kLESS, slots, b.unsqueeze(places.length, {1, 2}, "length"), "known");
    }
    Tensor* seen = b.elementwise(Op::kLESS, slots, plus(b, positions, 1), "causal");
    const std::int64_t window = node.integer("local_window_size", -1);
    if (window < 0) {
        return seen;
    }
    return b.elementwise(Op::kAND, seen, b.elementwise(Op::kGREATER, slots, plus(b, positions, -window), "near"), "seen");
}

void normalize_heads(NodeContext& node, AttentionInputs& in) {
    const auto epsilon = static_cast<double>(node.real("qk_norm_epsilon", 1e-6f));
    in.query = layer_normalized(node, in.query, {node.input(kQueryNorm), nullptr, -1, epsilon, false});
    in.key = layer_normalized(node, in.key, {node.input(kKeyNorm), nullptr, -1, epsilon, false});
}

void group_query_attention(NodeContext& node) {
    refuse_unknown_forms(node);
    check_ranks(node);
    Build& b = node.build;
    AttentionInputs in = read_heads(node);
    const bool has_past = node.has_input(kPastKey);
    Tensor* longest = nullptr;
    if (has_past) {
        longest = b.elementwise(Op::kMAX, node.shape_input(kTotalLength, "total_sequence_length"), b.extents_of(node.input(kPastKey), {2}), "longest");
    }
    const Places places = find_places(node, in, longest);
    if (node.has_input(kQueryNorm)) {
        normalize_heads(node, in);
    }
    if (node.integer("do_rotary", 0) != 0) {
        turn(node, in, places);
    }
    if (has_past) {
        in.key = updated(b, node.input(kPastKey), in.key, places);
        in.value = updated(b, node.input(kPastValue), in.value, places);
    }
    in.scale = scale_of(node, in.query);
    in.softcap = static_cast<double>(node.real("softcap", 0.0f));
    in.allowed = allowed(node, places);
    in.bias = node.optional_input(kBias);
    if (node.has_input(kSink)) {
        in.sink = b.unsqueeze(node.input(kSink), {0, 2, 3}, "sink");
    } else if (node.integer("smooth_softmax", 0) == 1) {
        in.sink = b.number(in.query, 0.0);
    }
    const AttentionOutputs out = scaled_dot_product_attention(b, in);
    node.output(join_heads(b, out.result, "joined"));
    node.output(in.key, 1);
    node.output(in.value, 2);
    node.output(node.integer("qk_output", 0) == 2 ? out.weights : out.biased, 3);
}

constexpr Operator kOperators[] = {
    {"com.microsoft.GroupQueryAttention", group_query_attention},
};

} // namespace

std::span<const Operator> microsoft_cache_operators() {
    return kOperators;
}

} // namespace tensorvk::onnx
