// The three transforms of Winograd's convolution together, for every instruction set that this processor has: windows of random numbers against sums of
// products in float64, over odd numbers of channels.
#include "kernels/cpu/winograd.hpp"

#include <cmath>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/cpu/isa.hpp"

namespace tensorvk::kernels::cpu {

namespace isa_avx512 {
extern const Winograd kWinograd;
}
namespace isa_avx2 {
extern const Winograd kWinograd;
}
namespace isa_any {
extern const Winograd kWinograd;
}

namespace {

constexpr int kTaps = Winograd::kTaps, kWindow = Winograd::kWindow, kTile = Winograd::kTile, kPoints = Winograd::kPoints;

std::vector<const Winograd*> of_this_processor() {
    std::vector<const Winograd*> all{&isa_any::kWinograd};
    if (best_isa() >= Isa::kAVX2) all.push_back(&isa_avx2::kWinograd);
    if (best_isa() >= Isa::kAVX512) all.push_back(&isa_avx512::kWinograd);
    return all;
}

std::vector<float> random_numbers(std::int64_t count, unsigned seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    std::vector<float> out(static_cast<std::size_t>(count));
    for (float& number : out) number = normal(random);
    return out;
}

//! Channels of windows, taps and results lie together; each channel has taps of its own.
struct Problem {
    explicit Problem(std::int64_t c)
        : channels(c), windows(random_numbers(kPoints * c, 1)), taps(random_numbers(kTaps * kTaps * c, 2)), bias(random_numbers(c, 3)) {}
    std::int64_t channels;
    std::vector<float> windows, taps, bias;

    [[nodiscard]] double sum(std::int64_t y, std::int64_t x, std::int64_t channel) const {
        double out = static_cast<double>(bias[static_cast<std::size_t>(channel)]);
        for (std::int64_t v = 0; v < kTaps; ++v) {
            for (std::int64_t u = 0; u < kTaps; ++u) {
                out += static_cast<double>(windows[static_cast<std::size_t>(((y + v) * kWindow + x + u) * channels + channel)]) *
                       static_cast<double>(taps[static_cast<std::size_t>((v * kTaps + u) * channels + channel)]);
            }
        }
        return out;
    }
};

TEST(Winograd, TransformsMakeTheSumsOfAConvolution) {
    for (const Winograd* winograd : of_this_processor()) {
        for (const std::int64_t channels : {1, 3, 4, 16, 17, 33}) {
            const Problem problem(channels);
            const std::int64_t padded = (channels + winograd->lanes - 1) / winograd->lanes * winograd->lanes;
            std::vector<float> points(static_cast<std::size_t>(kPoints * padded)), factors(points.size()), taps(static_cast<std::size_t>(kTaps * kTaps * padded));
            for (std::size_t tap = 0; tap < kTaps * kTaps; ++tap) {
                std::copy_n(problem.taps.data() + static_cast<std::int64_t>(tap) * channels, channels, taps.data() + static_cast<std::int64_t>(tap) * padded);
            }
            winograd->factors({.taps = taps.data(), .points = factors.data(), .point = padded, .columns = static_cast<int>(padded)});
            std::vector<const float*> from;
            for (std::int64_t p = 0; p < kPoints; ++p) from.push_back(problem.windows.data() + p * channels);
            winograd->input({.places = from.data(), .channels = channels, .points = points.data(), .point = padded});
            for (std::size_t i = 0; i < points.size(); ++i) points[i] *= factors[i];
            constexpr float kUntouched = -77.0f;
            std::vector<float> sums(static_cast<std::size_t>(kTile * kTile * channels + 1), kUntouched);
            std::vector<float*> to;
            for (std::int64_t p = 0; p < kTile * kTile; ++p) to.push_back(p == 5 ? nullptr : sums.data() + p * channels);
            winograd->output({.points = points.data(), .point = padded, .channels = channels, .bias = problem.bias.data(), .places = to.data()});
            EXPECT_EQ(sums.back(), kUntouched) << "nothing is written behind the last channel";
            for (std::int64_t p = 0; p < kTile * kTile; ++p) {
                for (std::int64_t c = 0; c < channels; ++c) {
                    const auto sum = static_cast<double>(sums[static_cast<std::size_t>(p * channels + c)]);
                    // 9 terms of about 1; the transforms' factors reach 5 and add up 36 of them: a few dozen roundings of 6e-8.
                    ASSERT_NEAR(sum, p == 5 ? static_cast<double>(kUntouched) : problem.sum(p / kTile, p % kTile, c), 2e-5) << winograd->lanes << " lanes, place " << p << ", channel " << c;
                }
            }
        }
    }
}

} // namespace
} // namespace tensorvk::kernels::cpu
