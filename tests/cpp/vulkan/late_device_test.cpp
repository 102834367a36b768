// Devices that are opened late, each step in a process of its own: one looks, the next ones remember.
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <numeric>

#include <gtest/gtest.h>
#include <stdlib.h>

#include "support/error.hpp"
#include "vulkan/add_kernel.hpp"
#include "vulkan/buffer.hpp"
#include "vulkan/command_buffer.hpp"
#include "vulkan/device.hpp"
#include "vulkan/late/last_look.hpp"
#include "vulkan/late/late_device.hpp"
#include "vulkan/late/surroundings.hpp"
#include "vulkan/pipeline_cache.hpp"
#include "vulkan/timeline.hpp"
#include "vulkan/timestamps.hpp"

namespace tensorvk::vulkan {
namespace {

namespace fs = std::filesystem;

struct Push {
    std::int32_t count = 0;
    std::int32_t offset = 0;
    std::int32_t rounds = 1;
};

// The child that a death test starts is this program again: what it shares with its parent is in the environment.
class LateDeviceDeathTest : public ::testing::Test {
  protected:
    void SetUp() override {
        GTEST_FLAG_SET(death_test_style, "threadsafe");
        if (const char* given = getenv("LATE_TEST_FOLDER"); given != nullptr) {
            folder_ = given;
            return;
        }
        std::string name = (fs::temp_directory_path() / "tensorvk-late-XXXXXX").string();
        ASSERT_NE(mkdtemp(name.data()), nullptr);
        folder_ = name;
        setenv("LATE_TEST_FOLDER", folder_.c_str(), 1);
        owner_ = true;
    }
    void TearDown() override {
        if (!owner_) return;
        unsetenv("LATE_TEST_FOLDER");
        fs::remove_all(folder_);
    }

    // As if it was started with nothing set and its own folder of caches.
    void start() const {
        for (const char* name : {"TENSORVK_DISABLE", "TENSORVK_VALIDATION", "TENSORVK_CACHE"}) unsetenv(name);
        setenv("TENSORVK_DEVICE", "cpu", 1);
        setenv("XDG_CACHE_HOME", folder_.c_str(), 1);
    }
    // The look of an earlier process, for each test in the parent and in the child. Exits with 7, or 8 where the machine has no device that can be opened late.
    void look() const {
        start();
        try {
            std::_Exit(late_is_possible(*Device::current()) && last_look() ? 7 : 8);
        } catch (const Error&) {
            std::_Exit(8);
        }
    }

    static bool late_is_possible(const Device& device) { return device.caps().host_kernels && device.caps().host_import && device.caps().shaders; }
    [[nodiscard]] static bool looked() {
        const std::string self = fs::read_symlink("/proc/self/exe");
        const int status = std::system(("LATE_TEST_LOOK=1 '" + self + "' --gtest_filter=*.NothingButTheLook >/dev/null 2>&1").c_str());
        return WIFEXITED(status) && WEXITSTATUS(status) == 7;
    }

