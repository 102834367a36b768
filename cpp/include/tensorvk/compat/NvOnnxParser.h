// For programs written for TensorRT's ONNX parser: see NvInfer.h.
#pragma once

#include "NvInfer.h"
#include "tensorvk/onnx_parser.h"

namespace nvonnxparser = tensorvk::onnxparser;
