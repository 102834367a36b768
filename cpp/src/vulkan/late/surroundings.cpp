#include "vulkan/late/surroundings.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>

#include <link.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <cpuid.h>
#else
#include <sys/auxv.h>
#endif

#include "support/error.hpp"

extern char** environ;

namespace tensorvk::vulkan {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 26> kPrefixes{
    "VK_",     "LP_",      "MESA_",   "GALLIUM_", "GALLIVM_", "LIBGL_",      "RADV_",           "AMD_",     "ANV_",
    "INTEL_",  "NVK_",     "NOUVEAU", "__NV_",    "__VK_",    "__GLX_",      "DRI_",            "DISABLE_", "ENABLE_",
    "DISPLAY", "WAYLAND_DISPLAY", "LD_LIBRARY_PATH", "LD_PRELOAD", "HOME", "XDG_CONFIG_", "XDG_DATA_", "TENSORVK_VULKAN_LIBRARY"};

std::string variable(const char* name, const char* otherwise) {
    const char* value = std::getenv(name);
    return value == nullptr || *value == '\0' ? otherwise : value;
}

std::vector<fs::path> split(const std::string& list) {
    std::vector<fs::path> parts;
    for (std::size_t begin = 0; begin < list.size();) {
        const std::size_t end = std::min(list.find(':', begin), list.size());
        if (end > begin) parts.emplace_back(list.substr(begin, end - begin));
        begin = end + 1;
    }
    return parts;
}

std::string identity(const fs::path& path) {
    struct stat found {};
    if (stat(path.c_str(), &found) != 0) return text(path.string(), " -\n");
    return text(path.string(), " ", found.st_size, " ", found.st_ino, " ", found.st_mtim.tv_sec, ".", found.st_mtim.tv_nsec, "\n");
}

std::vector<fs::path> entries(const fs::path& folder) {
    std::vector<fs::path> found;
    std::error_code error;
    for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) found.push_back(at->path());
    std::ranges::sort(found);
    return found;
}

// Where the loader searches, by its documentation.
std::vector<fs::path> manifest_folders(const fs::path& root) {
    const fs::path home = variable("HOME", "");
    std::vector<fs::path> bases{variable("XDG_CONFIG_HOME", (home / ".config").c_str()), variable("XDG_DATA_HOME", (home / ".local/share").c_str()),
                                root / "etc", root / "usr/local/etc"};
    for (const auto& [name, usual] : {std::pair("XDG_CONFIG_DIRS", "etc/xdg"), std::pair("XDG_DATA_DIRS", "usr/local/share:usr/share")}) {
        const std::string list = variable(name, "");
        for (const fs::path& base : split(list.empty() ? usual : list)) bases.push_back(root / base);
    }
    std::vector<fs::path> folders;
    for (const fs::path& base : bases) {
        for (const char* kind : {"icd.d", "implicit_layer.d", "explicit_layer.d"}) folders.push_back(base / "vulkan" / kind);
    }
    return folders;
}

std::string manifests(const fs::path& root) {
    std::vector<fs::path> folders = manifest_folders(root);
    std::string lines;
    for (const char* name : {"VK_DRIVER_FILES", "VK_ICD_FILENAMES", "VK_ADD_DRIVER_FILES", "VK_LAYER_PATH", "VK_ADD_LAYER_PATH"}) {
        for (const fs::path& named : split(variable(name, ""))) {
            lines += identity(named);
            folders.push_back(named);
        }
    }
    for (const fs::path& folder : folders) {
        for (const fs::path& file : entries(folder)) lines += identity(file);
    }
    return lines;
}

std::string library_files(std::span<const std::string> libraries, const fs::path& root) {
    std::string lines = identity(root / "etc/ld.so.cache");
    for (const fs::path& folder : split(variable("LD_LIBRARY_PATH", ""))) {
        for (const char* name : {"libvulkan.so.1", "libvulkan.so"}) lines += identity(folder / name);
    }
    for (const std::string& library : libraries) lines += identity(library);
    return lines;
}

// A GPU's driver shows itself as a device node, and the process may be allowed to open it or not.
std::string device_nodes(const fs::path& root) {
    constexpr std::array<std::string_view, 6> kNames{"nvidia", "dxg", "kfd", "mali", "kgsl", "pvr"};
    std::vector<fs::path> nodes = entries(root / "dev/dri");
    for (const fs::path& node : entries(root / "dev")) {
        const std::string name = node.filename();
        if (std::ranges::any_of(kNames, [&](std::string_view prefix) { return name.starts_with(prefix); })) nodes.push_back(node);
    }
    std::string lines;
    for (const fs::path& node : nodes) {
        struct stat found {};
        if (stat(node.c_str(), &found) != 0) continue;
        lines += text(node.string(), " ", major(found.st_rdev), ":", minor(found.st_rdev), access(node.c_str(), R_OK | W_OK) == 0 ? " open\n" : " closed\n");
    }
    return lines;
}

// Drivers that compute on the processor offer what it can do. A home folder may be that of several machines.
std::string machine() {
    utsname system{};
    (void)uname(&system);
    std::string line = text(system.release, " ", system.machine, " ", sysconf(_SC_PHYS_PAGES), " ", TENSORVK_VERSION);
#if defined(__x86_64__)
    for (const unsigned leaf : {0x1U, 0x7U, 0x80000002U, 0x80000003U, 0x80000004U}) { // features, and the name
        unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
        if (__get_cpuid_count(leaf, 0, &eax, &ebx, &ecx, &edx) == 0) continue;
        if (leaf == 0x1U) eax = ebx = 0; // they tell the core that runs this
        line += text(" ", eax, ",", ebx, ",", ecx, ",", edx);
    }
#else
    line += text(" ", getauxval(AT_HWCAP), " ", getauxval(AT_HWCAP2));
#endif
    return line + "\n";
}

} // namespace

std::string driver_environment() {
    std::vector<std::string> lines;
    for (char** at = environ; at != nullptr && *at != nullptr; ++at) {
        const std::string_view line = *at;
        if (std::ranges::any_of(kPrefixes, [&](std::string_view prefix) { return line.starts_with(prefix); })) lines.emplace_back(line);
    }
    std::ranges::sort(lines);
    std::string all;
    for (const std::string& line : lines) all += line + "\n";
    return all;
}

std::string driver_surroundings(std::span<const std::string> libraries, const fs::path& root) {
    return machine() + device_nodes(root) + library_files(libraries, root) + manifests(root);
}

std::vector<std::string> loaded_libraries() {
    std::vector<std::string> names;
    dl_iterate_phdr(
        [](dl_phdr_info* info, std::size_t, void* out) {
            if (info->dlpi_name != nullptr && *info->dlpi_name == '/') static_cast<std::vector<std::string>*>(out)->emplace_back(info->dlpi_name);
            return 0;
        },
        &names);
    std::ranges::sort(names);
    return names;
}

} // namespace tensorvk::vulkan
