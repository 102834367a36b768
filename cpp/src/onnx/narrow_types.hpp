// Constants of types that only quantized weights have: 4-bit integers, two to a byte, and 8-bit floats. They are read as the next type that
// the network computes with, which holds the same numbers.
#pragma once

#include <filesystem>
#include <optional>

#include "onnx/weights.hpp"

namespace tensorvk::onnx {

//! Nothing for tensors of other types.
[[nodiscard]] std::optional<ConstantData> read_narrow_tensor(const onnx_pb::TensorProto& tensor, const std::filesystem::path& model_file);

} // namespace tensorvk::onnx
