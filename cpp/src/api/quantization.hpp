// What TensorRT's quantization layers and int4 weights are in a network, whose tensors have no type below a byte.
#pragma once

#include "graph/attributes.hpp"
#include "tensorvk/interfaces.h"
#include "tensorvk/tensor.h"

namespace tensorvk::api {

//! A layer's attributes. As in TensorRT, scales with the numbers' rank that are fewer along one axis belong to blocks along it; setBlockShape
//! says it for blocks that do not divide the axis.
[[nodiscard]] graph::OperatorAttributes quantization(const char* op, DataType type, const ITensor& numbers, const ITensor& scale);

//! What a layer gives: int4 is a range of int8.
void set_quantized_type(AttributeSet& attributes, DataType type);

//! kINT4: two numbers a byte, the first in the low half. They are copied into int8, one a byte.
[[nodiscard]] graph::Weights widened_int4(const Weights& packed);

} // namespace tensorvk::api
