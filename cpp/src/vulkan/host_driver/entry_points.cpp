#include "vulkan/host_driver/entry_points.hpp"

#include <algorithm>
#include <iterator>
#include <string_view>

#include "vulkan/host_driver/shader_driver.hpp"

namespace tensorvk::vulkan::host_driver {
namespace {

struct Entry {
    std::string_view name;
    PFN_vkVoidFunction function;
};

#define TVK_ENTRY(name) {"vk" #name, reinterpret_cast<PFN_vkVoidFunction>(static_cast<PFN_vk##name>(&name))},
const Entry kEntries[] = {TVK_GLOBAL_FUNCTIONS(TVK_ENTRY) TVK_INSTANCE_FUNCTIONS(TVK_ENTRY)
                              TVK_TRANSFER_FUNCTIONS(TVK_ENTRY) TVK_OPTIONAL_DEVICE_FUNCTIONS(TVK_ENTRY)};
#undef TVK_ENTRY

PFN_vkVoidFunction find(std::string_view name) {
    const auto* entry =
        std::find_if(std::begin(kEntries), std::end(kEntries), [&](const Entry& e) { return e.name == name; });
    return entry == std::end(kEntries) ? nullptr : entry->function;
}

} // namespace

PFN_vkVoidFunction VKAPI_CALL GetInstanceProcAddr(VkInstance, const char* name) {
    return find(name);
}

PFN_vkVoidFunction VKAPI_CALL GetDeviceProcAddr(VkDevice device, const char* name) {
    const PFN_vkVoidFunction own = find(name);
    return own == nullptr && object<Device>(device)->shaders ? shader_function(name) : own;
}

} // namespace tensorvk::vulkan::host_driver
