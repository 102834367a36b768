#include "tactics/tile_cost.hpp"

#include <algorithm>
#include <cmath>

#include "tactics/product.hpp"

namespace tensorvk::tactics {
namespace {

constexpr double kProcessors = 132.0;
constexpr double kSharedBytes = 227000.0, kThreads = 2048.0, kGroups = 5.56; // that a processor holds at a time
constexpr double kStart = 4.25;                                              // us, with what timing adds
constexpr double kLatency = 0.582;                                           // us from asking for a step to having it in shared memory
constexpr double kSecondDispatch = 4.22;                                     // us
constexpr double kResultBytes = 1.87e6, kSliceBytes = 5.6e6;                 // a us
constexpr double kMatrixProducts = 4.12e6;                                   // multiplications and additions a us
constexpr double kElement = 1.55e-5;                                         // us to move one to or from shared memory
constexpr double kFloatProduct = 2.6e-6, kFloatElement = 1.49e-5;            // us
constexpr double kManyGroups = 8.0;                                          // of a processor: the last ones are no longer told from the others

double ceil_div(double a, double b) { return std::ceil(a / b); }

} // namespace

double matrix_step_us(const TileWork& tile, std::int64_t warp_rows, std::int64_t warp_columns) {
    const auto rows = static_cast<double>(tile.rows), columns = static_cast<double>(tile.columns), depth = static_cast<double>(tile.depth);
    const double fragments = rows * columns * depth * (1.0 / static_cast<double>(warp_rows) + 1.0 / static_cast<double>(warp_columns));
    return rows * columns * depth / kMatrixProducts + (fragments + (rows + columns) * depth) * kElement;
}

double float_step_us(const TileWork& tile, std::int64_t thread_rows, std::int64_t thread_columns) {
    const double products = static_cast<double>(tile.rows) * static_cast<double>(tile.columns) * static_cast<double>(tile.depth);
    return products * (kFloatProduct + kFloatElement * (1.0 / static_cast<double>(thread_rows) + 1.0 / static_cast<double>(thread_columns)));
}

double estimated_us(const TileWork& tile, double step_us, const ProductShape& shape) {
    if (!shape.rows) return 0.0;
    const auto rows = static_cast<double>(*shape.rows), columns = static_cast<double>(shape.columns), splits = static_cast<double>(tile.splits);
    const auto parts = static_cast<double>(shape.parts), ahead = static_cast<double>(tile.ahead);
    const double tiles = ceil_div(rows, static_cast<double>(tile.rows)) * ceil_div(columns, static_cast<double>(tile.columns)) * parts;
    const double steps = ceil_div(ceil_div(static_cast<double>(shape.depth()), static_cast<double>(tile.depth) * ahead), splits) * ahead;
    const double groups = tiles * splits / kProcessors; // of each processor
    const double at_a_time = std::max(1.0, std::min({std::floor(kSharedBytes / static_cast<double>(tile.shared_bytes)), std::floor(kThreads / static_cast<double>(tile.threads)), kGroups}));
    const double waiting = std::ceil(groups / at_a_time) * steps / ahead * kLatency;
    const double working = (groups < kManyGroups ? std::ceil(groups) : groups) * steps * step_us;
    const double results = rows * columns * parts;
    const double sum = tile.splits > 1 ? kSecondDispatch + splits * results * 8.0 / kSliceBytes : 0.0;
    return kStart + std::max(waiting, working) + results * 2.0 / kResultBytes + sum;
}

} // namespace tensorvk::tactics
