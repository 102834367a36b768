// The weights of a program on the device: constants from the plan and what init steps make of them.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "plan/program.hpp"
#include "vulkan/buffer.hpp"
#include "vulkan/device.hpp"

namespace tensorvk::runtime {

//! A buffer of a program in device memory.
struct Slice {
    std::shared_ptr<vulkan::Buffer> memory; // null: empty, or not needed (any more)
    std::uint64_t offset = 0;
    std::uint64_t size = 0;

    [[nodiscard]] vulkan::BufferView view() const noexcept { return {memory.get(), offset, size}; }
};

//! Device memory for the program's constants (filled from `weights`) and derived buffers (not filled), by buffer index.
//! Constants that host kernels alone read stay in `weights`, which must live as long as the slices. Small ones share memory. Constants that init steps alone read do not share memory with the others, so that it can be
//! given back.
[[nodiscard]] std::vector<Slice> upload_weights(const std::shared_ptr<vulkan::Device>& device,
                                                const plan::Program& program, std::span<const std::byte> weights);

//! Lets go of constants that no step binds.
void release_unused(const plan::Program& program, std::vector<Slice>& slices);

} // namespace tensorvk::runtime
