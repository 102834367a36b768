// Weights of 3 x 3 convolutions in the order that oneDNN's Winograd kernels read. oneDNN's own reorder does it too, one number after the other:
// where a network's first inference is its only one, that takes several times as long as the inference.
#pragma once

#include <oneapi/dnnl/dnnl.hpp>

namespace tensorvk::kernels::cpu {

//! Writes `target` from float32 weights that lie as `given` says (output channels, input channels, 3, 3). False where `target` has another format
//! than those known here: nothing is written then.
[[nodiscard]] bool pack_winograd_weights(const dnnl::memory::desc& given, const float* weights, const dnnl::memory& target);

} // namespace tensorvk::kernels::cpu
