// An operation with its candidates, as the builder tries them.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "builder/trial.hpp"
#include "compiler/networks.hpp"
#include "vulkan/device.hpp"

namespace tensorvk::builder::test {

using namespace tensorvk::test; // NOLINT: the vocabulary of these tests

//! The network's only operation: relu(conv(x)), a network output.
struct OneOperation {
    OneOperation() {
        auto* conv = conv1x1(network, input(network, {1, 2, 3, 3}), 2, {1, -1, 0.5f, 2}, {0.25f, -0.5f});
        network.mark_output(relu(network, conv));
        compiled = compiler::compile(network, {}, weights);
        operation = in_network();
        for (tactics::Candidate& candidate : tactics::candidates(operation, compiled.values, device->caps(), compiled.program.exprs)) {
            if (candidate.applicable()) candidates.push_back(std::move(candidate));
        }
    }

    [[nodiscard]] const tactics::Operation& in_network() const {
        return *std::ranges::find_if(compiled.operations, [](const tactics::Operation& o) { return std::holds_alternative<tactics::Convolution>(o.kind); });
    }

    //! The candidates' outputs after one run, in which each runs `times` times.
    std::vector<std::vector<kernels::host::Tensor>> outputs(std::size_t times = 1) {
        std::vector<const tactics::Candidate*> pointers;
        for (const tactics::Candidate& candidate : candidates) pointers.push_back(&candidate);
        Trial trial(compiled, operation, pointers, device->caps());
        const auto stream = stream::Stream::from_handle(0);
        trial.prepare(device, weights.bytes(), {}, *stream, null_log(), times);
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

} // namespace tensorvk::builder::test
