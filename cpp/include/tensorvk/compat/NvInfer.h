// For programs written for TensorRT: put .../tensorvk/compat on the include path and link tensorvk.
#pragma once

#include "tensorvk/tensorvk.h"

namespace nvinfer1 = tensorvk;
