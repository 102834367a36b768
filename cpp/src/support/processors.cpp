#include "support/processors.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>

#ifdef __linux__
#include <sched.h>
#endif

#include "support/error.hpp"

namespace tensorvk {

namespace {

std::optional<int> setting() {
    constexpr int kMost = 1024;
    const char* given = std::getenv("TENSORVK_THREADS");
    if (given == nullptr || *given == '\0') return std::nullopt;
    const std::string_view digits(given);
    int threads = 0;
    const auto [end, status] = std::from_chars(digits.data(), digits.data() + digits.size(), threads);
    if (status != std::errc() || end != digits.data() + digits.size() || threads < 1 || threads > kMost) {
        throw InvalidArgument(text("TENSORVK_THREADS is '", digits, "'; it must be a number of threads from 1 to ", kMost, "."));
    }
    return threads;
}

#ifdef __linux__
//! Hardware threads of one core name the same siblings.
int cores_of_affinity() {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof(set), &set) != 0) return 0; // more processors than the set holds
    std::set<std::string> cores;
    for (int i = 0; i < CPU_SETSIZE; ++i) {
        if (!CPU_ISSET(i, &set)) continue;
        std::ifstream file("/sys/devices/system/cpu/cpu" + std::to_string(i) + "/topology/thread_siblings_list");
        std::string siblings;
        if (!std::getline(file, siblings)) siblings = std::to_string(i);
        cores.insert(siblings);
    }
    return static_cast<int>(cores.size());
}

//! Whole cores of processor time that the group and those above it have, or nothing where there is no limit.
std::optional<int> quota() {
    std::optional<double> least;
    const auto take = [&](double quota, double period) {
        if (quota > 0 && period > 0) least = std::min(least.value_or(quota / period), quota / period);
    };
    std::ifstream groups("/proc/self/cgroup");
    for (std::string line; std::getline(groups, line);) {
        const std::size_t first = line.find(':'), second = line.find(':', first + 1);
        if (second == std::string::npos) continue;
        const std::string controllers = line.substr(first + 1, second - first - 1);
        const bool unified = controllers.empty();
        if (!unified && ("," + controllers + ",").find(",cpu,") == std::string::npos) continue;
        const std::string root = unified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/" + controllers;
        // A container often sees its own group as the root, whatever the path says.
        for (std::string path = line.substr(second + 1);; path.resize(path.rfind('/'))) {
            if (path == "/") path.clear();
            double quota = 0, period = 0;
            if (unified) {
                std::ifstream(root + path + "/cpu.max") >> quota >> period; // "max" is no number
            } else {
                std::ifstream(root + path + "/cpu.cfs_quota_us") >> quota;
                std::ifstream(root + path + "/cpu.cfs_period_us") >> period;
            }
            take(quota, period);
            if (path.empty() || path.rfind('/') == std::string::npos) break;
        }
    }
    if (!least) return std::nullopt;
    return static_cast<int>(std::ceil(*least));
}
#else
int cores_of_affinity() { return static_cast<int>(std::thread::hardware_concurrency()); }
std::optional<int> quota() { return std::nullopt; }
#endif

} // namespace

int usable_cores() {
    if (const std::optional<int> threads = setting()) return *threads;
    int cores = cores_of_affinity();
    if (cores < 1) cores = static_cast<int>(std::thread::hardware_concurrency());
    return std::max(std::min(cores, quota().value_or(cores)), 1);
}

} // namespace tensorvk
