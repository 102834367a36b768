// The element types and zero points of products of 8-bit integers: constant 0 of shaders/quantized/epilogue.glsl.
#pragma once

#include "kernels/cpu/panels.hpp"
#include "kernels/cpu/kernel.hpp"
#include "support/error.hpp"

namespace tensorvk::kernels::cpu {

struct ByteTypes {
    Word y = Word::kF32;
    Bytes x, weights;
    std::uint32_t operands = 0; // 4 bits each
};

//! Parameters `zeros` and `zeros` + 1 are the zero points.
[[nodiscard]] inline ByteTypes byte_types(const Launch& launch, std::size_t zeros) {
    const auto types = static_cast<std::uint32_t>(launch.geometry(0));
    const std::uint32_t y = types & 15;
    const auto x = static_cast<Word>(types >> 4 & 15), weights = static_cast<Word>(types >> 8 & 15);
    const auto is_zero = [](std::int64_t zero) { return zero >= -128 && zero <= 255; };
    if (y >= kWordTypes || !is_byte(x) || !is_byte(weights) || !is_zero(launch.param(zeros)) || !is_zero(launch.param(zeros + 1))) {
        throw InvalidPlan(text("Layer '", launch.layer(), "' of the plan is a product of types that its kernel does not take: rebuild the plan."));
    }
    return {static_cast<Word>(y),
            {x, static_cast<std::int32_t>(launch.param(zeros))},
            {weights, static_cast<std::int32_t>(launch.param(zeros + 1))},
            types >> 12};
}

} // namespace tensorvk::kernels::cpu
