// Work on the device that is there: buffers, pipelines, command buffers, timelines.
#include "vulkan/device.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <string>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "add_kernel.hpp"
#include "support/error.hpp"
#include "vulkan/command_buffer.hpp"
#include "vulkan/pipeline_cache.hpp"
#include "vulkan/queue.hpp"
#include "vulkan/timeline.hpp"

namespace tensorvk::vulkan {
namespace {

using testing::kAddKernel;

struct Push {
    int count;
    int offset;
    int rounds;
};

PipelineDesc add_desc(std::span<const SpecConstant> constants) {
    PipelineDesc desc;
    desc.spirv = kAddKernel;
    desc.constants = constants;
    desc.bindings = 2;
    desc.push_constant_bytes = sizeof(Push);
    desc.name = "add";
    return desc;
}

class DeviceTest : public ::testing::Test {
  protected:
    void submit_and_wait(const CommandBuffer& commands) {
        Timeline timeline(device_);
        device_->queue(0).submit(commands.handle(), {}, timeline.point(1));
        timeline.wait(1);
    }

    std::shared_ptr<Device> device_ = Device::current();
};

class ShaderTest : public DeviceTest {
  protected:
    void SetUp() override {
        if (!device_->caps().shaders) GTEST_SKIP() << "this device runs no shaders";
    }

