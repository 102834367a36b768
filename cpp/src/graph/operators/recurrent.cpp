// RNN, GRU and LSTM.
#include <algorithm>
#include <array>
#include <cctype>

#include "graph/operators.hpp"
#include "graph/operators/common.hpp"

namespace tensorvk::graph {

namespace {

using shape::Expr;

//! Those that the host function computes, in small letters: older exporters write all names so.
constexpr std::array<std::string_view, 11> kActivations{"affine",  "elu",     "hardsigmoid", "leakyrelu", "relu",           "scaledtanh",
                                                        "sigmoid", "softplus", "softsign",    "tanh",      "thresholdedrelu"};

//! Each direction has `count` of them; those of one may stand for both.
void require_activations(const RuleContext& context, std::size_t count, std::size_t directions) {
    const std::vector<std::string> given = attributes_of(context).texts("activations");
    if (!given.empty() && given.size() != count && given.size() != count * directions) {
        context.fail("has ", given.size(), " 'activations'; it needs ", count, " for each of ", directions, " directions.");
    }
    for (const std::string& name : given) {
        std::string small = name;
        std::ranges::transform(small, small.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        if (std::ranges::find(kActivations, small) == kActivations.end()) {
            context.fail("has the activation '", name, "'; allowed are Affine, Elu, HardSigmoid, LeakyRelu, Relu, ScaledTanh, Sigmoid, Softplus, Softsign, ",
                         "Tanh and ThresholdedRelu.");
        }
    }
}

//! Outputs: all hidden states, the last ones, and (LSTM) the last cell states. `Gates` matrices lie in W and R.
template <std::int64_t Gates, bool Cells>
std::vector<Inferred> recurrent(RuleContext& context) {
    const Tensor& x = context.input(0);
    const Tensor& w = context.input(1);
    const Tensor& r = context.input(2);
    require_one_floating_type(context, {0, 1, 2, 3, 5, 6, 7}); // input 4 counts steps
    if (x.dims.size() != 3 || w.dims.size() != 3 || r.dims.size() != 3) {
        context.fail("needs X, W and R of three dimensions; they are ", context.str(x.dims), ", ", context.str(w.dims), " and ",
                     context.str(r.dims), ".");
    }
    const AttributeSet& a = attributes_of(context);
    const std::string direction = word_attribute(context, "direction", "forward", {"forward", "reverse", "bidirectional"});
    constexpr std::size_t kActivationsOfCell = Cells ? 3 : Gates == 1 ? 1 : 2;
    require_activations(context, kActivationsOfCell, direction == "bidirectional" ? 2 : 1);
    shape::ExprPool& pool = context.pool();
    const Expr directions = context.same(pool.constant(direction == "bidirectional" ? 2 : 1), w.dims[0], "directions of 'direction' and W");
    const Expr hidden = r.dims[2];
    (void)context.same(w.dims[1], pool.mul(hidden, pool.constant(Gates)), "rows of W");
    (void)context.same(w.dims[2], x.dims[2], "input sizes of X and W");
    const bool batch_first = a.integer("layout", 0) != 0;
    const Expr batch = x.dims[batch_first ? 0 : 1];
    const Expr steps = x.dims[batch_first ? 1 : 0];
    shape::Exprs all{steps, directions, batch, hidden};
    shape::Exprs last{directions, batch, hidden};
    if (batch_first) {
        all = {batch, steps, directions, hidden};
        last = {batch, directions, hidden};
    }
    std::vector<Inferred> outputs;
    outputs.push_back({x.dtype, std::move(all)});
    outputs.push_back({x.dtype, last});
    if (Cells) {
        outputs.push_back({x.dtype, std::move(last)});
    }
    return outputs;
}

constexpr std::array kRules{
    OperatorRule{"RNN", 3, 6, recurrent<1, false>},
    OperatorRule{"GRU", 3, 6, recurrent<3, false>},
    OperatorRule{"LSTM", 3, 8, recurrent<4, true>},
};

} // namespace

std::span<const OperatorRule> recurrent_rules() { return kRules; }

} // namespace tensorvk::graph
