// Operators of ONNX Runtime's domain com.microsoft that equal ones of the default domain, but for their form.
#include "onnx/import_by_rule.hpp"
#include "onnx/normalization.hpp"
#include "onnx/operators.hpp"

namespace tensorvk::onnx {

namespace {

using graph::Tensor;
using Ints = Build::Ints;
using Op = ElementWiseOperation;

// The operator set whose Pad, Range, Trilu, GatherND, GridSample and MaxPool they are.
constexpr std::int64_t kOpset = 16;

//! The operator of the same name, inputs and attributes.
void as_it_is(NodeContext& node) {
    node.stand_for(node.op(), kOpset);
    import_as(node, node.op());
}

//! The pads may be a matrix of one row.
void pad(NodeContext& node) {
    if (node.input(1)->dims.size() == 2) {
        node.set_input(1, node.build.squeeze(node.input(1), {0}, "pads"));
    }
    as_it_is(node);
}

//! start, limit and delta may be vectors of one element; delta is 1 when it is absent.
void range(NodeContext& node) {
    Build& b = node.build;
    for (std::size_t i = 0; i < 3; ++i) {
        if (!node.has_input(i)) {
            node.set_input(i, b.number(node.input(0), 1.0));
        } else if (node.input(i)->dims.size() == 1) {
            node.set_input(i, b.squeeze(node.input(i), {0}, "scalar"));
        }
    }
    as_it_is(node);
}

//! The elements in the order in which they come first, the place of each element among them, and how often each is there.
void unique(NodeContext& node) {
    node.stand_for("Unique", kOpset);
    node.set_attribute("sorted", 0);
    import_as(node, "Unique");
    auto& results = node.results(); // values, first places, places, counts
    results.erase(results.begin() + 1);
}

//! The axis comes as data; it has to be constant because it decides what the dimensions mean.
void expand_dims(NodeContext& node) {
    const Ints axis = node.constant_ints(1, "axis");
    if (axis.size() != 1) {
        fail(NodeErrorCode::kINVALID_NODE, "ExpandDims inserts one axis; ", axis.size(), " are given.");
    }
    node.output(node.build.unsqueeze(node.input(0), node.axes(axis, node.input(0)->dims.size() + 1), ""));
}

//! Only what the default domain's operator has too.
void causal_convolution(NodeContext& node) {
    if (node.integer("ndim", 1) != 1 || node.integer("dilation", 1) != 1 || node.integer("state_window", 0) != 0 || node.integer("channels_last", 0) != 0) {
        fail(NodeErrorCode::kUNSUPPORTED_NODE_ATTR, "Attributes 'ndim' and 'dilation' are only offered as 1, 'state_window' and 'channels_last' as 0.");
    }
    as_it_is(node);
}

//! Channels are last in a tensor [N, spatial..., C]; the axes as [N, C, spatial...] has them, and back.
Ints channels_first(std::size_t rank) {
    Ints order{0, static_cast<std::int64_t>(rank) - 1};
    for (std::size_t axis = 1; axis + 1 < rank; ++axis) {
        order.push_back(static_cast<std::int64_t>(axis));
    }
    return order;
}
Ints channels_last(std::size_t rank) {
    Ints order{0};
    for (std::size_t axis = 2; axis < rank; ++axis) {
        order.push_back(static_cast<std::int64_t>(axis));
    }
    order.push_back(1);
    return order;
}

//! An operator whose input `data` (and input `sum`, where the operator has one) and output have their channels last.
template <std::size_t Sum>
void with_channels_last(NodeContext& node, const char* key) {
    Build& b = node.build;
    const std::size_t rank = node.input(0)->dims.size();
    if (rank < 3) {
        fail(NodeErrorCode::kINVALID_NODE, "It needs an input [N, spatial axes, C]; '", node.input(0)->name, "' has ", rank, " dimensions.");
    }
    node.set_input(0, b.transpose(node.input(0), channels_first(rank), "channels_first"));
    if (Sum > 0 && node.has_input(Sum)) {
        node.set_input(Sum, b.transpose(node.input(Sum), channels_first(rank), "sum_channels_first"));
    }
    import_as(node, key);
    Tensor* y = node.results().at(0).tensor;
    node.results().clear();
    node.output(b.transpose(y, channels_last(rank), "channels_last"));
}

void nhwc_conv(NodeContext& node) {
    node.stand_for("Conv", kOpset);
    with_channels_last<0>(node, "Conv");
}
void nhwc_fused_conv(NodeContext& node) { with_channels_last<3>(node, "com.microsoft.FusedConv"); }
void nhwc_max_pool(NodeContext& node) {
    node.stand_for("MaxPool", kOpset);
    with_channels_last<0>(node, "MaxPool");
}

void qlinear_conv(NodeContext& node) {
    node.stand_for("QLinearConv", kOpset);
    if (node.integer("channels_last", 0) != 0) {
        return with_channels_last<0>(node, "QLinearConv");
    }
    import_as(node, "QLinearConv");
}

//! sqrt of the sum of the squared differences of all rows of a [M, K] and b [N, K].
void distances(NodeContext& node) {
    Build& b = node.build;
    const std::string metric = node.string("metric", "sqeuclidean");
    if (metric != "euclidean" && metric != "sqeuclidean") {
        fail(NodeErrorCode::kUNSUPPORTED_NODE_ATTR, "Attribute 'metric' is '", metric, "'; euclidean and sqeuclidean are offered.");
    }
    if (node.input(0)->dims.size() != 2 || node.input(1)->dims.size() != 2) {
        fail(NodeErrorCode::kINVALID_NODE, "CDist needs two matrices.");
    }
    Tensor* difference =
        b.elementwise(Op::kSUB, b.unsqueeze(node.input(0), {1}, "left"), b.unsqueeze(node.input(1), {0}, "right"), "difference");
    const bool root = metric == "euclidean";
    Tensor* sum = b.reduce(ReduceOperation::kSUM, b.elementwise(Op::kPROD, difference, difference, "square"), 1u << 2, false, root ? "sum" : "");
    node.output(root ? b.unary(UnaryOperation::kSQRT, sum, "") : sum);
}

constexpr Operator kOperators[] = {
    {"com.microsoft.CDist", distances},
    {"com.microsoft.CausalConvWithState", causal_convolution},
    {"com.microsoft.ExpandDims", expand_dims},
    {"com.microsoft.GatherND", as_it_is},
    {"com.microsoft.GridSample", as_it_is},
    {"com.microsoft.NhwcConv", nhwc_conv},
    {"com.microsoft.NhwcFusedConv", nhwc_fused_conv},
    {"com.microsoft.NhwcMaxPool", nhwc_max_pool},
    {"com.microsoft.Pad", pad},
    {"com.microsoft.QLinearConv", qlinear_conv},
    {"com.microsoft.Range", range},
    {"com.microsoft.Trilu", as_it_is},
    {"com.microsoft.Unique", unique},
};

} // namespace

std::span<const Operator> microsoft_standard_operators() {
    return kOperators;
}

} // namespace tensorvk::onnx
