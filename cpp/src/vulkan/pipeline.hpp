// A compute pipeline: SPIR-V, specialization, layout.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "vulkan/api.hpp"

namespace tensorvk::vulkan {

class Device;

struct SpecConstant {
    std::uint32_t id = 0;    // constant_id in the shader
    std::uint32_t value = 0; // bits of an int, uint, float or bool

    bool operator==(const SpecConstant&) const = default;
};

struct PipelineDesc {
    std::span<const std::uint32_t> spirv;
    std::span<const SpecConstant> constants;
    std::uint32_t bindings = 0;               // buffers at set 0, bindings 0 .. n-1; which are texels the code says
    std::uint32_t push_constant_bytes = 0;    // a multiple of 4
    std::uint32_t required_subgroup_size = 0; // 0: the driver's choice
    bool full_subgroups = false;              // needs the workgroup's x size to be a multiple of the subgroup size
    std::string name;                         // for error messages
};

//! What binding `i` is where bit j of `texel_bindings` stands for binding j.
[[nodiscard]] constexpr VkDescriptorType descriptor_type(std::uint32_t texel_bindings, std::uint32_t i) noexcept {
    return i < 32 && (texel_bindings >> i & 1U) != 0 ? VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER : VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
}

//! Bit i is set where SPIR-V declares binding i (below 32) as a samplerBuffer: it is read as texels of four floats.
[[nodiscard]] std::uint32_t find_texel_bindings(std::span<const std::uint32_t> spirv);

class Pipeline {
  public:
    //! Throws InvalidArgument when the description is beyond the device's limits, Unsupported where the device runs no
    //! shaders. Use Device::pipelines() to share.
    //! The device outlives its pipelines.
    Pipeline(Device& device, const PipelineDesc& desc, VkPipelineCache cache);
    ~Pipeline();
    Pipeline(const Pipeline&) = delete;
    Pipeline& operator=(const Pipeline&) = delete;

    [[nodiscard]] VkPipeline handle() const noexcept { return handle_; }
    [[nodiscard]] VkPipelineLayout layout() const noexcept { return layout_; }
    [[nodiscard]] VkDescriptorSetLayout set_layout() const noexcept { return set_layout_; }
    [[nodiscard]] std::uint32_t bindings() const noexcept { return bindings_; }
    [[nodiscard]] std::uint32_t texel_bindings() const noexcept { return texel_bindings_; }
    [[nodiscard]] std::uint32_t push_constant_bytes() const noexcept { return push_constant_bytes_; }
    [[nodiscard]] const std::string& name() const noexcept { return name_; }

  private:
    void create_layout();
    void create_pipeline(const PipelineDesc& desc, VkPipelineCache cache);
    void destroy() noexcept;

    Device& device_;
    std::string name_;
    std::uint32_t bindings_;
    std::uint32_t texel_bindings_ = 0;
    std::uint32_t push_constant_bytes_;
    VkDescriptorSetLayout set_layout_ = VK_NULL_HANDLE; // the device's
    VkPipelineLayout layout_ = VK_NULL_HANDLE;
    VkPipeline handle_ = VK_NULL_HANDLE;
};

} // namespace tensorvk::vulkan
