// RNN, GRU and LSTM: one step each, by the equations of ONNX's specification. Gates in ONNX's order.
#include <array>

#include "kernels/host/recurrent.hpp"

namespace tensorvk::kernels::host {

namespace {

//! Wb + Rb + W * x + R * state for all gates.
std::vector<float> gate_sums(const RecurrentCell& cell, std::span<const float> x, std::span<const float> state) {
    std::vector<float> sums = cell.input_bias;
    for (std::size_t i = 0; i < sums.size(); ++i) {
        sums[i] += cell.state_bias[i];
    }
    cell.w.add_product(sums, x);
    cell.r.add_product(sums, state);
    return sums;
}

//! H = f(sum)
void rnn_step(const RecurrentCell& cell, std::span<const float> x, std::span<float> state, std::span<float>) {
    const std::vector<float> sums = gate_sums(cell, x, state);
    for (std::size_t j = 0; j < cell.hidden; ++j) {
        state[j] = cell.activations[0](cell.clipped(sums[j]));
    }
}

//! Gates z, r, h: H = (1 - z) * h + z * H before. The candidate h sees r * H, or r times its own product with H (linear_before_reset).
void gru_step(const RecurrentCell& cell, std::span<const float> x, std::span<float> state, std::span<float>) {
    const std::size_t n = cell.hidden;
    std::vector<float> from_input = cell.input_bias;
    cell.w.add_product(from_input, x);
    std::vector<float> from_state(cell.state_bias.begin(), cell.state_bias.begin() + static_cast<std::ptrdiff_t>(2 * n));
    cell.r.add_product(from_state, state);
    std::vector<float> update(n), reset(n), candidate(cell.state_bias.begin() + static_cast<std::ptrdiff_t>(2 * n), cell.state_bias.end());
    for (std::size_t j = 0; j < n; ++j) {
        update[j] = cell.activations[0](cell.clipped(from_input[j] + from_state[j]));
        reset[j] = cell.activations[0](cell.clipped(from_input[n + j] + from_state[n + j]));
    }
    std::vector<float> seen(state.begin(), state.end());
    for (std::size_t j = 0; j < n && !cell.linear_before_reset; ++j) {
        seen[j] *= reset[j];
    }
    cell.r.add_product(candidate, seen, 2 * n);
    for (std::size_t j = 0; j < n; ++j) {
        const float recurrent = cell.linear_before_reset ? reset[j] * candidate[j] : candidate[j];
        const float h = cell.activations[1](cell.clipped(from_input[2 * n + j] + recurrent));
        state[j] = (1.0f - update[j]) * h + update[j] * state[j];
    }
}

void lstm_step(const RecurrentCell& cell, std::span<const float> x, std::span<float> state, std::span<float> cells) {
    lstm_gates(cell, gate_sums(cell, x, state), state, cells);
}

void rnn(Call& call) { run_recurrent(call, 1, rnn_step, {"Tanh"}, false); }
void gru(Call& call) { run_recurrent(call, 3, gru_step, {"Sigmoid", "Tanh"}, false); }
void lstm(Call& call) { run_recurrent(call, 4, lstm_step, {"Sigmoid", "Tanh", "Tanh"}, true); }

constexpr std::array kFunctions{
    Function{"RNN", rnn},
    Function{"GRU", gru},
    Function{"LSTM", lstm},
};

} // namespace

//! Gates i, o, f, c; peepholes i, o, f: C = f * C before + i * c, H = o * h(C).
void lstm_gates(const RecurrentCell& cell, std::span<const float> sums, std::span<float> state, std::span<float> cells) {
    const std::size_t n = cell.hidden;
    const auto& p = cell.peephole;
    const auto& act = cell.activations;
    for (std::size_t j = 0; j < n; ++j) {
        const float in = act[0](cell.clipped(sums[j] + p[j] * cells[j]));
        const float forget = cell.couples_forget ? 1.0f - in : act[0](cell.clipped(sums[2 * n + j] + p[2 * n + j] * cells[j]));
        cells[j] = forget * cells[j] + in * act[1](cell.clipped(sums[3 * n + j]));
        const float out = act[0](cell.clipped(sums[n + j] + p[n + j] * cells[j]));
        state[j] = out * act[2](cells[j]);
    }
}

std::span<const Function> recurrent_functions() { return kFunctions; }

} // namespace tensorvk::kernels::host
