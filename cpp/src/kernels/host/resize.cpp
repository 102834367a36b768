#include "kernels/host/resize.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/host/index.hpp"

namespace tensorvk::kernels::host {

namespace {

struct Tap {
    std::int64_t at = 0;
    double weight = 1.0;
};
using Taps = std::vector<Tap>;

// In float, as networks are trained and as other runtimes compute it: nearest is sensitive to the last bit.
float source_position(std::int64_t o, std::int64_t in, std::int64_t out, float given_scale, const ResizeRules& rules) {
    const float scale = given_scale > 0.0f ? given_scale : static_cast<float>(out) / static_cast<float>(in);
    const auto place = static_cast<float>(o);
    if (rules.selector == ResizeSelector::kUPPER && out == 1) {
        return 0.0f;
    }
    switch (rules.coordinates) {
    case ResizeCoordinateTransformation::kALIGN_CORNERS:
        return out == 1 ? 0.0f : place * static_cast<float>(in - 1) / static_cast<float>(out - 1);
    case ResizeCoordinateTransformation::kASYMMETRIC: return place / scale;
    case ResizeCoordinateTransformation::kHALF_PIXEL: break;
    }
    return (place + 0.5f) / scale - 0.5f;
}

float rounded(float p, ResizeRoundMode mode) {
    switch (mode) {
    case ResizeRoundMode::kHALF_UP: return std::floor(p + 0.5f);
    case ResizeRoundMode::kHALF_DOWN: return std::ceil(p - 0.5f);
    case ResizeRoundMode::kFLOOR: return std::floor(p);
    case ResizeRoundMode::kCEIL: break;
    }
    return std::ceil(p);
}

double cubic_weight(double distance, double a) {
    const double d = std::abs(distance);
    return d <= 1.0 ? ((a + 2.0) * d - (a + 3.0)) * d * d + 1.0 : ((a * d - 5.0 * a) * d + 8.0 * a) * d - 4.0 * a;
}

Taps cubic_taps(float p, std::int64_t in, const ResizeRules& rules) {
    const auto low = static_cast<std::int64_t>(std::floor(p));
    Taps taps;
    double sum = 0.0;
    for (std::int64_t at = low - 1; at <= low + 2; ++at) {
        const double weight = cubic_weight(static_cast<double>(p) - static_cast<double>(at), static_cast<double>(rules.cubic_coeff));
        const bool counts = !rules.exclude_outside || (at >= 0 && at < in);
        taps.push_back({std::clamp<std::int64_t>(at, 0, in - 1), counts ? weight : 0.0});
        sum += taps.back().weight;
    }
    for (Tap& tap : taps) {
        tap.weight /= rules.exclude_outside ? sum : 1.0;
    }
    return taps;
}

Taps taps_of(std::int64_t o, std::int64_t in, std::int64_t out, float scale, const ResizeRules& rules) {
    const float p = source_position(o, in, out, scale, rules);
    if (rules.mode == InterpolationMode::kNEAREST) {
        return {{std::clamp<std::int64_t>(static_cast<std::int64_t>(rounded(p, rules.rounding)), 0, in - 1), 1.0}};
    }
    if (rules.mode == InterpolationMode::kCUBIC) {
        return cubic_taps(p, in, rules);
    }
    const float inside = std::clamp(p, 0.0f, static_cast<float>(in - 1));
    const auto low = static_cast<std::int64_t>(inside);
    const double part = static_cast<double>(inside) - static_cast<double>(low);
    return {{low, 1.0 - part}, {std::min(low + 1, in - 1), part}};
}

} // namespace

Tensor resize(const Tensor& x, const std::vector<std::int64_t>& dims, const ResizeRules& rules) {
    Tensor y(x.dtype, dims);
    const std::vector<std::int64_t> strides = row_major_strides(x.dims);
    std::vector<std::vector<Taps>> axis_taps(dims.size()); // per axis and output place
    for (std::size_t a = 0; a < dims.size(); ++a) {
        const float scale = rules.scales.empty() ? 0.0f : rules.scales[a];
        const bool changes = dims[a] != x.dims[a] || (scale > 0.0f && scale != 1.0f);
        for (std::int64_t o = 0; o < dims[a]; ++o) {
            axis_taps[a].push_back(changes ? taps_of(o, x.dims[a], dims[a], scale, rules) : Taps{{o, 1.0}});
        }
    }
    std::int64_t at = 0;
    for (Odometer o(dims); o.valid(); o.next(), ++at) {
        std::vector<std::int64_t> counts;
        for (std::size_t a = 0; a < dims.size(); ++a) {
            counts.push_back(static_cast<std::int64_t>(axis_taps[a][static_cast<std::size_t>(o.index()[a])].size()));
        }
        double value = 0.0;
        for (Odometer t(counts); t.valid(); t.next()) {
            double weight = 1.0;
            std::int64_t from = 0;
            for (std::size_t a = 0; a < dims.size(); ++a) {
                const Tap& tap = axis_taps[a][static_cast<std::size_t>(o.index()[a])][static_cast<std::size_t>(t.index()[a])];
                weight *= tap.weight;
                from += tap.at * strides[a];
            }
            value += weight * x.get(from);
        }
        y.set(at, value);
    }
    return y;
}

} // namespace tensorvk::kernels::host
