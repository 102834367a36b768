// Operators that are a Slice layer: Slice, Pad, Expand, Tile, and Split (split.cpp). Bounds that are not constant become shape
// arithmetic.
#include <algorithm>
#include <cstdint>
#include <map>
#include <numeric>

#include "onnx/extents.hpp"
#include "onnx/import_by_rule.hpp"
#include "onnx/operators.hpp"
#include "onnx/split.hpp"
#include "support/checked.hpp"

namespace tensorvk::onnx {

namespace {

using graph::Tensor;
using Ints = Build::Ints;
using Op = ElementWiseOperation;

Ints every_axis(std::size_t rank) {
    Ints axes(rank);
    std::iota(axes.begin(), axes.end(), 0);
    return axes;
}

//! One axis of an ONNX slice; all tensors are int64 vectors of one number.
struct Bounds {
    Tensor *start, *end, *extent;
    std::int64_t step;
};
struct Piece {
    Tensor *start, *size;
};

//! Numbers as Python clamps them.
std::pair<std::int64_t, std::int64_t> clamped(std::int64_t start, std::int64_t end, std::int64_t extent,
                                              std::int64_t step) {
    const auto absolute = [extent](std::int64_t v) { return v < 0 ? std::max(v, -extent - 1) + extent : v; };
    const std::int64_t low = step > 0 ? 0 : -1;
    const std::int64_t high = step > 0 ? extent : extent - 1;
    start = std::clamp(absolute(start), std::max<std::int64_t>(low, 0), std::max<std::int64_t>(high, 0));
    end = std::clamp(absolute(end), low, std::max(low, high));
    const std::int64_t distance = step > 0 ? end - start : start - end;
    const std::int64_t stride = step > 0 ? step : -step;
    const std::int64_t size = distance <= 0 ? 0 : (distance - 1) / stride + 1;
    return {start, size};
}

constexpr std::int64_t kFar = 1'000'000'000; // exporters write very large integers for "to the end"

//! A bound of which only the run time knows where it lies.
Tensor* clamp_symbolic(Build& b, Tensor* bound, Tensor* extent, std::int64_t low, std::int64_t above) {
    const auto known = b.known(bound);
    Tensor* absolute = bound;
    if (!known) {
        Tensor* zero = b.ints({0});
        Tensor* negative = b.elementwise(Op::kLESS, bound, zero, "negative");
        Tensor* behind = b.elementwise(Op::kMIN, bound, zero, "behind"); // what is not negative may be too large for a sum
        absolute = b.add(LayerType::kSELECT, {negative, b.elementwise(Op::kSUM, behind, extent, "from_end"), bound},
                         graph::NoAttributes{}, "absolute");
    } else if (known->front() < 0) {
        absolute = b.elementwise(Op::kSUM, extent, b.ints({known->front()}), "from_end");
        return b.elementwise(Op::kMAX, absolute, b.ints({low}), "clamped"); // it lies before the end anyway
    }
    Tensor* high = above == 0 ? extent : b.elementwise(Op::kSUM, extent, b.ints({above}), "last");
    absolute = b.elementwise(Op::kMIN, absolute, high, "clamped");
    return known ? absolute : b.elementwise(Op::kMAX, absolute, b.ints({low}), "clamped");
}

Piece piece_of(Build& b, const Bounds& bounds) {
    const auto start = b.known(bounds.start);
    const auto end = b.known(bounds.end);
    const auto extent = b.known(bounds.extent);
    if (start && end && extent) {
        const auto [first, size] = clamped(start->front(), end->front(), extent->front(), bounds.step);
        return {b.ints({first}), b.ints({size})};
    }
    const bool forward = bounds.step > 0;
    const bool from_begin = forward && start && start->front() == 0;
    const bool to_end = end && (forward ? end->front() >= kFar : end->front() <= -kFar);
    Tensor* first = from_begin ? bounds.start : clamp_symbolic(b, bounds.start, bounds.extent, 0, forward ? 0 : -1);
    Tensor* behind = to_end ? (forward ? bounds.extent : b.ints({-1}))
                            : clamp_symbolic(b, bounds.end, bounds.extent, forward ? 0 : -1, forward ? 0 : -1);
    if (from_begin && bounds.step == 1) {
        return {first, behind};
    }
    const std::int64_t stride = forward ? bounds.step : -bounds.step;
    Tensor* distance = forward ? b.elementwise(Op::kSUB, behind, first, "distance")
                               : b.elementwise(Op::kSUB, first, behind, "distance");
    Tensor* rounded = stride == 1 ? distance : b.elementwise(Op::kSUM, distance, b.ints({stride - 1}), "rounded");
    Tensor* count = stride == 1 ? rounded : b.elementwise(Op::kFLOOR_DIV, rounded, b.ints({stride}), "count");
    return {first, b.elementwise(Op::kMAX, count, b.ints({0}), "size")};
}

void slice(NodeContext& node) {
    Tensor* x = node.input(0);
    Build& b = node.build;
    const bool attributes = node.opset() < 10;
    Tensor* starts = attributes ? b.ints(node.integers("starts")) : node.shape_input(1, "starts");
    Tensor* ends = attributes ? b.ints(node.integers("ends")) : node.shape_input(2, "ends");
    const std::size_t count = starts->values->size();
    const auto given = attributes ? (node.has("axes") ? std::optional(node.integers("axes")) : std::nullopt)
                                  : node.ints_argument("axes", 10, 3);
    const Ints axes = node.axes(given.value_or(every_axis(count)), x->dims.size());
    Ints steps = !attributes && node.has_input(4) ? node.constant_ints(4, "steps") : Ints(count, 1);
    if (ends->values->size() != count || axes.size() != count || steps.size() != count) {
        fail(NodeErrorCode::kINVALID_NODE, "It has ", count, " starts, ", ends->values->size(), " ends, ", axes.size(),
             " axes and ", steps.size(), " steps; the counts must be equal.");
    }
    std::vector<Tensor*> start;
    std::vector<Tensor*> size;
    for (std::size_t i = 0; i < count; ++i) {
        if (steps[i] == 0) {
            fail(NodeErrorCode::kINVALID_NODE, "Its step on axis ", axes[i], " is 0, which is not possible.");
        }
        // A step beyond the axis leaves one element, whatever its length; a short one keeps the arithmetic small.
        const auto extent = b.extent(x, static_cast<std::size_t>(axes[i]));
        const std::int64_t longest = std::max<std::int64_t>(extent.value_or(kFar), 1);
        steps[i] = std::clamp(steps[i], -longest, longest);
        const auto index = static_cast<std::int64_t>(i);
        const Piece piece =
            piece_of(b, {element(b, starts, index), element(b, ends, index), b.extents_of(x, {axes[i]}), steps[i]});
        start.push_back(piece.start);
        size.push_back(piece.size);
    }
    if (count == 0) {
        return node.output(b.add(LayerType::kIDENTITY, {x}, graph::NoAttributes{}));
    }
    node.output(b.slice(x, axes, joined(b, start), joined(b, size), b.ints(steps), {}, nullptr, ""));
}

SampleMode pad_mode(const NodeContext& node) {
    static const std::map<std::string, SampleMode, std::less<>> kModes = {{"constant", SampleMode::kFILL},
                                                                          {"reflect", SampleMode::kREFLECT},
                                                                          {"edge", SampleMode::kCLAMP},
                                                                          {"wrap", SampleMode::kWRAP}};
    const std::string mode = node.string("mode", "constant");
    const auto it = kModes.find(mode);
    if (it == kModes.end()) {
        fail(NodeErrorCode::kINVALID_NODE, "Mode '", mode,
             "' is unknown; constant, reflect, edge and wrap are allowed.");
    }
    return it->second;
}

void pad(NodeContext& node) {
    Tensor* x = node.input(0);
    Build& b = node.build;
    const bool attributes = node.opset() < 11;
    const std::size_t rank = x->dims.size();
    Tensor* pads = attributes ? b.ints(node.integers("pads")) : node.shape_input(1, "pads");
    const Ints axes = node.axes(node.has_input(3) ? node.constant_ints(3, "axes") : every_axis(rank), rank);
    const auto count = static_cast<std::int64_t>(axes.size());
    if (pads->values->size() != 2 * axes.size()) {
        fail(NodeErrorCode::kINVALID_NODE, "It has ", pads->values->size(), " pads; ", axes.size(), " axes need ",
             2 * axes.size(), ".");
    }
    graph::SliceAttributes a;
    a.mode = pad_mode(node);
    a.fill = attributes ? static_cast<double>(node.real("value", 0.0f)) : 0.0;
    if (!attributes && node.has_input(2)) {
        const auto value = node.constant_doubles(2);
        if (!value && a.mode == SampleMode::kFILL) {
            return import_by_rule(node, node.op());
        }
        a.fill = value && value->size() == 1 ? value->front() : 0.0;
    }
    Ints padded;
    std::vector<Tensor*> start;
    std::vector<Tensor*> size;
    for (std::int64_t i = 0; i < count; ++i) {
        Tensor* pre = element(b, pads, i);
        Tensor* post = element(b, pads, i + count);
        Tensor* extent = b.extents_of(x, {axes[static_cast<std::size_t>(i)]});
        const auto before = b.known(pre);
        const auto after = b.known(post);
        if (before && after && before->front() == 0 && after->front() == 0) {
            continue;
        }
        padded.push_back(axes[static_cast<std::size_t>(i)]);
        start.push_back(before ? b.ints({checked_mul(before->front(), -1)})
                               : b.elementwise(Op::kSUB, b.ints({0}), pre, "start"));
        size.push_back(sum(b, extent, sum(b, pre, post, "padding"), "size"));
    }
    if (padded.empty()) {
        return node.output(b.add(LayerType::kIDENTITY, {x}, graph::NoAttributes{}));
    }
    node.output(b.slice(x, padded, joined(b, start), joined(b, size), b.ints(Ints(padded.size(), 1)), a, nullptr, ""));
}

//! How an axis of which only the run time knows whether it repeats is read: vectors of one number.
struct Repeat {
    Tensor *size, *stride;
};

Repeat repeat_of(Build& b, Tensor* x, std::size_t axis, Tensor* target) {
    Tensor* one = b.ints({1});
    Tensor* extent = b.extents_of(x, {static_cast<std::int64_t>(axis)});
    Tensor* keeps = b.elementwise(Op::kEQUAL, target, one, "keeps");
    Tensor* fits = b.elementwise(Op::kOR, keeps, b.elementwise(Op::kEQUAL, extent, target, "is_equal"), "stays");
    fits = b.elementwise(Op::kOR, fits, b.elementwise(Op::kEQUAL, extent, one, "is_one"), "fits");
    b.require(fits, text("only extents of 1 can be expanded: axis ", axis, " of '", x->name, "' has to be 1 or what it becomes"));
    Tensor* size = b.add(LayerType::kSELECT, {keeps, extent, target}, graph::NoAttributes{}, "size");
    return {size, b.elementwise(Op::kMIN, b.elementwise(Op::kSUB, extent, one, "beyond_one"), one, "stride")};
}

//! Extents of 1 repeat: stride 0 there, 1 elsewhere.
void expand(NodeContext& node) {
    Build& b = node.build;
    Tensor* shape = node.shape_input(1, "shape");
    const std::size_t rank = std::max(node.input(0)->dims.size(), shape->values->size());
    if (rank > static_cast<std::size_t>(Dims::MAX_DIMS)) {
        fail(NodeErrorCode::kUNSUPPORTED_NODE_SHAPE, "It makes ", rank, " dimensions; at most ", Dims::MAX_DIMS,
             " are possible.");
    }
    Tensor* x = b.with_rank(node.input(0), rank);
    if (shape->values->size() < rank) {
        shape = b.concatenate({b.ints(Ints(rank - shape->values->size(), 1)), shape}, 0, "shape");
    }
    Ints axes;
    std::vector<Tensor*> size;
    std::vector<Tensor*> stride;
    for (std::size_t axis = 0; axis < rank; ++axis) {
        const shape::Expr from = x->dims[axis];
        const shape::Expr to = (*shape->values)[axis];
        if (from == to || b.network().exprs().is(to, 1)) {
            continue;
        }
        axes.push_back(static_cast<std::int64_t>(axis));
        Tensor* target = element(b, shape, static_cast<std::int64_t>(axis));
        const auto extent = b.extent(x, axis);
        if (extent == 1) {
            size.push_back(target);
            stride.push_back(b.ints({0}));
        } else if (extent && b.known(target)) {
            fail(NodeErrorCode::kINVALID_NODE, "It cannot expand axis ", axis, " of '", x->name, "' from ", *extent,
                 " to ", b.known(target)->front(), "; only extents of 1 can be expanded.");
        } else {
            const Repeat repeat = repeat_of(b, x, axis, target);
            size.push_back(extent ? b.ints({*extent}) : repeat.size);
            stride.push_back(repeat.stride);
        }
    }
    if (axes.empty()) {
        return node.output(b.add(LayerType::kIDENTITY, {x}, graph::NoAttributes{}));
    }
    const std::size_t count = axes.size();
    node.output(b.slice(x, axes, b.ints(Ints(count, 0)), joined(b, size), joined(b, stride), {}, nullptr, ""));
}

void tile(NodeContext& node) {
    Tensor* x = node.input(0);
    Build& b = node.build;
    Tensor* repeats = node.shape_input(1, "repeats");
    const std::size_t rank = x->dims.size();
    if (repeats->values->size() != rank) {
        fail(NodeErrorCode::kINVALID_NODE, "It has ", repeats->values->size(), " repeats for an input of ", rank,
             " dimensions; one for each is needed.");
    }
    Ints axes;
    std::vector<Tensor*> size;
    for (std::size_t axis = 0; axis < rank; ++axis) {
        if (b.network().exprs().is((*repeats->values)[axis], 1)) {
            continue;
        }
        axes.push_back(static_cast<std::int64_t>(axis));
        Tensor* count = element(b, repeats, axes.back());
        size.push_back(b.elementwise(Op::kPROD, b.extents_of(x, {axes.back()}), count, "size"));
    }
    if (axes.empty()) {
        return node.output(b.add(LayerType::kIDENTITY, {x}, graph::NoAttributes{}));
    }
    graph::SliceAttributes a;
    a.mode = SampleMode::kWRAP;
    const std::size_t count = axes.size();
    node.output(b.slice(x, axes, b.ints(Ints(count, 0)), joined(b, size), b.ints(Ints(count, 1)), a, nullptr, ""));
}

constexpr Operator kOperators[] = {
    {"Expand", expand, 2}, {"Pad", pad, 4}, {"Slice", slice, 5}, {"Split", split, 2}, {"Tile", tile, 3},
};

} // namespace

std::span<const Operator> slice_operators() {
    return kOperators;
}

} // namespace tensorvk::onnx
