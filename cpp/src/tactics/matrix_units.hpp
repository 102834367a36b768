// What kernels of cooperative matrices ask of a device.
#pragma once

#include <string>

#include "vulkan/device_plan.hpp"

namespace tensorvk::tactics {

//! Why a device cannot multiply matrices of float16, 16 x 16 x 16 with sums of float32, by subgroups of 32, or empty.
[[nodiscard]] std::string refuse_half_matrices(const vulkan::DeviceCaps& caps);
//! The same with rows of the first factor normalised on their way in.
[[nodiscard]] std::string refuse_normalized_rows(const vulkan::DeviceCaps& caps);
//! The same with their moments read and written, beside what a product binds.
[[nodiscard]] std::string refuse_row_moments(const vulkan::DeviceCaps& caps);
//! The same of int8, 16 x 16 x 32 with sums of int32.
[[nodiscard]] std::string refuse_byte_matrices(const vulkan::DeviceCaps& caps);

} // namespace tensorvk::tactics
