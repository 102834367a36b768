// Weights and biases in the form that kernels read, made once per engine by init steps (shaders/convolution/pack.comp).
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "kernels/blocks.hpp"
#include "kernels/pointwise_program.hpp"
#include "tactics/family.hpp"

namespace tensorvk::tactics {

//! How a picture of few channels has been widened, so that its channels come in eights (picture.cpp). What the weights lack is zero.
struct Widened {
    std::int64_t channels = 0;     // of the source; 0: it is not widened
    std::int64_t pixels = 1;       // neighbours along a line whose channels lie together
    std::int64_t kernel_width = 1; // of the source
    std::int64_t shift = 0;        // the first pixels of the first tap that the source's window does not cover
    std::int64_t units = 1;        // of the wide picture that its window covers along a line
};

//! Parts that are phases of a transposed convolution (shaders/convolution/phases.glsl): each group has as many as outputs lie between two inputs.
struct Phases {
    using Triple = std::array<std::int64_t, 3>; // depth, height, width
    Triple kernel{1, 1, 1}, stride{0, 0, 0}, pre{0, 0, 0};
    //! 0: it is no transposed convolution.
    [[nodiscard]] std::int64_t count() const { return stride[0] * stride[1] * stride[2]; }
    //! Of the phase that has most.
    [[nodiscard]] std::int64_t taps() const;
};

//! Taps of a window of 3 x 3 as points of Winograd's convolution, of tiles of lines x columns outputs (shaders/convolution/winograd.glsl): the parts.
struct PointsOfTaps {
    std::int64_t lines = 0, columns = 0;                // 0: taps stay taps
    std::int64_t source_channels = 0, source_columns = 0; // the packing's own are padded
    [[nodiscard]] std::int64_t count() const { return (lines + 2) * (columns + 2); }
};

//! Weights as [part][panel][depth][columns of a panel]; the other two directions of the shader's source index.
struct Packing {
    std::int64_t parts = 1, columns = 1, channels = 1, taps = 1;
    bool transposed = false; // source is [in, out / groups, kernel...]
    Phases phases{};
    std::int64_t column_multiple = 4, depth_multiple = 1;
    std::int64_t panel = 0; // columns that lie together for all of the depth, a divisor of column_multiple; 0: all
    bool half = false;
    bool by_columns = false; // of pack_words(): the depth of a column lies together
    Widened widened{};
    PointsOfTaps points{};
    DataType source = DataType::kFLOAT; // int8 and uint8 become floats, less `zero`
    std::int32_t zero = 0;
    std::optional<kernels::BlockFormat> blocks{}; // that the source lies in

    [[nodiscard]] std::int64_t depth() const { return channels * (phases.count() > 0 ? phases.taps() : taps); }
    [[nodiscard]] std::int64_t padded_columns() const {
        return (columns + column_multiple - 1) / column_multiple * column_multiple;
    }
    [[nodiscard]] std::int64_t padded_depth() const {
        return (depth() + depth_multiple - 1) / depth_multiple * depth_multiple;
    }
};

//! Bit of G(0) in shaders/common/epilogue.glsl: the second factor, here packed weights, is of halves.
inline constexpr std::int32_t kFactorHalf = 4;
//! Whether weights beside that input are packed as halves, for kernels of floats that load either: CPU drivers convert each on its own.
[[nodiscard]] inline bool packs_halves(const Value& x, const Lowering& lowering) { return x.dtype == DataType::kHALF && !lowering.caps().is_cpu; }

//! The packed weights. A source that is no constant is packed in every run, into scratch memory.
[[nodiscard]] std::int32_t pack_weights(Lowering& lowering, const std::string& layer, std::int32_t weights,
                                        const Packing& packing);

//! What the step that `make` returns for its target buffer writes, `bytes` long: once per engine and `key`, or, of a source that is no
//! constant, in every run.
[[nodiscard]] std::int32_t pack_with(Lowering& lowering, std::int32_t source, const std::string& key, std::int64_t bytes,
                                     const std::function<plan::Step(std::int32_t)>& make);

//! Weights of 8 bits in words of four along the depth, for integer dot products and matrix units (shaders/quantized/pack.comp).
[[nodiscard]] std::int32_t pack_words(Lowering& lowering, const std::string& layer, std::int32_t weights, const Packing& packing);

//! The bias as floats with room to read four from any channel on; zeros when `bias` is -1.
[[nodiscard]] std::int32_t pack_bias(Lowering& lowering, const std::string& layer, std::int32_t bias,
                                     std::int64_t channels);

//! The table of a quantized product (shaders/quantized/parameters.comp): its program's immediates, the int32 bias or zeros, and room to read four
//! from any channel on.
[[nodiscard]] std::int32_t pack_parameters(Lowering& lowering, const std::string& layer,
                                           const kernels::PointwiseProgram& program, std::int32_t bias,
                                           std::int64_t channels);

} // namespace tensorvk::tactics
