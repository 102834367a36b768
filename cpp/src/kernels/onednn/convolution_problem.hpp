// A convolution as the parameters of convolution/generic and quantized/generic say it, and as oneDNN wants it said.
#pragma once

#include <array>
#include <vector>

#include "kernels/onednn/onednn.hpp"

namespace tensorvk::kernels::cpu {

struct ConvolutionProblem {
    using Triple = std::array<std::int64_t, 3>; // depth, height, width
    using Dims = dnnl::memory::dims;
    using Type = dnnl::memory::data_type;

    std::int64_t batch = 0, in_channels = 0, out_channels = 0, groups = 1;
    Triple x{}, y{}, kernel{}, stride{}, dilation{}, pre{};
    bool x_last = false, y_last = false, transposed = false;
    std::size_t first_axis = 0; // of the triples: 1 where all depths are 1

    [[nodiscard]] std::int64_t positions() const { return y[0] * y[1] * y[2]; }
    [[nodiscard]] std::int64_t x_elements() const;
    [[nodiscard]] std::int64_t y_elements() const;
    [[nodiscard]] std::int64_t weight_elements() const;

    [[nodiscard]] dnnl::memory::desc x_desc(Type type = Type::f32) const;
    [[nodiscard]] dnnl::memory::desc y_desc(Type type = Type::f32) const;
    //! oneDNN's axes: groups (where there are several), output channels, input channels, window. ONNX stores a transposed convolution's input
    //! channels first.
    [[nodiscard]] dnnl::memory::desc weights_desc(Type type = Type::f32) const;
    //! One number for each output channel, or one for all, beside the output.
    [[nodiscard]] dnnl::memory::desc channel_desc(bool single, Type type = Type::f32) const;

    [[nodiscard]] Dims strides() const { return spatial(stride); }
    [[nodiscard]] Dims padding() const { return spatial(pre); }
    //! What is left of the padding behind, given the extents.
    [[nodiscard]] Dims post_padding() const;
    //! oneDNN counts what is left out.
    [[nodiscard]] Dims dilates() const;

private:
    [[nodiscard]] Dims spatial(const Triple& values) const { return {values.begin() + static_cast<std::ptrdiff_t>(first_axis), values.end()}; }
    [[nodiscard]] Dims tensor_dims(std::int64_t channels, const Triple& extents) const;
};

//! Throws InvalidPlan for what no convolution is.
[[nodiscard]] ConvolutionProblem convolution_problem(const Launch& launch, bool transposed);

} // namespace tensorvk::kernels::cpu
