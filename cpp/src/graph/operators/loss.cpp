// Training losses.
#include <array>

#include "graph/operators.hpp"
#include "graph/operators/common.hpp"

namespace tensorvk::graph {

namespace {

//! Scores [batch, classes, positions...], labels [batch, positions...]; the loss has the labels' shape or is one number.
Inferred loss(RuleContext& context) {
    const Tensor& scores = context.input(0);
    const Tensor& labels = context.input(1);
    context.require_floating(scores, "input");
    if (scores.dims.size() < 2 || labels.dims.size() + 1 != scores.dims.size()) {
        context.fail("needs scores [batch, classes, ...] and labels [batch, ...]; they are ", context.str(scores.dims),
                     " and ", context.str(labels.dims), ".");
    }
    for (std::size_t i = 0; i < labels.dims.size(); ++i) {
        (void)context.same(labels.dims[i], scores.dims[i == 0 ? 0 : i + 1], "extents of scores and labels");
    }
    const bool one_number = word_attribute(context, "reduction", "mean", {"none", "sum", "mean"}) != "none";
    return {scores.dtype, one_number ? shape::Exprs{} : labels.dims};
}

std::vector<Inferred> negative_log_likelihood(RuleContext& context) {
    std::vector<Inferred> outputs;
    outputs.push_back(loss(context));
    return outputs;
}

//! The loss and the logarithms of the probabilities.
std::vector<Inferred> softmax_cross_entropy(RuleContext& context) {
    std::vector<Inferred> outputs;
    outputs.push_back(loss(context));
    outputs.push_back({context.input(0).dtype, context.input(0).dims});
    return outputs;
}

constexpr std::array kRules{
    OperatorRule{"NegativeLogLikelihoodLoss", 2, 3, negative_log_likelihood},
    OperatorRule{"SoftmaxCrossEntropyLoss", 2, 3, softmax_cross_entropy},
};

} // namespace

std::span<const OperatorRule> loss_rules() { return kRules; }

} // namespace tensorvk::graph
