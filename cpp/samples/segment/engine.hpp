// The engine: built from an ONNX file, or read from a file that an earlier run left.
#pragma once

#include <filesystem>
#include <memory>

#include "tensorvk/builder.h"
#include "tensorvk/runtime.h"

namespace segment {

struct EngineOptions {
    std::filesystem::path model;   // ONNX file with one input [batch, channels, height, width] and one output
    std::filesystem::path engine;  // read when it exists, written when not
    bool fp16 = false;
    int64_t maxBatch = 4;
};

//! Throws std::runtime_error when the model cannot be read or the engine not be built; `logger` has the details.
[[nodiscard]] std::unique_ptr<tensorvk::ICudaEngine> loadOrBuild(const EngineOptions& options,
                                                                 tensorvk::ILogger& logger);

}  // namespace segment
