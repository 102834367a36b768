// A shape as error sentences show it.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace tensorvk {

//! "[1, 3, 224]"; "[]" for a scalar.
[[nodiscard]] inline std::string shape_text(std::span<const std::int64_t> dims) {
    std::string out = "[";
    for (const std::int64_t dim : dims) {
        out += (out.size() > 1 ? ", " : "") + std::to_string(dim);
    }
    return out + "]";
}

} // namespace tensorvk
