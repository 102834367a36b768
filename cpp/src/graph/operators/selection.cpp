// Operators whose result depends on which elements are chosen.
#include <array>

#include "graph/operators.hpp"
#include "graph/operators/common.hpp"
#include "support/dtype.hpp"

namespace tensorvk::graph {

namespace {

std::vector<Inferred> read_values(RuleContext&) { return {}; }

//! int64 [rank, count].
std::vector<Inferred> non_zero(RuleContext& context) {
    const Tensor& x = context.input(0);
    shape::ExprPool& pool = context.pool();
    const shape::Expr rank = pool.constant(static_cast<std::int64_t>(x.dims.size()));
    return {{DataType::kINT64, {rank, context.unknown(0, 1, pool.product(x.dims))}}};
}

//! The shape of a selection along the attribute's axis, or of single elements when there is no axis: `axis` and the dimensions, where that
//! axis is still as long as the input's.
struct Selection {
    std::size_t axis = 0;
    shape::Exprs dims;
};

Selection selection_of(const RuleContext& context) {
    const Tensor& x = context.input(0);
    if (!attributes_of(context).has("axis")) {
        return {0, {context.pool().product(x.dims)}};
    }
    return {context.axis(attributes_of(context).integer("axis"), x.dims.size()), x.dims};
}

std::vector<Inferred> compress(RuleContext& context) {
    if (context.input(1).dtype != DataType::kBOOL || context.input(1).dims.size() != 1) {
        context.fail("needs a vector of bool as condition; '", context.input(1).name, "' is ",
                     dtype_name(context.input(1).dtype), " ", context.str(context.input(1).dims), ".");
    }
    Selection selection = selection_of(context);
    shape::Expr& extent = selection.dims[selection.axis];
    extent = context.unknown(0, static_cast<int>(selection.axis), extent);
    return one(context.input(0).dtype, std::move(selection.dims));
}

//! The different elements; where each is first, which one each input element is, and how often each occurs.
std::vector<Inferred> unique(RuleContext& context) {
    Selection selection = selection_of(context);
    shape::Expr& extent = selection.dims[selection.axis];
    const shape::Expr before = extent;
    const shape::Expr count = extent = context.unknown(0, static_cast<int>(selection.axis), before);
    std::vector<Inferred> outputs;
    outputs.push_back({context.input(0).dtype, std::move(selection.dims)});
    outputs.push_back({DataType::kINT64, {count}});
    outputs.push_back({DataType::kINT64, {before}});
    outputs.push_back({DataType::kINT64, {count}});
    return outputs;
}

//! Boxes [batch, boxes, 4] and scores [batch, classes, boxes] to int64 [count, 3]: batch, class, box.
std::vector<Inferred> non_max_suppression(RuleContext& context) {
    const Tensor& boxes = context.input(0);
    const Tensor& scores = context.input(1);
    context.require_floating(boxes, "boxes");
    context.require_floating(scores, "scores");
    if (boxes.dims.size() != 3 || scores.dims.size() != 3) {
        context.fail("needs boxes [batch, boxes, 4] and scores [batch, classes, boxes]; they are ", context.str(boxes.dims),
                     " and ", context.str(scores.dims), ".");
    }
    (void)context.same(boxes.dims[2], context.pool().constant(4), "coordinates of a box");
    (void)context.same(boxes.dims[0], scores.dims[0], "batches of boxes and scores");
    (void)context.same(boxes.dims[1], scores.dims[2], "numbers of boxes and scores");
    require_one_number(context, 2, "number of boxes per class");
    require_one_number(context, 3, "overlap");
    require_one_number(context, 4, "least score");
    const shape::Expr count = context.unknown(0, 0, context.pool().product(scores.dims));
    return one(DataType::kINT64, {count, context.pool().constant(3)});
}

//! TensorRT's Assertion: what has to be true whenever shapes are set. What is never true is refused: at once, or ("deferred", as the API's
//! layers have it) when the plan is built.
std::vector<Inferred> assertion(RuleContext& context) {
    shape::ExprPool& pool = context.pool();
    for (const shape::Expr e : context.values(0)) {
        if (pool.is(e, 0)) {
            if (attributes_of(context).flag("deferred")) {
                return {};
            }
            context.fail("is not true: ", context.attributes<OperatorAttributes>().attributes.text("message"));
        }
        context.layer().constraints.push_back({e, pool.constant(1)});
    }
    return {};
}

constexpr std::array kRules{
    OperatorRule{"Assertion", 1, 1, assertion},
    OperatorRule{kReadValues, 1, 1, read_values},
    OperatorRule{"Compress", 2, 2, compress},
    OperatorRule{"NonMaxSuppression", 2, 5, non_max_suppression},
    OperatorRule{"NonZero", 1, 1, non_zero},
    OperatorRule{"Unique", 1, 1, unique},
};

} // namespace

std::span<const OperatorRule> selection_rules() { return kRules; }

} // namespace tensorvk::graph
