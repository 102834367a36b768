// The parts of the driver of our own that no other test reaches.
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <unistd.h>

#include "vulkan/host_driver/entry_points.hpp"
#include "vulkan/host_driver/machine_memory.hpp"
#include "vulkan/loader.hpp"

namespace tensorvk::vulkan {
namespace {

namespace fs = std::filesystem;
using host_driver::machine_memory;

constexpr std::uint64_t kMiB = 1ULL << 20;

class MachineMemoryTest : public ::testing::Test {
  protected:
    MachineMemoryTest() {
        write("proc/meminfo", "MemTotal:       16384 kB\nMemFree:  1 kB\nMemAvailable:    8192 kB\n");
    }
    ~MachineMemoryTest() override { fs::remove_all(root_); }

    void write(const fs::path& name, const std::string& content) {
        fs::create_directories((root_ / name).parent_path());
        std::ofstream(root_ / name) << content;
    }

    const fs::path root_ = fs::temp_directory_path() / ("tensorvk_machine_" + std::to_string(getpid()));
};

TEST_F(MachineMemoryTest, IsTheMachinesWithoutGroups) {
    EXPECT_EQ(machine_memory(root_).total, 16 * kMiB);
    EXPECT_EQ(machine_memory(root_).available, 8 * kMiB);
}

TEST_F(MachineMemoryTest, GroupsOfTheSecondVersionLimitItAlsoFromAbove) {
    write("proc/self/cgroup", "0::/outer/inner\n");
    write("sys/fs/cgroup/memory.max", "max\n");
    write("sys/fs/cgroup/outer/memory.max", "4194304\n");
    write("sys/fs/cgroup/outer/inner/memory.max", "max\n");
    EXPECT_EQ(machine_memory(root_).total, 4 * kMiB);
    EXPECT_EQ(machine_memory(root_).available, 4 * kMiB) << "no more is available than there is";
}

TEST_F(MachineMemoryTest, GroupsOfTheFirstVersionToo) {
    write("proc/self/cgroup", "5:cpu,cpuacct:/box\n4:memory:/box\n");
    write("sys/fs/cgroup/memory/box/memory.limit_in_bytes", "12582912\n");
    EXPECT_EQ(machine_memory(root_).total, 12 * kMiB);
    write("sys/fs/cgroup/memory/box/memory.limit_in_bytes", "9223372036854771712\n");
    EXPECT_EQ(machine_memory(root_).total, 16 * kMiB) << "the number that stands for no limit";
    // In a container the folder of the own group is the root of the mount.
    write("sys/fs/cgroup/memory/memory.limit_in_bytes", "2097152\n");
    EXPECT_EQ(machine_memory(root_).total, 2 * kMiB);
}

TEST_F(MachineMemoryTest, UnreadableFilesLeaveAGuess) {
    write("proc/self/cgroup", "nonsense\n0:\n");
    write("proc/meminfo", "");
    EXPECT_GT(machine_memory(root_).total, 0U);
    EXPECT_GT(machine_memory(root_ / "nowhere").available, 0U);
}

TEST(HostDriver, OffersCopiesAndNoShaders) {
    const auto get = host_loader().fn.GetInstanceProcAddr;
    for (const char* name : {"vkCreateInstance", "vkCreateDevice", "vkQueueSubmit", "vkCmdCopyBuffer", "vkWaitSemaphores"}) {
        EXPECT_NE(get(nullptr, name), nullptr) << name;
    }
    for (const char* name : {"vkCreateShaderModule", "vkCreateComputePipelines", "vkCmdDispatch", "vkCreateImage", ""}) {
        EXPECT_EQ(get(nullptr, name), nullptr) << name;
    }
    EXPECT_TRUE(host_loader().library.empty());
}

} // namespace
} // namespace tensorvk::vulkan
