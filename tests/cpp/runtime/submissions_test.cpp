// Devices that must not be kept busy for long: where a program is cut, and that it computes the same.
#include "runtime/submissions.hpp"

#include <gtest/gtest.h>

#include "runtime/device_memory.hpp"
#include "runtime/executor.hpp"
#include "runtime/programs.hpp"
#include "support/log.hpp"

namespace tensorvk::runtime {
namespace {

using std::chrono::nanoseconds;
using Ranges = std::vector<StepRange>;

constexpr bool kHost = true, kDevice = false;
constexpr nanoseconds kLimit{100};

TimedSteps group(std::size_t step, std::optional<int> time, bool host = kDevice) {
    return {{host, step, step + 1}, time ? std::optional(nanoseconds(*time)) : std::nullopt};
}

Ranges joined(const std::vector<TimedSteps>& groups, nanoseconds limit = kLimit) {
    Ranges out;
    join(groups, limit, out);
    return out;
}

TEST(Submissions, JoinGroupsUpToTheLimit) {
    const std::vector<TimedSteps> groups{group(0, 40), group(1, 60), group(2, 1), group(3, 99), group(4, 1)};
    EXPECT_EQ(joined(groups), (Ranges{{kDevice, 0, 2}, {kDevice, 2, 4}, {kDevice, 4, 5}}));
    EXPECT_EQ(joined(groups, nanoseconds(201)), (Ranges{{kDevice, 0, 5}}));
    EXPECT_TRUE(joined({}).empty());
}

TEST(Submissions, AGroupThatIsTooLongStandsAlone) {
    EXPECT_EQ(joined({group(0, 10), group(1, 500), group(2, 10), group(3, 10)}), (Ranges{{kDevice, 0, 1}, {kDevice, 1, 2}, {kDevice, 2, 4}}));
}

TEST(Submissions, GroupsThatWereNotMeasuredStandAlone) {
    EXPECT_EQ(joined({group(0, {}), group(1, {}), group(2, 10), group(3, 10), group(4, {})}),
              (Ranges{{kDevice, 0, 1}, {kDevice, 1, 2}, {kDevice, 2, 4}, {kDevice, 4, 5}}));
}

TEST(Submissions, TheHostsStepsStandAlone) {
    EXPECT_EQ(joined({group(0, 10), group(1, 1, kHost), group(2, 10), group(3, 10)}), (Ranges{{kDevice, 0, 1}, {kHost, 1, 2}, {kDevice, 2, 4}}));
}

TEST(Submissions, AreCutBetweenBarrierGroups) {
    const plan::Program program = programs::dynamic_program();
    EXPECT_EQ(group_ranges(program.steps), (Ranges{{kDevice, 0, 2}, {kDevice, 2, 3}})) << "the first two steps are one group";
    const plan::Program mixed = programs::host_weighted_program(true);
    EXPECT_EQ(group_ranges(mixed.init), (Ranges{{kDevice, 0, 1}, {kHost, 1, 3}})) << "groups of the host are not cut";
    EXPECT_TRUE(group_ranges({}).empty());
}

TEST(GroupTimes, AreKnownByTheValuesOfSymbols) {
    const plan::Program program = programs::dynamic_program();
    GroupTimes times(program.steps);
    const std::vector<std::int64_t> small{1}, large{1000};
    const Ranges alone{{kDevice, 0, 2}, {kDevice, 2, 3}}, together{{kDevice, 0, 3}};
    EXPECT_EQ(times.submissions(small, kLimit), alone);
    times.learn(small, {kDevice, 0, 2}, nanoseconds(30));
    EXPECT_EQ(times.submissions(small, kLimit), alone) << "the second group is not measured";
    times.learn(small, {kDevice, 2, 3}, nanoseconds(30));
    EXPECT_EQ(times.submissions(small, kLimit), together);
    EXPECT_EQ(times.submissions(large, kLimit), alone);
}

TEST(GroupTimes, WhatTookLongerTogetherIsCutAndStaysCut) {
    const plan::Program program = programs::dynamic_program();
    GroupTimes times(program.steps);
    const std::vector<std::int64_t> symbols{7};
    times.learn(symbols, {kDevice, 0, 2}, nanoseconds(30));
    times.learn(symbols, {kDevice, 2, 3}, nanoseconds(30));
    times.learn(symbols, {kDevice, 0, 3}, nanoseconds(20));
    times.learn(symbols, {kDevice, 0, 3}, nanoseconds(100));
    EXPECT_EQ(times.submissions(symbols, kLimit).size(), 1U);
    times.learn(symbols, {kDevice, 0, 3}, nanoseconds(140));
    EXPECT_EQ(times.submissions(symbols, kLimit).size(), 2U);
    times.learn(symbols, {kDevice, 0, 2}, nanoseconds(1));
    times.learn(symbols, {kDevice, 2, 3}, nanoseconds(1));
    EXPECT_EQ(times.submissions(symbols, kLimit).size(), 2U);
}

// y = x + x + ... in nine groups.
plan::Program chain() {
    constexpr int kGroups = 9;
    plan::Program p;
    const shape::Exprs dims{p.exprs.symbol("x:0")};
    const std::int32_t x = programs::add_io(p, "x", TensorIOMode::kINPUT, dims);
    const std::int32_t y = programs::add_io(p, "y", TensorIOMode::kOUTPUT, dims);
    std::int32_t before = x;
    for (int group = 0; group < kGroups; ++group) {
        const std::int32_t next = group + 1 == kGroups ? y : programs::add_buffer(p, "sum", plan::BufferKind::kARENA, dims[0]);
        p.steps.push_back(programs::binary(p, programs::PointwiseOp::kADD, before, x, next, dims[0], group));
        before = next;
    }
    return p;
}

class LimitedDevice : public ::testing::Test {
  protected:
    void open(const char* milliseconds) {
        vulkan::PlanEnvironment environment = vulkan::PlanEnvironment::from_process();
        environment.submission_limit = milliseconds;
        device = vulkan::Device::create(vulkan::physical_devices().front(), 0, environment);
        stream = stream::Stream::default_of(device);
        execution = std::make_unique<Execution>(LoadedProgram::load(device, std::make_shared<const plan::Program>(chain()), {}, null_log()));
    }

