// Operators along axes: reductions, softmax, the largest elements.
#include <algorithm>

#include "onnx/operators.hpp"
#include "support/dtype.hpp"

namespace tensorvk::onnx {

namespace {

using graph::Tensor;
using Ints = Build::Ints;

//! No axes means all of them, or none with noop_with_empty_axes.
std::uint32_t axes_mask(NodeContext& node, const Tensor* x, std::int64_t input_since) {
    const auto given = node.ints_argument("axes", input_since, 1);
    std::uint32_t mask = 0;
    for (const std::int64_t axis : node.axes(given.value_or(Ints{}), x->dims.size())) {
        mask |= 1u << axis;
    }
    const bool all = mask == 0 && node.integer("noop_with_empty_axes", 0) == 0;
    return all ? (1u << x->dims.size()) - 1u : mask;
}

enum class Before { kNOTHING, kABS, kSQUARE };
enum class After { kNOTHING, kSQRT, kLOG };

//! Kernels reduce int32 (but for means) and floating point; what numbers of shapes are reduced to is known without one.
void require_reducible(const NodeContext& node, const Tensor* x, ReduceOperation op) {
    const bool integer = x->dtype == DataType::kINT32 && op != ReduceOperation::kAVG;
    const bool shape = x->values && x->dims.size() == 1 && op != ReduceOperation::kAVG;
    if (!is_floating(x->dtype) && !integer && !shape) {
        fail(NodeErrorCode::kUNSUPPORTED_NODE_DATATYPE, node.op(), " is not offered for elements of type ", dtype_name(x->dtype), ".");
    }
}

template <ReduceOperation Op, Before First = Before::kNOTHING, After Last = After::kNOTHING,
          std::int64_t InputSince = 18>
void reduce(NodeContext& node) {
    Tensor* x = node.input(0);
    Build& b = node.build;
    const std::uint32_t mask = axes_mask(node, x, InputSince);
    require_reducible(node, x, Op);
    Tensor* y = x;
    if (First == Before::kABS) {
        y = b.unary(UnaryOperation::kABS, y, "abs");
    }
    if (First == Before::kSQUARE) {
        y = b.elementwise(ElementWiseOperation::kPROD, y, y, "square");
    }
    if (mask != 0) {
        y = b.reduce(Op, y, mask, node.integer("keepdims", 1) != 0, Last == After::kNOTHING ? "" : "reduce");
    }
    if (Last == After::kSQRT) {
        y = b.unary(UnaryOperation::kSQRT, y, "");
    }
    if (Last == After::kLOG) {
        y = b.unary(UnaryOperation::kLOG, y, "");
    }
    node.output(y != x ? y : b.add(LayerType::kIDENTITY, {x}, graph::NoAttributes{}));
}

//! log(sum(exp(x))) with the largest element taken out, so that nothing overflows; an infinite one stays, as inf - inf is no number.
void reduce_log_sum_exp(NodeContext& node) {
    Tensor* x = node.input(0);
    Build& b = node.build;
    const std::uint32_t mask = axes_mask(node, x, 18);
    if (mask == 0) {
        return node.output(b.add(LayerType::kIDENTITY, {x}, graph::NoAttributes{}));
    }
    Tensor* largest = b.reduce(ReduceOperation::kMAX, x, mask, true, "largest");
    if (is_floating(x->dtype)) {
        Tensor* infinite = b.unary(UnaryOperation::kISINF, largest, "infinite");
        largest = b.add(LayerType::kSELECT, {infinite, b.number(largest, 0.0), largest}, graph::NoAttributes{}, "finite");
    }
    Tensor* exponentials =
        b.unary(UnaryOperation::kEXP, b.elementwise(ElementWiseOperation::kSUB, x, largest, "shifted"), "exp");
    Tensor* sum = b.reduce(ReduceOperation::kSUM, exponentials, mask, true, "sum");
    const bool keep = node.integer("keepdims", 1) != 0;
    Tensor* y = b.elementwise(ElementWiseOperation::kSUM, b.unary(UnaryOperation::kLOG, sum, "log"), largest,
                              keep ? "" : "unshifted");
    Ints axes;
    for (std::size_t axis = 0; axis < x->dims.size(); ++axis) {
        if ((mask >> axis & 1u) != 0) {
            axes.push_back(static_cast<std::int64_t>(axis));
        }
    }
    node.output(keep ? y : b.squeeze(y, axes, ""));
}

//! Until opset 13 everything from the axis on is one axis.
template <bool Log>
void softmax(NodeContext& node) {
    Tensor* x = node.input(0);
    Build& b = node.build;
    const std::size_t rank = x->dims.size();
    const bool flattens = node.opset() < 13;
    const std::size_t axis = node.axis(node.integer("axis", flattens ? 1 : -1), rank);
    const auto add = [&](Tensor* in, std::size_t along, std::string_view role) {
        return b.add(LayerType::kSOFTMAX, {in}, graph::SoftMaxAttributes{1u << along, Log}, role);
    };
    std::size_t last = rank - 1; // the last axis that counts
    while (last > axis && b.extent(x, last) == 1) {
        --last;
    }
    std::size_t first = axis;
    while (first < last && b.extent(x, first) == 1) {
        ++first;
    }
    if (!flattens || first == last) {
        return node.output(add(x, flattens ? first : axis, ""));
    }
    std::vector<Extent> flat;
    for (std::size_t i = 0; i < axis; ++i) {
        flat.push_back(Extent::axis(i));
    }
    flat.push_back(Extent::product(axis, rank));
    Tensor* y = add(b.reshape(x, flat, "flat"), axis, "softmax");
    node.output(b.reshape_to(y, b.shape_of(x), ""));
}

//! The kernel orders floating-point numbers.
void require_floating(const NodeContext& node, const Tensor* x) {
    if (!is_floating(x->dtype)) {
        fail(NodeErrorCode::kUNSUPPORTED_NODE_DATATYPE, node.op(), " is not offered for elements of type ", dtype_name(x->dtype), ".");
    }
}

template <TopKOperation Op>
void arg(NodeContext& node) {
    Tensor* x = node.input(0);
    require_floating(node, x);
    const std::size_t axis = node.axis(node.integer("axis", 0), x->dims.size());
    graph::TopKAttributes a;
    a.op = Op;
    a.k = 1;
    a.axes = 1u << axis;
    a.indices = DataType::kINT64;
    a.select_last = node.integer("select_last_index", 0) != 0;
    a.nan_first = true;
    const bool keep = node.integer("keepdims", 1) != 0;
    Tensor* indices = node.build.layer(LayerType::kTOPK, {x}, a, keep ? "" : "indices")->outputs[1];
    node.output(keep ? indices : node.build.squeeze(indices, {static_cast<std::int64_t>(axis)}, ""));
}

void topk(NodeContext& node) {
    Tensor* x = node.input(0);
    require_floating(node, x);
    graph::TopKAttributes a;
    a.op = node.integer("largest", 1) != 0 ? TopKOperation::kMAX : TopKOperation::kMIN;
    a.axes = 1u << node.axis(node.integer("axis", -1), x->dims.size());
    a.indices = DataType::kINT64;
    const Ints k = node.opset() < 10 ? Ints{node.integer("k", 0)} : node.constant_ints(1, "K");
    if (k.size() != 1) {
        fail(NodeErrorCode::kINVALID_NODE, "Input 1 (K) must hold one number; it has ", k.size(), ".");
    }
    a.k = k.front();
    const graph::Layer* layer = node.build.layer(LayerType::kTOPK, {x}, a);
    node.output(layer->outputs[0], 0);
    node.output(layer->outputs[1], 1);
}

constexpr Operator kOperators[] = {
    {"ArgMax", arg<TopKOperation::kMAX>, 1},
    {"ArgMin", arg<TopKOperation::kMIN>, 1},
    {"LogSoftmax", softmax<true>, 1},
    {"ReduceL1", reduce<ReduceOperation::kSUM, Before::kABS>, 2},
    {"ReduceL2", reduce<ReduceOperation::kSUM, Before::kSQUARE, After::kSQRT>, 2},
    {"ReduceLogSum", reduce<ReduceOperation::kSUM, Before::kNOTHING, After::kLOG>, 2},
    {"ReduceLogSumExp", reduce_log_sum_exp, 2},
    {"ReduceMax", reduce<ReduceOperation::kMAX>, 2},
    {"ReduceMean", reduce<ReduceOperation::kAVG>, 2},
    {"ReduceMin", reduce<ReduceOperation::kMIN>, 2},
    {"ReduceProd", reduce<ReduceOperation::kPROD>, 2},
    {"ReduceSum", reduce<ReduceOperation::kSUM, Before::kNOTHING, After::kNOTHING, 13>, 2},
    {"ReduceSumSquare", reduce<ReduceOperation::kSUM, Before::kSQUARE>, 2},
    {"Softmax", softmax<false>, 1},
    {"TopK", topk, 2},
};

} // namespace

std::span<const Operator> reduction_operators() {
    return kOperators;
}

} // namespace tensorvk::onnx
