// The whole C++ API. runtime.h alone serves programs that link the lean library.
#pragma once

#include "tensorvk/builder.h"
#include "tensorvk/network.h"
#include "tensorvk/onnx_parser.h"
#include "tensorvk/runtime.h"
