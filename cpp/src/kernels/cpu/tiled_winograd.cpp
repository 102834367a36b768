// cpu/winograd: convolutions of 3 x 3 taps at stride 1 of float32 by fewer products (winograd.hpp), in tiles of registers (tiles.hpp). The step is that
// of convolution/generic, of tensors whose channels are last.
//
// A block of tiles is transformed, multiplied and transformed back while it lies in the second cache, so the points of a whole picture, five times as
// large as it is, are nowhere.
#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "kernels/cpu/catalogue.hpp"
#include "kernels/cpu/convolution_epilogue.hpp"
#include "kernels/cpu/panels.hpp"
#include "kernels/cpu/winograd.hpp"
#include "kernels/cpu/workers.hpp"

namespace tensorvk::kernels::cpu {

namespace {

constexpr std::int64_t kGrain = 1 << 18;            // products worth a thread
constexpr std::int64_t kNumbersTogether = 3 << 15;  // of a block's points: what stays in the second cache
constexpr std::int64_t kLeastTiles = 24;            // else the weights are read too often
constexpr int kPoints = Winograd::kPoints, kTile = Winograd::kTile, kWindow = Winograd::kWindow, kTaps = Winograd::kTaps * Winograd::kTaps;

//! Panel by panel, point by point: the steps of the depth.
struct Weights {
    explicit Weights(const Panels<Floats>& panels)
        : numbers(static_cast<std::size_t>(kPoints * panels.numbers())), padding(static_cast<std::size_t>(panels.depth), 0.0f) {}
    Numbers<float> numbers;
    std::vector<float> padding; // the channels of a place outside of the picture
};

struct Task {
    explicit Task(const ConvolutionShape& given) : shape(given), panels{given.in_channels, given.out_channels} {}

    ConvolutionShape shape;
    Panels<Floats> panels; // of one point
    const float *x = nullptr, *w = nullptr, *bias = nullptr;
    std::unique_ptr<Epilogue> epilogue;
    std::shared_ptr<Weights> weights;
    std::int64_t down = 0, across = 0, tiles_in_all = 0; // tiles of a picture, and of all pictures
    std::int64_t tiles_together = 1;                     // of a block
    std::int64_t columns = 1, column_blocks = 1;         // of a block: all output channels, or those of some panels

