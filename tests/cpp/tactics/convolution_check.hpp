// Every candidate of a convolution that applies, against the host's result.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "tactics/check.hpp"
#include "tactics/convolution_case.hpp"

namespace tensorvk::test {

// fp32: each of the K terms of a sum rounds once, errors grow like sqrt(K) half-ulps of a partial sum; 1e-6 * sqrt(K)
// of the largest output leaves a factor of ten. Half storage adds one rounding of inputs that halves hold exactly, of
// the weights (2^-11 each) and of the result.
inline double tolerance(const Case& c, std::int64_t terms) {
    if (c.in_type == DataType::kBF16 || c.out_type == DataType::kBF16) return kBfloatTolerance;
    if (is_byte(c.out_type)) return 1.01 / 127.0; // a sum that lies between two integers may become either
    const bool half = c.in_type == DataType::kHALF || c.out_type == DataType::kHALF;
    return half ? 2e-3 : 1e-6 * std::sqrt(static_cast<double>(terms)) + 1e-7;
}

inline void check_convolution(const Case& c) {
    const auto device = vulkan::Device::by_index(0);
    if ((c.in_type == DataType::kHALF || c.out_type == DataType::kHALF) && !device->caps().fp16_storage)
        GTEST_SKIP() << "no fp16 storage";
    if ((c.in_type == DataType::kBF16 || c.out_type == DataType::kBF16) && !device->caps().host_kernels)
        GTEST_SKIP() << "only the host computes with bfloat16";
    if (is_byte(c.out_type) && !device->caps().host_kernels) GTEST_SKIP() << "only the host's tiles quantize sums of floats";
    const Built built = build(c);
    int applicable = 0;
    RunsAnywhere anywhere(device->caps());
    for (const tactics::Candidate& candidate : built.operation.candidates(device->caps())) {
        if (!candidate.applicable()) continue;
        ++applicable;
        OperationCase::Prepared prepared = built.operation.prepare(device, candidate);
        anywhere.note(prepared);
        prepared.runner->run();
        const Tensor y = built.operation.output(prepared);
        EXPECT_LT(relative_error(y, built.expected), tolerance(c, built.terms)) << candidate.name;
    }
    anywhere.expect();
    EXPECT_GE(applicable, 1) << "the generic candidate always applies";
}

// Tactics for GPUs run on any device, only not fast: two tiles through shared memory, with K whole and cut, one of registers alone, those of few rows
// and one filter per channel, so that CPU drivers test them too.
inline void check_products_for_gpus(const Case& c) {
    constexpr std::array<std::string_view, 5> kChosen{"/shared_32x32", "/shared_64x16", "/tile_4x16", "/vector_", "/depthwise_4"};
    const auto device = vulkan::Device::by_index(0);
    if (c.in_type == DataType::kHALF && !device->caps().fp16_storage) GTEST_SKIP() << "no fp16 storage";
    const Built built = build(c);
    vulkan::DeviceCaps caps = device->caps();
    caps.is_cpu = false;
    int applicable = 0;
    for (const tactics::Candidate& candidate : built.operation.candidates(caps)) {
        const bool chosen = std::ranges::any_of(kChosen, [&](std::string_view part) { return candidate.name.find(part) != std::string::npos; });
        if (!candidate.applicable() || !chosen) continue;
        ++applicable;
        OperationCase::Prepared prepared = built.operation.prepare(device, candidate, caps);
        prepared.runner->run();
        EXPECT_LT(relative_error(built.operation.output(prepared), built.expected), tolerance(c, built.terms)) << candidate.name;
    }
    EXPECT_GE(applicable, 1);
}

} // namespace tensorvk::test
