// Single elements of host tensors: copied whatever their type, and found by indices that may be negative.
#pragma once

#include <cstring>

#include "kernels/host/functions.hpp"

namespace tensorvk::kernels::host {

//! Both have the same type.
inline void copy_element(const Tensor& from, std::int64_t source, Tensor& to, std::int64_t target) {
    const std::size_t size = dtype_size(from.dtype);
    std::memcpy(to.data.data() + static_cast<std::size_t>(target) * size,
                from.data.data() + static_cast<std::size_t>(source) * size, size);
}

//! `count` elements that lie one after the other.
inline void copy_elements(const Tensor& from, std::int64_t source, Tensor& to, std::int64_t target, std::int64_t count) {
    const std::size_t size = dtype_size(from.dtype);
    if (count > 0) {
        std::memcpy(to.data.data() + static_cast<std::size_t>(target) * size,
                    from.data.data() + static_cast<std::size_t>(source) * size, static_cast<std::size_t>(count) * size);
    }
}

//! All elements of an integer tensor.
[[nodiscard]] inline std::vector<std::int64_t> numbers_of(const Tensor& tensor) {
    std::vector<std::int64_t> out;
    for (std::int64_t i = 0; i < tensor.volume(); ++i) {
        out.push_back(tensor.get_integer(i));
    }
    return out;
}

//! An index counted from the front; negative ones count from the end. Fails outside.
[[nodiscard]] inline std::int64_t checked_index(const Call& call, std::int64_t index, std::int64_t extent) {
    if (index < -extent || index >= extent) {
        call.fail("was given the index ", index, " for an extent of ", extent, "; allowed are ", -extent, " to ", extent - 1, ".");
    }
    return index < 0 ? index + extent : index;
}

//! An axis counted from the front.
[[nodiscard]] inline std::size_t checked_axis(const Call& call, std::int64_t axis, std::size_t rank) {
    return static_cast<std::size_t>(checked_index(call, axis, static_cast<std::int64_t>(rank)));
}

//! A tensor seen around one axis: [outer, extent, inner].
struct AxisView {
    std::int64_t outer = 1, extent = 1, inner = 1;

    AxisView(std::span<const std::int64_t> dims, std::size_t axis) : extent(dims[axis]) {
        for (std::size_t i = 0; i < dims.size(); ++i) {
            (i < axis ? outer : inner) *= i == axis ? 1 : dims[i];
        }
    }
    [[nodiscard]] std::int64_t at(std::int64_t o, std::int64_t position, std::int64_t i) const { return (o * extent + position) * inner + i; }
};

} // namespace tensorvk::kernels::host
