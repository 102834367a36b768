// For programs written for TensorRT's runtime: see NvInfer.h.
#pragma once

#include "tensorvk/runtime.h"

namespace nvinfer1 = tensorvk;
