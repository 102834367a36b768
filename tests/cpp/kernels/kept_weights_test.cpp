// Convolutions on the host keep their weights in another order. Pictures may change their size without making it anew, and a damaged step is refused.
#include <array>
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/cpu/kernel.hpp"
#include "support/error.hpp"

namespace tensorvk::kernels::cpu {
namespace {

constexpr std::int64_t kChannels = 3, kOutputs = 5;

//! A step of 3 x 3 taps over square pictures, padded by one, channels last, and its buffers.
struct Step {
    Step(const char* kernel, std::int64_t extent, float weight)
        : x(static_cast<std::size_t>(kChannels * extent * extent), 1.0f), w(static_cast<std::size_t>(kOutputs * kChannels * 9), weight),
          y(static_cast<std::size_t>(kOutputs * extent * extent), -1.0f) {
        step.layer = "conv";
        step.kernel = kernel;
        step.spec = {{plan::kSpecGeometry + 2, 1}}; // the weights are constants
        for (std::int32_t i = 0; i < 4; ++i) step.bindings.push_back({i, i == 3});
        params = {kOutputs * extent * extent, kOutputs, 1, extent, extent, kChannels, 1, extent, extent, 1, 1, 3, 3, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 0};
    }
    //! The sum in the middle of the picture, where no tap lies outside.
    float middle(Keep& keep) {
        const std::array<std::span<std::byte>, 4> memory{bytes(x), bytes(w), bytes(w), bytes(y)};
        find(step.kernel)->prepare(Launch(step, params, memory, keep))();
        return y[y.size() / 2];
    }
    static std::span<std::byte> bytes(std::vector<float>& of) { return std::as_writable_bytes(std::span(of)); }

    plan::Step step;
    std::vector<std::int64_t> params;
    std::vector<float> x, w, y;
};

TEST(KeptWeights, AreThoseOfEveryPicture) {
    for (const char* kernel : {"cpu/winograd:f32", "cpu/tiled_convolution:f32"}) {
        SCOPED_TRACE(kernel);
        Keep keep;
        EXPECT_FLOAT_EQ(Step(kernel, 5, 2.0f).middle(keep), 2.0f * kChannels * 9);
        // Other numbers in the same place of the plan: they are not looked at again.
        EXPECT_FLOAT_EQ(Step(kernel, 9, 7.0f).middle(keep), 2.0f * kChannels * 9);
        EXPECT_FLOAT_EQ(Step(kernel, 17, 7.0f).middle(keep), 2.0f * kChannels * 9);
    }
}

TEST(KeptWeights, OfAWinogradStepThatTheKernelDoesNotDoAreRefused) {
    const auto refused = [](std::size_t parameter, std::int64_t value) {
        Step damaged("cpu/winograd:f32", 5, 1.0f);
        damaged.params[parameter] = value;
        Keep keep;
        try {
            damaged.middle(keep);
        } catch (const InvalidPlan&) {
            return true;
        }
        return false;
    };
    constexpr std::size_t kHeightOfWindow = 11, kStride = 14, kDilation = 17, kInLast = 22, kOutLast = 23;
    EXPECT_TRUE(refused(kHeightOfWindow, 5));
    EXPECT_TRUE(refused(kStride, 2));
    EXPECT_TRUE(refused(kDilation, 2));
    EXPECT_TRUE(refused(kInLast, 0));
    EXPECT_TRUE(refused(kOutLast, 0));
    Step changing("cpu/winograd:f32", 5, 1.0f);
    changing.step.spec.clear();
    Keep keep;
    EXPECT_THROW(changing.middle(keep), InvalidPlan) << "weights that are no constants";
}

} // namespace
} // namespace tensorvk::kernels::cpu
