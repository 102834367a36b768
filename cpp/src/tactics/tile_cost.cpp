#include "tactics/tile_cost.hpp"

#include <algorithm>
#include <cmath>

#include "tactics/product.hpp"

namespace tensorvk::tactics {
namespace {

constexpr double kProcessors = 132.0;
constexpr double kSharedBytes = 227000.0, kThreads = 554.0;       // that a processor holds at a time; registers limit the threads
constexpr double kStart = 3.87;                                   // us, with what timing adds
constexpr double kLatency = 0.385, kFloatLatency = 0.582;         // us from asking for a step to having it
constexpr double kThreadElement = 6.9e-3, kSubgroupProduct = 5.9e-7; // us that a thread takes for an element of the step, a subgroup for a product: one after the other
constexpr double kSecondDispatch = 4.0;                           // us
constexpr double kResultBytes = 1.66e6, kSliceBytes = 5.2e6;      // a us
constexpr double kElement = 1.46e-5;                              // us of a processor to move one to or from shared memory
constexpr double kSharing = 0.7;                                  // us for each further subgroup that has a part of the tile: sums are added through shared memory
// Where windows overlap, neighbouring fragments come from the same places; pixels are gathered one by one, by subgroups that wait for addresses and processors that wait for memory.
constexpr double kHaloFragment = 6e-6, kHaloPixel = 2e-4;         // us of an element, and of a half
constexpr double kFloatProduct = 2.6e-6, kFloatElement = 1.49e-5; // us
constexpr double kManyGroups = 8.0;                               // of a processor: the last ones are no longer told from the others
constexpr double kTransformBytes = 2.4e6, kTransformStart = 3.0;   // a us; us

double ceil_div(double a, double b) { return std::ceil(a / b); }

double halves(std::int64_t bytes) { return static_cast<double>(bytes) / 2.0; }

//! Until a subgroup has its part of `loaded` bytes, and has multiplied `factors` bytes.
double units_wait(const TileWork& tile, std::int64_t loaded, std::int64_t factors) {
    const double own = kThreadElement * halves(loaded) / static_cast<double>(tile.threads) + kSubgroupProduct * halves(factors);
    return kLatency / static_cast<double>(tile.ahead) + own;
}

} // namespace

StepTime matrix_step(const TileWork& tile, std::int64_t warp_rows, std::int64_t warp_columns, std::int64_t bytes) {
    const std::int64_t loaded = bytes * (tile.rows + tile.columns) * tile.depth;
    const std::int64_t fragments = bytes * (tile.rows * tile.columns / warp_rows + tile.rows * tile.columns / warp_columns) * tile.depth;
    return {units_wait(tile, loaded, bytes * warp_rows * warp_columns * tile.depth / tile.sharing), halves(fragments + loaded) * kElement};
}

StepTime halo_step(const TileWork& tile, const HaloMoves& moves) {
    const std::int64_t loaded = moves.pixels + moves.weights;
    const double gathering = kHaloPixel * halves(moves.pixels);
    return {units_wait(tile, loaded, moves.factors) + gathering, kHaloFragment * static_cast<double>(moves.fragments) + halves(loaded) * kElement + gathering};
}

StepTime float_step(const TileWork& tile, std::int64_t thread_rows, std::int64_t thread_columns) {
    const double products = static_cast<double>(tile.rows) * static_cast<double>(tile.columns) * static_cast<double>(tile.depth);
    const double loads = 1.0 / static_cast<double>(thread_rows) + 1.0 / static_cast<double>(thread_columns);
    return {kFloatLatency / static_cast<double>(tile.ahead), products * (kFloatProduct + kFloatElement * loads)};
}

double estimated_us(const TileWork& tile, const StepTime& step, const ProductShape& shape) {
    if (!shape.rows) return 0.0;
    const auto rows = static_cast<double>(*shape.rows), columns = static_cast<double>(shape.columns), splits = static_cast<double>(tile.splits);
    const auto parts = static_cast<double>(shape.parts), ahead = static_cast<double>(tile.ahead);
    const double tiles = ceil_div(rows, static_cast<double>(tile.rows)) * ceil_div(columns, static_cast<double>(tile.columns)) * parts;
    const double steps = ceil_div(ceil_div(static_cast<double>(shape.depth()), static_cast<double>(tile.depth) * ahead), splits) * ahead;
    const double groups = tiles * splits / kProcessors; // of each processor
    const double at_a_time = std::max(1.0, std::min(std::floor(kSharedBytes / static_cast<double>(tile.shared_bytes)), std::floor(kThreads / static_cast<double>(tile.threads))));
    const double waiting = std::ceil(groups / at_a_time) * steps * step.waiting;
    const double working = (groups < kManyGroups ? std::ceil(groups) : groups) * steps * step.working;
    const double results = rows * columns * parts;
    const double sum = tile.splits > 1 ? kSecondDispatch + splits * results * 8.0 / kSliceBytes : 0.0;
    return kStart + kSharing * static_cast<double>(tile.sharing - 1) + std::max(waiting, working) + results * 2.0 / kResultBytes + sum;
}

double estimated_transform_us(double bytes) { return kTransformStart + bytes / kTransformBytes; }

} // namespace tensorvk::tactics
