// The body of row_product_*.cpp, which say for which instruction set: TVK_ISA names the namespace, TVK_LANES how many floats a register
// holds. Sums stay in registers while k runs: several rows share what is loaded of the weights. Nothing of the standard library, since an
// inline function compiled here must not be linked into what runs on lesser processors.
#include "kernels/cpu/row_product.hpp"

namespace tensorvk::kernels::cpu::TVK_ISA {

namespace {

constexpr int kLanes = TVK_LANES;
using Lanes [[gnu::vector_size(4 * kLanes), gnu::aligned(4), gnu::may_alias]] = float;

inline Lanes load(const float* from) { return *reinterpret_cast<const Lanes*>(from); }
inline void store(float* to, Lanes value) { *reinterpret_cast<Lanes*>(to) = value; }

//! Rows times V registers of columns, from `column` on; `w` is the panel from that column on.
template <int Rows, int V>
inline void tile(const RowProductTask& task, std::int64_t row, std::int64_t column, const float* w) {
    const float* x[Rows];
    float* y[Rows];
    Lanes sum[Rows][V];
    for (int r = 0; r < Rows; ++r) {
        x[r] = task.x[row + r];
        y[r] = task.y[row + r] + column;
        const float* begin = task.start != nullptr ? task.start + column : y[r];
        for (int v = 0; v < V; ++v) sum[r][v] = load(begin + v * kLanes);
    }
    std::int64_t k = 0;
    if constexpr (Rows == 1) { // a second set of sums, so that one addition need not wait for the other
        Lanes other[V] = {};
        for (; k + 1 < task.k; k += 2, w += 2 * kPanel) {
            for (int v = 0; v < V; ++v) {
                sum[0][v] += load(w + v * kLanes) * x[0][k];
                other[v] += load(w + kPanel + v * kLanes) * x[0][k + 1];
            }
        }
        for (int v = 0; v < V; ++v) sum[0][v] += other[v];
    }
    for (; k < task.k; ++k, w += kPanel) {
        for (int v = 0; v < V; ++v) {
            const Lanes weights = load(w + v * kLanes);
            for (int r = 0; r < Rows; ++r) sum[r][v] += weights * x[r][k];
        }
    }
    for (int r = 0; r < Rows; ++r) {
        for (int v = 0; v < V; ++v) store(y[r] + v * kLanes, sum[r][v]);
    }
}

//! As many registers of columns as the sums of these rows leave room for.
template <int Rows>
inline void columns(const RowProductTask& task, std::int64_t row, std::int64_t panel) {
    constexpr int kGroup = static_cast<int>(kColumns) / kLanes; // registers of a group of columns
    constexpr int kWide = kLanes == 16 || Rows < 3 ? 4 : 2;
    const float* w = task.weights + panel * task.k * kPanel;
    const std::int64_t begin = panel * kPanel, end = begin + kPanel < task.n ? begin + kPanel : task.n;
    std::int64_t column = begin;
    for (; column + kWide * kLanes <= end; column += kWide * kLanes) tile<Rows, kWide>(task, row, column, w + (column - begin));
    for (; column < end; column += kGroup * kLanes) tile<Rows, kGroup>(task, row, column, w + (column - begin));
}

} // namespace

void row_product(const RowProductTask& task, std::int64_t first, std::int64_t last) {
    for (std::int64_t panel = first; panel < last; ++panel) {
        std::int64_t row = 0;
        for (; row + 4 <= task.rows; row += 4) columns<4>(task, row, panel);
        switch (task.rows - row) {
        case 3: columns<3>(task, row, panel); break;
        case 2: columns<2>(task, row, panel); break;
        case 1: columns<1>(task, row, panel); break;
        default: break;
        }
    }
}

} // namespace tensorvk::kernels::cpu::TVK_ISA
