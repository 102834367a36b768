// Training losses.
#include <array>
#include <cmath>

#include "kernels/host/elements.hpp"
#include "kernels/host/functions.hpp"

namespace tensorvk::kernels::host {

namespace {

//! ONNX's formula: loss = -log_probability[label] * weight[label], where ignored labels weigh 0; "mean" divides by the sum of the weights.
class Loss {
public:
    explicit Loss(const Call& call)
        : call_(call), reduction_(call.attributes().text("reduction", "mean")), ignores_(call.attributes().has("ignore_index")),
          ignored_(call.attributes().integer("ignore_index", 0)), weights_(call.optional_input(2)) {
        if (reduction_ != "mean" && reduction_ != "sum" && reduction_ != "none") {
            call.fail("has the reduction '", reduction_, "'; none, sum and mean are offered.");
        }
    }

    [[nodiscard]] Tensor of(const Tensor& log_probabilities, const Tensor& labels) const {
        const AxisView view(log_probabilities.dims, 1);
        if (labels.volume() != view.outer * view.inner || (weights_ != nullptr && weights_->volume() != view.extent)) {
            call_.fail("needs one label per position and one weight per class.");
        }
        const bool each = reduction_ == "none";
        Tensor out(log_probabilities.dtype, each ? labels.dims : std::vector<std::int64_t>{});
        double sum = 0.0;
        double weights = 0.0;
        for (std::int64_t at = 0; at < labels.volume(); ++at) {
            const std::int64_t label = labels.get_integer(at);
            const double weight = weight_of(label, view.extent);
            // An ignored label need not be a class.
            const double loss = weight == 0.0 && ignores_ && label == ignored_
                                    ? 0.0
                                    : -log_probabilities.get(view.at(at / view.inner, label, at % view.inner)) * weight;
            sum += loss;
            weights += weight;
            if (each) {
                out.set(at, loss);
            }
        }
        if (!each) {
            out.set(0, reduction_ == "mean" ? sum / weights : sum);
        }
        return out;
    }

private:
    [[nodiscard]] double weight_of(std::int64_t label, std::int64_t classes) const {
        if (ignores_ && label == ignored_) {
            return 0.0;
        }
        if (label < 0 || label >= classes) {
            call_.fail("has the label ", label, "; there are ", classes, " classes.");
        }
        return weights_ == nullptr ? 1.0 : weights_->get(label);
    }

    const Call& call_;
    std::string reduction_;
    bool ignores_;
    std::int64_t ignored_;
    const Tensor* weights_;
};

void negative_log_likelihood(Call& call) { call.output(0, Loss(call).of(call.input(0), call.input(1))); }

//! log(softmax(x)) along axis 1, with the largest score taken out so that nothing overflows.
Tensor log_softmax(const Tensor& x) {
    Tensor out(x.dtype, x.dims);
    const AxisView view(x.dims, 1);
    for (std::int64_t line = 0; line < view.outer * view.inner && view.extent > 0; ++line) {
        const auto at = [&](std::int64_t i) { return view.at(line / view.inner, i, line % view.inner); };
        double largest = x.get(at(0));
        for (std::int64_t i = 1; i < view.extent; ++i) {
            largest = std::max(largest, x.get(at(i)));
        }
        double sum = 0.0;
        for (std::int64_t i = 0; i < view.extent; ++i) {
            sum += std::exp(x.get(at(i)) - largest);
        }
        for (std::int64_t i = 0; i < view.extent; ++i) {
            out.set(at(i), x.get(at(i)) - largest - std::log(sum));
        }
    }
    return out;
}

void softmax_cross_entropy(Call& call) {
    Tensor log_probabilities = log_softmax(call.input(0));
    call.output(0, Loss(call).of(log_probabilities, call.input(1)));
    call.output(1, std::move(log_probabilities));
}

constexpr std::array kFunctions{
    Function{"NegativeLogLikelihoodLoss", negative_log_likelihood},
    Function{"SoftmaxCrossEntropyLoss", softmax_cross_entropy},
};

} // namespace

std::span<const Function> loss_functions() { return kFunctions; }

} // namespace tensorvk::kernels::host
