// conv/winograd<tile>_<tile of the product>: convolutions of 3 x 3 taps at stride 1 on GPUs, by products at points (tactics/winograd.hpp) on matrix units
// (product_coopmat.cpp) or through shared memory (product_shared.cpp).
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "support/dtype.hpp"
#include "support/error.hpp"
#include "tactics/matrix_units.hpp"
#include "tactics/tile_cost.hpp"
#include "tactics/winograd.hpp"

namespace tensorvk::tactics {
namespace {

struct NamedTile {
    const char* name;
    WinogradTile tile;
    const char* not_float; // why not for points of that type, or null
    const char* not_half;
};

// Errors are those of docs/decisions/winograd.md, of the largest result.
constexpr std::array<NamedTile, 3> kTiles{{
    {"winograd2", {2, 2}, nullptr, nullptr},
    {"winograd2x4", {2, 4}, "tiles of 2 x 4 are for float16: in float32 those of 4 x 4 are exact enough", nullptr},
    {"winograd4", {4, 4}, nullptr, "points of float16 lose 2 to 4e-3 of the largest result in tiles of 4 x 4, the tolerance is 2e-3"},
}};
constexpr std::int64_t kHalfChannels = 16; // fewer average too few roundings of tiles of 2 x 4

constexpr std::int64_t kEnoughChannels = 16;
constexpr double kMostOfDirect = 1.2; // times the direct way's estimate that is worth a try: as many are tried as with 1.1 before results took the place of steps, which estimates of direct tiles gain by
constexpr double kInOrder = 1e-6;     // of an estimate: what is put behind another stays in order
// Two more kernels, whose instructions come from memory in a network, as do the weights, which are 1.8 to 4 times as large: measured in U-Nets and ResNets on an H200.
constexpr double kBeside = 3.5;
constexpr std::size_t kOffered = 3;   // product's tiles of each kind of tiles: the direct way keeps places among those that are timed

std::int64_t padded(std::int64_t count, std::int64_t multiple) { return (count + multiple - 1) / multiple * multiple; }

DataType points_type(const ConvolutionProblem& p) { return p.x.dtype == DataType::kHALF || p.y.dtype == DataType::kHALF ? DataType::kHALF : DataType::kFLOAT; }

bool on_matrix_units(const ConvolutionProblem& p, const vulkan::DeviceCaps& caps) { return points_type(p) == DataType::kHALF && refuse_half_matrices(caps).empty(); }

std::string refuse(const ConvolutionProblem& p, const NamedTile& named, const Query& query) {
    if (query.caps.is_cpu) return "shared memory and barriers cost 10x on CPU drivers";
    if (std::string why = refuse_winograd(p, query); !why.empty()) return why;
    const bool half = points_type(p) == DataType::kHALF;
    if (const char* why = half ? named.not_half : named.not_float) return why;
    if (p.half() && !half) return "an operand alone is float16";
    if (half && p.x.dtype != DataType::kHALF) return text("'", p.x.name, "' is ", dtype_name(p.x.dtype), ", its points would be float16");
    const bool narrow = half && named.tile.points() > 16;
    if (narrow && p.in_channels < kHalfChannels) return text("there are ", p.in_channels, " input channels, points of float16 need ", kHalfChannels, " to average what they lose");
    if (!winograd_tiles(p, named.tile, query.exprs)) return "the number of tiles is dynamic";
    return {};
}

//! Tiles or weights that are more than the device binds.
std::string refuse_size(const WinogradWay& way, const vulkan::DeviceCaps& caps) {
    constexpr std::int64_t kMostPadding = 256; // of the weights to whole steps of the product's depth, and to its columns
    if (std::string why = refuse_points(way, caps); !why.empty()) return why;
    const auto weights = static_cast<std::uint64_t>(4 * way.tile.points() * (way.channels + kMostPadding) * (way.columns + kMostPadding));
    const std::uint64_t most = caps.limits.max_storage_range;
    return weights > most ? text("the transformed weights take up to ", weights, " bytes, this device binds ", most) : std::string();
}

double transforms_us(const WinogradWay& way) {
    const auto elements = [](const ProductShape& shape, std::int64_t channels) { return static_cast<double>(shape.least_rows * channels); };
    const double bytes = way.problem.half() ? 2.0 : 4.0;
    const double in = elements(way.direct.shape(), way.problem.in_channels), out = elements(way.direct.shape(), way.problem.out_channels);
    return estimated_transform_us(bytes * in + static_cast<double>(way.bytes(way.channels))) + estimated_transform_us(bytes * out + static_cast<double>(way.bytes(way.columns)));
}

std::vector<Candidate> tiles_of(const WinogradWay& way, const std::string& name, const Query& query) {
    const Product points = way.points();
    const AroundProduct around = [way](Lowering& lowering, const Multiply& multiply) { lower_winograd(way, lowering, multiply); };
    const std::string refusal = refuse_size(way, query.caps);
    std::vector<Candidate> out = on_matrix_units(way.problem, query.caps) ? coopmat_tiles(name + "_coopmat", refusal, points, query.caps, around)
                                                                          : shared_tiles(name + "_shared", refusal, points, query.caps, around);
    for (Candidate& candidate : out) {
        candidate.estimate += transforms_us(way);
        candidate.beside = kBeside;
    }
    return out;
}

std::vector<Candidate> candidates_with(const NamedTile& named, const ConvolutionProblem& p, const Product& direct, const std::string& refusal, const Query& query) {
    const std::string name = std::string("conv/") + named.name;
    const std::string why = refusal.empty() ? refuse(p, named, query) : refusal;
    if (!why.empty()) return {{.name = name, .refusal = why, .portable = false, .lower = {}}};
    const std::int64_t multiple = on_matrix_units(p, query.caps) ? 8 : 4;
    const WinogradWay way{.problem = p,
                          .direct = direct,
                          .tile = named.tile,
                          .tiles = winograd_tiles(p, named.tile, query.exprs).value(),
                          .channels = padded(p.in_channels, multiple),
                          .columns = padded(p.out_channels, multiple),
                          .type = points_type(p)};
    return tiles_of(way, name, query);
}

//! Microseconds of the direct product's best tile, by the same estimate.
double direct_us(const ConvolutionProblem& p, const Query& query) {
    const Product direct(p, query.exprs);
    const bool units = refuse_matrix_units(direct).empty() && refuse_half_matrices(query.caps).empty();
    std::vector<Candidate> tiles = units ? coopmat_tiles("", {}, direct, query.caps, {}) : shared_tiles("", {}, direct, query.caps, {});
    if (units) std::ranges::move(product_halo("", {}, direct, query), std::back_inserter(tiles));
    double best = std::numeric_limits<double>::infinity();
    for (const Candidate& candidate : tiles) {
        if (candidate.applicable() && candidate.estimate > 0.0) best = std::min(best, candidate.estimate);
    }
    return best;
}

//! Why a convolution is not worth a closer look, or empty.
std::string refuse_few(const ConvolutionProblem& p) {
    const std::int64_t fewest = std::min(p.in_channels, p.out_channels);
    return fewest < kEnoughChannels ? text("there are ", fewest, " channels, fewer than ", kEnoughChannels, " do not pay for the transforms") : std::string();
}

//! Refuses those that cannot win, and of those with one kind of tiles all but the best. None is expected to beat the direct way's best tile, since the estimate of transforms
//! is not fitted: where few are timed, that one is among them.
void keep_promising(std::vector<Candidate>& candidates, double direct) {
    std::vector<Candidate*> order;
    for (Candidate& candidate : candidates) {
        if (candidate.applicable()) order.push_back(&candidate);
    }
    std::ranges::stable_sort(order, {}, [](const Candidate* candidate) { return candidate->estimate; });
    for (std::size_t i = 0; i < order.size(); ++i) {
        const double estimate = order[i]->estimate;
        if (estimate > kMostOfDirect * direct) {
            order[i]->refusal = text("estimated at ", std::lround(estimate), " us, the direct way at ", std::lround(direct));
        } else if (i >= kOffered) {
            order[i]->refusal = text("estimated at ", std::lround(estimate), " us, the ", kOffered, " best of these tiles at ", std::lround(order[0]->estimate), " to ",
                                     std::lround(order[kOffered - 1]->estimate));
        }
    }
    for (Candidate* candidate : order) candidate->estimate = std::max(candidate->estimate, direct * (1.0 + kInOrder * candidate->estimate));
}

//! Those with each kind of tiles; all are refused where `refusal` is not empty.
std::vector<std::vector<Candidate>> by_tile(const ConvolutionProblem& problem, const Query& query, const std::string& refusal) {
    if (problem.transposed()) return {};
    const Product product(problem, query.exprs);
    const bool in_place = query.operation.placement.has_value();
    const std::string why = refusal.empty() && in_place ? product.refuse_placement(query) : refusal;
    const Product direct = in_place && why.empty() ? product.placed(query) : product;
    std::vector<std::vector<Candidate>> out;
    for (const NamedTile& named : kTiles) {
        out.push_back(candidates_with(named, problem, direct, why, query));
        for (Candidate& candidate : out.back()) candidate.in_place = in_place;
    }
    return out;
}

} // namespace

std::vector<Candidate> winograd_candidates(const ConvolutionProblem& problem, const Query& query) {
    std::vector<Candidate> out;
    for (std::vector<Candidate>& candidates : by_tile(problem, query, {})) std::ranges::move(candidates, std::back_inserter(out));
    return out;
}

std::vector<Candidate> convolution_winograd_products(const ConvolutionProblem& problem, const Query& query) {
    std::vector<std::vector<Candidate>> all = by_tile(problem, query, refuse_few(problem));
    const auto any = [](const std::vector<Candidate>& candidates) { return std::ranges::any_of(candidates, &Candidate::applicable); };
    const double direct = std::ranges::any_of(all, any) ? direct_us(problem, query) : 0.0;
    std::vector<Candidate> out;
    for (std::vector<Candidate>& candidates : all) {
        keep_promising(candidates, direct);
        std::ranges::move(candidates, std::back_inserter(out));
    }
    return out;
}

} // namespace tensorvk::tactics
