#include "kernels/host/recurrent.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <string_view>

namespace tensorvk::kernels::host {

namespace {

struct KnownActivation {
    std::string_view name;
    float (*function)(float x, float alpha, float beta);
    bool takes_alpha = false, takes_beta = false;
    float alpha = 0.0f, beta = 0.0f; // defaults
};

constexpr std::array kActivations{
    KnownActivation{"Relu", [](float x, float, float) { return std::max(x, 0.0f); }},
    KnownActivation{"Tanh", [](float x, float, float) { return std::tanh(x); }},
    KnownActivation{"Sigmoid", [](float x, float, float) { return 1.0f / (1.0f + std::exp(-x)); }},
    KnownActivation{"Affine", [](float x, float a, float b) { return a * x + b; }, true, true, 1.0f, 0.0f},
    KnownActivation{"LeakyRelu", [](float x, float a, float) { return x >= 0.0f ? x : a * x; }, true, false, 0.01f},
    KnownActivation{"ThresholdedRelu", [](float x, float a, float) { return x > a ? x : 0.0f; }, true, false, 1.0f},
    KnownActivation{"ScaledTanh", [](float x, float a, float b) { return a * std::tanh(b * x); }, true, true, 1.0f, 1.0f},
    KnownActivation{"HardSigmoid", [](float x, float a, float b) { return std::min(std::max(a * x + b, 0.0f), 1.0f); }, true, true, 0.2f, 0.5f},
    KnownActivation{"Elu", [](float x, float a, float) { return x >= 0.0f ? x : a * std::expm1(x); }, true, false, 1.0f},
    KnownActivation{"Softsign", [](float x, float, float) { return x / (1.0f + std::abs(x)); }},
    KnownActivation{"Softplus", [](float x, float, float) { return std::max(x, 0.0f) + std::log1p(std::exp(-std::abs(x))); }},
};

//! Older exporters write activations in small letters.
bool same_name(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, [](char x, char y) { return std::tolower(static_cast<unsigned char>(x)) == std::tolower(static_cast<unsigned char>(y)); });
}

RecurrentSizes read_sizes(const Call& call, std::size_t gates) {
    const auto& x = call.input(0).dims;
    const auto& w = call.input(1).dims;
    const auto& r = call.input(2).dims;
    if (x.size() != 3 || w.size() != 3 || r.size() != 3) {
        call.fail("needs X, W and R of three dimensions.");
    }
    const bool batch_first = call.attributes().integer("layout", 0) != 0;
    const auto at = [](const std::vector<std::int64_t>& dims, std::size_t axis) { return static_cast<std::size_t>(dims[axis]); };
    const RecurrentSizes s{at(x, batch_first ? 1 : 0), at(x, batch_first ? 0 : 1),
                           at(x, 2),                   at(r, 2),
                           call.attributes().text("direction", "forward") == "bidirectional" ? 2u : 1u, batch_first};
    if (at(w, 0) != s.directions || at(r, 0) != s.directions || at(w, 1) != gates * s.hidden || at(r, 1) != gates * s.hidden || at(w, 2) != s.input) {
        call.fail("has W or R of a shape that does not fit X, hidden size ", s.hidden, " and ", s.directions, " directions.");
    }
    return s;
}

RecurrentCell read_cell(const Call& call, const RecurrentSizes& s, std::size_t gates, std::size_t direction) {
    const std::size_t rows = gates * s.hidden;
    RecurrentCell cell = read_cell_without_weights(call, s, gates, direction);
    cell.w = {call.input(1).as<float>().subspan(direction * rows * s.input, rows * s.input), rows, s.input};
    cell.r = {call.input(2).as<float>().subspan(direction * rows * s.hidden, rows * s.hidden), rows, s.hidden};
    return cell;
}

} // namespace

