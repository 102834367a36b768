// RNN, GRU and LSTM on the host: what the loop over time (recurrent.cpp) and one step of a cell (recurrent_cell.cpp) share.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <vector>

#include "kernels/cpu/row_product.hpp"
#include "kernels/pointwise_program.hpp"

namespace tensorvk::kernels::cpu {

//! Numbers that begin where a cache line does.
template <typename T>
struct LineAllocator {
    using value_type = T;
    static constexpr std::align_val_t kLine{64};
    LineAllocator() = default;
    template <typename U>
    LineAllocator(const LineAllocator<U>&) noexcept {} // NOLINT(google-explicit-constructor): what containers ask for
    [[nodiscard]] T* allocate(std::size_t count) { return static_cast<T*>(::operator new(count * sizeof(T), kLine)); }
    void deallocate(T* memory, std::size_t) noexcept { ::operator delete(memory, kLine); }
    bool operator==(const LineAllocator&) const noexcept = default;
};
using Floats = std::vector<float, LineAllocator<float>>;

//! The transpose of a matrix of several gates, each of `height` rows that lie one after the other, as row_product() takes it. Each gate begins
//! at a whole group of columns.
class PackedGates {
public:
    PackedGates() = default;
    PackedGates(const float* rows, std::int64_t gates, std::int64_t height, std::int64_t width);
    //! Sums `start` (null: what y holds) plus x times the matrix; on several threads if asked for and worth it.
    void multiply(std::span<const float* const> x, std::span<float* const> y, const float* start, bool on_threads) const;

private:
    std::int64_t width_ = 0, columns_ = 0;
    Floats packed_;
};

enum class CellKind : std::int32_t { kRNN = 1, kGRU = 3, kLSTM = 4 }; // the number of gates

//! What a layer is, apart from its memory.
struct RecurrentShape {
    CellKind kind = CellKind::kLSTM;
    std::int64_t steps = 0, batch = 0, input = 0, hidden = 0, directions = 1;
    bool batch_first = false, reversed = false, linear_before_reset = false, couples_forget = false;
    float clip = 0.0f;                               // 0: no limit
    std::array<std::array<PointwiseSlot, 3>, 2> activations{}; // of each direction

    [[nodiscard]] std::int64_t gates() const noexcept { return static_cast<std::int64_t>(kind); }
    //! Numbers between one gate and the next, in sums and states.
    [[nodiscard]] std::int64_t gate() const noexcept { return padded(hidden); }
};

//! One direction's weights, packed.
struct DirectionWeights {
    PackedGates input, state;
    PackedGates candidate;         // GRU's last gate, which sees another state than the first two
    Floats input_bias, state_bias; // of the sums; of GRU's candidate
    Floats peephole;               // LSTM's: input, output, forget; empty when absent
};

//! The steps of one cell for a few rows of the batch.
class RecurrentCell {
public:
    //! Shape and weights outlive the cell.
    RecurrentCell(const RecurrentShape& shape, const DirectionWeights& weights, std::size_t direction, std::int64_t rows);
    [[nodiscard]] float* state(std::int64_t row) { return state_.data() + row * shape_.gate(); }
    [[nodiscard]] float* cells(std::int64_t row) { return cells_.data() + row * shape_.gate(); }
    //! One step for the rows that are listed; sums[i] is what the input of rows[i] adds to its gates, and is used up.
    void step(std::span<const std::int64_t> rows, std::span<float* const> sums, bool on_threads);

private:
    void gru_candidates(std::span<const std::int64_t> rows, std::span<float* const> sums, bool on_threads);
    void finish_lstm(float* sums, float* state, float* cells) const;
    //! Clips what are sums, and applies activation `which` to `count` numbers.
    void activate(std::size_t which, float* numbers, std::int64_t count) const;

    const RecurrentShape& shape_;
    const DirectionWeights& weights_;
    std::size_t direction_;
    Floats state_, cells_, seen_, candidates_;
    std::vector<const float*> from_;
    std::vector<float*> to_;
};

} // namespace tensorvk::kernels::cpu
