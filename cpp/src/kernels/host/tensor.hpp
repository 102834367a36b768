// A tensor in host memory, row-major, and typed access to its elements: what the host references compute with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "support/checked.hpp"
#include "support/dtype.hpp"

namespace tensorvk::kernels::host {

struct Tensor {
    DataType dtype = DataType::kFLOAT;
    std::vector<std::int64_t> dims;
    std::vector<std::byte> data;

    Tensor() = default;
    //! Zero filled.
    Tensor(DataType type, std::vector<std::int64_t> shape)
        : dtype(type), dims(std::move(shape)), data(static_cast<std::size_t>(checked_volume(dims)) * dtype_size(type)) {}

    [[nodiscard]] std::int64_t volume() const { return checked_volume(dims); }
    template <typename T>
    [[nodiscard]] std::span<T> as() {
        return {reinterpret_cast<T*>(data.data()), data.size() / sizeof(T)};
    }
    template <typename T>
    [[nodiscard]] std::span<const T> as() const {
        return {reinterpret_cast<const T*>(data.data()), data.size() / sizeof(T)};
    }
    //! Element i of the flattened tensor as double (integers above 2^53 lose digits) and back, with the type's own rounding and saturation.
    [[nodiscard]] double get(std::int64_t i) const;
    void set(std::int64_t i, double value);
    //! The same for integer and bool tensors, exact for all values; int32 keeps the low bits, narrower types saturate.
    [[nodiscard]] std::int64_t get_integer(std::int64_t i) const;
    void set_integer(std::int64_t i, std::int64_t value);
};

} // namespace tensorvk::kernels::host
