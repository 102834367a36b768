// Operators that rearrange elements: concatenation, transposition, gathering, blocks of channels.
#include <algorithm>
#include <numeric>

#include "onnx/operators.hpp"

namespace tensorvk::onnx {

namespace {

using graph::Tensor;
using Ints = Build::Ints;

void concat(NodeContext& node) {
    if (!node.has("axis") && node.opset() >= 4) {
        fail(NodeErrorCode::kINVALID_NODE, "Attribute 'axis' is missing.");
    }
    node.output(node.build.concatenate(node.all_inputs(), node.integer("axis", 1), ""));
}

void transpose(NodeContext& node) {
    Tensor* x = node.input(0);
    Ints reversed(x->dims.size());
    std::iota(reversed.rbegin(), reversed.rend(), 0);
    const Ints permutation = node.integers("perm", reversed);
    if (permutation.size() != x->dims.size()) {
        fail(NodeErrorCode::kINVALID_NODE, "Attribute 'perm' has ", permutation.size(), " entries, but its input has ",
             x->dims.size(), " dimensions.");
    }
    node.output(node.build.transpose(x, permutation, ""));
}

void gather(NodeContext& node) {
    graph::GatherAttributes attributes;
    attributes.axis = node.integer("axis", 0);
    node.output(node.build.add(LayerType::kGATHER, {node.input(0), node.input(1)}, attributes));
}

struct Blocks {
    Tensor* x;
    std::int64_t size;
    Tensor* block; // the size as a vector of one number
};

Blocks read_blocks(NodeContext& node) {
    Tensor* x = node.input(0);
    const std::int64_t size = node.integer("blocksize", 0);
    if (x->dims.size() != 4 || size < 1 || size > 1024) {
        fail(NodeErrorCode::kINVALID_NODE, node.op(),
             " needs an input of 4 dimensions and a 'blocksize' of 1 to 1024; ", x->dims.size(), " dimensions and ",
             size, " were given.");
    }
    return {x, size, node.build.ints({size})};
}

//! The extent of an axis divided into parts of which each has `part` elements.
Tensor* parts_of(NodeContext& node, Tensor* x, std::int64_t axis, std::int64_t part) {
    const auto extent = node.build.extent(x, static_cast<std::size_t>(axis));
    if (extent && *extent % part != 0) {
        fail(NodeErrorCode::kINVALID_NODE, "Axis ", axis, " has the extent ", *extent, ", which is not a multiple of ", part,
             " as the attribute 'blocksize' requires.");
    }
    return node.build.elementwise(ElementWiseOperation::kFLOOR_DIV, node.build.extents_of(x, {axis}), node.build.ints({part}),
                                  "parts");
}

//! Channels of a block become pixels: DCR takes the block index from the front of the channel axis, CRD from its back.
void depth_to_space(NodeContext& node) {
    const auto [x, size, block] = read_blocks(node);
    const std::string mode = node.string("mode", "DCR");
    if (mode != "DCR" && mode != "CRD") {
        fail(NodeErrorCode::kINVALID_NODE, "Attribute 'mode' is '", mode, "'; DCR and CRD are allowed.");
    }
    Build& b = node.build;
    Tensor* const n = b.extents_of(x, {0});
    Tensor* const rest = parts_of(node, x, 1, size * size);
    Tensor* const h = b.extents_of(x, {2});
    Tensor* const w = b.extents_of(x, {3});
    const bool dcr = mode == "DCR";
    Tensor* split = b.concatenate(dcr ? std::vector{n, block, block, rest, h, w} : std::vector{n, rest, block, block, h, w}, 0, "split");
    Tensor* moved = b.transpose(b.reshape_to(x, split, "blocks"), dcr ? Ints{0, 3, 4, 1, 5, 2} : Ints{0, 1, 4, 2, 5, 3}, "interleave");
    const auto scaled = [&, by = block](Tensor* extent) { return b.elementwise(ElementWiseOperation::kPROD, extent, by, "pixels"); };
    node.output(b.reshape_to(moved, b.concatenate({n, rest, scaled(h), scaled(w)}, 0, "extents"), ""));
}

void space_to_depth(NodeContext& node) {
    const auto [x, size, block] = read_blocks(node);
    Build& b = node.build;
    Tensor* const n = b.extents_of(x, {0});
    Tensor* const c = b.extents_of(x, {1});
    Tensor* const h = parts_of(node, x, 2, size);
    Tensor* const w = parts_of(node, x, 3, size);
    Tensor* parts = b.reshape_to(x, b.concatenate({n, c, h, block, w, block}, 0, "split"), "blocks");
    const bool channels_first = node.string("mode", "DCR") == "CRD";
    Tensor* moved = b.transpose(parts, channels_first ? Ints{0, 1, 3, 5, 2, 4} : Ints{0, 3, 5, 1, 2, 4}, "gather");
    Tensor* depth = b.elementwise(ElementWiseOperation::kPROD, c, b.ints({size * size}), "depth");
    node.output(b.reshape_to(moved, b.concatenate({n, depth, h, w}, 0, "extents"), ""));
}

constexpr Operator kOperators[] = {
    {"Concat", concat},       {"DepthToSpace", depth_to_space, 1}, {"Gather", gather, 2}, {"SpaceToDepth", space_to_depth, 1},
    {"Transpose", transpose, 1},
};

} // namespace

std::span<const Operator> movement_operators() {
    return kOperators;
}

} // namespace tensorvk::onnx
