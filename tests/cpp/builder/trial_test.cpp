// Candidates on trial: each writes outputs of its own, so that a wrong one is found out.
#include "builder/trial.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "builder/verdict.hpp"
#include "compiler/networks.hpp"
#include "vulkan/device.hpp"

namespace tensorvk::builder {
namespace {

using namespace test; // NOLINT: the vocabulary of these tests

//! The network's only operation: relu(conv(x)), a network output.
struct OneOperation {
    OneOperation() {
        auto* conv = conv1x1(network, input(network, {1, 2, 3, 3}), 2, {1, -1, 0.5f, 2}, {0.25f, -0.5f});
        network.mark_output(relu(network, conv));
        compiled = compiler::compile(network, DataType::kFLOAT, weights);
        const auto found = std::ranges::find_if(compiled.operations, [](const tactics::Operation& o) {
            return std::holds_alternative<tactics::Convolution>(o.kind);
        });
        operation = *found;
        for (tactics::Candidate& candidate : tactics::candidates(operation, compiled.values, device->caps(), compiled.program.exprs)) {
            if (candidate.applicable()) candidates.push_back(std::move(candidate));
        }
    }

    //! The candidates' outputs after one run.
    std::vector<std::vector<kernels::host::Tensor>> outputs() {
        std::vector<const tactics::Candidate*> pointers;
        for (const tactics::Candidate& candidate : candidates) pointers.push_back(&candidate);
        Trial trial(compiled, operation, pointers, device->caps());
        const auto stream = stream::Stream::from_handle(0);
        trial.prepare(device, weights.bytes(), {}, *stream, null_log());
        EXPECT_EQ(trial.run().size(), candidates.size());
        std::vector<std::vector<kernels::host::Tensor>> out;
        for (std::size_t i = 0; i < candidates.size(); ++i) out.push_back(trial.outputs(i));
        return out;
    }

    graph::Network network;
    compiler::WeightStore weights;
    compiler::Compiled compiled;
    tactics::Operation operation;
    std::vector<tactics::Candidate> candidates;
    std::shared_ptr<vulkan::Device> device = vulkan::Device::current();
};

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

TEST(Trial, ACandidateWithOtherNumbersIsFoundOut) {
    OneOperation one;
    tactics::Operation without_relu = one.operation;
    without_relu.epilogue = {};
    one.candidates = {one.candidates.front(), tactics::candidates(without_relu, one.compiled.values, one.device->caps(), one.compiled.program.exprs).front()};
    const auto outputs = one.outputs();
    EXPECT_TRUE(compare(outputs[0], outputs[0]).correct);
    EXPECT_FALSE(compare(outputs[1], outputs[0]).correct);
}

} // namespace
} // namespace tensorvk::builder
