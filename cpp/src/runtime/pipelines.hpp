// The pipelines of a program's steps.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "plan/program.hpp"
#include "vulkan/device.hpp"
#include "vulkan/pipeline.hpp"

namespace tensorvk::runtime {

//! Every step's pipelines may read all parameters from push constants.
inline constexpr std::uint32_t kPushBytes = static_cast<std::uint32_t>(plan::kMaxParams * sizeof(std::int32_t));

using Pipelines = std::vector<std::shared_ptr<const vulkan::Pipeline>>;

//! Throws InvalidPlan when this library does not have a step's kernel, has another version of it, or it takes other
//! buffers than are bound.
void check_kernels(std::span<const plan::Step> steps);

//! One per step, made by as many threads as the machine has. Equal ones are made once.
[[nodiscard]] Pipelines make_pipelines(const std::shared_ptr<vulkan::Device>& device,
                                       std::span<const plan::Step> steps);

//! The same for steps that the driver may refuse: per step why it did, else empty. Steps of the host are none of a driver's business.
[[nodiscard]] std::vector<std::string> try_pipelines(const std::shared_ptr<vulkan::Device>& device, std::span<const plan::Step> steps);

} // namespace tensorvk::runtime
