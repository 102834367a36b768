// com.microsoft's DynamicQuantizeLSTM: weights are 8-bit integers, inputs and states are quantized by their own range for each product.
#include "kernels/host/quantized.hpp"
#include "kernels/host/recurrent.hpp"

namespace tensorvk::kernels::host {

namespace {

using Dims = std::vector<std::int64_t>;

constexpr std::size_t kGates = 4;

//! One direction of W or R: [rows, columns] with one scale, or one per column.
class QuantizedMatrix {
public:
    QuantizedMatrix(const Call& call, std::size_t input, std::size_t scale, std::size_t direction)
        : rows_(static_cast<std::size_t>(call.input(input).dims[1])), columns_(static_cast<std::size_t>(call.input(input).dims[2])) {
        const Tensor& numbers = call.input(input);
        const Tensor& scales = call.input(scale);
        const Tensor& zeros = call.input(scale + 1);
        const auto directions = static_cast<std::size_t>(numbers.dims[0]);
        const auto fits = [&](const Tensor& x) {
            const auto count = static_cast<std::size_t>(x.volume());
            return count == directions || count == directions * columns_;
        };
        if (!fits(scales) || !fits(zeros)) {
            call.fail("needs one scale and one zero point for each direction, or one for each of its ", columns_, " columns.");
        }
        const auto at = [&](const Tensor& x, std::size_t column) {
            const bool one = static_cast<std::size_t>(x.volume()) == directions;
            return static_cast<std::int64_t>(one ? direction : direction * columns_ + column);
        };
        for (std::size_t column = 0; column < columns_; ++column) {
            scales_.push_back(static_cast<float>(scales.get(at(scales, column))));
        }
        for (std::size_t i = 0; i < rows_ * columns_; ++i) {
            const std::int64_t number = numbers.get_integer(static_cast<std::int64_t>(direction * rows_ * columns_ + i));
            numbers_.push_back(static_cast<std::int32_t>(number - zeros.get_integer(at(zeros, i % columns_))));
        }
    }

