#include "kernels/cpu/component.hpp"

#include <cstring>

#include <dlfcn.h>

#include "kernels/cpu/thread_pool.hpp"
#include "support/error.hpp"
#include "support/files.hpp"

namespace tensorvk::kernels::cpu {

namespace {

struct Opened {
    Component component;
    std::string absence;
};

Opened open_component() {
    Opened out;
    (void)ThreadPool::get(); // here, where a bad setting can be said
    void* library = nullptr;
    // Beside this library; else where the linker looks for what this one needs.
    for (const std::string& file : {(own_folder() / kComponentFile).string(), std::string(kComponentFile)}) {
        library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
        if (library != nullptr) break;
        out.absence = dlerror();
    }
    if (library == nullptr) return out;
    const auto describe = reinterpret_cast<ComponentFunction>(dlsym(library, kComponentSymbol));
    if (describe == nullptr || !describe(workers(), &out.component)) {
        out.absence = text(kComponentFile, " has no ", kComponentSymbol);
    } else if (std::strcmp(out.component.version, TENSORVK_VERSION) != 0) {
        out.absence = text(kComponentFile, " belongs to TensorVK ", out.component.version, ", this is " TENSORVK_VERSION);
    } else {
        out.absence.clear();
        return out; // stays open: engines hold functions of it
    }
    out.component = {};
    dlclose(library);
    return out;
}

const Opened& opened() {
    static const auto* once = new Opened(open_component()); // kernels may run while the process ends
    return *once;
}

} // namespace

const Component& component() { return opened().component; }
const std::string& component_absence() { return opened().absence; }

} // namespace tensorvk::kernels::cpu
