// Casts of constants: the numbers that the cast's layer computes while the network runs.
#pragma once

#include "graph/attributes.hpp"

namespace tensorvk::onnx {

//! Integers keep their low bits as other integers, and are rounded once as floating-point numbers, which lose their fraction as integers.
[[nodiscard]] graph::Weights cast_weights(const graph::Weights& weights, DataType to);

} // namespace tensorvk::onnx