    // Values of `from` after one dispatch of value * scale + offset.
    std::vector<int> run(int scale, Push push, const std::vector<int>& from) {
        const SpecConstant constant{0, static_cast<std::uint32_t>(scale)};
        const auto pipeline = device_->pipelines().get(add_desc({&constant, 1}));
        const std::uint64_t bytes = from.size() * sizeof(int);
        Buffer staging(device_, bytes, BufferPlace::kHost);
        Buffer in(device_, bytes);
        Buffer out(device_, bytes);
        Buffer back(device_, bytes, BufferPlace::kHost);
        std::memcpy(staging.mapped(), from.data(), bytes);
        CommandBuffer commands(device_);
        commands.begin();
        commands.copy({&staging, 0, bytes}, {&in, 0, bytes});
        commands.full_barrier();
        const BufferView views[] = {{&in, 0, in.capacity()}, {&out, 0, out.capacity()}};
        commands.dispatch(*pipeline, views, std::as_bytes(std::span(&push, 1)),
                          {static_cast<std::uint32_t>((from.size() + 63) / 64), 1, 1});
        commands.full_barrier();
        commands.copy({&out, 0, bytes}, {&back, 0, bytes});
        commands.end();
        submit_and_wait(commands);
        std::vector<int> to(from.size());
        std::memcpy(to.data(), back.mapped(), bytes);
        return to;
    }
};

TEST_F(ShaderTest, KernelSeesSpecializationPushConstantsAndBuffers) {
    for (const int count : {1, 3, 17, 64, 1000}) {
        std::vector<int> from(static_cast<std::size_t>(count));
        std::iota(from.begin(), from.end(), -5);
        const std::vector<int> to = run(3, {count, 7, 1}, from);
        for (std::size_t i = 0; i < from.size(); ++i)
            ASSERT_EQ(to[i], from[i] * 3 + 7) << "element " << i << " of " << count;
    }
}

TEST_F(ShaderTest, ComputeBarrierOrdersDispatches) {
    const SpecConstant constant{0, 2};
    const auto pipeline = device_->pipelines().get(add_desc({&constant, 1}));
    constexpr int kCount = 4096;
    Buffer a(device_, kCount * sizeof(int));
    Buffer b(device_, kCount * sizeof(int));
    Buffer back(device_, kCount * sizeof(int), BufferPlace::kHost);
    CommandBuffer commands(device_);
    commands.begin();
    commands.fill({&a, 0, a.size()}, 1);
    commands.full_barrier();
    const Push push{kCount, 1, 1};
    for (int i = 0; i < 10; ++i) {
        const bool forward = i % 2 == 0;
        const BufferView views[] = {{forward ? &a : &b, 0, a.size()}, {forward ? &b : &a, 0, a.size()}};
        commands.dispatch(*pipeline, views, std::as_bytes(std::span(&push, 1)), {kCount / 64, 1, 1});
        commands.compute_barrier();
    }
    commands.full_barrier();
    commands.copy({&a, 0, a.size()}, {&back, 0, a.size()});
    commands.end();
    submit_and_wait(commands);
    std::vector<int> values(kCount);
    std::memcpy(values.data(), back.mapped(), back.size());
    // x -> 2x + 1, ten times from 1: 2^11 - 1.
    EXPECT_TRUE(std::all_of(values.begin(), values.end(), [](int v) { return v == 2047; }));
    EXPECT_EQ(commands.dispatch_count(), 10U);
}

TEST_F(ShaderTest, RecordingIsRunAgainWithoutRecordingAgain) {
    Buffer counter(device_, 4);
    Buffer back(device_, 4, BufferPlace::kHost);
    const SpecConstant constant{0, 1};
    const auto pipeline = device_->pipelines().get(add_desc({&constant, 1}));
    CommandBuffer clear(device_);
    clear.begin();
    clear.fill({&counter, 0, 4}, 0);
    clear.end();
    CommandBuffer step(device_);
    step.begin();
    const Push push{1, 1, 1};
    const BufferView views[] = {{&counter, 0, 4}, {&counter, 0, 4}};
    step.dispatch(*pipeline, views, std::as_bytes(std::span(&push, 1)), {1, 1, 1});
    step.full_barrier();
    step.copy({&counter, 0, 4}, {&back, 0, 4});
    step.end();
    Timeline timeline(device_);
    std::uint64_t value = 0;
    device_->queue(0).submit(clear.handle(), {}, timeline.point(++value));
    for (int i = 0; i < 50; ++i) device_->queue(0).submit(step.handle(), {}, timeline.point(++value));
    timeline.wait(value);
    int result = 0;
    std::memcpy(&result, back.mapped(), 4);
    EXPECT_EQ(result, 50) << "submissions of one queue run one after the other";
}

TEST_F(ShaderTest, BadDispatchesAreRefusedWithTheKernelsName) {
    const SpecConstant constant{0, 2};
    const auto pipeline = device_->pipelines().get(add_desc({&constant, 1}));
    Buffer buffer(device_, 256);
    CommandBuffer commands(device_);
    commands.begin();
    const Push push{1, 0, 0};
    const auto bytes = std::as_bytes(std::span(&push, 1));
    const BufferView good{&buffer, 0, 256};
    const auto attempt = [&](std::vector<BufferView> views, std::span<const std::byte> pushed,
                             std::array<std::uint32_t, 3> groups) -> std::string {
        try {
            commands.dispatch(*pipeline, views, pushed, groups);
        } catch (const InvalidArgument& e) {
            return e.what();
        }
        return "nothing was refused";
    };
    const auto names_kernel = [](const std::string& message) { return message.find("'add'") != std::string::npos; };
    EXPECT_TRUE(names_kernel(attempt({good}, bytes, {1, 1, 1}))) << "a binding is missing";
    EXPECT_TRUE(names_kernel(attempt({good, good}, bytes.first(4), {1, 1, 1}))) << "push constants are missing";
    EXPECT_TRUE(names_kernel(attempt({good, {&buffer, 0, 257}}, bytes, {1, 1, 1}))) << "beyond the buffer";
    EXPECT_TRUE(names_kernel(attempt({good, {&buffer, ~0ULL, 16}}, bytes, {1, 1, 1}))) << "offset that overflows";
    EXPECT_TRUE(names_kernel(attempt({good, {&buffer, 1, 16}}, bytes, {1, 1, 1}))) << "offset that is not aligned";
    EXPECT_TRUE(names_kernel(attempt({good, {nullptr, 0, 16}}, bytes, {1, 1, 1}))) << "no buffer";
    EXPECT_TRUE(names_kernel(attempt({good, good}, bytes, {0xFFFFFFFFU, 1, 1}))) << "too many groups";
    EXPECT_EQ(commands.dispatch_count(), 0U);
    EXPECT_NO_THROW(commands.dispatch(*pipeline, std::array{good, good}, bytes, {0, 1, 1})) << "no groups is no work";
    EXPECT_EQ(commands.dispatch_count(), 0U);
    commands.end();
}

TEST_F(ShaderTest, PipelinesBeyondTheLimitsAreRefused) {
    PipelineDesc many_bindings = add_desc({});
    many_bindings.bindings = device_->caps().limits.max_storage_bindings + 1;
    PipelineDesc much_push = add_desc({});
    much_push.push_constant_bytes = device_->caps().limits.max_push_constant_bytes + 4;
    PipelineDesc no_code = add_desc({});
    no_code.spirv = {};
    PipelineDesc odd_subgroup = add_desc({});
    odd_subgroup.required_subgroup_size = device_->caps().max_subgroup_size * 2;
    for (const PipelineDesc& desc : {many_bindings, much_push, no_code, odd_subgroup}) {
        EXPECT_THROW((void)device_->pipelines().get(desc), InvalidArgument);
    }
}

TEST_F(ShaderTest, EqualPipelinesAreMadeOnceAlsoByManyThreads) {
    const auto before = device_->pipelines().compiled();
    std::vector<std::shared_ptr<const Pipeline>> made(8);
    {
        std::vector<std::jthread> threads;
        for (std::size_t t = 0; t < made.size(); ++t) {
            threads.emplace_back([&, t] {
                const SpecConstant constant{0, 100 + static_cast<std::uint32_t>(t % 2)};
                made[t] = device_->pipelines().get(add_desc({&constant, 1}));
            });
        }
    }
    EXPECT_EQ(device_->pipelines().compiled() - before, 2U);
    EXPECT_EQ(made[0], made[2]);
    EXPECT_NE(made[0], made[1]);
}

TEST_F(DeviceTest, BuffersKeepApartAndGiveTheirMemoryBack) {
    const std::uint64_t before = device_->device_memory().used_bytes();
    {
        std::vector<std::unique_ptr<Buffer>> buffers;
        for (const std::uint64_t size : {1ULL, 3ULL, 17ULL, 4096ULL, 1ULL << 20, 40ULL << 20}) {
            buffers.push_back(std::make_unique<Buffer>(device_, size));
            EXPECT_EQ(buffers.back()->size(), size);
            EXPECT_EQ(buffers.back()->capacity() % Buffer::kPadding, 0U);
        }
        EXPECT_GE(device_->device_memory().used_bytes() - before, 41ULL << 20);
        if (device_->caps().unified_memory) {
            for (std::size_t i = 0; i < buffers.size(); ++i)
                std::memset(buffers[i]->mapped(), static_cast<int>(i + 1), buffers[i]->size());
            for (std::size_t i = 0; i < buffers.size(); ++i) {
                EXPECT_EQ(buffers[i]->mapped()[buffers[i]->size() - 1], static_cast<std::byte>(i + 1));
            }
        }
    }
    EXPECT_EQ(device_->device_memory().used_bytes(), before);
}

TEST_F(DeviceTest, AbsurdSizesAreOutOfMemoryAndZeroIsInvalid) {
    EXPECT_THROW(Buffer(device_, 0), InvalidArgument);
    EXPECT_THROW(Buffer(device_, device_->memory_info().total_bytes + 1), OutOfMemory);
    EXPECT_THROW(Buffer(device_, ~0ULL), OutOfMemory);
    EXPECT_THROW(Buffer(device_, 1ULL << 63), OutOfMemory);
    EXPECT_NO_THROW(Buffer(device_, 16)) << "the device lives on";
}

TEST_F(DeviceTest, MemoryInfoCountsWhatIsAllocated) {
    const MemoryInfo before = device_->memory_info();
    const Buffer buffer(device_, 48 << 20);
    const MemoryInfo after = device_->memory_info();
    EXPECT_EQ(before.total_bytes, after.total_bytes);
    EXPECT_LE(after.free_bytes + (48U << 20), before.free_bytes + (1U << 20))
        << "other processes may take or give a little";
}

TEST_F(ShaderTest, TimestampsGrowWithTheWorkBetweenThem) {
    if (!device_->caps().timestamps) GTEST_SKIP() << "this device has none";
    TimestampPool pool(device_, 3);
    EXPECT_THROW((void)pool.read(2, 2), InvalidArgument);
    const SpecConstant constant{0, 3};
    const auto pipeline = device_->pipelines().get(add_desc({&constant, 1}));
    Buffer buffer(device_, 1 << 18);
    const BufferView views[] = {{&buffer, 0, buffer.size()}, {&buffer, 0, buffer.size()}};
    const Push push{1 << 16, 1, 2000};
    CommandBuffer commands(device_);
    commands.begin();
    commands.reset_timestamps(pool, 0, 3);
    commands.write_timestamp(pool, 0);
    commands.dispatch(*pipeline, views, std::as_bytes(std::span(&push, 1)), {1 << 10, 1, 1});
    commands.compute_barrier();
    commands.write_timestamp(pool, 1);
    commands.write_timestamp(pool, 2);
    commands.end();
    submit_and_wait(commands);
    submit_and_wait(commands); // the first run may include the driver's compilation
    const std::vector<std::uint64_t> times = pool.read(0, 3);
    ASSERT_EQ(times.size(), 3U);
    EXPECT_GT(pool.elapsed_ns(times[0], times[1]), pool.elapsed_ns(times[1], times[2]));
    EXPECT_LT(pool.elapsed_ns(times[0], times[1]), 30e9);
}

TEST_F(DeviceTest, CopiesAndFillsRunInTheOrderOfRecordingAndSubmission) {
    // Small work and large: the driver of our own does the one at once and the other on a thread.
    for (const std::uint64_t bytes : {64ULL, 4096ULL, 1ULL << 20}) {
        Buffer a(device_, bytes);
        Buffer b(device_, bytes);
        Buffer back(device_, bytes, BufferPlace::kHost);
        CommandBuffer commands(device_);
        commands.begin();
        commands.fill({&a, 0, bytes}, 0x01010101);
        commands.full_barrier();
        commands.fill({&a, 16, 16}, 0x02020202);
        commands.full_barrier();
        commands.copy({&a, 8, bytes - 8}, {&b, 0, bytes - 8});
        commands.copy({&a, 0, 8}, {&b, bytes - 8, 8});
        commands.end();
        CommandBuffer read(device_);
        read.begin();
        read.copy({&b, 0, bytes}, {&back, 0, bytes});
        read.end();
        Timeline timeline(device_);
        for (std::uint64_t i = 0; i < 10; ++i) {
            std::memset(back.mapped(), 0xFF, bytes);
            device_->queue(0).submit(commands.handle(), {}, timeline.point(2 * i + 1));
            device_->queue(0).submit(read.handle(), {}, timeline.point(2 * i + 2));
            timeline.wait(2 * i + 2);
            for (std::uint64_t at = 0; at < bytes; ++at) {
                const auto expected = static_cast<std::byte>(at >= 8 && at < 24 ? 2 : 1);
                ASSERT_EQ(back.mapped()[at], expected) << "byte " << at << " of " << bytes << ", round " << i;
            }
        }
    }
}

TEST_F(DeviceTest, WorkWaitsForTimelinesAndTheNextWaitsForIt) {
    Buffer value(device_, 4);
    Buffer back(device_, 4, BufferPlace::kHost);
    std::vector<std::unique_ptr<CommandBuffer>> commands;
    for (std::uint32_t word = 1; word <= 2; ++word) {
        commands.push_back(std::make_unique<CommandBuffer>(device_));
        commands.back()->begin();
        commands.back()->fill({&value, 0, 4}, word);
        commands.back()->full_barrier();
        commands.back()->copy({&value, 0, 4}, {&back, 0, 4});
        commands.back()->end();
    }
    Timeline gate(device_);
    Timeline done(device_);
    std::memset(back.mapped(), 0, 4);
    const TimelinePoint wait = gate.point(1);
    device_->queue(0).submit(commands[0]->handle(), {&wait, 1}, done.point(1));
    device_->queue(0).submit(commands[1]->handle(), {}, done.point(2));
    EXPECT_FALSE(done.reached(1));
    gate.signal(1);
    done.wait(2);
    std::uint32_t word = 0;
    std::memcpy(&word, back.mapped(), 4);
    EXPECT_EQ(word, 2U);
}

TEST_F(DeviceTest, TimestampsAreThereOnceWrittenAndInOrder) {
    if (!device_->caps().timestamps) GTEST_SKIP() << "this device has none";
    TimestampPool pool(device_, 3);
    Buffer from(device_, 8 << 20);
    Buffer to(device_, 8 << 20);
    CommandBuffer reset(device_);
    reset.begin();
    reset.reset_timestamps(pool, 0, 3);
    reset.end();
    submit_and_wait(reset);
    EXPECT_TRUE(pool.read(0, 3).empty());
    CommandBuffer commands(device_);
    commands.begin();
    commands.write_timestamp(pool, 0);
    commands.copy({&from, 0, from.size()}, {&to, 0, to.size()});
    commands.full_barrier();
    commands.write_timestamp(pool, 1);
    commands.write_timestamp(pool, 2);
    commands.end();
    submit_and_wait(commands);
    const std::vector<std::uint64_t> times = pool.read(0, 3);
    ASSERT_EQ(times.size(), 3U);
    EXPECT_GT(pool.elapsed_ns(times[0], times[1]), 0.0);
    EXPECT_GE(pool.elapsed_ns(times[1], times[2]), 0.0);
}

TEST_F(DeviceTest, ImportedHostMemoryIsReadAndWrittenInPlace) {
    if (!device_->caps().host_import) GTEST_SKIP() << "this device cannot";
    const std::uint64_t bytes = device_->caps().limits.host_import_alignment;
    const std::unique_ptr<void, decltype(&std::free)> host(std::aligned_alloc(bytes, bytes), &std::free);
    std::memset(host.get(), 7, bytes);
    const auto imported = Buffer::import_host(device_, host.get(), bytes);
    EXPECT_THROW((void)Buffer::import_host(device_, static_cast<std::byte*>(host.get()) + 1, bytes), InvalidArgument);
    CommandBuffer commands(device_);
    commands.begin();
    commands.copy({imported.get(), 0, 16}, {imported.get(), 32, 16});
    commands.full_barrier();
    commands.fill({imported.get(), 0, 16}, 0x09090909);
    commands.end();
    submit_and_wait(commands);
    EXPECT_EQ(static_cast<std::byte*>(host.get())[15], std::byte{9});
    EXPECT_EQ(static_cast<std::byte*>(host.get())[47], std::byte{7});
}

TEST_F(DeviceTest, DeviceWithoutShadersSaysSoOfAKernel) {
    if (device_->caps().shaders) GTEST_SKIP() << "this device runs shaders";
    try {
        (void)device_->pipelines().get(add_desc({}));
        FAIL() << "a pipeline was made";
    } catch (const Unsupported& error) {
        EXPECT_NE(std::string(error.what()).find("'add' is a shader"), std::string::npos) << error.what();
        EXPECT_NE(std::string(error.what()).find(device_->offer().name), std::string::npos) << error.what();
    }
}

TEST_F(DeviceTest, TimelineIsSignalledByHostAndQueue) {
    Timeline timeline(device_);
    EXPECT_EQ(timeline.completed(), 0U);
    timeline.signal(4);
    EXPECT_TRUE(timeline.reached(4));
    EXPECT_FALSE(timeline.reached(5));
    device_->queue(0).submit(VK_NULL_HANDLE, {}, timeline.point(5));
    timeline.wait(5);
    EXPECT_EQ(timeline.completed(), 5U);
    std::jthread later([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        timeline.signal(6);
    });
    timeline.wait(6, std::chrono::milliseconds(1));
    EXPECT_EQ(timeline.seen(), 6U);
}

TEST_F(ShaderTest, DescriptorSetsDoNotRunOut) {
    const SpecConstant constant{0, 1};
    const auto pipeline = device_->pipelines().get(add_desc({&constant, 1}));
    Buffer buffer(device_, 4);
    Buffer back(device_, 4, BufferPlace::kHost);
    const BufferView views[] = {{&buffer, 0, 4}, {&buffer, 0, 4}};
    const Push push{1, 1, 1};
    CommandBuffer commands(device_);
    for (int round = 0; round < 2; ++round) {
        commands.begin();
        commands.fill({&buffer, 0, 4}, 0);
        commands.full_barrier();
        for (int i = 0; i < 300; ++i) {
            commands.dispatch(*pipeline, views, std::as_bytes(std::span(&push, 1)), {1, 1, 1});
            commands.compute_barrier();
        }
        commands.full_barrier();
        commands.copy({&buffer, 0, 4}, {&back, 0, 4});
        commands.end();
        submit_and_wait(commands);
        int result = 0;
        std::memcpy(&result, back.mapped(), 4);
        EXPECT_EQ(result, 300);
    }
}

TEST_F(DeviceTest, ThreadsHaveTheirOwnCurrentDevice) {
    EXPECT_EQ(Device::current_index(), 0);
    EXPECT_THROW(Device::set_current(Device::count()), InvalidArgument);
    EXPECT_THROW(Device::set_current(-1), InvalidArgument);
    EXPECT_THROW((void)Device::by_index(1000), InvalidArgument);
    EXPECT_EQ(Device::by_index(0), Device::current());
}

TEST_F(DeviceTest, LogicalDeviceOfItsOwnOpensAndCloses) {
    const auto own = Device::create(physical_devices().at(0), 0, {});
    const Buffer buffer(own, 1000);
    EXPECT_NE(own->handle(), device_->handle());
}

// Keep last: what the validation layer (TENSORVK_VALIDATION=1) said about all of the above.
TEST(ZValidation, LayerFoundNothing) {
    EXPECT_EQ(validation_error_count(), 0U);
}

int end_of_pipe = -1; // where exit handlers write; theirs is no state of a test

TEST_F(DeviceTest, AForkedProcessRunsNoExitHandlersThatItInherited) {
    std::array<int, 2> ends{};
    ASSERT_EQ(pipe(ends.data()), 0);
    end_of_pipe = ends[1];
    ASSERT_EQ(std::atexit([] { (void)!write(end_of_pipe, "inherited", 9); }), 0);
    const pid_t child = fork();
    if (child == 0) {
        (void)std::atexit([] { (void)!write(end_of_pipe, "own", 3); });
        std::exit(7);
    }
    end_of_pipe = -1;
    close(ends[1]);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    std::array<char, 64> said{};
    const ssize_t count = read(ends[0], said.data(), said.size());
    close(ends[0]);
    EXPECT_EQ(WEXITSTATUS(status), 7);
    EXPECT_EQ(std::string(said.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0))), "own");
}

} // namespace
} // namespace tensorvk::vulkan
