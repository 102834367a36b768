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

//! Names of the shaders' candidates that ran; the host's, which depend on the build and the device, are checked too. `tolerance` is relative to the largest expected magnitude; 0 asks for equal bytes.
inline std::vector<std::string> check_all(const OperationCase& operation, const std::vector<kernels::host::Tensor>& expected, double tolerance) {
    const auto device = vulkan::Device::current();
    const std::uint64_t complaints = vulkan::validation_error_count();
    std::vector<std::string> ran;
    RunsAnywhere anywhere(device->caps());
    for (const tactics::Candidate& candidate : operation.candidates(device->caps())) {
        if (!candidate.applicable()) {
            continue;
        }
        SCOPED_TRACE(candidate.name);
        if (!candidate.host) ran.push_back(candidate.name);
        OperationCase::Prepared prepared = operation.prepare(device, candidate);
        anywhere.note(prepared);
        prepared.runner->run();
        for (std::size_t i = 0; i < expected.size(); ++i) {
            const kernels::host::Tensor actual = operation.output(prepared, i);
            if (tolerance == 0.0) {
                EXPECT_TRUE(actual.data == expected[i].data) << "output " << i << " differs, by " << relative_error(actual, expected[i]);
            } else {
                EXPECT_LE(relative_error(actual, expected[i]), tolerance) << "output " << i;
            }
        }
    }
    EXPECT_EQ(vulkan::validation_error_count(), complaints) << vulkan::validation_errors().back();
    anywhere.expect();
    EXPECT_FALSE(ran.empty());
    EXPECT_TRUE(ran.empty() || ran.back().ends_with("/generic")) << "the generic candidate takes everything";
    return ran;
}

//! Sums of n float products or terms err by about n roundings of the largest partial sum in the worst case, sqrt(n) on the average.
inline double float_tolerance(std::int64_t terms, DataType type) {
    const double rounding = type == DataType::kHALF ? 1.0 / 1024.0 : 6e-8; // storage in half: one unit, as packing may truncate
    return rounding * (type == DataType::kHALF ? 1.0 : 4.0 + static_cast<double>(terms));
}

} // namespace tensorvk::test