    //! Vectors of x, quantized together, times the matrix.
    [[nodiscard]] std::vector<float> product(std::span<const float> x) const {
        const DynamicRange range(x);
        const std::size_t count = rows_ == 0 ? 0 : x.size() / rows_;
        std::vector<float> out(count * columns_, 0.0f);
        std::vector<std::int64_t> sums(columns_);
        for (std::size_t i = 0; i < count; ++i) {
            std::ranges::fill(sums, 0);
            for (std::size_t row = 0; row < rows_; ++row) {
                const std::int64_t factor = range(x[i * rows_ + row]);
                for (std::size_t column = 0; column < columns_; ++column) {
                    sums[column] += factor * numbers_[row * columns_ + column];
                }
            }
            for (std::size_t column = 0; column < columns_; ++column) {
                out[i * columns_ + column] = static_cast<float>(sums[column]) * (range.scale * scales_[column]);
            }
        }
        return out;
    }

private:
    std::size_t rows_, columns_;
    std::vector<std::int32_t> numbers_; // less the zero points
    std::vector<float> scales_;
};

RecurrentSizes read_sizes(const Call& call) {
    const Dims& x = call.input(0).dims;
    const Dims& w = call.input(1).dims;
    const Dims& r = call.input(2).dims;
    const std::int64_t directions = call.attributes().text("direction", "forward") == "bidirectional" ? 2 : 1;
    if (x.size() != 3 || w.size() != 3 || r.size() != 3 || w != Dims{directions, x[2], 4 * r[1]} || r != Dims{directions, r[1], 4 * r[1]}) {
        call.fail("needs X [steps, batch, input], W [directions, input, 4 * hidden] and R [directions, hidden, 4 * hidden].");
    }
    const auto size = [](std::int64_t extent) { return static_cast<std::size_t>(extent); };
    return {size(x[0]), size(x[1]), size(x[2]), size(r[1]), size(directions), false};
}

struct Outputs {
    Tensor all, last, last_cells;
};

//! The states before step t; sequences that ended before have no part in the range that the others are quantized by.
std::vector<float> running(std::span<const float> states, const std::vector<std::size_t>& lengths, std::size_t t) {
    std::vector<float> out(states.begin(), states.end());
    const std::size_t hidden = lengths.empty() ? 0 : states.size() / lengths.size();
    for (std::size_t b = 0; b < lengths.size(); ++b) {
        if (t > lengths[b]) {
            std::fill_n(out.begin() + static_cast<std::ptrdiff_t>(b * hidden), hidden, 0.0f);
        }
    }
    return out;
}

//! Runs one direction; the states before lie in `last` and `last_cells`.
void run_direction(const Call& call, const RecurrentSizes& s, const RecurrentCell& cell, std::size_t d, Outputs& outputs) {
    const QuantizedMatrix w(call, 1, 8, d);
    const QuantizedMatrix r(call, 2, 10, d);
    const std::vector<std::size_t> lengths = read_lengths(call, s);
    const bool reversed = d == 1 || call.attributes().text("direction", "forward") == "reverse";
    const std::size_t columns = kGates * s.hidden;
    const std::vector<float> from_input = w.product(call.input(0).as<float>());
    const auto states = outputs.last.as<float>().subspan(d * s.batch * s.hidden, s.batch * s.hidden);
    const auto cells = outputs.last_cells.as<float>().subspan(d * s.batch * s.hidden, s.batch * s.hidden);
    std::vector<float> sums(columns);
    for (std::size_t t = 0; t < s.steps; ++t) {
        const std::vector<float> from_state = r.product(running(states, lengths, t));
        for (std::size_t b = 0; b < s.batch; ++b) {
            if (t >= lengths[b]) {
                continue;
            }
            const std::size_t time = reversed ? lengths[b] - 1 - t : t;
            for (std::size_t i = 0; i < columns; ++i) {
                sums[i] = from_input[(time * s.batch + b) * columns + i] + from_state[b * columns + i] + cell.input_bias[i] + cell.state_bias[i];
            }
            const auto state = states.subspan(b * s.hidden, s.hidden);
            lstm_gates(cell, sums, state, cells.subspan(b * s.hidden, s.hidden));
            std::ranges::copy(state, outputs.all.as<float>().begin() + static_cast<std::ptrdiff_t>(((time * s.directions + d) * s.batch + b) * s.hidden));
        }
    }
}

} // namespace

void dynamic_quantize_lstm(Call& call) {
    const RecurrentSizes s = read_sizes(call);
    const std::vector<Activation> functions = read_activations(call, {"Sigmoid", "Tanh", "Tanh"}, s.directions);
    const auto extent = [](std::size_t size) { return static_cast<std::int64_t>(size); };
    const Dims last_dims{extent(s.directions), extent(s.batch), extent(s.hidden)};
    Outputs outputs{Tensor(DataType::kFLOAT, {extent(s.steps), last_dims[0], last_dims[1], last_dims[2]}), Tensor(DataType::kFLOAT, last_dims),
                    Tensor(DataType::kFLOAT, last_dims)};
    std::ranges::copy(floats_of(call, 5, s.directions * s.batch * s.hidden), outputs.last.as<float>().begin());
    std::ranges::copy(floats_of(call, 6, s.directions * s.batch * s.hidden), outputs.last_cells.as<float>().begin());
    for (std::size_t d = 0; d < s.directions; ++d) {
        RecurrentCell cell = read_cell_without_weights(call, s, kGates, d);
        cell.activations = std::span(functions).subspan(d * 3, 3);
        run_direction(call, s, cell, d, outputs);
    }
    call.output(0, std::move(outputs.all));
    call.output(1, std::move(outputs.last));
    call.output(2, std::move(outputs.last_cells));
}

} // namespace tensorvk::kernels::host
