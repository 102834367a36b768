#include "vulkan/loader.hpp"

#include <cstdlib>
#include <mutex>
#include <vector>

#include <dlfcn.h>

#include "support/error.hpp"

namespace tensorvk::vulkan {
namespace {

std::vector<std::string> library_names() {
    if (const char* named = std::getenv("TENSORVK_VULKAN_LIBRARY"); named != nullptr && *named != '\0') {
        return {named};
    }
    return {"libvulkan.so.1", "libvulkan.so"};
}

Loader open_loader() {
    std::string reasons;
    for (const std::string& name : library_names()) {
        void* library = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
        if (library == nullptr) {
            reasons += text(reasons.empty() ? "" : "; ", dlerror());
            continue;
        }
        Loader loader;
        loader.library = name;
        loader.fn.GetInstanceProcAddr =
            reinterpret_cast<PFN_vkGetInstanceProcAddr>(dlsym(library, "vkGetInstanceProcAddr"));
        if (loader.fn.GetInstanceProcAddr == nullptr) {
            dlclose(library);
            reasons += text(reasons.empty() ? "" : "; ", name, " has no vkGetInstanceProcAddr");
            continue;
        }
#define TVK_LOAD(function) \
    loader.fn.function = reinterpret_cast<PFN_vk##function>(loader.fn.GetInstanceProcAddr(nullptr, "vk" #function));
        TVK_GLOBAL_FUNCTIONS(TVK_LOAD)
#undef TVK_LOAD
        return loader;
    }
    throw DeviceUnavailable(
        text("No Vulkan loader could be opened (", reasons,
             "): install it and a driver, on Debian and Ubuntu with 'apt-get install libvulkan1 mesa-vulkan-drivers' "
             "(that brings lavapipe, which needs no GPU), or install your GPU vendor's driver."));
}

} // namespace

const Loader& loader() {
    static std::mutex mutex;
    static const Loader* opened = nullptr;
    const std::lock_guard lock(mutex);
    if (opened == nullptr) opened = new Loader(open_loader()); // lives as long as the process
    return *opened;
}

} // namespace tensorvk::vulkan
