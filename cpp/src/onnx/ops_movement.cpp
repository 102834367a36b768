// Operators that rearrange elements: concatenation, transposition, gathering, blocks of channels.
#include <algorithm>
#include <numeric>

#include "onnx/operators.hpp"

namespace tensorvk::onnx {

namespace {

using graph::Tensor;
using Ints = Build::Ints;

void concat(NodeContext& node) {
    if (!node.has("axis")) {
        fail(NodeErrorCode::kINVALID_NODE, "Attribute 'axis' is missing.");
    }
    node.output(node.build.concatenate(node.all_inputs(), node.integer("axis", 0), ""));
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
    std::int64_t channels;
};

Blocks read_blocks(NodeContext& node) {
    Tensor* x = node.input(0);
    const std::int64_t size = node.integer("blocksize", 0);
    const auto channels = x->dims.size() == 4 ? node.build.extent(x, 1) : std::nullopt;
    if (!channels || size < 1 || size > 1024) {
        fail(NodeErrorCode::kINVALID_NODE, node.op(),
             " needs an input of 4 dimensions with a fixed number of channels and a 'blocksize' of 1 to 1024; ",
             x->dims.size(), " dimensions and ", size, " were given.");
    }
    return {x, size, *channels};
}

//! Channels of a block become pixels: DCR takes the block index from the front of the channel axis, CRD from its back.
void depth_to_space(NodeContext& node) {
    const auto [x, block, channels] = read_blocks(node);
    const std::string mode = node.string("mode", "DCR");
    if ((mode != "DCR" && mode != "CRD") || channels % (block * block) != 0) {
        fail(NodeErrorCode::kINVALID_NODE, "Mode '", mode, "' with ", channels, " channels and blocksize ", block,
             " is not possible; the mode must be DCR or CRD and the channels a multiple of the block's area.");
    }
    const Extent b = Extent::of(block);
    const Extent rest = Extent::of(channels / (block * block));
    const bool dcr = mode == "DCR";
    Build& build = node.build;
    const std::vector<Extent> split = dcr ? std::vector{Extent::axis(0), b, b, rest, Extent::axis(2), Extent::axis(3)}
                                          : std::vector{Extent::axis(0), rest, b, b, Extent::axis(2), Extent::axis(3)};
    Tensor* parts = build.reshape(x, split, "split");
    Tensor* moved = build.transpose(parts, dcr ? Ints{0, 3, 4, 1, 5, 2} : Ints{0, 1, 4, 2, 5, 3}, "interleave");
    node.output(
        build.reshape(moved, {Extent::axis(0), Extent::axis(1), Extent::product(2, 4), Extent::product(4, 6)}, ""));
}

void space_to_depth(NodeContext& node) {
    const auto [x, block, channels] = read_blocks(node);
    Ints halves;
    for (std::size_t axis = 2; axis < 4; ++axis) {
        const auto extent = node.build.extent(x, axis);
        if (!extent || *extent % block != 0) {
            fail(NodeErrorCode::kUNSUPPORTED_NODE_SHAPE,
                 "SpaceToDepth needs a fixed height and width that are multiples of its blocksize ", block, ".");
        }
        halves.push_back(*extent / block);
    }
    const Extent b = Extent::of(block);
    Build& build = node.build;
    Tensor* parts = build.reshape(
        x, {Extent::axis(0), Extent::axis(1), Extent::of(halves[0]), b, Extent::of(halves[1]), b}, "split");
    const bool channels_first = node.string("mode", "DCR") == "CRD";
    Tensor* moved = build.transpose(parts, channels_first ? Ints{0, 1, 3, 5, 2, 4} : Ints{0, 3, 5, 1, 2, 4}, "gather");
    node.output(build.reshape(moved, {Extent::axis(0), Extent::product(1, 4), Extent::axis(4), Extent::axis(5)}, ""));
}

constexpr Operator kOperators[] = {
    {"Concat", concat},       {"DepthToSpace", depth_to_space}, {"Gather", gather}, {"SpaceToDepth", space_to_depth},
    {"Transpose", transpose},
};

} // namespace

std::span<const Operator> movement_operators() {
    return kOperators;
}

} // namespace tensorvk::onnx
