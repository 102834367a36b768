// Parts that normalisations of all domains are made of.
#pragma once

#include <cstdint>
#include <limits>

#include "onnx/context.hpp"

namespace tensorvk::onnx {

//! (x - mean) / sqrt(variance + epsilon) over some axes; float32 inside, since squares leave float16's range.
[[nodiscard]] graph::Tensor* normalized(Build& build, graph::Tensor* x, std::uint32_t axes, double epsilon, bool subtract_mean = true);

[[nodiscard]] inline graph::Tensor* as_float(Build& build, graph::Tensor* x) {
    return build.cast(x, DataType::kFLOAT, "float");
}

//! A vector over one axis of a tensor with `rank` dimensions.
[[nodiscard]] graph::Tensor* along(Build& build, graph::Tensor* vector, std::size_t axis, std::size_t rank);
//! Fails for a parameter that is no vector, naming it.
void require_vector(const graph::Tensor* tensor, const char* what);

//! y in the given type is output 0.
void finish(NodeContext& node, graph::Tensor* y, DataType type);

//! Bits of the axes from `first` on.
[[nodiscard]] inline std::uint32_t axes_from(std::size_t first, std::size_t rank) {
    return ((1u << rank) - 1u) & ~((1u << first) - 1u);
}

//! normalized() along the last axes, times scale, plus shift where there is one; in x's type.
struct LayerNorm {
    graph::Tensor* scale = nullptr;
    graph::Tensor* shift = nullptr;
    std::int64_t axis = -1;
    double epsilon = 1e-5;
    bool subtract_mean = true;
};
[[nodiscard]] graph::Tensor* layer_normalized(NodeContext& node, graph::Tensor* x, const LayerNorm& parameters);

inline constexpr std::size_t kNoOutput = std::numeric_limits<std::size_t>::max();
//! Output `mean` is x's mean and output `inverse` is 1 / sqrt(variance + epsilon) over the same axes, kept with extent 1, where they are used.
void output_statistics(NodeContext& node, graph::Tensor* x, const LayerNorm& parameters, std::size_t mean, std::size_t inverse);

} // namespace tensorvk::onnx
