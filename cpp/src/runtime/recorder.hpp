// Steps into a command buffer.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "plan/program.hpp"
#include "runtime/pipelines.hpp"
#include "vulkan/command_buffer.hpp"
#include "vulkan/device_plan.hpp"
#include "vulkan/timestamps.hpp"

namespace tensorvk::runtime {

//! Throws InvalidArgument when a step cannot run with these values of the expressions: a parameter beyond 32 bits, more
//! groups or larger buffers than the device allows. The sentence names the layer.
void check_limits(const plan::Program& program, std::span<const std::int64_t> values,
                  const vulkan::DeviceLimits& limits);

//! Widens views by what the allocator adds behind buffers, so that kernels may read odd tails as whole words and vectors.
void pad(std::vector<vulkan::BufferView>& views);

struct RecordInput {
    std::span<const plan::Step> steps;
    std::span<const std::shared_ptr<const vulkan::Pipeline>> pipelines; // of the steps
    std::span<const std::int64_t> values;                               // of all expressions
    std::span<const vulkan::BufferView> views;                          // of all buffers
};

//! Dispatches with one compute barrier between barrier groups. Steps without work (a group count of 0) are left out.
void record_steps(vulkan::CommandBuffer& commands, const RecordInput& input);

//! As record_steps(), one step after the other: timestamp i is taken before step i, one more after the last.
void record_timed_steps(vulkan::CommandBuffer& commands, const RecordInput& input,
                        const vulkan::TimestampPool& timestamps);

} // namespace tensorvk::runtime