std::vector<float> floats_of(const Call& call, std::size_t input, std::size_t count) {
    const Tensor* tensor = call.optional_input(input);
    if (tensor == nullptr) {
        return std::vector<float>(count, 0.0f);
    }
    if (tensor->volume() != static_cast<std::int64_t>(count) || tensor->dtype != DataType::kFLOAT) {
        call.fail("needs ", count, " floats as input ", input, "; it has ", tensor->volume(), ".");
    }
    const auto values = tensor->as<float>();
    return {values.begin(), values.end()};
}

RecurrentCell read_cell_without_weights(const Call& call, const RecurrentSizes& s, std::size_t gates, std::size_t direction) {
    const std::size_t rows = gates * s.hidden;
    RecurrentCell cell;
    const std::vector<float> bias = floats_of(call, 3, s.directions * 2 * rows);
    const auto first = bias.begin() + static_cast<std::ptrdiff_t>(direction * 2 * rows);
    cell.input_bias.assign(first, first + static_cast<std::ptrdiff_t>(rows));
    cell.state_bias.assign(first + static_cast<std::ptrdiff_t>(rows), first + static_cast<std::ptrdiff_t>(2 * rows));
    cell.hidden = s.hidden;
    cell.clip = static_cast<float>(call.attributes().real("clip", 0.0));
    cell.linear_before_reset = call.attributes().flag("linear_before_reset");
    cell.couples_forget = call.attributes().flag("input_forget");
    const std::vector<float> peephole = floats_of(call, 7, s.directions * 3 * s.hidden);
    const auto begin = peephole.begin() + static_cast<std::ptrdiff_t>(direction * 3 * s.hidden);
    cell.peephole.assign(begin, begin + static_cast<std::ptrdiff_t>(3 * s.hidden));
    return cell;
}

std::vector<std::size_t> read_lengths(const Call& call, const RecurrentSizes& s) {
    std::vector<std::size_t> lengths(s.batch, s.steps);
    if (const Tensor* given = call.optional_input(4)) {
        if (given->volume() != static_cast<std::int64_t>(s.batch)) {
            call.fail("needs ", s.batch, " sequence lengths; it has ", given->volume(), ".");
        }
        for (std::size_t b = 0; b < s.batch; ++b) {
            const std::int64_t length = given->get_integer(static_cast<std::int64_t>(b));
            if (length < 0 || length > static_cast<std::int64_t>(s.steps)) {
                call.fail("has the sequence length ", length, "; allowed are 0 to ", s.steps, ".");
            }
            lengths[b] = static_cast<std::size_t>(length);
        }
    }
    return lengths;
}

std::vector<Activation> read_activations(const Call& call, const std::vector<std::string>& otherwise, std::size_t directions) {
    std::vector<std::string> names = call.attributes().texts("activations");
    if (names.empty()) {
        names = otherwise;
    }
    if (names.size() == otherwise.size() && directions == 2) {
        names.resize(2 * otherwise.size());
        std::copy_n(names.begin(), otherwise.size(), names.begin() + static_cast<std::ptrdiff_t>(otherwise.size()));
    }
    if (names.size() != otherwise.size() * directions) {
        call.fail("has ", names.size(), " activations; it needs ", otherwise.size() * directions, ".");
    }
    // The parameters belong to those activations that take some, in order.
    const std::vector<double> alphas = call.attributes().reals("activation_alpha");
    const std::vector<double> betas = call.attributes().reals("activation_beta");
    std::size_t alpha = 0;
    std::size_t beta = 0;
    std::vector<Activation> out;
    for (const std::string& name : names) {
        const auto known = std::ranges::find_if(kActivations, [&](const KnownActivation& activation) { return same_name(activation.name, name); });
        if (known == kActivations.end()) {
            call.fail("has the activation '", name, "', which recurrent layers do not know.");
        }
        Activation activation{known->function, known->alpha, known->beta};
        if (known->takes_alpha && alpha < alphas.size()) {
            activation.alpha = static_cast<float>(alphas[alpha++]);
        }
        if (known->takes_beta && beta < betas.size()) {
            activation.beta = static_cast<float>(betas[beta++]);
        }
        out.push_back(activation);
    }
    return out;
}

