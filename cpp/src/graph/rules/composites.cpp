// TensorRT's layers that are made of other layers and operators when the plan is built (layers/expand.hpp).
#include <algorithm>

#include "graph/operators.hpp"
#include "graph/operators/common.hpp"
#include "graph/rules/families.hpp"
#include "support/dtype.hpp"

namespace tensorvk::graph::rules {

namespace {

using shape::Expr;
using shape::Exprs;

DataType type_of(const RuleContext& context, const char* name, DataType otherwise) {
    return static_cast<DataType>(attributes_of(context).integer(name, static_cast<std::int64_t>(otherwise)));
}

DataType indices_type(const RuleContext& context) {
    const DataType type = type_of(context, "indices_type", DataType::kINT32);
    if (type != DataType::kINT32 && type != DataType::kINT64) {
        context.fail("gives its indices as int32 or int64; ", dtype_name(type), " was asked for.");
    }
    return type;
}

//! Numbers of a few axes that have to be known, as positions among `rank` ones.
std::vector<std::size_t> known_axes(const RuleContext& context, std::size_t index, std::size_t rank) {
    const auto given = known_numbers(context, index);
    if (!given) {
        context.fail("needs axes that are known while the network is built; '", context.input(index).name, "' is computed.");
    }
    std::vector<std::size_t> axes;
    for (const std::int64_t axis : *given) {
        axes.push_back(context.axis(axis, rank));
        if (std::count(axes.begin(), axes.end(), axes.back()) > 1) {
            context.fail("was given axis ", axis, " twice.");
        }
    }
    std::sort(axes.begin(), axes.end());
    return axes;
}

std::int64_t known(const RuleContext& context, Expr e, const char* what, const Tensor& of) {
    const auto value = context.pool().value(e);
    if (!value) {
        context.fail("needs a known ", what, "; '", of.name, "' is ", context.str(of.dims), ".");
    }
    return *value;
}

} // namespace

//! ONNX's, with a type of one's own for the indices.
std::vector<Inferred> non_zero(RuleContext& context) {
    const bool typed = attributes_of(context).has("indices_type");
    std::vector<Inferred> outputs = operator_rule(context);
    outputs[0].dtype = typed ? indices_type(context) : outputs[0].dtype;
    return outputs;
}

//! Inputs: indices, values [off, on], depth.
std::vector<Inferred> one_hot(RuleContext& context) {
    const Tensor& indices = context.input(0);
    const Tensor& values = context.input(1);
    if (indices.dtype != DataType::kINT32 && indices.dtype != DataType::kINT64) {
        context.fail("needs int32 or int64 indices; '", indices.name, "' is ", dtype_name(indices.dtype), ".");
    }
    require_rank(context, values, 1, "two values, the one for off and the one for on");
    (void)context.same(values.dims[0], context.pool().constant(2), "numbers of values");
    Exprs dims = indices.dims;
    const std::size_t axis = context.axis(attributes_of(context).integer("axis", -1), dims.size() + 1);
    dims.insert(dims.begin() + static_cast<std::ptrdiff_t>(axis), extent_argument(context, 2, "depth"));
    return one(values.dtype, std::move(dims));
}

//! Inputs: boxes [batch, boxes, 4] or [batch, boxes, classes or 1, 4], scores [batch, boxes, classes], most boxes per class, IoU threshold,
//! score threshold. Outputs: [count, 3] and the count.
std::vector<Inferred> nms(RuleContext& context) {
    const Tensor& boxes = context.input(0);
    const Tensor& scores = context.input(1);
    context.require_floating(boxes, "boxes");
    context.require_floating(scores, "scores");
    require_rank(context, scores, 3, "scores [batch, boxes, classes]");
    if (boxes.dims.size() != 3 && boxes.dims.size() != 4) {
        context.fail("needs boxes [batch, boxes, 4] or [batch, boxes, classes, 4]; '", boxes.name, "' is ", context.str(boxes.dims), ".");
    }
    (void)context.same(boxes.dims.back(), context.pool().constant(4), "coordinates of a box");
    (void)context.same(boxes.dims[0], scores.dims[0], "batches of boxes and scores");
    (void)context.same(boxes.dims[1], scores.dims[1], "numbers of boxes and scores");
    if (boxes.dims.size() == 4 && known(context, boxes.dims[2], "number of classes", boxes) != 1) {
        (void)known(context, scores.dims[2], "number of classes", scores);
        (void)context.same(boxes.dims[2], scores.dims[2], "classes of boxes and scores");
    }
    const DataType type = indices_type(context);
    shape::ExprPool& pool = context.pool();
    const Expr count = context.unknown(0, 0, pool.product(scores.dims));
    std::vector<Inferred> outputs;
    outputs.push_back({type, {count, pool.constant(3)}});
    outputs.push_back({type, {}});
    return outputs;
}

//! Inputs, all but x of x's rank: x, scale, bias.
std::vector<Inferred> normalization(RuleContext& context) {
    const Tensor& x = context.input(0);
    const AttributeSet& a = attributes_of(context);
    context.require_floating(x, "input");
    context.check_axes_mask(static_cast<std::uint32_t>(a.integer("axes")), x.dims.size());
    const std::int64_t groups = a.integer("groups", 1);
    const bool grouped = groups != 1;
    if (grouped) {
        const std::int64_t channels = x.dims.size() < 2 ? 0 : known(context, x.dims[1], "number of channels", x);
        if (groups < 1 || channels % groups != 0 || channels == 0) {
            context.fail("has ", groups, " groups of ", channels, " channels; the channels have to be a multiple of them.");
        }
    }
    for (std::size_t i = 1; i < 3; ++i) {
        const Tensor& weights = context.input(i);
        context.require_floating(weights, "scale and bias");
        require_rank(context, weights, x.dims.size(), "scale and bias with as many dimensions as the input");
        for (std::size_t axis = 0; axis < x.dims.size(); ++axis) {
            const bool per_group = grouped && axis == 1 && context.pool().is(weights.dims[1], groups);
            if (!per_group) {
                (void)context.broadcast(x.dims[axis], weights.dims[axis], text("dimension ", axis, " of '", x.name, "' and '", weights.name, "'"));
            }
        }
    }
    return like_input(context, 0);
}

std::vector<Inferred> lrn(RuleContext& context) {
    const Tensor& x = context.input(0);
    context.require_floating(x, "input");
    const std::int64_t window = attributes_of(context).integer("window", 1);
    if (x.dims.size() < 2 || window < 1 || window % 2 == 0) {
        context.fail("needs an input of 2 dimensions or more and an odd window of 1 or more; they are ", context.str(x.dims), " and ", window, ".");
    }
    return like_input(context, 0);
}

//! Inputs: x [..., rows, columns] and how many columns count in each row [..., rows, 1].
std::vector<Inferred> ragged_softmax(RuleContext& context) {
    const Tensor& x = context.input(0);
    const Tensor& bounds = context.input(1);
    context.require_floating(x, "input");
    if (bounds.dtype != DataType::kINT32 && bounds.dtype != DataType::kINT64) {
        context.fail("needs int32 or int64 bounds; '", bounds.name, "' is ", dtype_name(bounds.dtype), ".");
    }
    if (x.dims.size() < 2 || bounds.dims.size() != x.dims.size()) {
        context.fail("needs an input of 2 dimensions or more and bounds with as many; they are ", context.str(x.dims), " and ",
                     context.str(bounds.dims), ".");
    }
    for (std::size_t axis = 0; axis + 1 < x.dims.size(); ++axis) {
        (void)context.same(x.dims[axis], bounds.dims[axis], text("extents of axis ", axis, " of input and bounds"));
    }
    (void)context.same(bounds.dims.back(), context.pool().constant(1), "last extents of the bounds");
    return like_input(context, 0);
}

std::vector<Inferred> squeeze(RuleContext& context) {
    const Tensor& x = context.input(0);
    const std::vector<std::size_t> axes = known_axes(context, 1, x.dims.size());
    Exprs dims;
    for (std::size_t axis = 0; axis < x.dims.size(); ++axis) {
        if (std::find(axes.begin(), axes.end(), axis) == axes.end()) {
            dims.push_back(x.dims[axis]);
        } else {
            (void)context.same(x.dims[axis], context.pool().constant(1), text("extents of axis ", axis, ", which it removes,"));
        }
    }
    return {{x.dtype, std::move(dims), x.values}};
}

std::vector<Inferred> unsqueeze(RuleContext& context) {
    const Tensor& x = context.input(0);
    Exprs dims = x.dims;
    const std::vector<std::size_t> axes = known_axes(context, 1, dims.size() + element_count(context, 1));
    for (const std::size_t axis : axes) {
        dims.insert(dims.begin() + static_cast<std::ptrdiff_t>(axis), context.pool().constant(1));
    }
    return {{x.dtype, std::move(dims), x.values}};
}

//! Inputs: x [batch, heads, sequence, size], cosines and sines [batch, sequence, turned / 2], or [positions, turned / 2] with position ids.
std::vector<Inferred> rotary_embedding(RuleContext& context) {
    const Tensor& x = context.input(0);
    context.require_floating(x, "input");
    require_rank(context, x, 4, "an input [batch, heads, sequence, size]");
    const std::int64_t size = known(context, x.dims[3], "size of a head", x);
    const std::int64_t given = attributes_of(context).integer("rotary_embedding_dim");
    const std::int64_t turned = given == 0 ? size : given;
    if (turned < 2 || turned > size || turned % 2 != 0) {
        context.fail("turns ", turned, " elements; an even number of at most the size of a head, ", size, ", is possible.");
    }
    for (std::size_t i = 1; i < 3; ++i) {
        const Tensor& cache = context.input(i);
        context.require_same_type(x, cache);
        if (cache.dims.size() != 2) { // of 2 dimensions they are read at position ids, which set_input may still bring
            require_rank(context, cache, 3, "caches [batch, sequence, turned / 2], or [positions, turned / 2] with position ids");
        }
        (void)context.same(cache.dims.back(), context.pool().constant(turned / 2), "pairs that are turned and those of the caches");
    }
    return like_input(context, 0);
}

//! y [..., maps, 1, 1] from x [..., a, b, c].
std::vector<Inferred> fully_connected(RuleContext& context) {
    const Tensor& x = context.input(0);
    const auto& a = context.attributes<FullyConnectedAttributes>();
    context.require_floating(x, "input");
    if (x.dims.size() < 3 || a.maps < 1) {
        context.fail("needs an input of 3 dimensions or more and 1 or more outputs; they are ", context.str(x.dims), " and ", a.maps, ".");
    }
    const Exprs last(x.dims.end() - 3, x.dims.end());
    const std::int64_t inputs = known(context, context.pool().product(last), "number of elements in the last three dimensions", x);
    if (a.kernel.count != inputs * a.maps) {
        context.fail("needs ", a.maps, " times ", inputs, " kernel weights, ", a.kernel.count, " were given.");
    }
    if (a.bias.count != 0 && a.bias.count != a.maps) {
        context.fail("needs ", a.maps, " bias weights or none, ", a.bias.count, " were given.");
    }
    Exprs dims(x.dims.begin(), x.dims.end() - 3);
    dims.insert(dims.end(), {context.pool().constant(a.maps), context.pool().constant(1), context.pool().constant(1)});
    return one(x.dtype, std::move(dims));
}

//! x [..., steps, size] to all hidden states [..., steps, hidden * directions] and the last ones [..., layers * directions, hidden].
std::vector<Inferred> rnn(RuleContext& context) {
    const Tensor& x = context.input(0);
    const auto& a = context.attributes<RecurrentAttributes>();
    context.require_floating(x, "input");
    if (x.dims.size() < 2 || a.layers < 1 || a.hidden < 1) {
        context.fail("needs an input [..., steps, size] and 1 or more layers and hidden elements; they are ", context.str(x.dims), ", ", a.layers,
                     " and ", a.hidden, ".");
    }
    shape::ExprPool& pool = context.pool();
    const std::int64_t directions = a.direction == RNNDirection::kBIDIRECTION ? 2 : 1;
    if (a.input_mode == RNNInputMode::kSKIP) {
        (void)context.same(x.dims.back(), pool.constant(a.hidden), "size of the input and hidden size, which SKIP adds,");
    }
    (void)known(context, x.dims.back(), "size of the input", x);
    const Exprs batch(x.dims.begin(), x.dims.end() - 2);
    Exprs all = batch;
    all.insert(all.end(), {x.dims[x.dims.size() - 2], pool.constant(a.hidden * directions)});
    Exprs last = batch;
    last.insert(last.end(), {pool.constant(a.layers * directions), pool.constant(a.hidden)});
    if (const Tensor* lengths = context.optional_input(1)) {
        if (lengths->dtype != DataType::kINT32 && lengths->dtype != DataType::kINT64) {
            context.fail("needs int32 sequence lengths; '", lengths->name, "' is ", dtype_name(lengths->dtype), ".");
        }
        require_rank(context, *lengths, batch.size(), "sequence lengths, one for each sequence of the batch");
        for (std::size_t axis = 0; axis < batch.size(); ++axis) {
            (void)context.same(lengths->dims[axis], batch[axis], text("extents of axis ", axis, " of the sequence lengths"));
        }
    }
    for (std::size_t i = 2; i < 4; ++i) {
        if (const Tensor* state = context.optional_input(i)) {
            require_rank(context, *state, last.size(), "states [..., layers * directions, hidden size]");
            for (std::size_t axis = 0; axis < last.size(); ++axis) {
                (void)context.same(state->dims[axis], last[axis], text("extents of axis ", axis, " of the states"));
            }
        }
    }
    std::vector<Inferred> outputs;
    outputs.push_back({x.dtype, std::move(all)});
    outputs.push_back({x.dtype, last});
    if (a.op == RNNOperation::kLSTM) {
        outputs.push_back({x.dtype, std::move(last)});
    }
    return outputs;
}

} // namespace tensorvk::graph::rules
