// The layers that mark a loop, a conditional or an attention in its network. What they enclose is put into a network of its own when the
// plan is built (layers/expand.hpp); here, shapes are those that one iteration or one branch sees.
#include <algorithm>

#include "graph/operators/common.hpp"
#include "graph/rules/families.hpp"
#include "support/dtype.hpp"

namespace tensorvk::graph::rules {

namespace {

using shape::Expr;
using shape::Exprs;

void require_one(const RuleContext& context, const Tensor& tensor, const char* what) {
    if (!context.pool().is(context.pool().product(tensor.dims), 1) || tensor.dims.size() > 1) {
        context.fail("needs a scalar as ", what, "; '", tensor.name, "' is ", context.str(tensor.dims), ".");
    }
}

void require_bool(const RuleContext& context, const Tensor& tensor, const char* what) {
    if (tensor.dtype != DataType::kBOOL) {
        context.fail("needs a bool as ", what, "; '", tensor.name, "' is ", dtype_name(tensor.dtype), ".");
    }
}

//! The symbol that an earlier inference gave this extent, because iterations change it.
std::optional<Expr> varying(const RuleContext& context, std::size_t axis) {
    for (const Unknown& unknown : context.layer().unknowns) {
        if (unknown.output == 0 && unknown.axis == static_cast<int>(axis)) {
            return unknown.symbol;
        }
    }
    return std::nullopt;
}

} // namespace

std::vector<Inferred> trip_limit(RuleContext& context) {
    const Tensor& limit = context.input(0);
    if (context.attributes<BoundaryAttributes>().limit == TripLimit::kWHILE) {
        require_bool(context, limit, "condition of WHILE");
    } else if (limit.dtype != DataType::kINT32 && limit.dtype != DataType::kINT64) {
        context.fail("needs an int32 or int64 as COUNT; '", limit.name, "' is ", dtype_name(limit.dtype), ".");
    }
    require_one(context, limit, "trip limit");
    return {};
}

//! Inputs: the value before the first iteration and, from inside of the loop, the one for the next. Dimensions of the latter are compared by
//! Network::settle_recurrences.
std::vector<Inferred> recurrence(RuleContext& context) {
    const Tensor& initial = context.input(0);
    if (const Tensor* next = context.optional_input(1)) {
        if (next->dtype != initial.dtype || next->dims.size() != initial.dims.size()) {
            context.fail("goes on with another type or number of dimensions than it begins with: '", initial.name, "' is ",
                         dtype_name(initial.dtype), " of ", initial.dims.size(), " dimensions, '", next->name, "' is ",
                         dtype_name(next->dtype), " of ", next->dims.size(), ".");
        }
    }
    Exprs dims = initial.dims;
    for (std::size_t axis = 0; axis < dims.size(); ++axis) {
        dims[axis] = varying(context, axis).value_or(dims[axis]);
    }
    return {{initial.dtype, std::move(dims)}};
}

std::vector<Inferred> iterator(RuleContext& context) {
    const Tensor& x = context.input(0);
    const std::size_t axis = context.axis(context.attributes<BoundaryAttributes>().axis, x.dims.size());
    Exprs dims = x.dims;
    dims.erase(dims.begin() + static_cast<std::ptrdiff_t>(axis));
    return {{x.dtype, std::move(dims)}};
}

//! Inputs: the value and, unless it is the last one, the length of the new axis.
std::vector<Inferred> loop_output(RuleContext& context) {
    const Tensor& x = context.input(0);
    const auto& a = context.attributes<BoundaryAttributes>();
    if (a.output == LoopOutput::kLAST_VALUE) {
        const Layer* from = x.producer;
        if (from == nullptr || from->type != LayerType::kRECURRENCE ||
            std::get<BoundaryAttributes>(from->attributes).construct != a.construct) {
            context.fail("gives a LAST_VALUE, which has to be the output of a recurrence of loop '", a.construct->name, "'; '", x.name,
                         "' is none, so carry it by add_recurrence.");
        }
        return {{x.dtype, x.dims}};
    }
    Exprs dims = x.dims;
    const std::size_t axis = context.axis(a.axis, dims.size() + 1);
    Expr length{};
    if (const Tensor* given = context.optional_input(1)) {
        require_one(context, *given, "length of the new axis");
        length = extent_argument(context, 1, "length of the new axis");
    } else {
        length = context.unknown(0, static_cast<int>(axis));
    }
    dims.insert(dims.begin() + static_cast<std::ptrdiff_t>(axis), length);
    return {{x.dtype, std::move(dims)}};
}

std::vector<Inferred> condition(RuleContext& context) {
    require_bool(context, context.input(0), "condition");
    require_one(context, context.input(0), "condition");
    return {};
}

std::vector<Inferred> conditional_input(RuleContext& context) {
    const Tensor& x = context.input(0);
    return {{x.dtype, x.dims, x.values, x.constant}};
}

//! Inputs: the value where the condition is true, and the other. Extents that differ are known at run time only.
std::vector<Inferred> conditional_output(RuleContext& context) {
    const Tensor& yes = context.input(0);
    const Tensor& no = context.input(1);
    context.require_same_type(yes, no);
    if (yes.dims.size() != no.dims.size()) {
        context.fail("needs branches with equally many dimensions; '", yes.name, "' is ", context.str(yes.dims), " and '", no.name, "' is ",
                     context.str(no.dims), ".");
    }
    Exprs dims = yes.dims;
    for (std::size_t axis = 0; axis < dims.size(); ++axis) {
        dims[axis] = dims[axis] == no.dims[axis] ? dims[axis] : context.unknown(0, static_cast<int>(axis));
    }
    return {{yes.dtype, std::move(dims)}};
}

//! Query [batch, heads, sq, d], key [batch, key heads, s, d], value [batch, key heads, s, dv] and a mask for [batch, heads, sq, s].
std::vector<Inferred> attention_input(RuleContext& context) {
    const Tensor& query = context.input(0);
    const Tensor& key = context.input(1);
    const Tensor& value = context.input(2);
    for (const Tensor* tensor : {&query, &key, &value}) {
        context.require_floating(*tensor, "input");
        context.require_same_type(query, *tensor);
        if (tensor->dims.size() != 4) {
            context.fail("needs query, key and value [batch, heads, sequence, size]; '", tensor->name, "' is ", context.str(tensor->dims), ".");
        }
    }
    (void)context.same(query.dims[0], key.dims[0], "batches of query and key");
    (void)context.same(query.dims[0], value.dims[0], "batches of query and value");
    (void)context.same(key.dims[1], value.dims[1], "heads of key and value");
    (void)context.same(key.dims[2], value.dims[2], "lengths of key and value");
    (void)context.same(query.dims[3], key.dims[3], "sizes of query and key");
    const auto heads = context.pool().value(query.dims[1]);
    const auto shared = context.pool().value(key.dims[1]);
    if (!heads || !shared || *shared < 1 || *heads % *shared != 0) {
        context.fail("needs known numbers of heads, those of the query a multiple of the key's; they are ", context.str({query.dims[1]}),
                     " and ", context.str({key.dims[1]}), ".");
    }
    const auto& a = context.attributes<AttentionAttributes>();
    const Tensor* hides = context.optional_input(3);
    if (a.normalization == AttentionNormalizationOp::kNONE &&
        (*heads != *shared || a.causal != CausalMaskKind::kNONE || (hides != nullptr && hides->dtype == DataType::kBOOL))) {
        context.unsupported("has no normalization; without one, keys cannot be hidden, and query and key need equally many heads.");
    }
    if (const Tensor* mask = context.optional_input(3)) {
        if (context.attributes<AttentionAttributes>().causal != CausalMaskKind::kNONE) {
            context.fail("was given a mask and is causal; one of both is possible.");
        }
        if (mask->dtype != DataType::kBOOL && mask->dtype != query.dtype) {
            context.fail("needs a mask of bool or of the query's type; '", mask->name, "' is ", dtype_name(mask->dtype), ".");
        }
        const Exprs scores{query.dims[0], query.dims[1], query.dims[2], key.dims[2]};
        if (mask->dims.size() != 4) {
            context.fail("needs a mask of 4 dimensions that fits ", context.str(scores), "; '", mask->name, "' is ", context.str(mask->dims), ".");
        }
        for (std::size_t axis = 0; axis < 4; ++axis) {
            (void)context.broadcast(scores[axis], mask->dims[axis], text("dimension ", axis, " of scores and mask"));
        }
    }
    return {{query.dtype, {query.dims[0], query.dims[1], query.dims[2], value.dims[3]}}};
}

} // namespace tensorvk::graph::rules
