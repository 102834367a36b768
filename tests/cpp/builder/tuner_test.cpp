// Who wins: the fastest of those whose numbers are the generic candidate's.
#include "builder/tuner.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "builder/one_operation.hpp"
#include "vulkan/pipeline_cache.hpp"

namespace tensorvk::builder {
namespace {

using test::OneOperation;

struct Warnings : LogSink {
    std::vector<std::string> all;
    void log(Severity severity, const std::string& message) noexcept override {
        if (severity == Severity::kWARNING) all.push_back(message);
    }
};

TEST(Tuner, AQuickCandidateWithOtherNumbersLosesAndIsNamed) {
    OneOperation one;
    tactics::Operation other = one.operation;
    other.epilogue = {}; // without its ReLU
    auto wrong = tactics::candidates(other, one.compiled.values, one.device->caps(), one.compiled.program.exprs);
    std::erase_if(wrong, [](const tactics::Candidate& candidate) { return !candidate.applicable(); });
    tactics::Candidate quick = wrong.front();
    quick.name = "conv/quick";
    const auto generic = std::ranges::find_if(one.candidates, [](const auto& c) { return c.name.ends_with("/generic"); });
    const tactics::Candidate right = generic == one.candidates.end() ? one.candidates.front() : *generic;

    const tactics::Candidate* pointers[] = {&right, &quick};
    Trial trial(one.compiled, one.operation, pointers, one.device->caps());
    const auto stream = stream::Stream::from_handle(0);
    trial.prepare(one.device, one.weights.bytes(), {}, *stream, null_log());
    (void)trial.run();
    CandidateReport reports[2];
    Contender contenders[] = {{&right, &reports[0], {}, {}}, {&quick, &reports[1], {}, {}}};
    Warnings warnings;
    judge(trial, OnTheWay::kEXACT, "conv + relu", contenders, warnings);
    contenders[0].timing->milliseconds = 10.0f;
    contenders[1].timing->milliseconds = 0.1f;

    EXPECT_TRUE(contenders[0].timing->correct) << reports[0].refusal;
    EXPECT_FALSE(contenders[1].timing->correct) << "what the timing cache will remember";
    EXPECT_EQ(winner(contenders), &contenders[0]);
    EXPECT_FALSE(reports[1].refusal.empty());
    ASSERT_EQ(warnings.all.size(), 1u);
    EXPECT_NE(warnings.all[0].find("'conv + relu': candidate conv/quick"), std::string::npos) << warnings.all[0];
}

TEST(Tuner, AmongCorrectOnesTheFirstWinsUnlessALaterOneIsClearlyFaster) {
    tactics::Candidate first, second, host;
    first.name = "a";
    second.name = "b";
    host.name = "host/generic"; // cuts the network in two
    const auto with = [&](float a, float b, float c, bool correct = true) {
        CandidateReport none;
        const Contender contenders[] = {{&first, &none, {}, Timing{a, correct}}, {&second, &none, {}, Timing{b, true}}, {&host, &none, {}, Timing{c, true}}};
        return winner(contenders)->candidate->name;
    };
    EXPECT_EQ(with(1.0f, 0.99f, 1.0f), "a");
    EXPECT_EQ(with(1.0f, 0.9f, 1.0f), "b");
    EXPECT_EQ(with(1.0f, 1.0f, 0.1f), "a");
    EXPECT_EQ(with(0.1f, 1.0f, 1.0f, false), "b");
}

TEST(Tuner, WhoTheDriverRefusedIsLeftOutWithTheReason) {
    CandidateReport reports[] = {{"conv/a", ""}, {"conv/b", ""}, {"conv/c", ""}};
    std::vector<Contender> contenders;
    for (CandidateReport& report : reports) contenders.push_back({nullptr, &report, {}, {}});
    const std::string refusals[] = {"", "too many registers", ""};
    EXPECT_EQ(drop_refused(contenders, refusals), "conv/b: too many registers");
    ASSERT_EQ(contenders.size(), 2u);
    EXPECT_EQ(contenders[1].report, &reports[2]);
    EXPECT_EQ(reports[1].refusal, "the driver refused it: too many registers");
    EXPECT_EQ(reports[0].refusal, "");
}

TEST(Tuner, MakesAheadWhatItWillTimeAndTellsHowFarItIs) {
    OneOperation one;
    if (!one.device->caps().shaders) GTEST_SKIP() << "no driver";
    Options options;
    options.optimization_level = 5; // shaders beside host kernels, too
    Tuner tuner(one.device, options, one.compiled, {}, one.weights.bytes(), null_log());
    std::vector<int> told;
    tuner.compile_ahead([&](int done, int all) {
        told.push_back(done);
        EXPECT_LT(done, all);
    });
    ASSERT_FALSE(told.empty());
    EXPECT_EQ(told.front(), 0);
    const std::uint64_t made = one.device->pipelines().compiled();
    (void)tuner.choose(one.compiled, one.operation);
    EXPECT_EQ(one.device->pipelines().compiled(), made) << "the rest is timing";
}

TEST(Clock, IsKeptUpByWorkAndOutlivesItsCallersStream) {
    const auto device = vulkan::Device::current();
    if (!device->caps().shaders) GTEST_SKIP() << "no driver";
    Clock clock(device, stream::Stream::from_handle(0), null_log());
    for (int i = 0; i < 2; ++i) {
        clock.bring_up(); // ends, however busy the machine is
        (void)clock.is_up();
    }
}

} // namespace
} // namespace tensorvk::builder
