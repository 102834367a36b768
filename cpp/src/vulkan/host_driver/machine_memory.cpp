#include "vulkan/host_driver/machine_memory.hpp"

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>

namespace tensorvk::vulkan::host_driver {
namespace {

namespace fs = std::filesystem;

// Where nothing says how much there is: enough for networks of every day.
constexpr std::uint64_t kUnknownTotal = 4ULL << 30;

std::uint64_t meminfo(const fs::path& root, const std::string& key) {
    std::ifstream file(root / "proc/meminfo");
    std::string line;
    while (std::getline(file, line)) {
        if (line.starts_with(key + ":")) return std::strtoull(line.c_str() + key.size() + 1, nullptr, 10) << 10;
    }
    return 0;
}

// The limit that a file holds; "max", as any file without a number, is none.
std::uint64_t limit_in(const fs::path& path) {
    std::ifstream file(path);
    std::uint64_t limit = 0;
    return file >> limit && limit > 0 ? limit : std::numeric_limits<std::uint64_t>::max();
}

// A group is limited by those around it too. In a container the own group's folder is often the mount's root.
std::uint64_t limit_of_groups(const fs::path& mount, fs::path group, const char* file) {
    std::uint64_t limit = limit_in(mount / file);
    for (group = group.relative_path(); !group.empty(); group = group.parent_path()) {
        limit = std::min(limit, limit_in(mount / group / file));
    }
    return limit;
}

// Lines of /proc/self/cgroup are "number:controllers:path"; version 2 has the one without controllers.
std::uint64_t group_limit(const fs::path& root) {
    std::uint64_t limit = std::numeric_limits<std::uint64_t>::max();
    std::ifstream file(root / "proc/self/cgroup");
    std::string line;
    while (std::getline(file, line)) {
        const std::size_t first = line.find(':');
        const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
        if (second == std::string::npos) continue;
        const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
        const fs::path path = line.substr(second + 1);
        if (controllers == ",,") {
            limit = std::min(limit, limit_of_groups(root / "sys/fs/cgroup", path, "memory.max"));
        } else if (controllers.find(",memory,") != std::string::npos) {
            limit = std::min(limit, limit_of_groups(root / "sys/fs/cgroup/memory", path, "memory.limit_in_bytes"));
        }
    }
    return limit;
}

} // namespace

MachineMemory machine_memory(const fs::path& root) {
    const std::uint64_t installed = meminfo(root, "MemTotal");
    MachineMemory memory;
    memory.total = std::min(installed == 0 ? kUnknownTotal : installed, group_limit(root));
    const std::uint64_t available = meminfo(root, "MemAvailable");
    memory.available = std::min(memory.total, available == 0 ? memory.total : available);
    return memory;
}

} // namespace tensorvk::vulkan::host_driver
