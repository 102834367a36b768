// Recurrences that take attention's place: their state is carried from call to call.
#pragma once

#include "kernels/host/functions.hpp"

namespace tensorvk::kernels::host {

//! ONNX LinearAttention: output [B, T, Hq * dv] and the state [B, H, dk, dv] after the last token.
void linear_attention(Call& call);
//! ONNX CausalConvWithState: a convolution per channel that looks at the past only; its state is the last k - 1 inputs.
void causal_convolution(Call& call);

} // namespace tensorvk::kernels::host
