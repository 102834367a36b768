#include "runtime/executor.hpp"

#include <new>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "runtime/device_memory.hpp"
#include "runtime/host_kernel.hpp"
#include "runtime/programs.hpp"
#include "runtime/recordings.hpp"
#include "stream/gate.hpp"
#include "support/error.hpp"

namespace tensorvk::runtime {
namespace {

class Executor : public ::testing::Test {
  protected:
    std::shared_ptr<vulkan::Device> device = vulkan::Device::current();
    std::shared_ptr<stream::Stream> stream = stream::Stream::default_of(device);

    [[nodiscard]] std::shared_ptr<LoadedProgram> load(plan::Program program,
                                                      std::span<const std::byte> weights = {}) const {
        return LoadedProgram::load(device, std::make_shared<const plan::Program>(std::move(program)), weights,
                                   null_log());
    }

    void set(Execution& execution, std::int64_t n, const DeviceFloats& x, const DeviceFloats& y) const {
        execution.set_symbols(std::vector<std::int64_t>{n});
        execution.set_address(0, x.address());
        execution.set_address(1, y.address());
    }

    // Runs n rows and compares.
    void expect_runs(Execution& execution, std::int64_t n, std::uint64_t shift_in = 0,
                     std::uint64_t shift_out = 0) const {
        const std::vector<float> values = counting(static_cast<std::size_t>(n) * 3);
        const DeviceFloats x(device, values, shift_in);
        const DeviceFloats y(device, std::vector<float>(values.size(), -1.0F), shift_out);
        set(execution, n, x, y);
        execution.enqueue(*stream);
        stream->synchronize();
        const std::vector<float> result = y.read();
        for (std::size_t i = 0; i < values.size(); ++i) {
            // Small whole numbers: exact in float.
            ASSERT_EQ(result[i], programs::dynamic_result(values[i])) << "n " << n << ", element " << i;
        }
    }
};

TEST(HostWork, NamesTheLayerThatFoundNoMemory) {
    const std::string first = "conv1", second = "conv2";
    bool ran = false;
    const HostWork work{{{[&] { ran = true; }, &first}, {[] { throw std::bad_alloc(); }, &second}}, {}};
    try {
        work.run();
        FAIL() << "it throws";
    } catch (const OutOfMemory& error) {
        EXPECT_NE(std::string(error.what()).find("Layer 'conv2' needs more host memory"), std::string::npos) << error.what();
    }
    EXPECT_TRUE(ran);
}

TEST_F(Executor, RunsAProgramForAnyShape) {
    Execution execution(load(programs::dynamic_program()));
    for (const std::int64_t n : {1, 17, 3, 33, 1000, 1}) {
        expect_runs(execution, n);
    }
}

TEST_F(Executor, PreparesWeightsOnce) {
    const std::vector<std::byte> weights = programs::weights_of_weighted_program();
    Execution execution(load(programs::weighted_program(), weights));
    const DeviceFloats x(device, counting(programs::kWeights));
    const DeviceFloats y(device, std::vector<float>(programs::kWeights));
    execution.set_address(0, x.address());
    execution.set_address(1, y.address());
    for (int run = 0; run < 2; ++run) {
        execution.run(*stream);
        EXPECT_EQ(y.read(), (std::vector<float>{2, 5, 8, 11, 14}));
    }
}

TEST_F(Executor, PreparesWeightsOnTheHostToo) {
    if (!device->caps().host_kernels) GTEST_SKIP() << "this device's memory is not the host's";
    const std::vector<std::byte> weights = programs::weights_of_weighted_program();
    for (const bool mixed : {false, true}) {
        if (mixed && !device->caps().shaders) continue;
        Execution execution(load(programs::host_weighted_program(mixed), weights));
        const DeviceFloats x(device, counting(programs::kWeights));
        const DeviceFloats y(device, std::vector<float>(programs::kWeights));
        execution.set_address(0, x.address());
        execution.set_address(1, y.address());
        execution.run(*stream);
        EXPECT_EQ(y.read(), (std::vector<float>{2, 5, 8, 11, 14})) << (mixed ? "a shader, then the host" : "the host alone");
    }
}

TEST(HostPrograms, ConsistOfFunctionsOfTheHostAlone) {
    plan::Program program = programs::host_weighted_program(false);
    EXPECT_TRUE(runs_on_host(program));
    EXPECT_FALSE(runs_on_host(programs::host_weighted_program(true))) << "a preparing step is a shader";
    EXPECT_FALSE(runs_on_host(programs::dynamic_program()));
    program.bodies.push_back(programs::dynamic_program());
    EXPECT_FALSE(runs_on_host(program)) << "a body has shaders";
}

TEST(HostPrograms, AreCutWhereTheHostTakesOver) {
    const plan::Program program = programs::host_weighted_program(true);
    const std::vector<StepRange> ranges = step_ranges(program.init);
    ASSERT_EQ(ranges.size(), 2U);
    EXPECT_FALSE(ranges[0].host);
    EXPECT_TRUE(ranges[1].host);
    EXPECT_EQ(ranges[1].first, 1U);
    EXPECT_EQ(ranges[1].last, 3U);
    EXPECT_TRUE(step_ranges({}).empty());
}

TEST_F(Executor, RecordsOncePerShapeAndAddresses) {
    if (device->caps().submission_limit.count() > 0) GTEST_SKIP() << "recordings follow measured times here: submissions_test.cpp";
    Execution execution(load(programs::dynamic_program()));
    const DeviceFloats x(device, counting(30));
    const DeviceFloats y(device, counting(30));
    const DeviceFloats z(device, counting(30));
    for (int round = 0; round < 5; ++round) {
        for (const std::int64_t n : {1, 5, 10}) {
            set(execution, n, x, y);
            execution.enqueue(*stream);
            execution.set_address(1, z.address());
            execution.enqueue(*stream);
        }
    }
    stream->synchronize();
    // The arena grew from shape to shape in the first round, which made the earlier recordings worthless; from the
    // second round on all stay.
    EXPECT_LE(execution.recordings(), 10U);
    const std::uint64_t settled = execution.recordings();
    for (const std::int64_t n : {10, 5, 1}) {
        set(execution, n, x, y);
        execution.enqueue(*stream);
    }
    stream->synchronize();
    EXPECT_EQ(execution.recordings(), settled);
}

TEST_F(Executor, KeepsTheRecordingsUsedLast) {
    if (device->caps().submission_limit.count() > 0) GTEST_SKIP() << "recordings follow measured times here: submissions_test.cpp";
    Execution execution(load(programs::dynamic_program()));
    const DeviceFloats x(device, counting(60));
    const DeviceFloats y(device, counting(60));
    const auto run = [&](std::int64_t n) {
        set(execution, n, x, y);
        execution.enqueue(*stream);
    };
    run(20); // the largest first, so that the arena stays
    for (std::int64_t n = 1; n <= 7; ++n) {
        run(n);
    }
    EXPECT_EQ(execution.recordings(), 8U);
    run(20);
    EXPECT_EQ(execution.recordings(), 8U);
    run(9); // the ninth takes the place of n = 1
    run(20);
    run(2);
    EXPECT_EQ(execution.recordings(), 9U);
    run(1);
    EXPECT_EQ(execution.recordings(), 10U);
    stream->synchronize();
}

TEST_F(Executor, MisalignedAddressesWork) {
    Execution execution(load(programs::dynamic_program()));
    for (const std::uint64_t in : {0, 4, 12, 100}) {
        for (const std::uint64_t out : {0, 4, 60}) {
            expect_runs(execution, 7, in, out);
        }
    }
}

TEST_F(Executor, BarriersStandBetweenGroupsAndAroundCopiesOfMisalignedTensors) {
    const std::uint64_t alignment = device->caps().limits.storage_offset_alignment;
    if (alignment <= 4) {
        GTEST_SKIP() << "this device binds floats anywhere: nothing is copied";
    }
    const auto barriers = [&](std::uint64_t shift_in, std::uint64_t shift_out) {
        Execution execution(load(programs::dynamic_program()));
        const DeviceFloats x(device, counting(21), shift_in);
        const DeviceFloats y(device, counting(21), shift_out);
        set(execution, 7, x, y);
        return execution.barriers() - 1; // the last one makes the results visible to the host
    };
    EXPECT_EQ(barriers(0, 0), 1U) << "three steps in two groups";
    EXPECT_EQ(barriers(4, 0), 2U) << "and one behind the copy of the input";
    EXPECT_EQ(barriers(0, 4), 2U) << "and one before the copy of the output";
    EXPECT_EQ(barriers(4, 4), 3U);
}

TEST_F(Executor, PinnedHostMemoryWorks) {
    Execution execution(load(programs::dynamic_program()));
    auto* x = static_cast<float*>(stream::allocate_host(device, 12));
    auto* y = static_cast<float*>(stream::allocate_host(device, 12));
    std::copy_n(counting(3).begin(), 3, x);
    execution.set_symbols(std::vector<std::int64_t>{1});
    execution.set_address(0, reinterpret_cast<std::uint64_t>(x));
    execution.set_address(1, reinterpret_cast<std::uint64_t>(y));
    execution.run(*stream);
    EXPECT_EQ(std::vector<float>(y, y + 3), (std::vector<float>{3, 8, 15}));
    stream::free_host(x);
    stream::free_host(y);
}

TEST_F(Executor, EmptyTensorsNeedNoAddressAndNoWork) {
    Execution execution(load(programs::dynamic_program()));
    execution.set_symbols(std::vector<std::int64_t>{0});
    EXPECT_NO_THROW(execution.run(*stream));
    EXPECT_EQ(execution.arena_bytes(), 0U);
    expect_runs(execution, 2);
}

TEST_F(Executor, TheCallersArenaIsUsedAndChecked) {
    Execution execution(load(programs::dynamic_program()));
    const DeviceFloats x(device, counting(3));
    const DeviceFloats y(device, counting(3));
    set(execution, 1, x, y);
    const DeviceFloats arena(device, std::vector<float>(execution.arena_bytes() / 4));
    execution.set_arena(arena.address(), execution.arena_bytes());
    execution.run(*stream);
    EXPECT_EQ(y.read(), (std::vector<float>{3, 8, 15}));
    EXPECT_EQ(arena.read()[0] + arena.read()[64], 3.0F) << "sum and square of 1 are in the caller's memory";
    execution.set_arena(arena.address(), 16);
    const std::string message = refusal<InvalidArgument>([&] { execution.run(*stream); });
    EXPECT_NE(message.find("the memory given for them has 16"), std::string::npos) << message;
}

TEST_F(Executor, ATensorWithoutAddressIsNamed) {
    Execution execution(load(programs::dynamic_program()));
    execution.set_symbols(std::vector<std::int64_t>{2});
    const std::string message = refusal<InvalidArgument>([&] { execution.enqueue(*stream); });
    EXPECT_NE(message.find("Tensor 'x' has no address: set one to at least 24 bytes"), std::string::npos) << message;
}

TEST_F(Executor, ATooSmallBufferIsRefusedWithBothSizes) {
    Execution execution(load(programs::dynamic_program()));
    const DeviceFloats x(device, counting(6));
    const DeviceFloats y(device, counting(3));
    set(execution, 2, x, y);
    const std::string message = refusal<InvalidArgument>([&] { execution.enqueue(*stream); });
    EXPECT_NE(message.find("Tensor 'y' needs 24 bytes"), std::string::npos) << message;
    EXPECT_NE(message.find("12 bytes left"), std::string::npos) << message;
}

TEST_F(Executor, AFreedBufferIsRefusedThoughARecordingUsedIt) {
    Execution execution(load(programs::dynamic_program()));
    const DeviceFloats x(device, counting(3));
    DeviceFloats y(device, counting(3));
    set(execution, 1, x, y);
    execution.run(*stream);
    y.free();
    const std::string message = refusal<InvalidArgument>([&] { execution.enqueue(*stream); });
    EXPECT_NE(message.find("Tensor 'y'"), std::string::npos) << message;
    EXPECT_NE(message.find("was freed"), std::string::npos) << message;
}

TEST_F(Executor, HostPointersAreRefused) {
    Execution execution(load(programs::dynamic_program()));
    std::vector<float> host(3);
    execution.set_symbols(std::vector<std::int64_t>{1});
    execution.set_address(0, reinterpret_cast<std::uint64_t>(host.data()));
    const std::string message = refusal<InvalidArgument>([&] { execution.enqueue(*stream); });
    EXPECT_NE(message.find("Tensor 'x'"), std::string::npos) << message;
}

TEST_F(Executor, MoreGroupsThanTheDeviceAllowsAreRefusedAndTheOldShapeStays) {
    Execution execution(load(programs::dynamic_program()));
    expect_runs(execution, 2);
    const std::int64_t rows = std::int64_t{device->caps().limits.max_group_count[0]} * 64;
    const std::string message =
        refusal<InvalidArgument>([&] { execution.set_symbols(std::vector<std::int64_t>{rows}); });
    EXPECT_NE(message.find("this device"), std::string::npos) << message;
    EXPECT_EQ(execution.arena_bytes(), 512U);
}

TEST_F(Executor, ParametersBeyond32BitsAreRefused) {
    plan::Program program = programs::dynamic_program();
    const shape::Expr n = program.exprs.symbol("big");
    program.steps[0].params[8] = n;
    Execution execution(load(std::move(program)));
    const std::string message = refusal<InvalidArgument>([&] {
        execution.set_symbols(std::vector<std::int64_t>{1, std::int64_t{1} << 31});
    });
    EXPECT_NE(message.find("beyond 32 bits"), std::string::npos) << message;
}

TEST_F(Executor, RunningBeforeShapesAreSetIsRefused) {
    Execution execution(load(programs::dynamic_program()));
    EXPECT_THROW(execution.enqueue(*stream), InvalidState);
}

TEST_F(Executor, AnUnknownKernelIsNamed) {
    plan::Program program = programs::dynamic_program();
    program.steps[1].kernel = "future/kernel:f32";
    const std::string message = refusal<InvalidPlan>([&] { (void)load(program); });
    EXPECT_NE(message.find("'future/kernel:f32'"), std::string::npos) << message;
}

TEST_F(Executor, AKernelOfAnotherVersionIsRefused) {
    plan::Program program = programs::dynamic_program();
    program.steps[1].kernel_hash = 1234;
    const std::string message = refusal<InvalidPlan>([&] { (void)load(program); });
    EXPECT_NE(message.find("another version of kernel 'pointwise/generic:f32'"), std::string::npos) << message;
}

TEST_F(Executor, TooFewBuffersForAKernelAreRefused) {
    plan::Program program = programs::dynamic_program();
    program.steps[0].bindings.pop_back();
    const std::string message = refusal<InvalidPlan>([&] { (void)load(program); });
    EXPECT_NE(message.find("binds 5 buffers"), std::string::npos) << message;
}

TEST_F(Executor, AViewThatIsNotInItsWholeIsRefused) {
    for (const std::int64_t offset : {std::int64_t{1} << 30, std::int64_t{4}}) { // behind its end, and where no device binds
        plan::Program program = programs::dynamic_program();
        plan::Buffer view{.name = "view", .kind = plan::BufferKind::kVIEW, .bytes = program.exprs.constant(4)};
        view.whole = program.io[0].buffer;
        view.offset = program.exprs.constant(offset);
        program.buffers.push_back(view);
        program.steps[0].bindings[1].buffer = static_cast<std::int32_t>(program.buffers.size()) - 1;
        Execution execution(load(std::move(program)));
        const DeviceFloats x(device, counting(3000));
        const DeviceFloats y(device, counting(3000));
        const std::string message = refusal<InvalidPlan>([&] {
            set(execution, 1000, x, y);
            execution.enqueue(*stream);
        });
        EXPECT_NE(message.find("'view' would begin at byte " + std::to_string(offset)), std::string::npos) << message;
    }
}

TEST_F(Executor, AViewThatNoStepReadsNeedsNoWhole) { // as where the builder times an operation by itself
    plan::Program program = programs::dynamic_program();
    plan::Buffer whole{.name = "whole", .kind = plan::BufferKind::kARENA, .bytes = program.exprs.constant(std::int64_t{1} << 20)};
    plan::Buffer view{.name = "view", .kind = plan::BufferKind::kVIEW, .bytes = program.exprs.constant(4)};
    view.whole = static_cast<std::int32_t>(program.buffers.size());
    view.offset = program.exprs.constant(std::int64_t{1} << 19);
    program.buffers.push_back(whole);
    program.buffers.push_back(view);
    Execution execution(load(std::move(program)));
    expect_runs(execution, 1000);
}

TEST_F(Executor, StepsAreTimed) {
    Execution execution(load(programs::dynamic_program()));
    const DeviceFloats x(device, counting(3000));
    const DeviceFloats y(device, counting(3000));
    set(execution, 1000, x, y);
    const std::vector<float> times = execution.time_steps(*stream);
    ASSERT_EQ(times.size(), 3U);
    for (const float time : times) {
        EXPECT_GT(time, 0.0F);
        EXPECT_LT(time, 5000.0F);
    }
    EXPECT_EQ(y.read()[9], programs::dynamic_result(10.0F)) << "timing runs the network for real";
}

TEST_F(Executor, StreamsThatShareAnExecutionDoNotOverlap) {
    Execution execution(load(programs::dynamic_program()));
    const auto other = stream::Stream::create(device, true);
    const DeviceFloats x(device, counting(3000));
    const DeviceFloats a(device, std::vector<float>(3000));
    const DeviceFloats b(device, std::vector<float>(3000));
    for (int round = 0; round < 20; ++round) {
        set(execution, 1000, x, a);
        execution.enqueue(*stream);
        set(execution, 1000, x, b);
        execution.enqueue(*other);
    }
    stream->synchronize();
    other->synchronize();
    EXPECT_EQ(a.read(), b.read());
    EXPECT_EQ(a.read()[2999], programs::dynamic_result(3000.0F));
    stream::Stream::destroy(other->handle());
}

TEST_F(Executor, WorkOnAnotherStreamWaitsForTheLastRun) {
    Execution execution(load(programs::dynamic_program()));
    const auto other = stream::Stream::create(device, true);
    const DeviceFloats x(device, counting(3));
    const DeviceFloats a(device, std::vector<float>(3));
    const DeviceFloats b(device, std::vector<float>(3));
    tensorvk::testing::Gate gate;
    stream->host_function([&] { gate.wait(); });
    set(execution, 1, x, a);
    execution.enqueue(*stream);
    set(execution, 1, x, b);
    execution.enqueue(*other);
    // Both use the same activations: while the first run waits at the gate, so must the second.
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_FALSE(other->query());
    gate.open();
    other->synchronize();
    EXPECT_TRUE(stream->query());
    EXPECT_EQ(b.read(), (std::vector<float>{3, 8, 15}));
    stream::Stream::destroy(other->handle());
}

TEST_F(Executor, TwoThreadsAreRefusedOrServedButNeverWrong) {
    Execution execution(load(programs::dynamic_program()));
    const DeviceFloats x(device, counting(300));
    const DeviceFloats y(device, std::vector<float>(300));
    set(execution, 100, x, y);
    std::atomic<int> refused{0};
    std::atomic<int> served{0};
    const auto work = [&] {
        for (int i = 0; i < 300; ++i) {
            try {
                execution.run(*stream);
                ++served;
            } catch (const InvalidState&) {
                ++refused;
            }
        }
    };
    std::thread helper(work);
    work();
    helper.join();
    EXPECT_GT(served, 0);
    EXPECT_EQ(served + refused, 600);
    EXPECT_EQ(y.read()[299], programs::dynamic_result(300.0F));
}

} // namespace
} // namespace tensorvk::runtime
