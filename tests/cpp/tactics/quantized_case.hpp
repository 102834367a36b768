// What tests of 8-bit products share: random integers, places in tensors, the tactics of GPUs on any device.
#pragma once

#include "tactics/check.hpp"
#include "tactics/operation_case.hpp"
#include "tactics/tensor_bytes.hpp"

namespace tensorvk::test {

inline kernels::host::Tensor random_bytes(DataType type, std::vector<std::int64_t> dims, unsigned seed) {
    kernels::host::Tensor tensor(type, std::move(dims));
    std::mt19937 random(seed);
    for (std::byte& byte : tensor.data) byte = static_cast<std::byte>(random());
    return tensor;
}

//! Position of element `index` of a tensor.
inline std::vector<std::int64_t> place_of(std::int64_t index, const std::vector<std::int64_t>& dims) {
    std::vector<std::int64_t> at(dims.size());
    for (std::size_t axis = dims.size(); axis-- > 0;) {
        at[axis] = index % dims[axis];
        index /= dims[axis];
    }
    return at;
}

inline std::int64_t index_of(const std::vector<std::int64_t>& at, const std::vector<std::int64_t>& dims) {
    std::int64_t index = 0;
    for (std::size_t axis = 0; axis < dims.size(); ++axis) index = index * dims[axis] + at[axis];
    return index;
}

//! Tactics for GPUs run on any device with integer dot products, only not fast: a small tile, so that CPU drivers test them too.
//! How many ran.
[[nodiscard]] inline int check_dots(const OperationCase& operation, const kernels::host::Tensor& expected) {
    const auto device = vulkan::Device::current();
    vulkan::DeviceCaps caps = device->caps();
    caps.is_cpu = false;
    int ran = 0;
    for (const tactics::Candidate& candidate : operation.candidates(caps)) {
        if (candidate.applicable() && (candidate.name.ends_with("/dot_32x32_4x4") || candidate.name.ends_with("/dot_64x16_4x4"))) {
            EXPECT_TRUE(operation.run(device, candidate).data == expected.data) << candidate.name;
            ++ran;
        }
    }
    return ran;
}

//! Whether check_dots runs something where the shape fits.
[[nodiscard]] inline bool has_dots() { return vulkan::Device::current()->caps().integer_dot_product; }

} // namespace tensorvk::test
