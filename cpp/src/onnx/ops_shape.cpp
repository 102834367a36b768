// Shapes: asking for them and changing them.
#include <algorithm>
#include <numeric>

#include "onnx/operators.hpp"
#include "support/checked.hpp"

namespace tensorvk::onnx {

namespace {

using graph::Tensor;
using Ints = Build::Ints;

//! Target of a reshape of known data: 0 copies, -1 is inferred. Nothing when it does not fit; the layer's rule then
//! says why.
std::optional<Ints> resolved(const Ints& from, Ints to, bool allow_zero) {
    std::int64_t rest = 1;
    std::int64_t* unknown = nullptr;
    for (std::size_t i = 0; i < to.size(); ++i) {
        if (to[i] == 0 && !allow_zero && i < from.size()) {
            to[i] = from[i];
        }
        if (to[i] == -1 && unknown == nullptr) {
            unknown = &to[i];
        } else {
            if (to[i] < 0) {
                return std::nullopt;
            }
            rest = checked_mul(rest, to[i]);
        }
    }
    const std::int64_t volume = checked_volume(from);
    if (unknown != nullptr) {
        if (rest == 0 || volume % rest != 0) {
            return std::nullopt;
        }
        *unknown = volume / rest;
    } else if (rest != volume) {
        return std::nullopt;
    }
    return to;
}

//! A shape that is data may hold 0 and -1 where only the run time sees them: replaced by the extents that they stand for.
Tensor* resolved_at_run_time(Build& b, Tensor* x, Tensor* shape, bool allow_zero) {
    using Op = ElementWiseOperation;
    const auto select = [&b](Tensor* condition, Tensor* yes, Tensor* no, std::string_view role) {
        return b.add(LayerType::kSELECT, {condition, yes, no}, graph::NoAttributes{}, role);
    };
    const std::size_t rank = shape->values->size();
    const std::size_t shared = std::min(rank, x->dims.size());
    if (rank == 0) {
        return shape;
    }
    if (!allow_zero && shared > 0) {
        Ints axes(shared);
        std::iota(axes.begin(), axes.end(), 0);
        Tensor* extents = b.extents_of(x, axes);
        extents = shared == rank ? extents : b.concatenate({extents, b.ints(Ints(rank - shared, 0))}, 0, "extents");
        shape = select(b.elementwise(Op::kEQUAL, shape, b.ints({0}), "copies"), extents, shape, "copied");
    }
    Tensor* inferred = b.elementwise(Op::kEQUAL, shape, b.ints({-1}), "is_inferred");
    Tensor* others = b.reduce(ReduceOperation::kPROD, select(inferred, b.ints({1}), shape, "others"), 1, true, "volume_of_others");
    Ints axes(x->dims.size());
    std::iota(axes.begin(), axes.end(), 0);
    Tensor* volume = axes.empty() ? b.ints({1}) : b.reduce(ReduceOperation::kPROD, b.extents_of(x, axes), 1, true, "volume");
    Tensor* divisor = b.elementwise(Op::kMAX, others, b.ints({1}), "divisor"); // empty tensors
    return select(inferred, b.elementwise(Op::kFLOOR_DIV, volume, divisor, "inferred"), shape, "resolved");
}

void reshape(NodeContext& node) {
    const bool allow_zero = node.integer("allowzero", 0) != 0;
    const bool attribute = node.opset() < 5 && node.has("shape");
    Tensor* shape = attribute ? node.build.ints(node.integers("shape")) : node.shape_input(1, "shape");
    if (!attribute && node.input(1)->reader != nullptr) {
        shape = resolved_at_run_time(node.build, node.input(0), shape, allow_zero);
    }
    const auto dims = node.build.known(shape);
    if (const auto data = node.constant(0); data && dims) {
        if (auto to = resolved(data->dims, *dims, allow_zero)) {
            return node.output(std::make_shared<const ConstantData>(ConstantData{std::move(*to), data->weights, {}}));
        }
    }
    graph::ShuffleAttributes a;
    a.zero_is_placeholder = !allow_zero;
    std::vector<Tensor*> inputs = {node.input(0)};
    if (dims) {
        a.reshape = *dims;
    } else {
        inputs.push_back(shape);
    }
    node.output(node.build.add(LayerType::kSHUFFLE, std::move(inputs), std::move(a)));
}

void flatten(NodeContext& node) {
    Tensor* x = node.input(0);
    const std::size_t rank = x->dims.size();
    const std::int64_t given = node.integer("axis", 1);
    const std::size_t axis = given == static_cast<std::int64_t>(rank) ? rank : node.axis(given, rank);
    node.output(node.build.reshape(x, {Extent::product(0, axis), Extent::product(axis, rank)}, ""));
}

//! Squeeze on a dynamic shape: named axes have the extent 1. Without names, extents that are not known stay, and none of them is 1.
void require_extent(Build& b, Tensor* x, std::size_t axis, bool named) {
    Tensor* one = b.elementwise(ElementWiseOperation::kEQUAL, b.extents_of(x, {static_cast<std::int64_t>(axis)}), b.ints({1}), "is_one");
    if (named) {
        return b.require(one, text("axis ", axis, " of '", x->name, "' is removed, so its extent has to be 1"));
    }
    b.require(b.unary(UnaryOperation::kNOT, one, "is_not_one"),
              text("axis ", axis, " of '", x->name, "' has the extent 1, which would be removed; name the axes"));
}

void squeeze(NodeContext& node) {
    Tensor* x = node.input(0);
    Ints axes = node.axes(node.ints_argument("axes", 13, 1).value_or(Ints{}), x->dims.size());
    const bool all = axes.empty();
    for (std::size_t axis = 0; axis < x->dims.size(); ++axis) {
        const auto extent = node.build.extent(x, axis);
        const bool named = std::find(axes.begin(), axes.end(), static_cast<std::int64_t>(axis)) != axes.end();
        if (!extent && (all || named)) {
            require_extent(node.build, x, axis, named);
        }
        if (all && extent == 1) {
            axes.push_back(static_cast<std::int64_t>(axis));
        }
        if (named && extent && *extent != 1) {
            fail(NodeErrorCode::kINVALID_NODE, "It removes axis ", axis, " of '", x->name, "', whose extent is ",
                 *extent, "; only extents of 1 can be removed.");
        }
    }
    node.output(node.build.squeeze(x, axes, ""));
}

void unsqueeze(NodeContext& node) {
    Tensor* x = node.input(0);
    const auto given = node.ints_argument("axes", 13, 1);
    if (!given) {
        fail(NodeErrorCode::kINVALID_NODE, "The axes to insert are missing.");
    }
    const std::size_t rank = x->dims.size() + given->size();
    if (rank > static_cast<std::size_t>(Dims::MAX_DIMS)) {
        fail(NodeErrorCode::kUNSUPPORTED_NODE_SHAPE, "It makes ", rank, " dimensions; at most ", Dims::MAX_DIMS,
             " are possible.");
    }
    node.output(node.build.unsqueeze(x, node.axes(*given, rank), ""));
}

//! Bounds are clamped as Python's slices are.
void shape(NodeContext& node) {
    Tensor* x = node.input(0);
    const auto rank = static_cast<std::int64_t>(x->dims.size());
    const auto bound = [&](const char* name, std::int64_t otherwise) {
        const std::int64_t value = node.integer(name, otherwise);
        return std::clamp<std::int64_t>(value < 0 ? value + rank : value, 0, rank);
    };
    const std::int64_t start = bound("start", 0);
    const std::int64_t end = bound("end", rank);
    if (start == 0 && end == rank) {
        return node.output(node.build.add(LayerType::kSHAPE, {x}, graph::NoAttributes{}));
    }
    Build& b = node.build;
    node.output(b.slice(b.shape_of(x), {0}, b.ints({start}), b.ints({std::max<std::int64_t>(end - start, 0)}),
                        b.ints({1}), {}, nullptr, ""));
}

void size(NodeContext& node) {
    Tensor* x = node.input(0);
    Build& b = node.build;
    if (x->dims.empty()) {
        return node.output(b.constant({}, make_weights<std::int64_t>(DataType::kINT64, {1}), ""));
    }
    node.output(b.reduce(ReduceOperation::kPROD, b.shape_of(x), 1, false, ""));
}

constexpr Operator kOperators[] = {
    {"Flatten", flatten, 1}, {"Reshape", reshape, 2}, {"Shape", shape, 1},
    {"Size", size, 1},       {"Squeeze", squeeze, 2}, {"Unsqueeze", unsqueeze, 2},
};

} // namespace

std::span<const Operator> shape_operators() {
    return kOperators;
}

} // namespace tensorvk::onnx
