// Reads tensors from .pb files as ONNX's test data has them (one serialized TensorProto per file).
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace segment {

struct Tensor {
    std::string name;
    std::vector<int64_t> dims;
    std::vector<float> values;  // row-major
};

//! The float32 tensor in `path`. Throws std::runtime_error with the file's name when it holds anything else.
[[nodiscard]] Tensor readTensor(const std::filesystem::path& path);

}  // namespace segment
