// One step of a cell, by the equations of ONNX's specification (host/functions_recurrent.cpp says them row by row). Gates in ONNX's order.
#include "kernels/cpu/recurrent.hpp"

#include <algorithm>

#include "kernels/cpu/chunk.hpp"
#include "kernels/cpu/workers.hpp"

namespace tensorvk::kernels::cpu {

namespace {

//! Products of fewer multiplications are done before another thread is awake.
constexpr std::int64_t kWorthThreads = 1 << 18;

void limit(float* numbers, std::int64_t count, float most) {
    for (std::int64_t i = 0; i < count; ++i) numbers[i] = std::min(std::max(numbers[i], -most), most);
}

//! sums += weights * cells
void add_peephole(float* sums, const float* weights, const float* cells, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) sums[i] += weights[i] * cells[i];
}

} // namespace

PackedGates::PackedGates(const float* rows, std::int64_t gates, std::int64_t height, std::int64_t width)
    : width_(width), columns_(gates * padded(height)), packed_(static_cast<std::size_t>(panels_of(columns_) * kPanel * width), 0.0f) {
    for (std::int64_t gate = 0; gate < gates; ++gate) {
        for (std::int64_t row = 0; row < height; ++row) {
            const std::int64_t column = gate * padded(height) + row;
            float* to = packed_.data() + column / kPanel * kPanel * width + column % kPanel;
            const float* from = rows + (gate * height + row) * width;
            for (std::int64_t k = 0; k < width; ++k) to[k * kPanel] = from[k];
        }
    }
}

void PackedGates::multiply(std::span<const float* const> x, std::span<float* const> y, const float* start, bool on_threads) const {
    static const RowProduct product = row_product();
    const RowProductTask task{x.data(), y.data(), static_cast<std::int64_t>(x.size()), width_, columns_, packed_.data(), start};
    const std::int64_t work = task.rows * width_ * kPanel;
    const std::int64_t grain = on_threads ? std::max<std::int64_t>(kWorthThreads / std::max<std::int64_t>(work, 1), 1) : panels_of(columns_);
    spread(panels_of(columns_), grain, [&](std::int64_t first, std::int64_t last) { product(task, first, last); });
}

RecurrentCell::RecurrentCell(const RecurrentShape& shape, const DirectionWeights& weights, std::size_t direction, std::int64_t rows)
    : shape_(shape), weights_(weights), direction_(direction), state_(static_cast<std::size_t>(rows * shape.gate()), 0.0f), cells_(state_.size(), 0.0f) {
    if (shape.kind == CellKind::kGRU) {
        candidates_.resize(state_.size());
        seen_.resize(state_.size());
    }
    from_.reserve(static_cast<std::size_t>(rows));
    to_.reserve(static_cast<std::size_t>(rows));
}

void RecurrentCell::activate(std::size_t which, float* numbers, std::int64_t count) const {
    constexpr std::size_t kOfCells = 2; // LSTM's last
    static thread_local ChunkMemory<float> memory;
    static const ChunkFunctions<float>& apply = chunks<float>();
    if (shape_.clip > 0.0f && which != kOfCells) limit(numbers, count, shape_.clip);
    ChunkTask<float> task;
    task.slots = &shape_.activations[direction_][which];
    task.slot_count = 1;
    task.memory = &memory;
    for (std::int64_t at = 0; at < count; at += kChunk) {
        task.count = static_cast<int>(std::min<std::int64_t>(kChunk, count - at));
        task.value = numbers + at;
        task.out = numbers + at;
        apply.run(task);
    }
}

//! Gates i, o, f, c; peepholes i, o, f: C = f * C before + i * c, H = o * h(C).
void RecurrentCell::finish_lstm(float* sums, float* state, float* cells) const {
    const std::int64_t n = shape_.gate();
    float *in = sums, *out = sums + n, *forget = sums + 2 * n, *candidate = sums + 3 * n;
    const float* peephole = weights_.peephole.empty() ? nullptr : weights_.peephole.data();
    if (peephole != nullptr) {
        add_peephole(in, peephole, cells, n);
        add_peephole(forget, peephole + 2 * n, cells, n);
        activate(0, in, n);
        activate(0, forget, n);
    } else {
        activate(0, in, 3 * n);
    }
    activate(1, candidate, n);
    if (shape_.couples_forget) {
        for (std::int64_t i = 0; i < n; ++i) forget[i] = 1.0f - in[i];
    }
    for (std::int64_t i = 0; i < n; ++i) cells[i] = forget[i] * cells[i] + in[i] * candidate[i];
    if (peephole != nullptr) {
        add_peephole(out, peephole + n, cells, n);
        activate(0, out, n);
    }
    std::copy_n(cells, n, state);
    activate(2, state, n);
    for (std::int64_t i = 0; i < n; ++i) state[i] *= out[i];
}

//! Gates z, r, h: H = (1 - z) * h + z * H before. The candidate h sees r * H, or r times its own product with H (linear_before_reset).
void RecurrentCell::gru_candidates(std::span<const std::int64_t> rows, std::span<float* const> sums, bool on_threads) {
    const std::int64_t n = shape_.gate();
    from_.clear();
    to_.clear();
    for (std::size_t i = 0; i < rows.size(); ++i) {
        float *seen = seen_.data() + rows[i] * n, *before = state(rows[i]);
        activate(0, sums[i], 2 * n);
        const float* reset = sums[i] + n;
        for (std::int64_t j = 0; j < n; ++j) seen[j] = reset[j] * before[j];
        from_.push_back(shape_.linear_before_reset ? before : seen);
        to_.push_back(candidates_.data() + rows[i] * n);
    }
    weights_.candidate.multiply(from_, to_, weights_.state_bias.data(), on_threads);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        float *h = to_[i], *before = state(rows[i]);
        const float *update = sums[i], *reset = sums[i] + n, *from_input = sums[i] + 2 * n;
        for (std::int64_t j = 0; j < n; ++j) h[j] = from_input[j] + (shape_.linear_before_reset ? reset[j] * h[j] : h[j]);
        activate(1, h, n);
        for (std::int64_t j = 0; j < n; ++j) before[j] = (1.0f - update[j]) * h[j] + update[j] * before[j];
    }
}

void RecurrentCell::step(std::span<const std::int64_t> rows, std::span<float* const> sums, bool on_threads) {
    from_.clear();
    for (const std::int64_t row : rows) from_.push_back(state(row));
    weights_.state.multiply(from_, sums, nullptr, on_threads);
    if (shape_.kind == CellKind::kGRU) {
        gru_candidates(rows, sums, on_threads);
        return;
    }
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (shape_.kind == CellKind::kLSTM) {
            finish_lstm(sums[i], state(rows[i]), cells(rows[i]));
        } else {
            activate(0, sums[i], shape_.gate());
            std::copy_n(sums[i], shape_.gate(), state(rows[i]));
        }
    }
}

} // namespace tensorvk::kernels::cpu
