// What RNN, GRU and LSTM share: activations by name, weights of one direction.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kernels/host/functions.hpp"

namespace tensorvk::kernels::host {

//! An activation of a recurrent network with its parameters.
struct Activation {
    float (*function)(float x, float alpha, float beta) = nullptr;
    float alpha = 0.0f, beta = 0.0f;
    float operator()(float x) const { return function(x, alpha, beta); }
};

//! All activations of all directions: attributes activations, activation_alpha, activation_beta. `otherwise` are those of one direction.
[[nodiscard]] std::vector<Activation> read_activations(const Call& call, const std::vector<std::string>& otherwise, std::size_t directions);

//! A matrix [rows, columns], stored the other way round so that products run along memory.
class TransposedMatrix {
public:
    TransposedMatrix() = default;
    TransposedMatrix(std::span<const float> values, std::size_t rows, std::size_t columns);
    //! sums[i] += row (first + i) times `vector`.
    void add_product(std::span<float> sums, std::span<const float> vector, std::size_t first = 0) const;

private:
    std::vector<float> values_;
    std::size_t rows_ = 0;
};

struct RecurrentSizes {
    std::size_t steps = 0, batch = 0, input = 0, hidden = 0, directions = 1;
    bool batch_first = false;
};

//! One direction's weights and settings; gates lie one after the other in ONNX's order.
struct RecurrentCell {
    TransposedMatrix w, r;
    std::vector<float> input_bias, state_bias; // zeros when absent
    std::vector<float> peephole;               // zeros when absent: input, output, forget
    std::span<const Activation> activations;
    std::size_t hidden = 0;
    float clip = 0.0f; // 0: no limit
    bool linear_before_reset = false, couples_forget = false;

    [[nodiscard]] float clipped(float x) const { return clip > 0.0f ? std::min(std::max(x, -clip), clip) : x; }
};

//! From x and the states before to the states after; `cell_state` is LSTM's.
using RecurrentStep = void (*)(const RecurrentCell& cell, std::span<const float> x, std::span<float> state, std::span<float> cell_state);

//! LSTM's gates i, o, f, c from their sums.
void lstm_gates(const RecurrentCell& cell, std::span<const float> sums, std::span<float> state, std::span<float> cells);
//! What does not depend on how the weights are stored: bias, peephole, clip and flags.
[[nodiscard]] RecurrentCell read_cell_without_weights(const Call& call, const RecurrentSizes& sizes, std::size_t gates, std::size_t direction);
//! Lengths of the sequences of a batch.
[[nodiscard]] std::vector<std::size_t> read_lengths(const Call& call, const RecurrentSizes& sizes);
//! An input of `count` floats; zeros when it is absent.
[[nodiscard]] std::vector<float> floats_of(const Call& call, std::size_t input, std::size_t count);

//! Runs a whole operator whose cell has `gates` gates.
void run_recurrent(Call& call, std::size_t gates, RecurrentStep step, const std::vector<std::string>& activations, bool has_cell_state);

} // namespace tensorvk::kernels::host
