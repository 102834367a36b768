// cpu/widen_blocks: a second factor of few bits (kernels/blocks.hpp) as floats, in rows along the depth or along the columns.
#include <algorithm>
#include <array>

#include "kernels/blocks.hpp"
#include "kernels/cpu/catalogue.hpp"
#include "kernels/cpu/workers.hpp"
#include "support/checked.hpp"
#include "support/error.hpp"

namespace tensorvk::kernels::cpu {

namespace {

constexpr std::int64_t kTogether = 64; // columns whose scales and zero points are at hand

struct Task {
    BlockFormat format;
    bool by_columns = false; // the depth of a column lies together
    std::span<const std::uint32_t> words;
    float* out = nullptr;

    //! kStep neighbours along the depth, which share scales, of all columns.
    template <int kBits>
    void widen(std::int64_t step) const {
        std::array<float, kTogether> scales{}, zeros{};
        const std::int64_t k = step * BlockFormat::kStep, block = k / format.block_depth(), rows = std::min(BlockFormat::kStep, format.depth - k);
        const std::uint32_t* unit = words.data() + 4 * (k / format.unit() * format.stride()) + k % format.unit() * kBits / 32;
        const std::int64_t row_stride = by_columns ? 1 : format.columns, column_stride = by_columns ? format.depth : 1;
        for (std::int64_t first = 0; first < format.columns; first += kTogether) {
            const auto count = static_cast<std::size_t>(std::min(kTogether, format.columns - first));
            for (std::size_t i = 0; i < count; ++i) {
                scales[i] = format.scale_at(words, block, first + static_cast<std::int64_t>(i));
                zeros[i] = static_cast<float>(format.zero_at(words, block, first + static_cast<std::int64_t>(i)));
            }
            for (std::int64_t row = 0; row < rows; ++row) {
                const std::uint32_t* from = unit + 4 * first + row * kBits / 32;
                float* to = out + (k + row) * row_stride + first * column_stride;
                const auto shift = static_cast<unsigned>(row * kBits % 32);
                for (std::size_t i = 0; i < count; ++i) {
                    const auto code = static_cast<std::int32_t>(from[4 * i] >> shift & ((1U << kBits) - 1U));
                    to[static_cast<std::int64_t>(i) * column_stride] = (static_cast<float>(code) - zeros[i]) * scales[i];
                }
            }
        }
    }
};

bool is_possible(const BlockFormat& f) {
    const bool known = f.bits == 4 || f.bits == 8;
    return known && f.depth > 0 && f.columns > 0 && f.block >= 0 && f.block % BlockFormat::kStep == 0 && f.zero >= -1 && f.zero < 1 << f.bits;
}

} // namespace

Run prepare_widen_blocks(const Launch& launch) {
    Task task;
    task.format = {.depth = launch.param(0),
                   .columns = launch.param(1),
                   .block = launch.geometry(11),
                   .bits = launch.geometry(10),
                   .zero = launch.geometry(12),
                   .half_scales = launch.geometry(13) != 0};
    const BlockFormat& format = task.format;
    if (!is_possible(format)) throw InvalidPlan(text("Layer '", launch.layer(), "' of the plan has weights in impossible blocks: rebuild the plan."));
    task.by_columns = launch.geometry(2) != 0;
    const std::int64_t count = checked_mul(format.depth, format.columns);
    (void)checked_mul(count, 64); // what is added up below is far smaller
    task.words = {launch.buffer<const std::uint32_t>(0, format.words()), static_cast<std::size_t>(format.words())};
    task.out = launch.buffer<float>(1, count);
    return [task] {
        spread((task.format.depth + BlockFormat::kStep - 1) / BlockFormat::kStep, 1, [&](std::int64_t first, std::int64_t last) {
            for (; first < last; ++first) task.format.bits == 4 ? task.widen<4>(first) : task.widen<8>(first);
        });
    };
}

} // namespace tensorvk::kernels::cpu
