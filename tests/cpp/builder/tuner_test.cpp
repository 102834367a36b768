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

Tuner::Tell counting(std::vector<int>& told, const std::string& phase) {
    return [&told, phase](const char* now, int done, int all) {
        if (now == phase) told.push_back(done);
        EXPECT_LE(done, all);
    };
}

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
    judge(trial, trial.outputs(reference_index(contenders)), OnTheWay::kEXACT, "conv + relu", contenders, warnings);
    contenders[0].timing->milliseconds = 10.0f;
    contenders[1].timing->milliseconds = 0.1f;

    EXPECT_TRUE(contenders[0].timing->correct) << reports[0].refusal;
    EXPECT_FALSE(contenders[1].timing->correct) << "what the timing cache will remember";
    EXPECT_EQ(winner(contenders), &contenders[0]);
    EXPECT_FALSE(reports[1].refusal.empty());
    ASSERT_EQ(warnings.all.size(), 1u);
    EXPECT_NE(warnings.all[0].find("'conv + relu': candidate conv/quick"), std::string::npos) << warnings.all[0];
}

TEST(Tuner, TheFasterOneWinsUnlessANetworkMakesItTheSlower) {
    tactics::Candidate simple, faster;
    simple.name = "conv/simple";
    faster.name = "conv/faster";
    CandidateReport reports[2];
    const Contender contenders[] = {{&simple, &reports[0], {}, Timing{0.010f, true}}, {&faster, &reports[1], {}, Timing{0.008f, true}}};
    EXPECT_EQ(winner(contenders), &contenders[1]);
    faster.beside = 3.5;
    EXPECT_EQ(winner(contenders), &contenders[0]);
}

TEST(Tuner, WhatIsTakenUntimedIsComparedWithTheReference) {
    OneOperation one;
    if (!one.device->caps().shaders) GTEST_SKIP() << "no driver";
    tactics::Operation other = one.operation;
    other.epilogue = {}; // without its ReLU
    auto wrong = tactics::candidates(other, one.compiled.values, one.device->caps(), one.compiled.program.exprs);
    tactics::Candidate quick = *std::ranges::find_if(wrong, &tactics::Candidate::applicable);
    quick.name = "conv/quick";
    one.candidates.push_back(quick);
    std::vector<CandidateReport> reports = reports_of(one.candidates);
    std::vector<Contender> contenders;
    for (std::size_t i = 0; i < one.candidates.size(); ++i) contenders.push_back({&one.candidates[i], &reports[i], {}, {}});

    const Options options;
    const Budget budget(0.0);
    Warnings warnings;
    Stopwatch stopwatch(one.device, options, one.weights.bytes(), budget, warnings);
    const std::size_t order[] = {contenders.size() - 1, 0};
    EXPECT_EQ(stopwatch.first_right({one.compiled, one.operation, {}}, contenders, order), &contenders[0]);
    EXPECT_EQ(warnings.all.size(), 1u);
    EXPECT_EQ(reports.back().refusal, kWrongNumbers);
}

//! A clock that stands still until it was read so often; then the time is over.
Budget::Clock runs_out_after(int readings) {
    return [left = readings]() mutable { return left-- > 0 ? 0.0 : 100.0; };
}

TEST(Tuner, WhereverTheBudgetEndsThereIsAResultAndOneWarning) {
    OneOperation one;
    if (!one.device->caps().shaders) GTEST_SKIP() << "no driver";
    std::size_t most = 0;
    bool complete = false, some_said = false;
    for (int readings = 1; !complete; readings += 1 + readings / 4) {
        ASSERT_LT(readings, 200) << "the budget never suffices";
        Options options;
        options.optimization_level = 5;
        options.timing_cache = std::make_shared<TimingCache>();
        Warnings warnings;
        Tuner tuner(one.device, options, one.compiled, {}, one.weights.bytes(), warnings, Budget(1.0, runs_out_after(readings)));
        std::vector<int> timed;
        tuner.time_all(counting(timed, "Timing"));
        EXPECT_EQ(timed.size(), one.compiled.operations.size() + 1);
        const Choice choice = tuner.choose(one.in_network());
        EXPECT_TRUE(choice.candidate.applicable());
        complete = warnings.all.empty();
        const bool said = std::ranges::any_of(choice.reports, [](const CandidateReport& r) { return r.refusal.find("budget of 1 s was over") != std::string::npos; });
        EXPECT_TRUE(warnings.all.size() == 1 || complete);
        EXPECT_FALSE(said && complete);
        some_said |= said;
        for (const CandidateReport& report : choice.reports) {
            EXPECT_TRUE(report.milliseconds >= 0.0f || !report.refusal.empty() || report.name == choice.candidate.name) << report.name;
        }
        EXPECT_GE(options.timing_cache->size(), most) << "more time, more is known";
        most = options.timing_cache->size();
    }
    EXPECT_GT(most, 1u);
    EXPECT_TRUE(some_said) << "what was not timed says why";
}

TEST(Tuner, WhatWasTimedBeforeTheBudgetEndedIsNotTimedAgain) {
    OneOperation one;
    Options options;
    options.optimization_level = 5;
    options.timing_cache = std::make_shared<TimingCache>();
    Warnings warnings;
    const auto build = [&](double seconds) {
        Tuner tuner(one.device, options, one.compiled, {}, one.weights.bytes(), warnings, Budget(seconds));
        tuner.time_all([](const char*, int, int) {});
        return tuner.choose(one.in_network());
    };
    const Choice timed = build(0.0);
    const Choice again = build(1e-9);
    EXPECT_EQ(again.candidate.name, timed.candidate.name);
    EXPECT_TRUE(warnings.all.empty());
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

TEST(Tuner, WhoTheDriverRefusedIsLeftOut) {
    CandidateReport reports[] = {{"conv/a", ""}, {"conv/b", ""}, {"conv/c", ""}};
    std::vector<Contender> contenders;
    for (CandidateReport& report : reports) contenders.push_back({nullptr, &report, {}, {}});
    const std::string refusals[] = {"", "too many registers", ""};
    EXPECT_EQ(drop_refused(contenders, refusals), "conv/b: too many registers");
    ASSERT_EQ(contenders.size(), 2u);
    EXPECT_EQ(contenders[1].report, &reports[2]);
    EXPECT_EQ(reports[1].refusal, kRefusedByDriver);
    EXPECT_EQ(reports[0].refusal, "");
}

TEST(Tuner, MakesAheadWhatItWillTimeAndTellsHowFarItIs) {
    OneOperation one;
    if (!one.device->caps().shaders) GTEST_SKIP() << "no driver";
    Options options;
    options.optimization_level = 5; // shaders beside host kernels, too
    Tuner tuner(one.device, options, one.compiled, {}, one.weights.bytes(), null_log(), Budget(0.0));
    std::vector<int> made, timed;
    tuner.make_all_kernels(counting(made, "Making kernels"));
    EXPECT_EQ(made, std::vector<int>{0}) << "fewer than a portion";
    const std::uint64_t before = one.device->pipelines().compiled();
    tuner.time_all(counting(timed, "Timing"));
    EXPECT_EQ(one.device->pipelines().compiled(), before) << "the rest is timing";
    EXPECT_EQ(timed.size(), one.compiled.operations.size() + 1);
    EXPECT_TRUE(tuner.choose(one.in_network()).candidate.applicable());
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
