#include "onnx/split.hpp"

#include <algorithm>

#include "onnx/extents.hpp"

namespace tensorvk::onnx {

namespace {

using graph::Tensor;
using Op = ElementWiseOperation;

//! Sizes of the parts as vectors of one number, where they are given.
std::vector<Tensor*> given_sizes(NodeContext& node) {
    Build& b = node.build;
    std::vector<Tensor*> sizes;
    if (node.has_input(1)) {
        Tensor* split = node.shape_input(1, "split");
        const auto count = static_cast<std::int64_t>(split->values->size());
        for (std::int64_t i = 0; i < count; ++i) {
            sizes.push_back(element(b, split, i));
        }
    }
    for (const std::int64_t size : node.integers("split")) {
        sizes.push_back(b.ints({size}));
    }
    return sizes;
}

//! Parts of one size; since operator set 18 the last ones may have fewer elements.
std::vector<Tensor*> equal_sizes(NodeContext& node, Tensor* extent, const std::string& name) {
    Build& b = node.build;
    const std::int64_t parts = node.integer("num_outputs", static_cast<std::int64_t>(node.output_count()));
    if (parts < 1 || parts > 4096) {
        fail(NodeErrorCode::kINVALID_NODE, "It splits into ", parts, " parts; 1 to 4096 are allowed.");
    }
    const std::string uneven = text("'", name, "' is split into ", parts, " equal parts, so the extent has to be a multiple of that; give sizes for others");
    const bool even = node.opset() < 18;
    const auto known = b.known(extent);
    std::vector<Tensor*> sizes;
    if (known) {
        if (even && known->front() % parts != 0) {
            fail(NodeErrorCode::kINVALID_NODE, uneven, "; it is ", known->front(), ".");
        }
        const std::int64_t size = (known->front() + parts - 1) / parts;
        for (std::int64_t i = 0; i < parts; ++i) {
            sizes.push_back(b.ints({std::clamp<std::int64_t>(known->front() - i * size, 0, size)}));
        }
        return sizes;
    }
    if (even) {
        Tensor* size = b.elementwise(Op::kFLOOR_DIV, extent, b.ints({parts}), "part");
        Tensor* whole = b.elementwise(Op::kPROD, size, b.ints({parts}), "whole");
        b.require(b.elementwise(Op::kEQUAL, whole, extent, "is_multiple"), uneven);
        sizes.assign(static_cast<std::size_t>(parts), size);
        return sizes;
    }
    Tensor* size = b.elementwise(Op::kFLOOR_DIV, b.elementwise(Op::kSUM, extent, b.ints({parts - 1}), "rounded"), b.ints({parts}), "part");
    for (std::int64_t i = 0; i < parts; ++i) {
        Tensor* rest = b.elementwise(Op::kSUB, extent, b.elementwise(Op::kPROD, size, b.ints({i}), "before"), "rest");
        sizes.push_back(b.elementwise(Op::kMAX, b.elementwise(Op::kMIN, rest, size, "at_most"), b.ints({0}), "size"));
    }
    return sizes;
}

} // namespace

void split(NodeContext& node) {
    Tensor* x = node.input(0);
    Build& b = node.build;
    const std::size_t axis = node.axis(node.integer("axis", 0), x->dims.size());
    const bool given = node.has_input(1) || node.has("split");
    const std::vector<Tensor*> sizes = given ? given_sizes(node) : equal_sizes(node, b.extents_of(x, {static_cast<std::int64_t>(axis)}), x->name);
    if (sizes.size() != node.output_count()) {
        fail(NodeErrorCode::kINVALID_NODE, "It has ", sizes.size(), " parts, but ", node.output_count(), " outputs.");
    }
    Tensor* start = b.ints({0});
    Tensor* one = b.ints({1});
    for (std::size_t i = 0; i < sizes.size(); ++i) {
        node.output(b.slice(x, {static_cast<std::int64_t>(axis)}, start, sizes[i], one, {}, nullptr,
                            i == 0 ? std::string() : text("part_", i)),
                    i);
        if (given || i + 1 < sizes.size()) {
            start = sum(b, start, sizes[i], "next");
        }
    }
    if (given) {
        require_whole(b, x, axis, start);
    }
}

void require_whole(Build& b, Tensor* x, std::size_t axis, Tensor* end) {
    Tensor* extent = b.extents_of(x, {static_cast<std::int64_t>(axis)});
    if (end->values != extent->values) {
        b.require(b.elementwise(Op::kEQUAL, end, extent, "is_all"),
                  text("the sizes of the parts of '", x->name, "' have to add up to the extent of axis ", axis));
    }
}

} // namespace tensorvk::onnx
