// Test tensors: random data, and the bytes of a tensor in a value's layout.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#include "kernels/host/tensor.hpp"
#include "tactics/operation.hpp"

namespace tensorvk::test {

//! Values in [-1, 1], multiples of 1/64 so that both float types hold them exactly.
inline kernels::host::Tensor random_tensor(DataType dtype, std::vector<std::int64_t> dims, unsigned seed) {
    kernels::host::Tensor tensor(dtype, std::move(dims));
    std::mt19937 random(seed);
    std::uniform_int_distribution<int> value(-64, 64);
    for (std::int64_t i = 0; i < tensor.volume(); ++i) tensor.set(i, value(random) / 64.0);
    return tensor;
}

//! Moves axis 1 to the end (to_last) or back; `dims` are logical.
inline kernels::host::Tensor move_channels(const kernels::host::Tensor& tensor, bool to_last) {
    kernels::host::Tensor out(tensor.dtype, tensor.dims);
    const std::size_t size = dtype_size(tensor.dtype);
    const std::int64_t batch = tensor.dims[0];
    const std::int64_t channels = tensor.dims[1];
    const std::int64_t plane = batch * channels == 0 ? 0 : tensor.volume() / (batch * channels);
    for (std::int64_t n = 0; n < batch; ++n) {
        for (std::int64_t c = 0; c < channels; ++c) {
            for (std::int64_t s = 0; s < plane; ++s) {
                const std::int64_t first = (n * channels + c) * plane + s;
                const std::int64_t last = (n * plane + s) * channels + c;
                const std::int64_t from = to_last ? first : last;
                const std::int64_t to = to_last ? last : first;
                std::memcpy(&out.data[static_cast<std::size_t>(to) * size], &tensor.data[static_cast<std::size_t>(from) * size], size);
            }
        }
    }
    return out;
}

inline std::vector<std::byte> bytes_of(const kernels::host::Tensor& tensor, tactics::Layout layout) {
    const kernels::host::Bytes bytes = layout == tactics::Layout::kCHANNELS_LAST ? move_channels(tensor, true).data : tensor.data;
    return {bytes.begin(), bytes.end()};
}

inline kernels::host::Tensor tensor_of(std::vector<std::byte> bytes, DataType dtype, const std::vector<std::int64_t>& dims,
                                       tactics::Layout layout) {
    kernels::host::Tensor tensor(dtype, dims);
    tensor.data = std::move(bytes);
    return layout == tactics::Layout::kCHANNELS_LAST ? move_channels(tensor, false) : tensor;
}

//! Largest difference divided by the largest magnitude of `expected`; NaN and infinity count as infinite.
inline double relative_error(const kernels::host::Tensor& actual, const kernels::host::Tensor& expected) {
    double largest = 1e-30;
    double error = 0.0;
    for (std::int64_t i = 0; i < expected.volume(); ++i) {
        const double difference = std::abs(actual.get(i) - expected.get(i));
        largest = std::max(largest, std::abs(expected.get(i)));
        error = difference <= 1e30 ? std::max(error, difference) : 1e30;
        if (error == 1e30) return error;
    }
    return error / largest;
}

} // namespace tensorvk::test