    fs::path folder_;
    bool owner_ = false;
};

bool driver_is_loaded() {
    for (const std::string& file : loaded_libraries()) {
        if (fs::path(file).filename().string().starts_with("libvulkan")) return true;
    }
    return false;
}

void submit_and_wait(const std::shared_ptr<Device>& device, const CommandBuffer& commands) {
    Timeline timeline(device);
    device->queue(0).submit(commands.handle(), {}, timeline.point(1));
    timeline.wait(1);
}

// Copy, timestamp, kernel, timestamp, copy: what recordings consist of. Throws, or returns the kernel's values of 0, 1, 2 and so on.
std::vector<int> run_kernel(const std::shared_ptr<Device>& device, int count, double& nanoseconds) {
    const SpecConstant constant{0, 3};
    PipelineDesc desc;
    desc.spirv = testing::kAddKernel;
    desc.constants = {&constant, 1};
    desc.bindings = 2;
    desc.push_constant_bytes = sizeof(Push);
    desc.name = "add";
    const std::uint64_t bytes = static_cast<std::uint64_t>(count) * sizeof(int);
    Buffer from(device, bytes, BufferPlace::kHost), in(device, bytes), out(device, bytes), to(device, bytes, BufferPlace::kHost);
    std::vector<int> values(static_cast<std::size_t>(count));
    std::iota(values.begin(), values.end(), 0);
    std::memcpy(from.mapped(), values.data(), bytes);
    const auto pipeline = device->pipelines().get(desc);
    const TimestampPool timestamps(device, 2);
    CommandBuffer commands(device);
    commands.begin();
    commands.copy({&from, 0, bytes}, {&in, 0, bytes});
    commands.full_barrier();
    commands.reset_timestamps(timestamps, 0, 2);
    commands.write_timestamp(timestamps, 0);
    const Push push{count, 7, 1};
    const BufferView views[] = {{&in, 0, in.capacity()}, {&out, 0, out.capacity()}};
    commands.dispatch(*pipeline, views, std::as_bytes(std::span(&push, 1)), {static_cast<std::uint32_t>((count + 63) / 64), 1, 1});
    commands.full_barrier();
    commands.write_timestamp(timestamps, 1);
    commands.copy({&out, 0, bytes}, {&to, 0, bytes});
    commands.end();
    submit_and_wait(device, commands);
    const std::vector<std::uint64_t> times = timestamps.read(0, 2);
    nanoseconds = times.empty() ? -1 : timestamps.elapsed_ns(times[0], times[1]);
    std::memcpy(values.data(), to.mapped(), bytes);
    return values;
}

// Not a test of its own: what looked() starts.
TEST_F(LateDeviceDeathTest, NothingButTheLook) {
    if (getenv("LATE_TEST_LOOK") == nullptr) GTEST_SKIP() << "for the others";
    look();
}

TEST_F(LateDeviceDeathTest, DriverIsLoadedByTheFirstShader) {
    if (!looked()) GTEST_SKIP() << "this machine has no CPU device of Vulkan's";
    const auto child = [&] {
        start();
        const auto device = Device::current();
        if (!device->late()) std::_Exit(1);
        if (!device->caps().shaders || device->offer().name.empty()) std::_Exit(2);
        const Buffer buffer(device, 1 << 20);
        std::memset(buffer.mapped(), 1, buffer.size());
        if (device->memory_info().free_bytes == 0 || driver_is_loaded()) std::_Exit(3);
        double nanoseconds = 0;
        for (const int count : {1, 17, 64, 1000}) {
            const std::vector<int> values = run_kernel(device, count, nanoseconds);
            for (int i = 0; i < count; ++i) {
                if (values[static_cast<std::size_t>(i)] != i * 3 + 7) std::_Exit(4);
            }
        }
        if (nanoseconds <= 0 || nanoseconds > 1e10) std::_Exit(5);
        std::_Exit(driver_is_loaded() ? 7 : 6);
    };
    EXPECT_EXIT(child(), ::testing::ExitedWithCode(7), "");
}

TEST_F(LateDeviceDeathTest, RememberedAndLookedAtAreTheSameDevice) {
    if (!looked()) GTEST_SKIP() << "this machine has no CPU device of Vulkan's";
    const auto child = [&] {
        start();
        const DeviceOffer remembered = physical_devices().at(0).offer;
        const DeviceOffer found = looked_device(remembered).offer;
        std::fprintf(stderr, "%s", found.name.c_str());
        std::_Exit(found.name == remembered.name && found.limits == remembered.limits ? 7 : 1);
    };
    EXPECT_EXIT(child(), ::testing::ExitedWithCode(7), ".");
}

TEST_F(LateDeviceDeathTest, DriverThatIsAnotherOneByThenIsRefusedAndForgotten) {
    if (!looked()) GTEST_SKIP() << "this machine has no CPU device of Vulkan's";
    const auto child = [&] {
        start();
        std::vector<DeviceOffer> offers = last_look().value();
        for (DeviceOffer& offer : offers) ++offer.driver_version;
        remember_look(offers, {});
        const auto device = Device::current();
        if (!device->late()) std::_Exit(1);
        double nanoseconds = 0;
        for (int attempt = 0; attempt < 2; ++attempt) {
            try {
                (void)run_kernel(device, 4, nanoseconds);
                std::_Exit(2);
            } catch (const DeviceUnavailable& error) {
                std::fputs(error.what(), stderr);
            }
        }
        const Buffer buffer(device, 100); // goes on as a device without shaders
        // Forgotten, and remembered as it is now.
        const auto now = last_look();
        std::_Exit(!now || now->at(0).driver_version != offers.at(0).driver_version ? 7 : 3);
    };
    EXPECT_EXIT(child(), ::testing::ExitedWithCode(7), "A shader needs the driver of .*answers differently now.*start the program again");
}

TEST_F(LateDeviceDeathTest, OtherWaysOfUsingTheDeviceOpenItAtOnce) {
    if (!looked()) GTEST_SKIP() << "this machine has no CPU device of Vulkan's";
    const auto child = [&] {
        start();
        if (!physical_devices().at(0).instance->late()) std::_Exit(1);
        const auto device = Device::create(physical_devices().at(0), 0, {{"unified_memory"}});
        double nanoseconds = 0;
        std::_Exit(!device->late() && run_kernel(device, 4, nanoseconds)[3] == 16 ? 7 : 2);
    };
    EXPECT_EXIT(child(), ::testing::ExitedWithCode(7), "");
}

} // namespace
} // namespace tensorvk::vulkan
