// How much memory this machine lets the process have.
#pragma once

#include <cstdint>
#include <filesystem>

namespace tensorvk::vulkan::host_driver {

struct MachineMemory {
    std::uint64_t total = 0;     // bytes: the machine's, or what a container is limited to
    std::uint64_t available = 0; // bytes that can be had now without swapping
};

//! `root` is where /proc and /sys are looked for.
[[nodiscard]] MachineMemory machine_memory(const std::filesystem::path& root = "/");

} // namespace tensorvk::vulkan::host_driver
