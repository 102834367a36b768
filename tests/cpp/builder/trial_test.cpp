// Candidates on trial: each writes outputs of its own, so that a wrong one is found out.
#include "builder/trial.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <set>

#include "builder/one_operation.hpp"
#include "builder/verdict.hpp"
#include "tactics/step_builder.hpp"

namespace tensorvk::builder {
namespace {

using test::OneOperation;

TEST(Trial, EveryCandidateWritesItsOwnOutput) {
    OneOperation one;
    ASSERT_GE(one.candidates.size(), 2u);
    for (const auto& outputs : one.outputs()) {
        ASSERT_EQ(outputs.size(), 1u);
        for (std::int64_t i = 0; i < 18; ++i) {
            EXPECT_TRUE(std::isfinite(outputs[0].get(i))) << "element " << i << " was not written";
        }
    }
}

TEST(Trial, CandidatesThatRunThreeTimesInARowWriteTheSame) {
    OneOperation one;
    const auto once = one.outputs();
    const auto thrice = one.outputs(3);
    ASSERT_EQ(thrice.size(), once.size());
    for (std::size_t i = 0; i < once.size(); ++i) EXPECT_EQ(thrice[i][0].data, once[i][0].data) << one.candidates[i].name;
}

TEST(Trial, StepsOfACandidateFollowOneAnotherEachTime) {
    OneOperation one;
    const tactics::Candidate* pointers[] = {&one.candidates[0], &one.candidates[1]};
    Trial trial(one.compiled, one.operation, pointers, one.device->caps());
    const auto kernels = [&] {
        std::vector<plan::Step> steps;
        trial.append_steps(steps);
        std::vector<std::string> out;
        for (const plan::Step& step : steps) out.push_back(step.kernel);
        return out;
    };
    const std::vector<std::string> once = kernels(); // of each candidate one step, behind those that pack
    const std::string first = once[once.size() - 2], second = once.back();
    const auto stream = stream::Stream::from_handle(0);
    trial.prepare(one.device, one.weights.bytes(), {}, *stream, null_log(), 2);
    const std::vector<std::string> twice = kernels();
    ASSERT_EQ(twice.size(), once.size() + 2);
    EXPECT_EQ(std::vector<std::string>(twice.end() - 4, twice.end()), (std::vector<std::string>{first, first, second, second}));
    EXPECT_EQ(trial.run().size(), 2u);
}

TEST(Trial, NoTwoCandidatesShareATimingCacheEntry) {
    OneOperation one;
    std::vector<const tactics::Candidate*> pointers;
    for (const tactics::Candidate& candidate : one.candidates) pointers.push_back(&candidate);
    const Trial trial(one.compiled, one.operation, pointers, one.device->caps());
    std::set<Digest128> contents;
    for (std::size_t i = 0; i < pointers.size(); ++i) {
        EXPECT_TRUE(contents.insert(trial.content(i, {})).second) << pointers[i]->name << " has the entry of another";
    }
}

TEST(Trial, TimesOfHostKernelsBelongToTheirNumberOfThreads) {
    OneOperation one;
    std::vector<const tactics::Candidate*> pointers;
    for (const tactics::Candidate& candidate : one.candidates) pointers.push_back(&candidate);
    const Trial trial(one.compiled, one.operation, pointers, one.device->caps());
    const char* before = std::getenv("TENSORVK_THREADS");
    const std::optional<std::string> kept = before == nullptr ? std::nullopt : std::optional<std::string>(before);
    const auto with_threads = [&](const char* threads, std::size_t i) {
        setenv("TENSORVK_THREADS", threads, 1);
        return trial.content(i, {});
    };
    for (std::size_t i = 0; i < pointers.size(); ++i) {
        EXPECT_EQ(with_threads("1", i) != with_threads("2", i), pointers[i]->host) << pointers[i]->name;
    }
    kept ? setenv("TENSORVK_THREADS", kept->c_str(), 1) : unsetenv("TENSORVK_THREADS");
}

TEST(Trial, ACandidateWithOtherNumbersIsFoundOut) {
    OneOperation one;
    tactics::Operation without_relu = one.operation;
    without_relu.epilogue = {};
    one.candidates = {one.candidates.front(), tactics::candidates(without_relu, one.compiled.values, one.device->caps(), one.compiled.program.exprs).front()};
    const auto outputs = one.outputs();
    EXPECT_TRUE(compare(outputs[0], outputs[0]).correct);
    EXPECT_FALSE(compare(outputs[1], outputs[0]).correct);
}

TEST(Trial, ACandidateThatTheDriverRefusesIsNamedAndSpoilsNoOther) {
    OneOperation one;
    if (!one.device->caps().shaders) GTEST_SKIP() << "no driver";
    tactics::Candidate refused;
    refused.name = "conv/too_large";
    refused.lower = [](tactics::Lowering& lowering) {
        tactics::StepBuilder step(lowering, "conv", "clock/spin:f32");
        step.local_size(1 << 30).param(1).writes(lowering.scratch(lowering.exprs().constant(4)));
        lowering.add(step.take());
    };
    tactics::Candidate empty = refused;
    empty.lower = [](tactics::Lowering& lowering) {
        tactics::StepBuilder step(lowering, "conv", "clock/spin:f32");
        step.local_size(0).param(1).writes(lowering.scratch(lowering.exprs().constant(4)));
        lowering.add(step.take());
    };
    const tactics::Candidate* pointers[] = {&one.candidates.front(), &refused, &empty};
    const Trial trial(one.compiled, one.operation, pointers, one.device->caps());
    const std::vector<std::string> refusals = trial.compile(one.device);
    ASSERT_EQ(refusals.size(), 3u);
    EXPECT_EQ(refusals[0], "");
    EXPECT_NE(refusals[1].find("clock/spin"), std::string::npos) << refusals[1];
    EXPECT_NE(refusals[2].find("workgroups of 0 invocations"), std::string::npos) << refusals[2];
}

} // namespace
} // namespace tensorvk::builder
