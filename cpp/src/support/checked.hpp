// Integer arithmetic that throws instead of wrapping: sizes come from files and users.
#pragma once

#include <cstdint>
#include <span>

#include "support/error.hpp"

namespace tensorvk {

[[nodiscard]] inline std::int64_t checked_add(std::int64_t a, std::int64_t b) {
    std::int64_t out;
    if (__builtin_add_overflow(a, b, &out)) {
        throw InvalidArgument(text("The sum ", a, " + ", b, " does not fit into 64 bits; a dimension or size is absurdly large."));
    }
    return out;
}

[[nodiscard]] inline std::int64_t checked_mul(std::int64_t a, std::int64_t b) {
    std::int64_t out;
    if (__builtin_mul_overflow(a, b, &out)) {
        throw InvalidArgument(text("The product ", a, " * ", b, " does not fit into 64 bits; a dimension or size is absurdly large."));
    }
    return out;
}

//! Number of elements of a shape; 1 for a scalar.
[[nodiscard]] inline std::int64_t checked_volume(std::span<const std::int64_t> dims) {
    std::int64_t volume = 1;
    for (const std::int64_t dim : dims) {
        volume = checked_mul(volume, dim);
    }
    return volume;
}

} // namespace tensorvk
