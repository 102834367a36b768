// Weights in files beside the model: only from inside the model's folder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

#include "onnx/onnx.pb.h"

namespace tensorvk::onnx {

struct ExternalData {
    std::shared_ptr<const void> owner;
    std::span<const std::byte> bytes;
};

//! The bytes that `tensor.external_data` names; `expected` is what the tensor's shape and type ask for. Throws
//! InvalidModel when the location is absolute, leads out of the folder (also through links), is a hard link, or when
//! the file is too short. Nothing is read before all that.
[[nodiscard]] ExternalData read_external(const onnx_pb::TensorProto& tensor, const std::filesystem::path& model_file,
                                         std::int64_t expected);

} // namespace tensorvk::onnx
