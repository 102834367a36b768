#include "kernels/host/tensor.hpp"

#include <cmath>
#include <limits>

#include "support/error.hpp"

namespace tensorvk::kernels::host {

namespace {

//! Integers take the value towards zero; what lies outside saturates, NaN becomes 0.
template <typename T>
T saturate(double value) {
    if (std::isnan(value)) {
        return 0;
    }
    constexpr auto kLow = static_cast<double>(std::numeric_limits<T>::min());
    constexpr auto kHigh = static_cast<double>(std::numeric_limits<T>::max());
    return value <= kLow ? std::numeric_limits<T>::min() : value >= kHigh ? std::numeric_limits<T>::max() : static_cast<T>(value);
}

[[noreturn]] void refuse(DataType type) {
    throw Unsupported(text("Host code has no arithmetic for elements of type ", dtype_name(type), "; cast to float32 first."));
}

} // namespace

std::size_t Tensor::bytes_of(std::span<const std::int64_t> dims, DataType type) {
    for (const std::int64_t extent : dims) {
        if (extent < 0) {
            throw InvalidArgument(text("A tensor has the extent ", extent, "; extents must not be negative."));
        }
    }
    return static_cast<std::size_t>(checked_mul(checked_volume(dims), static_cast<std::int64_t>(dtype_size(type))));
}

double Tensor::get(std::int64_t i) const {
    const auto at = static_cast<std::size_t>(i);
    switch (dtype) {
    case DataType::kFLOAT: return static_cast<double>(as<float>()[at]);
    case DataType::kHALF: return static_cast<double>(half_to_float(as<std::uint16_t>()[at]));
    case DataType::kBF16: return static_cast<double>(bfloat16_to_float(as<std::uint16_t>()[at]));
    case DataType::kINT8: return static_cast<double>(as<std::int8_t>()[at]);
    case DataType::kUINT8: return static_cast<double>(as<std::uint8_t>()[at]);
    case DataType::kBOOL: return as<std::uint8_t>()[at] != 0 ? 1.0 : 0.0;
    case DataType::kINT32: return static_cast<double>(as<std::int32_t>()[at]);
    case DataType::kINT64: return static_cast<double>(as<std::int64_t>()[at]);
    case DataType::kFP8:
    case DataType::kINT4: break;
    }
    refuse(dtype);
}

void Tensor::set(std::int64_t i, double value) {
    const auto at = static_cast<std::size_t>(i);
    switch (dtype) {
    case DataType::kFLOAT: as<float>()[at] = static_cast<float>(value); return;
    case DataType::kHALF: as<std::uint16_t>()[at] = float_to_half(static_cast<float>(value)); return;
    case DataType::kBF16: as<std::uint16_t>()[at] = float_to_bfloat16(static_cast<float>(value)); return;
    case DataType::kINT8: as<std::int8_t>()[at] = saturate<std::int8_t>(value); return;
    case DataType::kUINT8: as<std::uint8_t>()[at] = saturate<std::uint8_t>(value); return;
    case DataType::kBOOL: as<std::uint8_t>()[at] = value != 0.0 ? 1 : 0; return;
    case DataType::kINT32: as<std::int32_t>()[at] = saturate<std::int32_t>(value); return;
    case DataType::kINT64: as<std::int64_t>()[at] = saturate<std::int64_t>(value); return;
    case DataType::kFP8:
    case DataType::kINT4: break;
    }
    refuse(dtype);
}

std::int64_t Tensor::get_integer(std::int64_t i) const {
    return dtype == DataType::kINT64 ? as<std::int64_t>()[static_cast<std::size_t>(i)] : static_cast<std::int64_t>(get(i));
}

void Tensor::set_integer(std::int64_t i, std::int64_t value) {
    const auto at = static_cast<std::size_t>(i);
    switch (dtype) {
    case DataType::kINT64: as<std::int64_t>()[at] = value; return;
    case DataType::kINT32: as<std::int32_t>()[at] = static_cast<std::int32_t>(value); return;
    default: set(i, static_cast<double>(value));
    }
}

Tensor Tensor::converted(DataType type) const {
    Tensor out(type, dims);
    const std::int64_t count = volume();
    for (std::int64_t i = 0; i < count; ++i) {
        out.set(i, get(i));
    }
    return out;
}

} // namespace tensorvk::kernels::host
