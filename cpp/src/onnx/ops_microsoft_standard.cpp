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

void linear_attention(NodeContext& node) {
    const std::int64_t heads = node.integer("kv_num_heads", 0);
    if (node.integer("state_window", 0) != 0 || heads < 1 || node.integer("q_num_heads", 0) % heads != 0) {
        fail(NodeErrorCode::kUNSUPPORTED_NODE_ATTR,
             "Attribute 'state_window' is only offered as 0, and 'q_num_heads' as a multiple of 'kv_num_heads', which is ", heads, ".");
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

//! x is [..., 1 or 2]; the axis is counted without these parts.
Tensor* transform(Build& b, Tensor* x, std::int64_t axis, bool inverse, bool onesided) {
    graph::OperatorAttributes a{"DFT", {}};
    a.attributes.set("opset", std::int64_t{17});
    a.attributes.set("axis", axis);
    a.attributes.set("inverse", std::int64_t{inverse ? 1 : 0});
    a.attributes.set("onesided", std::int64_t{onesided ? 1 : 0});
    return b.add(LayerType::kOPERATOR, {x}, std::move(a), "transform");
}

//! How many of the last axes are the signal.
std::int64_t signal_axes(NodeContext& node, std::size_t rank) {
    const std::int64_t count = node.integer("signal_ndim", 1);
    if (node.integer("normalized", 0) != 0 || node.integer("onesided", 1) != 1 || count < 1 || count > static_cast<std::int64_t>(rank)) {
        fail(NodeErrorCode::kUNSUPPORTED_NODE_ATTR, "Attributes 'normalized' = ", node.integer("normalized", 0), ", 'onesided' = ",
             node.integer("onesided", 1), " and 'signal_ndim' = ", count, " are given; offered are 0, 1 and 1 to the number of axes, ", rank, ".");
    }
    return count;
}

//! [..., n] -> [..., n / 2 + 1, 2]; the last axis first, then all of the spectrum along the axes before it.
void real_transform(NodeContext& node) {
    Build& b = node.build;
    const std::size_t rank = node.input(0)->dims.size();
    const std::int64_t count = signal_axes(node, rank);
    const auto last = static_cast<std::int64_t>(rank) - 1;
    Tensor* y = transform(b, b.unsqueeze(node.input(0), {last + 1}, "parts"), last, false, true);
    for (std::int64_t axis = last - 1; axis > last - count; --axis) {
        y = transform(b, y, axis, false, false);
    }
    node.output(y);
}

void inverse_real_transform(NodeContext& node) {
    Build& b = node.build;
    Tensor* y = node.input(0);
    if (y->dims.size() < 2) {
        fail(NodeErrorCode::kINVALID_NODE, "Irfft needs a spectrum [..., n / 2 + 1, 2].");
    }
    const std::size_t rank = y->dims.size() - 1;
    const std::int64_t count = signal_axes(node, rank);
    const auto last = static_cast<std::int64_t>(rank) - 1;
    for (std::int64_t axis = last - count + 1; axis < last; ++axis) {
        y = transform(b, y, axis, true, false);
    }
    node.output(b.squeeze(transform(b, y, last, true, true), {last + 1}, "real"));
}

constexpr Operator kOperators[] = {
    {"com.microsoft.CDist", distances},
    {"com.microsoft.CausalConvWithState", causal_convolution},
    {"com.microsoft.ExpandDims", expand_dims},
    {"com.microsoft.GatherND", as_it_is},
    {"com.microsoft.GridSample", as_it_is},
    {"com.microsoft.Irfft", inverse_real_transform},
    {"com.microsoft.LinearAttention", linear_attention},
    {"com.microsoft.NhwcConv", nhwc_conv},
    {"com.microsoft.NhwcFusedConv", nhwc_fused_conv},
    {"com.microsoft.NhwcMaxPool", nhwc_max_pool},
    {"com.microsoft.Pad", pad},
    {"com.microsoft.QLinearConv", qlinear_conv},
    {"com.microsoft.Range", range},
    {"com.microsoft.Rfft", real_transform},
    {"com.microsoft.Trilu", as_it_is},
    {"com.microsoft.Unique", unique},
};

} // namespace

std::span<const Operator> microsoft_standard_operators() {
    return kOperators;
}

} // namespace tensorvk::onnx
