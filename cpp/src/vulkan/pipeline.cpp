#include "vulkan/pipeline.hpp"

#include <algorithm>
#include <map>

#include "support/error.hpp"
#include "vulkan/check.hpp"
#include "vulkan/device.hpp"

namespace tensorvk::vulkan {
namespace {

void check_limits(const Device& device, const PipelineDesc& desc) {
    const DeviceLimits& limits = device.caps().limits;
    const auto refuse = [&](const auto&... parts) {
        throw InvalidArgument(text("Kernel '", desc.name, "' ", parts...));
    };
    if (desc.spirv.size() < 5) refuse("has no SPIR-V code.");
    if (desc.bindings > limits.max_storage_bindings) {
        refuse("binds ", desc.bindings, " buffers, this device allows ", limits.max_storage_bindings, ".");
    }
    if (desc.push_constant_bytes > limits.max_push_constant_bytes || desc.push_constant_bytes % 4 != 0) {
        refuse("has ", desc.push_constant_bytes, " bytes of push constants, this device allows multiples of 4 up to ",
               limits.max_push_constant_bytes, ".");
    }
    const std::uint32_t subgroup = desc.required_subgroup_size;
    const DeviceCaps& caps = device.caps();
    if (subgroup != 0 &&
        (!caps.subgroup_size_control || subgroup < caps.min_subgroup_size || subgroup > caps.max_subgroup_size)) {
        refuse("needs subgroups of ", subgroup, ", this device has ", caps.min_subgroup_size, " to ",
               caps.max_subgroup_size, ".");
    }
}

// A shader module that lives as long as the compilation.
class ShaderModule {
  public:
    ShaderModule(const Device& device, std::span<const std::uint32_t> spirv) : device_(device) {
        VkShaderModuleCreateInfo info{};
        info.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO;
        info.codeSize = spirv.size_bytes();
        info.pCode = spirv.data();
        check(device.fn().CreateShaderModule(device.handle(), &info, nullptr, &handle_), "load a kernel's SPIR-V");
    }
    ~ShaderModule() { device_.fn().DestroyShaderModule(device_.handle(), handle_, nullptr); }
    ShaderModule(const ShaderModule&) = delete;
    ShaderModule& operator=(const ShaderModule&) = delete;
    [[nodiscard]] VkShaderModule handle() const noexcept { return handle_; }

  private:
    const Device& device_;
    VkShaderModule handle_ = VK_NULL_HANDLE;
};

} // namespace

// Among the kernels' variables only texel buffers are of the class UniformConstant; bindings are declared before variables.
std::uint32_t find_texel_bindings(std::span<const std::uint32_t> spirv) {
    constexpr std::size_t kHeaderWords = 5;
    constexpr std::uint32_t kOpDecorate = 71, kOpVariable = 59, kBinding = 33, kUniformConstant = 0;
    std::map<std::uint32_t, std::uint32_t> binding_of;
    std::uint32_t texels = 0;
    for (std::size_t at = kHeaderWords; at + 3 < spirv.size(); at += std::max(spirv[at] >> 16, 1U)) {
        const std::uint32_t op = spirv[at] & 0xFFFFU;
        if (op == kOpDecorate && spirv[at + 2] == kBinding) binding_of[spirv[at + 1]] = spirv[at + 3];
        if (op == kOpVariable && spirv[at + 3] == kUniformConstant) {
            const auto found = binding_of.find(spirv[at + 2]);
            if (found != binding_of.end() && found->second < 32) texels |= 1U << found->second;
        }
    }
    return texels;
}

Pipeline::Pipeline(Device& device, const PipelineDesc& desc, VkPipelineCache cache)
    : device_(device), name_(desc.name), bindings_(desc.bindings), push_constant_bytes_(desc.push_constant_bytes) {
    if (!device.caps().shaders) {
        throw Unsupported(text("Kernel '", name_, "' is a shader, and ", device.offer().name,
                               " runs none: it needs a Vulkan driver; a plan can be built for this device instead."));
    }
    check_limits(device, desc);
    texel_bindings_ = find_texel_bindings(desc.spirv);
    set_layout_ = device.set_layout(bindings_, texel_bindings_);
    try {
        create_layout();
        create_pipeline(desc, cache);
    } catch (...) {
        destroy();
        throw;
    }
}

Pipeline::~Pipeline() {
    destroy();
}

void Pipeline::create_layout() {
    VkPushConstantRange range{};
    range.stageFlags = VK_SHADER_STAGE_COMPUTE_BIT;
    range.size = push_constant_bytes_;
    VkPipelineLayoutCreateInfo info{};
    info.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO;
    info.setLayoutCount = 1;
    info.pSetLayouts = &set_layout_;
    info.pushConstantRangeCount = push_constant_bytes_ > 0 ? 1 : 0;
    info.pPushConstantRanges = &range;
    check(device_.fn().CreatePipelineLayout(device_.handle(), &info, nullptr, &layout_), "create a pipeline layout");
}

void Pipeline::create_pipeline(const PipelineDesc& desc, VkPipelineCache cache) {
    const ShaderModule module(device_, desc.spirv);
    std::vector<VkSpecializationMapEntry> entries;
    std::vector<std::uint32_t> values;
    for (const SpecConstant& constant : desc.constants) {
        entries.push_back(
            {constant.id, static_cast<std::uint32_t>(values.size() * sizeof(std::uint32_t)), sizeof(std::uint32_t)});
        values.push_back(constant.value);
    }
    const VkSpecializationInfo specialization{static_cast<std::uint32_t>(entries.size()), entries.data(),
                                              values.size() * sizeof(std::uint32_t), values.data()};
    VkPipelineShaderStageRequiredSubgroupSizeCreateInfo subgroup{};
    subgroup.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO;
    subgroup.requiredSubgroupSize = desc.required_subgroup_size;
    VkComputePipelineCreateInfo info{};
    info.sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO;
    info.stage.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO;
    info.stage.pNext = desc.required_subgroup_size != 0 ? &subgroup : nullptr;
    const bool full = desc.full_subgroups && device_.caps().subgroup_size_control;
    if (full) info.stage.flags = VK_PIPELINE_SHADER_STAGE_CREATE_REQUIRE_FULL_SUBGROUPS_BIT;
    info.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT;
    info.stage.module = module.handle();
    info.stage.pName = "main";
    info.stage.pSpecializationInfo = &specialization;
    info.layout = layout_;
    const VkResult result = device_.fn().CreateComputePipelines(device_.handle(), cache, 1, &info, nullptr, &handle_);
    if (result != VK_SUCCESS) throw_result(result, text("compile kernel '", name_, "'"));
}

void Pipeline::destroy() noexcept {
    if (handle_ != VK_NULL_HANDLE) device_.fn().DestroyPipeline(device_.handle(), handle_, nullptr);
    if (layout_ != VK_NULL_HANDLE) device_.fn().DestroyPipelineLayout(device_.handle(), layout_, nullptr);
}

} // namespace tensorvk::vulkan
