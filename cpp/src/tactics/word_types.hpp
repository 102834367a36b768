// Element types as kernels over 32-bit words know them (shaders/common/words.glsl).
#pragma once

#include <cstdint>
#include <string>

#include "tactics/operation.hpp"
#include "vulkan/device_plan.hpp"

namespace tensorvk::tactics {

//! TYPE_F32 .. TYPE_BOOL; throws InternalError for a type without such a number.
[[nodiscard]] std::int32_t word_type(DataType type);
//! 1, 2 or 4; 1 also for int64, which takes two words.
[[nodiscard]] std::int64_t elements_per_word(DataType type);
//! The program without slots at its end that only bound what storing this type bounds anyway.
[[nodiscard]] kernels::PointwiseProgram stored_program(kernels::PointwiseProgram program, DataType type);
//! Why kernels over words cannot read or write this value, or empty.
[[nodiscard]] std::string refuse_word_type(const Value& value);
//! Why a device cannot store elements of so many bytes, or empty.
[[nodiscard]] std::string refuse_storage(std::int64_t bytes, const vulkan::DeviceCaps& caps);
//! Why it need not put them into words (shaders/common/unit.glsl), or empty.
[[nodiscard]] std::string refuse_packing(std::int64_t bytes, const vulkan::DeviceCaps& caps);

} // namespace tensorvk::tactics