    [[nodiscard]] std::int64_t pictures() const { return shape.batch * shape.in[0]; }
    [[nodiscard]] std::int64_t point_row() const { return round_up(shape.in_channels, winograd().lanes); }
    [[nodiscard]] std::size_t points_bytes() const { return scratch_bytes<float>(kPoints * tiles_together * point_row()); }
    [[nodiscard]] std::size_t products_bytes() const { return scratch_bytes<float>(kPoints * tiles_together * tiles<Floats>().width); }
    [[nodiscard]] std::size_t sums_bytes() const {
        return epilogue->sums_in_place() != nullptr ? 0 : scratch_bytes<float>(tiles_together * kTile * kTile * columns);
    }
    [[nodiscard]] std::size_t block_bytes() const { return points_bytes() + products_bytes() + sums_bytes(); }
};

//! A tile's place.
struct Tile {
    Tile(const Task& task, std::int64_t number)
        : picture(number / (task.down * task.across)), y(number / task.across % task.down * kTile), x(number % task.across * kTile) {}
    std::int64_t picture, y, x; // the first place of the output
};

struct Block {
    std::int64_t first = 0, count = 0;    // tiles
    std::int64_t column = 0, columns = 0; // output channels
};

void pack(const Task& task, Weights& to) {
    const std::int64_t depth = task.panels.depth;
    spread(task.panels.count() * depth, 64, [&](std::int64_t first, std::int64_t last) {
        for (std::int64_t unit = first; unit < last; ++unit) {
            const std::int64_t panel = unit / depth, channel = unit % depth, width = task.panels.width(panel), there = task.panels.columns_of(panel);
            std::array<float, kTaps * kWidestPanel> taps{};
            for (std::int64_t column = 0; column < there; ++column) {
                const float* from = task.w + ((panel * tiles<Floats>().width + column) * depth + channel) * kTaps;
                for (std::int64_t tap = 0; tap < kTaps; ++tap) taps[static_cast<std::size_t>(tap * width + column)] = from[tap];
            }
            float* points = to.numbers.data() + kPoints * task.panels.offset(panel) + channel * width;
            winograd().factors({.taps = taps.data(), .points = points, .point = depth * width, .columns = static_cast<int>(width)});
        }
    });
}

void transform_input(const Task& task, const Block& block, float* points) {
    const ConvolutionShape& s = task.shape;
    std::array<const float*, kPoints> places;
    for (std::int64_t i = 0; i < block.count; ++i) {
        const Tile tile(task, block.first + i);
        const float* picture = task.x + tile.picture * s.in[1] * s.in[2] * s.in_channels;
        for (std::int64_t p = 0; p < kPoints; ++p) {
            const std::int64_t y = tile.y + p / kWindow - s.pre[1], x = tile.x + p % kWindow - s.pre[2];
            const bool inside = y >= 0 && y < s.in[1] && x >= 0 && x < s.in[2];
            places[static_cast<std::size_t>(p)] = inside ? picture + (y * s.in[2] + x) * s.in_channels : task.weights->padding.data();
        }
        winograd().input({.places = places.data(), .channels = s.in_channels, .points = points + i * task.point_row(), .point = task.tiles_together * task.point_row()});
    }
}

//! Where the sums of a place of a block's tile go: into the output, or to memory of the block where the output holds another type.
struct Sums {
    float* data;
    bool in_place;
    [[nodiscard]] float* at(const Task& task, const Block& block, std::int64_t index, const Tile& tile, std::int64_t y, std::int64_t x) const {
        if (!in_place) return data + ((index * kTile + y) * kTile + x) * block.columns;
        return data + ((tile.picture * task.shape.out[1] + tile.y + y) * task.shape.out[2] + tile.x + x) * task.shape.out_channels + block.column;
    }
};

//! The panel's columns are `done` columns from the block's first.
void transform_output(const Task& task, const Block& block, const Sums& sums, std::int64_t panel, std::int64_t done, const float* products) {
    const ConvolutionShape& s = task.shape;
    const std::int64_t width = task.panels.width(panel);
    std::array<float*, kTile * kTile> places;
    for (std::int64_t i = 0; i < block.count; ++i) {
        const Tile tile(task, block.first + i);
        for (std::int64_t p = 0; p < kTile * kTile; ++p) {
            const std::int64_t y = p / kTile, x = p % kTile;
            const bool inside = tile.y + y < s.out[1] && tile.x + x < s.out[2];
            places[static_cast<std::size_t>(p)] = inside ? sums.at(task, block, i, tile, y, x) + done : nullptr;
        }
        winograd().output({.points = products + i * width,
                           .point = task.tiles_together * width,
                           .channels = task.panels.columns_of(panel),
                           .bias = task.bias == nullptr ? nullptr : task.bias + panel * tiles<Floats>().width,
                           .places = places.data()});
    }
}

//! `n` tiles side by side: the pointwise program, and the store where sums are elsewhere.
void finish_tiles(const Task& task, const Block& block, const Sums& sums, std::int64_t index, std::int64_t n) {
    const ConvolutionShape& s = task.shape;
    const Tile tile(task, block.first + index);
    const std::int64_t places = std::min(n * kTile, s.out[2] - tile.x);
    const bool whole = block.columns == s.out_channels;
    for (std::int64_t y = 0; y < std::min<std::int64_t>(kTile, s.out[1] - tile.y); ++y) {
        const std::int64_t at = ((tile.picture * s.out[1] + tile.y + y) * s.out[2] + tile.x) * s.out_channels + block.column;
        if (whole && (sums.in_place || n == 1)) {
            task.epilogue->along_channels(sums.at(task, block, index, tile, y, 0), at, places * s.out_channels, 0);
        } else {
            for (std::int64_t x = 0; x < places; ++x) {
                task.epilogue->along_channels(sums.at(task, block, index, tile, y, x), at + x * s.out_channels, block.columns, block.column);
            }
        }
    }
}

void finish(const Task& task, const Block& block, const Sums& sums) {
    if (sums.in_place && task.epilogue->empty()) return;
    for (std::int64_t i = 0; i < block.count;) {
        const std::int64_t to_the_end = task.across - (block.first + i) % task.across;
        const std::int64_t n = sums.in_place ? std::min(to_the_end, block.count - i) : 1;
        finish_tiles(task, block, sums, i, n);
        i += n;
    }
}

void run_block(const Task& task, std::int64_t unit, std::byte* memory) {
    const std::int64_t width = tiles<Floats>().width, row = task.point_row();
    Block block{.first = unit / task.column_blocks * task.tiles_together, .column = unit % task.column_blocks * task.columns};
    block.count = std::min(task.tiles_together, task.tiles_in_all - block.first);
    block.columns = std::min(task.columns, task.shape.out_channels - block.column);
    auto* points = reinterpret_cast<float*>(memory);
    auto* products = reinterpret_cast<float*>(memory + task.points_bytes());
    float* in_place = task.epilogue->sums_in_place();
    const Sums sums{in_place != nullptr ? in_place : reinterpret_cast<float*>(memory + task.points_bytes() + task.products_bytes()), in_place != nullptr};
    transform_input(task, block, points);
    for (std::int64_t done = 0; done < block.columns; done += width) {
        const std::int64_t panel = (block.column + done) / width, wide = task.panels.width(panel), depth = task.panels.depth;
        const float* factors = task.weights->numbers.data() + kPoints * task.panels.offset(panel);
        for (std::int64_t p = 0; p < kPoints; ++p) {
            tiles<Floats>().multiply({.a = points + p * task.tiles_together * row,
                                      .a_stride = row,
                                      .depth = depth,
                                      .b = factors + p * depth * wide,
                                      .b_stride = wide,
                                      .c = products + p * task.tiles_together * wide,
                                      .c_stride = wide,
                                      .rows = block.count,
                                      .columns = wide});
        }
        transform_output(task, block, sums, panel, done, products);
    }
    finish(task, block, sums);
}

//! Blocks: as many for each thread, and a block's points in the second cache.
void cut(Task& task) {
    const std::int64_t threads = pieces_of(INT32_MAX, 1);
    const std::int64_t most = std::max(kNumbersTogether / (kPoints * (task.point_row() + tiles<Floats>().width)), kLeastTiles);
    std::int64_t blocks = std::max<std::int64_t>((task.tiles_in_all + most - 1) / most, 1);
    if (blocks > threads) blocks = round_up(blocks, threads);
    task.tiles_together = std::max<std::int64_t>((task.tiles_in_all + blocks - 1) / blocks, 1);
    const std::int64_t cuts = std::clamp<std::int64_t>((threads + blocks - 1) / blocks, 1, task.panels.count());
    task.columns = std::min(task.shape.out_channels, (task.panels.count() + cuts - 1) / cuts * tiles<Floats>().width);
    task.column_blocks = (task.shape.out_channels + task.columns - 1) / task.columns;
}

void check(const Launch& launch, const ConvolutionShape& s) {
    constexpr Triple kWindowOfTaps{1, 3, 3}, kOnes{1, 1, 1};
    const bool same_depth = s.in[0] == s.out[0] && s.pre[0] == 0, constant_weights = launch.geometry(2) != 0;
    if (constant_weights && s.kernel == kWindowOfTaps && s.stride == kOnes && s.dilation == kOnes && s.groups == 1 && s.in_last && s.out_last && same_depth) return;
    throw InvalidPlan(text("Layer '", launch.layer(), "' of the plan is a convolution that Winograd's kernel does not do: rebuild the plan."));
}

} // namespace

Run prepare_winograd(const Launch& launch) {
    if (launch.param(0) == 0) return [] {};
    auto task = std::make_shared<Task>(ConvolutionShape(launch, false));
    const ConvolutionShape& s = task->shape;
    check(launch, s);
    task->x = launch.buffer<const float>(0, s.in_elements());
    task->w = launch.buffer<const float>(1, s.weight_elements());
    if (launch.param(24) != 0) task->bias = launch.buffer<const float>(2, s.out_channels);
    task->epilogue = std::make_unique<Epilogue>(convolution_epilogue(launch, s, stored_type(launch), 0));
    task->down = (s.out[1] + kTile - 1) / kTile;
    task->across = (s.out[2] + kTile - 1) / kTile;
    task->tiles_in_all = checked_mul(task->pictures(), task->down * task->across);
    task->weights = launch.keep().get<Weights>(text("winograd:", s.in_channels, ":", s.out_channels), [&] { // whatever the picture
        auto made = std::make_unique<Weights>(task->panels);
        pack(*task, *made);
        return made.release();
    });
    cut(*task);
    const std::int64_t units = (task->tiles_in_all + task->tiles_together - 1) / task->tiles_together * task->column_blocks;
    const std::int64_t work = task->tiles_together * task->columns * std::min(s.in_channels, kGrain) * kPoints;
    const std::int64_t grain = std::max<std::int64_t>(kGrain / std::max<std::int64_t>(work, 1), 1);
    const std::size_t bytes = task->block_bytes();
    return [=] {
        const Scratch memory(bytes * static_cast<std::size_t>(pieces_of(units, grain)));
        spread(units, grain, [&](std::int64_t first, std::int64_t last, int piece) {
            for (std::int64_t unit = first; unit < last; ++unit) run_block(*task, unit, memory.data() + bytes * static_cast<std::size_t>(piece));
        });
    };
}

} // namespace tensorvk::kernels::cpu
