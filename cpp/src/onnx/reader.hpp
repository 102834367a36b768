// Bytes -> ModelProto, with limits and a sentence for what is no model.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "onnx/onnx.pb.h"

namespace tensorvk::onnx {

//! Throws InvalidModel.
[[nodiscard]] std::shared_ptr<const onnx_pb::ModelProto> read_model(std::span<const std::byte> bytes);
//! Throws InvalidModel when the file cannot be read or has 2 GiB or more.
[[nodiscard]] std::vector<std::byte> read_file(const std::filesystem::path& file);

} // namespace tensorvk::onnx
