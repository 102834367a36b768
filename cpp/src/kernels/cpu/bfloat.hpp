// Elements of tensors that may be bfloat16 in memory, and the numbers that kernels compute with: float for those.
#pragma once

#include <bit>
#include <cstdint>
#include <type_traits>

namespace tensorvk::kernels::cpu {

struct Bfloat {
    std::uint16_t bits = 0;
};

template <typename Element>
using NumberOf = std::conditional_t<std::is_same_v<Element, Bfloat>, float, Element>;

template <typename T>
[[nodiscard]] inline T number(T x) { return x; }
[[nodiscard]] inline float number(Bfloat x) { return std::bit_cast<float>(static_cast<std::uint32_t>(x.bits) << 16); }

//! To the nearest, halves to even; NaN stays. No branches: compilers make vectors of it.
[[nodiscard]] inline Bfloat bfloat_of(float x) {
    const auto bits = std::bit_cast<std::uint32_t>(x);
    const std::uint32_t rounded = (bits + 0x7fffU + (bits >> 16 & 1U)) >> 16;
    return {static_cast<std::uint16_t>((bits & 0x7fffffffU) > 0x7f800000U ? bits >> 16 | 0x40U : rounded)};
}

template <typename Element>
[[nodiscard]] inline Element element_of(NumberOf<Element> x) {
    if constexpr (std::is_same_v<Element, Bfloat>) {
        return bfloat_of(x);
    } else {
        return x;
    }
}

} // namespace tensorvk::kernels::cpu
