// Sequences of tensors: lists that only the importer knows. How many elements there are has to be known; which one is meant may be data.
#include <algorithm>

#include "onnx/operators.hpp"
#include "onnx/split.hpp"
#include "support/checked.hpp"

namespace tensorvk::onnx {

namespace {

using graph::Tensor;
using Ints = Build::Ints;
using Tensors = std::vector<Tensor*>;

constexpr std::size_t kMostElements = 4096;

//! Counted from the end when negative; `count` is the number of places.
std::size_t place(std::int64_t given, std::size_t count, std::size_t elements) {
    const auto size = static_cast<std::int64_t>(elements);
    const std::int64_t at = given < 0 ? given + size : given;
    if (at < 0 || at >= static_cast<std::int64_t>(count)) {
        fail(NodeErrorCode::kINVALID_NODE, "Its position ", given, " lies outside of a sequence of ", elements, " elements.");
    }
    return static_cast<std::size_t>(at);
}

//! The position when it is absent (`otherwise`) or constant; nothing when it is data.
std::optional<std::int64_t> known_position(NodeContext& node, std::size_t index, std::int64_t otherwise) {
    if (!node.has_input(index)) {
        return otherwise;
    }
    const auto numbers = node.build.known(node.input(index));
    if (numbers && numbers->size() != 1) {
        fail(NodeErrorCode::kINVALID_NODE, "Its position has ", numbers->size(), " elements; it has to be one number.");
    }
    return numbers ? std::optional(numbers->front()) : std::nullopt;
}

//! The operator of the same name on the elements, what is inserted, and a position that is data.
Tensors by_position(NodeContext& node, Tensors inputs, std::size_t position) {
    inputs.push_back(node.input(position));
    return node.build.layer(LayerType::kOPERATOR, std::move(inputs), graph::OperatorAttributes{node.op(), {}}, "")->outputs;
}

void sequence_empty(NodeContext& node) { node.output_sequence({}); }

void sequence_construct(NodeContext& node) { node.output_sequence(node.all_inputs()); }

void sequence_length(NodeContext& node) {
    const auto count = static_cast<std::int64_t>(node.sequence(0).size());
    node.output(node.build.constant({}, make_weights<std::int64_t>(DataType::kINT64, {count}), ""));
}

void sequence_at(NodeContext& node) {
    const Tensors elements = node.sequence(0);
    if (const auto position = known_position(node, 1, 0)) {
        return node.output(elements[place(*position, elements.size(), elements.size())]);
    }
    if (elements.empty()) {
        fail(NodeErrorCode::kINVALID_NODE, "It takes an element of an empty sequence.");
    }
    node.output(by_position(node, elements, 1)[0]);
}

void sequence_insert(NodeContext& node) {
    Tensors elements = node.sequence(0);
    Tensor* added = node.input(1);
    if (elements.size() >= kMostElements) {
        fail(NodeErrorCode::kUNSUPPORTED_NODE, "It makes a sequence of more than ", kMostElements, " elements.");
    }
    if (const auto position = known_position(node, 2, static_cast<std::int64_t>(elements.size()))) {
        elements.insert(elements.begin() + static_cast<std::ptrdiff_t>(place(*position, elements.size() + 1, elements.size())), added);
        return node.output_sequence(std::move(elements));
    }
    elements.push_back(added);
    node.output_sequence(by_position(node, std::move(elements), 2));
}

void sequence_erase(NodeContext& node) {
    Tensors elements = node.sequence(0);
    if (elements.empty()) {
        fail(NodeErrorCode::kINVALID_NODE, "It removes an element of an empty sequence.");
    }
    if (const auto position = known_position(node, 1, -1)) {
        elements.erase(elements.begin() + static_cast<std::ptrdiff_t>(place(*position, elements.size(), elements.size())));
        return node.output_sequence(std::move(elements));
    }
    node.output_sequence(by_position(node, std::move(elements), 1));
}

void concat_from_sequence(NodeContext& node) {
    Tensors elements = node.sequence(0);
    if (elements.empty()) {
        fail(NodeErrorCode::kINVALID_NODE, "It joins an empty sequence.");
    }
    std::int64_t axis = node.integer("axis", 0);
    if (node.integer("new_axis", 0) != 0) {
        axis = static_cast<std::int64_t>(node.axis(axis, elements[0]->dims.size() + 1));
        std::ranges::transform(elements, elements.begin(), [&](Tensor* x) { return node.build.unsqueeze(x, {axis}, "new_axis"); });
    }
    node.output(node.build.concatenate(std::move(elements), axis, ""));
}

//! Numbers of elements in each part: one each without sizes, equally many with one size, the last one fewer.
std::vector<Tensor*> part_sizes(NodeContext& node, const Tensor* x, std::size_t axis) {
    Build& b = node.build;
    std::vector<Tensor*> sizes;
    const bool vector = node.has_input(1) && !node.input(1)->dims.empty();
    if (vector) {
        Tensor* given = node.shape_input(1, "split");
        for (std::size_t i = 0; i < given->values->size(); ++i) {
            sizes.push_back(b.add(LayerType::kGATHER, {given, b.ints({static_cast<std::int64_t>(i)})}, graph::GatherAttributes{}, "size"));
        }
        return sizes;
    }
    const std::int64_t size = node.has_input(1) ? static_cast<std::int64_t>(node.constant_number(1, "split")) : 1;
    const auto extent = b.extent(x, axis);
    if (!extent || size < 1 || *extent > size * static_cast<std::int64_t>(kMostElements)) {
        fail(NodeErrorCode::kUNSUPPORTED_NODE_SHAPE, "It splits axis ", axis, " of '", x->name, "' into parts of ", size,
             "; the axis needs a fixed extent and the result at most ", kMostElements, " parts.");
    }
    for (std::int64_t at = 0; at < *extent; at += size) {
        sizes.push_back(b.ints({std::min(size, *extent - at)}));
    }
    return sizes;
}

void split_to_sequence(NodeContext& node) {
    Tensor* x = node.input(0);
    Build& b = node.build;
    const std::size_t axis = node.axis(node.integer("axis", 0), x->dims.size());
    const Ints axes = {static_cast<std::int64_t>(axis)};
    const bool keeps = node.has_input(1) || node.integer("keepdims", 1) != 0;
    Tensor* start = b.ints({0});
    Tensor* one = b.ints({1});
    Tensors parts;
    for (Tensor* size : part_sizes(node, x, axis)) {
        Tensor* part = b.slice(x, axes, start, size, one, {}, nullptr, "part");
        parts.push_back(keeps ? part : b.squeeze(part, axes, "element"));
        start = b.elementwise(ElementWiseOperation::kSUM, start, size, "next");
    }
    require_whole(b, x, axis, start);
    node.output_sequence(std::move(parts));
}

constexpr Operator kOperators[] = {
    {"ConcatFromSequence", concat_from_sequence, 1}, {"SequenceAt", sequence_at, 2},         {"SequenceConstruct", sequence_construct},
    {"SequenceEmpty", sequence_empty, 0},            {"SequenceErase", sequence_erase, 2},   {"SequenceInsert", sequence_insert, 3},
    {"SequenceLength", sequence_length, 1},          {"SplitToSequence", split_to_sequence, 2},
};

} // namespace

std::span<const Operator> sequence_operators() {
    return kOperators;
}

} // namespace tensorvk::onnx
