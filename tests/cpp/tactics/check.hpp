// Runs every candidate of an operation that applies on this device and compares it with the host's reference.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "kernels/cpu/catalogue.hpp"
#include "tactics/operation_case.hpp"
#include "tactics/tensor_bytes.hpp"
#include "vulkan/instance.hpp"

namespace tensorvk::test {

//! Whether a program runs where there are no shaders and no oneDNN: functions of this library alone do it all.
[[nodiscard]] inline bool needs_nothing(const plan::Program& program) {
    const auto own = [](const plan::Step& step) {
        return step.host != nullptr || std::ranges::count(kernels::cpu::catalogue(), step.kernel, &kernels::cpu::Kernel::id) > 0;
    };
    return std::ranges::all_of(program.init, own) && std::ranges::all_of(program.steps, own);
}

//! Of an operation's candidates: is there one that runs anywhere? Devices whose memory is not the host's need none.
class RunsAnywhere {
public:
    explicit RunsAnywhere(const vulkan::DeviceCaps& caps) : found_(!caps.host_kernels) {}
    void note(const OperationCase::Prepared& prepared) { found_ = found_ || needs_nothing(*prepared.program); }
    void expect() const { EXPECT_TRUE(found_) << "a device without shaders, in a build without oneDNN, cannot do it"; }

private:
    bool found_;
};

//! `tolerance` is relative to the largest expected magnitude; 0 asks for equal bytes.
inline void expect_near(const kernels::host::Tensor& actual, const kernels::host::Tensor& expected, double tolerance, const std::string& what) {
    if (tolerance == 0.0) {
        EXPECT_TRUE(actual.data == expected.data) << what << " differs, by " << relative_error(actual, expected);
    } else {
        EXPECT_LE(relative_error(actual, expected), tolerance) << what;
    }
}

//! Names of the shaders' candidates that ran; the host's, which depend on the build and the device, are checked too. `tolerance` as in expect_near().
//! `of_shaders_alone`: the compiler makes such operations only where shaders compute.
inline std::vector<std::string> check_all(const OperationCase& operation, const std::vector<kernels::host::Tensor>& expected, double tolerance, bool of_shaders_alone = false) {
    const auto device = vulkan::Device::current();
    const std::uint64_t complaints = vulkan::validation_error_count();
    std::vector<std::string> ran;
    int checked = 0;
    RunsAnywhere anywhere(device->caps());
    for (const tactics::Candidate& candidate : operation.candidates(device->caps())) {
        if (!candidate.applicable()) {
            continue;
        }
        SCOPED_TRACE(candidate.name);
        if (!candidate.host) ran.push_back(candidate.name);
        ++checked;
        OperationCase::Prepared prepared = operation.prepare(device, candidate);
        anywhere.note(prepared);
        prepared.runner->run();
        for (std::size_t i = 0; i < expected.size(); ++i) {
            expect_near(operation.output(prepared, i), expected[i], tolerance, text("output ", i));
        }
    }
    EXPECT_EQ(vulkan::validation_error_count(), complaints) << vulkan::validation_errors().back();
    if (!of_shaders_alone) anywhere.expect();
    EXPECT_GT(checked, 0);
    if (ran.empty()) {
        EXPECT_EQ(operation.input_type(), DataType::kBF16) << "only the host computes with bfloat16";
    }
    // Where a type cannot be stored, it is the one that puts elements into words.
    EXPECT_TRUE(ran.empty() || ran.back().ends_with("/generic") || ran.back().ends_with("/packed")) << "the generic candidate takes everything";
    return ran;
}

//! The kernels for devices that do not store the operation's elements, which this one may play where it has shaders. Returns how many ran.
inline int check_packed(const OperationCase& operation, const kernels::host::Tensor& expected) {
    const auto device = vulkan::Device::current();
    vulkan::DeviceCaps lesser = device->caps();
    lesser.int8_storage = lesser.fp16_storage = lesser.host_kernels = false;
    int ran = 0;
    for (const tactics::Candidate& candidate : operation.candidates(lesser)) {
        if (!candidate.name.ends_with("/packed") || !candidate.applicable() || !device->caps().shaders) continue;
        SCOPED_TRACE(candidate.name);
        EXPECT_TRUE(operation.run(device, candidate).data == expected.data);
        ++ran;
    }
    return ran;
}

//! The result is rounded to 8 bits, by at most 2^-8 of it, and so are weights: their roundings have either sign, and sums of some hundred of them
//! err by less than half as much again.
inline constexpr double kBfloatTolerance = 1.5 / 256.0;

//! Of which a reference is computed that nobody rounds to bfloat16.
[[nodiscard]] inline kernels::host::Tensor unrounded(const kernels::host::Tensor& x) { return x.dtype == DataType::kBF16 ? x.converted(DataType::kFLOAT) : x; }

//! Types that floats may be stored as on this device: float16 where it has 16-bit storage, bfloat16 only where functions of the host compute.
[[nodiscard]] inline std::vector<DataType> float_types() {
    std::vector<DataType> types{DataType::kFLOAT};
    if (vulkan::Device::current()->caps().fp16_storage) types.push_back(DataType::kHALF);
    if (vulkan::Device::current()->caps().host_kernels) types.push_back(DataType::kBF16);
    return types;
}

//! Sums of n float products or terms err by about n roundings of the largest partial sum in the worst case, sqrt(n) on the average.
inline double float_tolerance(std::int64_t terms, DataType type) {
    if (type == DataType::kHALF) return 1.0 / 1024.0; // storage: one unit, as packing may truncate
    if (type == DataType::kBF16) return kBfloatTolerance;
    return 6e-8 * (4.0 + static_cast<double>(terms));
}

} // namespace tensorvk::test
