// A transposed convolution of stride s as a convolution: every s-th output along an axis sees the same taps, so the s * s (* s) phases are
// output channels of one convolution at stride 1, whose result is spread out. Shi et al., "Is the deconvolution layer the same as a
// convolutional layer?", 2016. oneDNN has no quick kernels for the transposed form.
#pragma once

#include <optional>
#include <vector>

#include "kernels/onednn/convolution_problem.hpp"

namespace tensorvk::kernels::cpu {

struct Phases {
    ConvolutionProblem forward; // its output channels: phase (depth, height, width), then the channel
    std::int64_t count = 1;     // of phases

    //! What the convolution gives (its channels last), and the output, both by batch, position, phase of each axis and channel.
    [[nodiscard]] dnnl::memory::desc result_view(const ConvolutionProblem& transposed, ConvolutionProblem::Type type) const;
    [[nodiscard]] dnnl::memory::desc output_view(const ConvolutionProblem& transposed, ConvolutionProblem::Type type) const;
    //! Weights [forward.out_channels, in_channels / groups, taps] of the transposed ones.
    [[nodiscard]] std::vector<float> weights(const ConvolutionProblem& transposed, const float* given) const;
};

//! Nothing where the output is no whole number of strides, or windows are dilated, or several groups have a stride.
[[nodiscard]] std::optional<Phases> phases_of(const ConvolutionProblem& transposed);

} // namespace tensorvk::kernels::cpu