TransposedMatrix::TransposedMatrix(std::span<const float> values, std::size_t rows, std::size_t columns) : values_(values.size()), rows_(rows) {
    for (std::size_t row = 0; row < rows; ++row) {
        for (std::size_t column = 0; column < columns; ++column) {
            values_[column * rows + row] = values[row * columns + column];
        }
    }
}

void TransposedMatrix::add_product(std::span<float> sums, std::span<const float> vector, std::size_t first) const {
    for (std::size_t k = 0; k < vector.size(); ++k) {
        const float factor = vector[k];
        const float* row = values_.data() + k * rows_ + first;
        for (std::size_t i = 0; i < sums.size(); ++i) {
            sums[i] += factor * row[i];
        }
    }
}

void run_recurrent(Call& call, std::size_t gates, RecurrentStep step, const std::vector<std::string>& activations, bool has_cell_state) {
    const RecurrentSizes s = read_sizes(call, gates);
    const std::vector<Activation> functions = read_activations(call, activations, s.directions);
    const std::vector<std::size_t> lengths = read_lengths(call, s);
    const auto signed_size = [](std::size_t size) { return static_cast<std::int64_t>(size); };
    const std::int64_t steps = signed_size(s.steps), directions = signed_size(s.directions), batch = signed_size(s.batch), hidden = signed_size(s.hidden);
    using Dims = std::vector<std::int64_t>;
    const Dims last_dims = s.batch_first ? Dims{batch, directions, hidden} : Dims{directions, batch, hidden};
    Tensor all(DataType::kFLOAT, s.batch_first ? Dims{batch, steps, directions, hidden} : Dims{steps, directions, batch, hidden});
    Tensor last(DataType::kFLOAT, last_dims);
    Tensor last_cells(DataType::kFLOAT, last_dims);
    const std::vector<float> first = floats_of(call, 5, s.directions * s.batch * s.hidden);
    const std::vector<float> first_cells = floats_of(call, 6, s.directions * s.batch * s.hidden);
    const bool reversed = call.attributes().text("direction", "forward") == "reverse";
    for (std::size_t d = 0; d < s.directions; ++d) {
        RecurrentCell cell = read_cell(call, s, gates, d);
        cell.activations = std::span(functions).subspan(d * activations.size(), activations.size());
        for (std::size_t b = 0; b < s.batch; ++b) {
            const std::size_t place = (s.batch_first ? b * s.directions + d : d * s.batch + b) * s.hidden;
            const auto state = last.as<float>().subspan(place, s.hidden);
            const auto cells = last_cells.as<float>().subspan(place, s.hidden);
            std::copy_n(first.begin() + static_cast<std::ptrdiff_t>(place), s.hidden, state.begin());
            std::copy_n(first_cells.begin() + static_cast<std::ptrdiff_t>(place), s.hidden, cells.begin());
            for (std::size_t t = 0; t < lengths[b]; ++t) {
                const std::size_t time = reversed || d == 1 ? lengths[b] - 1 - t : t;
                const std::size_t row = s.batch_first ? b * s.steps + time : time * s.batch + b;
                step(cell, call.input(0).as<float>().subspan(row * s.input, s.input), state, cells);
                const std::size_t to = s.batch_first ? (b * s.steps + time) * s.directions + d : (time * s.directions + d) * s.batch + b;
                std::ranges::copy(state, all.as<float>().begin() + static_cast<std::ptrdiff_t>(to * s.hidden));
            }
        }
    }
    call.output(0, std::move(all));
    call.output(1, std::move(last));
    if (has_cell_state) {
        call.output(2, std::move(last_cells));
    }
}

} // namespace tensorvk::kernels::host
