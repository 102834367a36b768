#include "vulkan/loader.hpp"

#include <cstdlib>
#include <mutex>
#include <vector>

#include <dlfcn.h>

#include "support/error.hpp"
#include "vulkan/host_driver/entry_points.hpp"

namespace tensorvk::vulkan {
namespace {

std::vector<std::string> library_names() {
    if (const char* named = std::getenv("TENSORVK_VULKAN_LIBRARY"); named != nullptr && *named != '\0') {
        return {named};
    }
    return {"libvulkan.so.1", "libvulkan.so"};
}

void load_functions(GlobalFunctions& fn) {
#define TVK_LOAD(function) fn.function = reinterpret_cast<PFN_vk##function>(fn.GetInstanceProcAddr(nullptr, "vk" #function));
    TVK_GLOBAL_FUNCTIONS(TVK_LOAD)
#undef TVK_LOAD
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
        load_functions(loader.fn);
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

const Loader& host_loader() {
    static const Loader* const host = [] {
        auto* made = new Loader; // lives as long as the process
        made->fn.GetInstanceProcAddr = host_driver::GetInstanceProcAddr;
        load_functions(made->fn);
        return made;
    }();
    return *host;
}

} // namespace tensorvk::vulkan
