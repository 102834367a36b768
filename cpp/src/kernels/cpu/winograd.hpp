// The transforms of Winograd's convolution of 3 x 3 taps, F(4 x 4, 3 x 3): Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, 2015.
// Along each axis a window of 6 places becomes 6 points, and 6 points of sums become 4 places of the result. The points are 0, +-5/8, +-3/2 and
// infinity: in float32 they lose a third of what 0, +-1, +-2 lose. Compiled once for each instruction set; winograd() is the best of this processor.
#pragma once

#include <cstdint>

namespace tensorvk::kernels::cpu {

struct Winograd {
    static constexpr int kTaps = 3, kWindow = 6, kTile = 4, kPoints = kWindow * kWindow; // along an axis; kPoints: of both

    //! Windows of one tile, channel by channel.
    struct Input {
        const float* const* places = nullptr; // kPoints of them, row by row; channels lie together
        std::int64_t channels = 0;
        float* points = nullptr; // up to a multiple of `lanes` channels of each are written
        std::int64_t point = 0;  // from one point to the next
    };
    struct Output {
        const float* points = nullptr; // readable up to a multiple of `lanes` channels
        std::int64_t point = 0;
        std::int64_t channels = 0;
        const float* bias = nullptr;     // of these channels; null: 0
        float* const* places = nullptr; // kTile * kTile of them; null where nothing is stored
    };
    //! Taps of neighbouring output channels.
    struct Factors {
        const float* taps = nullptr; // kTaps * kTaps rows of as many
        float* points = nullptr;
        std::int64_t point = 0;
        int columns = 0; // a multiple of `lanes`
    };

    std::int64_t lanes = 0;
    void (*input)(const Input& task) = nullptr;
    void (*output)(const Output& task) = nullptr;
    void (*factors)(const Factors& task) = nullptr;
};

[[nodiscard]] const Winograd& winograd() noexcept;

} // namespace tensorvk::kernels::cpu
