// Fourier transforms, windows, text and pictures.
#include <algorithm>
#include <array>

#include "graph/operators.hpp"
#include "graph/operators/common.hpp"
#include "support/checked.hpp"

namespace tensorvk::graph {

namespace {

using shape::Expr;
using shape::ExprOp;
using shape::Exprs;

//! floor(n / 2) + 1: the frequencies of a real signal that are not mirror images.
Expr one_sided(shape::ExprPool& pool, Expr n) {
    return pool.add(pool.floor_div(n, pool.constant(2)), pool.constant(1));
}

//! ONNX DFT; the axis is an attribute until opset 19 and then an input, the length always an input.
std::vector<Inferred> fourier_transform(RuleContext& context) {
    shape::ExprPool& pool = context.pool();
    const AttributeSet& attributes = attributes_of(context);
    const Tensor& x = context.input(0);
    if (x.dims.size() < 2) {
        context.fail("needs two dimensions or more, the last for real and imaginary part; '", x.name, "' is ", context.str(x.dims), ".");
    }
    const bool axis_is_input = attributes.integer("opset") >= 20;
    const Expr rank = pool.constant(static_cast<std::int64_t>(x.dims.size()));
    const Expr given = axis_is_input && context.optional_input(2) != nullptr
                           ? number_argument(context, 2, "axis")
                           : pool.constant(attributes.integer("axis", axis_is_input ? -2 : 1));
    const Expr axis = pool.make(ExprOp::kMOD, given, rank);
    if (const auto known = pool.value(given); known && context.axis(*known, x.dims.size()) + 1 == x.dims.size()) {
        context.fail("has axis ", *known, ", which holds real and imaginary parts; transform one of the axes before it.");
    }
    const bool inverse = attributes.flag("inverse"), onesided = attributes.flag("onesided");
    // The axis may be known only when the network runs: one of the dimensions is chosen by numbers.
    const auto chosen = [&](std::size_t i) { return pool.make(ExprOp::kEQUAL, axis, pool.constant(static_cast<std::int64_t>(i))); };
    Expr length = pool.constant(0);
    for (std::size_t i = 0; i < x.dims.size(); ++i) {
        length = pool.add(length, pool.mul(chosen(i), x.dims[i]));
    }
    if (context.optional_input(1) != nullptr) {
        length = extent_argument(context, 1, "length", 1);
    } else if (inverse && onesided) {
        length = pool.mul(pool.sub(length, pool.constant(1)), pool.constant(2));
    }
    const Expr transformed = onesided && !inverse ? one_sided(pool, length) : length;
    Exprs dims;
    for (std::size_t i = 0; i + 1 < x.dims.size(); ++i) {
        const Expr stays = pool.sub(pool.constant(1), chosen(i));
        dims.push_back(pool.add(pool.mul(chosen(i), transformed), pool.mul(stays, x.dims[i])));
    }
    dims.push_back(pool.constant(onesided && inverse ? 1 : 2));
    return one(x.dtype, std::move(dims));
}

//! signal [batch, samples, 1 or 2] to [batch, frames, frequencies, 2].
std::vector<Inferred> short_time_fourier_transform(RuleContext& context) {
    shape::ExprPool& pool = context.pool();
    const Tensor& x = context.input(0);
    if (x.dims.size() != 3) {
        context.fail("needs a signal [batch, samples, 1 or 2]; '", x.name, "' is ", context.str(x.dims), ".");
    }
    Expr length = x.dims[1];
    if (context.optional_input(3) != nullptr) {
        length = extent_argument(context, 3, "frame length", 1);
    } else if (const Tensor* window = context.optional_input(2)) {
        if (window->dims.size() != 1) {
            context.fail("needs a window of one dimension; '", window->name, "' is ", context.str(window->dims), ".");
        }
        length = window->dims[0];
    }
    const Expr steps = pool.floor_div(pool.sub(x.dims[1], length), extent_argument(context, 1, "frame step", 1));
    const Expr bins = attributes_of(context).flag("onesided", true) ? one_sided(pool, length) : length;
    return one(x.dtype, {x.dims[0], pool.add(steps, pool.constant(1)), bins, pool.constant(2)});
}

std::vector<Inferred> window(RuleContext& context) {
    return one(type_attribute(context, "output_datatype", DataType::kFLOAT), {extent_argument(context, 0, "size")});
}

//! [frequencies, mel bins].
std::vector<Inferred> mel_weight_matrix(RuleContext& context) {
    const Expr bins = one_sided(context.pool(), extent_argument(context, 1, "DFT length"));
    require_one_number(context, 3, "lowest frequency");
    require_one_number(context, 4, "highest frequency");
    return one(type_attribute(context, "output_datatype", DataType::kFLOAT), {bins, extent_argument(context, 0, "number of mel bins")});
}

//! Counts of word sequences: one number per coordinate that an n-gram has.
std::vector<Inferred> count_ngrams(RuleContext& context) {
    const Tensor& x = context.input(0);
    if (attributes_of(context).has("pool_strings") && !attributes_of(context).texts("pool_strings").empty()) {
        context.unsupported("looks for strings; only 'pool_int64s' is offered.");
    }
    (void)word_attribute(context, "mode", "", {"TF", "IDF", "TFIDF"});
    const std::vector<std::int64_t> places = attributes_of(context).integers("ngram_indexes");
    if (places.empty() || *std::ranges::min_element(places) < 0 || x.dims.size() > 2) {
        context.fail("needs 'ngram_indexes' of 0 or more and an input of one or two dimensions.");
    }
    const Expr size = context.pool().constant(checked_add(*std::ranges::max_element(places), 1));
    return one(DataType::kFLOAT, x.dims.size() == 2 ? Exprs{x.dims[0], size} : Exprs{size});
}

constexpr std::array kRules{
    OperatorRule{"DFT", 1, 3, fourier_transform},
    OperatorRule{"STFT", 2, 4, short_time_fourier_transform},
    OperatorRule{"BlackmanWindow", 1, 1, window},
    OperatorRule{"HammingWindow", 1, 1, window},
    OperatorRule{"HannWindow", 1, 1, window},
    OperatorRule{"MelWeightMatrix", 5, 5, mel_weight_matrix},
    OperatorRule{"TfIdfVectorizer", 1, 1, count_ngrams},
};

} // namespace

std::span<const OperatorRule> signal_rules() { return kRules; }

} // namespace tensorvk::graph
