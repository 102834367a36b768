// Chosen candidates as a program: the order of its steps, and rows whose moments go from one product to others.
#include "builder/emit.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "builder/trial.hpp"
#include "compiler/normalizations.hpp"
#include "stream/copy.hpp"
#include "stream/memory.hpp"
#include "vulkan/device.hpp"

namespace tensorvk::builder {
namespace {

using namespace test; // NOLINT: the vocabulary of these tests

//! Layers in the order of their steps, of two that read the input, when the second takes so many milliseconds and the first two.
std::vector<std::string> order(float second, bool is_cpu) {
    graph::Network network;
    auto* x = input(network, {4, 4});
    network.mark_output(relu(network, x));
    network.mark_output(unary(network, x, UnaryOperation::kNEG));
    compiler::WeightStore weights;
    const compiler::Compiled compiled = compiler::compile(network, {}, weights);
    vulkan::DeviceCaps caps = vulkan::Device::current()->caps();
    caps.is_cpu = is_cpu;
    const Emitted emitted = emit(compiled, caps, [&](const compiler::Compiled& part, const tactics::Operation& operation) {
        Choice choice = choose_untimed(part, operation, caps, false);
        choice.reports = {{"another", "", 50.0f}, {choice.candidate.name, "", &operation == &compiled.operations.front() ? 2.0f : second}};
        return choice;
    });
    std::vector<std::string> out;
    for (const plan::Step& step : emitted.program.steps) {
        EXPECT_EQ(step.group, 0);
        out.push_back(step.layer);
    }
    return out;
}

TEST(Emit, OnAGpuTheLongestStepOfAGroupComesFirst) {
    const std::vector<std::string> given = order(1.0f, false);
    ASSERT_EQ(given.size(), 2u);
    EXPECT_EQ(order(3.0f, false), (std::vector<std::string>{given[1], given[0]}));
    EXPECT_EQ(order(3.0f, true), given) << "a CPU runs them one after the other";
}

constexpr std::int64_t kRows = 512, kDepth = 64, kColumns = 256;

std::vector<float> random_numbers(std::int64_t count, std::uint32_t seed, float mean = 0.0f) {
    std::mt19937 generator(seed);
    std::uniform_real_distribution<float> uniform(-0.25f, 0.25f);
    std::vector<float> out(static_cast<std::size_t>(count));
    std::ranges::generate(out, [&] { return mean + uniform(generator); });
    return out;
}

//! Two products of rows that a third one writes, and normalisations between.
void write_products(graph::Network& network) {
    const auto product = [&](graph::Tensor* a, std::int64_t columns, std::uint32_t seed, float mean) {
        auto* b = network.add_constant({kDepth, columns}, floats(random_numbers(kDepth * columns, seed, mean)));
        return network.add_layer(LayerType::kMATRIX_MULTIPLY, {a, b}, graph::MatrixMultiplyAttributes{})->outputs[0];
    };
    auto* rows = product(input(network, {kRows, kDepth}), kDepth, 1, 0.125f);
    auto* normal = normalize(network, rows).quotient;
    for (const std::uint32_t seed : {2, 3}) network.mark_output(relu(network, product(normal, kColumns, seed, 0.0f)));
}

//! The outputs by kernels that this device runs, one behind the other.
std::vector<std::vector<float>> results(const compiler::Target& target, int& told) {
    graph::Network network;
    write_products(network);
    compiler::WeightStore weights;
    const compiler::Compiled compiled = compiler::compile(network, target, weights);
    told = static_cast<int>(std::ranges::count_if(compiled.operations, [](const tactics::Operation& op) { return op.companion.has_value(); }));
    const auto device = vulkan::Device::current();
    Emitted emitted = emit(compiled, device->caps(), [&](const compiler::Compiled& part, const tactics::Operation& operation) { return choose_untimed(part, operation, device->caps(), false); });
    const auto program = std::make_shared<plan::Program>(std::move(emitted.program));
    runtime::Execution execution(runtime::LoadedProgram::load(device, program, weights.bytes(), null_log()));
    execution.set_symbols({});
    const auto stream = stream::Stream::from_handle(0);
    std::vector<std::uint64_t> memory;
    std::vector<std::vector<float>> out;
    for (std::size_t i = 0; i < program->io.size(); ++i) {
        const auto bytes = static_cast<std::uint64_t>(*program->exprs.value(program->buffers[static_cast<std::size_t>(program->io[i].buffer)].bytes));
        memory.push_back(stream::allocate_device(device, bytes));
        execution.set_address(i, memory.back());
        out.push_back(random_numbers(static_cast<std::int64_t>(bytes / sizeof(float)), 4, 0.5f));
        stream::copy(memory.back(), reinterpret_cast<std::uint64_t>(out.back().data()), bytes, stream::CopyKind::kHostToDevice, *stream);
    }
    (void)execution.time_steps(*stream);
    for (std::size_t i = 0; i < out.size(); ++i) {
        stream::copy(reinterpret_cast<std::uint64_t>(out[i].data()), memory[i], out[i].size() * sizeof(float), stream::CopyKind::kDeviceToHost, *stream);
        stream::free_device(memory[i]);
    }
    return {out.begin() + 1, out.end()};
}

TEST(Emit, RowsComeWithTheirMoments) {
    if (!vulkan::Device::current()->caps().shaders || !vulkan::Device::current()->caps().fp16_storage) GTEST_SKIP() << "no shaders, or no storage of float16";
    int told = 0;
    const auto plain = results({}, told);
    EXPECT_EQ(told, 0);
    const auto moments = results({.internal = DataType::kHALF, .normalizations = true, .normalized_products = true, .row_moments = true}, told);
    EXPECT_EQ(told, 1);
    ASSERT_EQ(moments.size(), plain.size());
    for (std::size_t i = 0; i < plain.size(); ++i) {
        double largest = 0.0, difference = 0.0;
        for (std::size_t k = 0; k < plain[i].size(); ++k) {
            largest = std::max(largest, std::abs(static_cast<double>(plain[i][k])));
            difference = std::max(difference, std::abs(static_cast<double>(moments[i][k] - plain[i][k])));
        }
        EXPECT_GT(largest, 1.0);
        EXPECT_LT(difference, 8e-3 * largest) << "of output " << i << ", of halves twice on the way";
    }
}

//! Squares that go below zero would make rows of NaN, in which nobody sees an error.
TEST(Trial, MomentsThatAProductIsToldAreThoseOfSomeRows) {
    const auto device = vulkan::Device::current();
    if (!device->caps().shaders || !device->caps().fp16_storage) GTEST_SKIP() << "no shaders, or no storage of float16";
    graph::Network network;
    write_products(network);
    compiler::WeightStore weights;
    const compiler::Compiled compiled = compiler::compile(network, {.internal = DataType::kHALF, .normalizations = true, .normalized_products = true, .row_moments = true}, weights);
    const auto operation = std::ranges::find_if(compiled.operations, [](const tactics::Operation& op) {
        const auto* product = std::get_if<tactics::MatrixProduct>(&op.kind);
        return product != nullptr && product->normalized && product->normalized->given;
    });
    ASSERT_NE(operation, compiled.operations.end());
    const std::vector<tactics::Candidate> candidates = tactics::candidates(*operation, compiled.values, device->caps(), compiled.program.exprs);
    const auto generic = std::ranges::find_if(candidates, is_generic);
    const tactics::Candidate* pointers[] = {&*generic};
    Trial trial(compiled, *operation, pointers, device->caps());
    const auto stream = stream::Stream::from_handle(0);
    trial.prepare(device, weights.bytes(), {}, *stream, null_log());
    (void)trial.run();
    const auto outputs = trial.outputs(0);
    for (std::int64_t i = 0; i < outputs[0].volume(); ++i) ASSERT_TRUE(std::isfinite(outputs[0].get(i))) << "element " << i;
}

} // namespace
} // namespace tensorvk::builder
