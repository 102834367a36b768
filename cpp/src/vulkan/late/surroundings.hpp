// What decides which Vulkan devices a process finds, without looking for them: environment, manifests, libraries,
// device nodes, the machine.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace tensorvk::vulkan {

//! Variables of the environment that choose or change loader, layers and drivers, as lines.
[[nodiscard]] std::string driver_environment();

//! The rest, as lines: driver and layer manifests where the loader searches, `libraries` and the linker's list of
//! them by size and times, device nodes of GPUs and whether they may be opened, processor, memory, kernel, and
//! TensorVK's version. Any change means that another look may find other devices. `root` is where /etc, /usr and /dev
//! are looked for.
[[nodiscard]] std::string driver_surroundings(std::span<const std::string> libraries,
                                              const std::filesystem::path& root = "/");

//! Files of the shared libraries that the process has loaded.
[[nodiscard]] std::vector<std::string> loaded_libraries();

} // namespace tensorvk::vulkan