    // The number of pieces of work that one inference was; its results are checked.
    std::uint64_t pieces_of_run(std::size_t count, std::uint64_t shift = 0) {
        const DeviceFloats x(device, counting(count), shift);
        const DeviceFloats y(device, std::vector<float>(count, -1.0F), shift);
        return pieces_of_run(x, y, count);
    }
    std::uint64_t pieces_of_run(const DeviceFloats& x, const DeviceFloats& y, std::size_t count) {
        execution->set_symbols(std::vector<std::int64_t>{static_cast<std::int64_t>(count)});
        execution->set_address(0, x.address());
        execution->set_address(1, y.address());
        const std::uint64_t before = stream->last_value();
        execution->enqueue(*stream);
        const std::uint64_t pieces = stream->last_value() - before;
        stream->synchronize();
        const std::vector<float> result = y.read();
        for (std::size_t i = 0; i < count; ++i) {
            EXPECT_EQ(result[i], 10.0F * static_cast<float>(i + 1)) << "small whole numbers are exact; element " << i;
        }
        return pieces;
    }

    std::shared_ptr<vulkan::Device> device;
    std::shared_ptr<stream::Stream> stream;
    std::unique_ptr<Execution> execution;
};

TEST_F(LimitedDevice, ATinyLimitKeepsEveryGroupAlone) {
    open("0.000001");
    EXPECT_EQ(device->caps().submission_limit, nanoseconds(1));
    const DeviceFloats x(device, counting(1000)), y(device, counting(1000));
    for (int run = 0; run < 3; ++run) EXPECT_EQ(pieces_of_run(x, y, 1000), 9U);
    EXPECT_EQ(execution->recordings(), 1U) << "the cuts do not change";
    EXPECT_EQ(pieces_of_run(33, 4), 9U) << "copies of misaligned tensors go along";
}

TEST_F(LimitedDevice, MeasuredGroupsBecomeOneSubmission) {
    open("3600000");
    if (!device->caps().timestamps) GTEST_SKIP() << "nothing can be measured";
    const DeviceFloats x(device, counting(1000)), y(device, counting(1000));
    EXPECT_EQ(pieces_of_run(x, y, 1000), 9U) << "not measured yet";
    EXPECT_EQ(pieces_of_run(x, y, 1000), 1U);
    EXPECT_EQ(pieces_of_run(x, y, 1000), 1U);
    EXPECT_EQ(execution->recordings(), 2U);
    EXPECT_EQ(pieces_of_run(1000), 1U) << "other addresses, the same shape";
    EXPECT_EQ(pieces_of_run(17), 9U) << "another shape";
}

TEST_F(LimitedDevice, WithoutALimitThereIsOneSubmissionFromTheStart) {
    open("0");
    EXPECT_EQ(pieces_of_run(1000), 1U);
}

TEST_F(LimitedDevice, StepsAreTimedOneByOne) {
    open("0.000001");
    if (!device->caps().timestamps) GTEST_SKIP() << "nothing can be measured";
    const DeviceFloats x(device, counting(1000)), y(device, std::vector<float>(1000));
    execution->set_symbols(std::vector<std::int64_t>{1000});
    execution->set_address(0, x.address());
    execution->set_address(1, y.address());
    const std::uint64_t before = stream->last_value();
    const std::vector<float> times = execution->time_steps(*stream);
    EXPECT_EQ(stream->last_value() - before, 9U);
    ASSERT_EQ(times.size(), 9U);
    for (const float time : times) EXPECT_GT(time, 0.0F);
    EXPECT_EQ(y.read()[999], 10000.0F);
}

} // namespace
} // namespace tensorvk::runtime
