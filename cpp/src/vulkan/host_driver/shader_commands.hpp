// Command buffers with shaders: from its first shader on, a command buffer is one of the shader driver's too, which
// runs all of it.
#pragma once

#include <span>

#include "vulkan/host_driver/objects.hpp"

namespace tensorvk::vulkan::host_driver {

class ShaderCommands {
  public:
    explicit ShaderCommands(ShaderDriver& driver);
    ~ShaderCommands();
    ShaderCommands(const ShaderCommands&) = delete;
    ShaderCommands& operator=(const ShaderCommands&) = delete;

    [[nodiscard]] VkCommandBuffer handle() const noexcept { return handle_; }
    [[nodiscard]] ShaderDriver& driver() const noexcept { return driver_; }

    void reset();
    void begin();
    [[nodiscard]] VkResult end() const;
    void add(const Command& command);
    //! After this, everything behind it sees what was done before.
    void full_barrier();
    //! Gives what was recorded to the driver; its number there.
    [[nodiscard]] std::uint64_t start() const noexcept;
    //! Waits for the end of that. `own` are the same commands as ours, for what the host reads.
    [[nodiscard]] VkResult finish(std::uint64_t started, std::span<const Command> own) const noexcept;

  private:
    ShaderDriver& driver_;
    VkCommandPool pool_ = VK_NULL_HANDLE;
    VkCommandBuffer handle_ = VK_NULL_HANDLE;
};

//! The shader driver's side of `buffer`; from the first call on it takes everything that is recorded.
[[nodiscard]] ShaderCommands& with_shaders(CommandBuffer& buffer);

} // namespace tensorvk::vulkan::host_driver
