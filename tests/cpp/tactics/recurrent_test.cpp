// recurrent/cpu and the shaders against the host function of the same operator, which goes row by row.
#include <gtest/gtest.h>

#include <cmath>
#include <optional>

#include "kernels/cpu/kernel.hpp"
#include "kernels/host/functions.hpp"
#include "support/error.hpp"
#include "tactics/check.hpp"

namespace tensorvk::test {
namespace {

using kernels::host::Tensor;
using tactics::Layout;

struct Layer {
    std::string function = "LSTM";
    std::int64_t steps = 5, batch = 3, input = 7, hidden = 17;
    AttributeSet attributes{};
    bool bias = true, states = true, peephole = false, constant = true;
    std::vector<std::int64_t> lengths{};
    std::vector<bool> wanted{true, true, true}; // outputs

    [[nodiscard]] std::int64_t gates() const { return function == "LSTM" ? 4 : function == "GRU" ? 3 : 1; }
    [[nodiscard]] std::int64_t directions() const { return attributes.text("direction", "forward") == "bidirectional" ? 2 : 1; }
    [[nodiscard]] bool batch_first() const { return attributes.integer("layout", 0) != 0; }
    [[nodiscard]] std::size_t outputs() const { return function == "LSTM" ? 3 : 2; }
};

//! As trained weights are: sums of many terms stay around 1, so that a state forgets, and rounding errors with it.
Tensor weights(std::vector<std::int64_t> dims, unsigned seed) {
    Tensor out = random_tensor(DataType::kFLOAT, dims, seed);
    const double scale = 1.0 / std::sqrt(static_cast<double>(dims.back()));
    for (std::int64_t i = 0; i < out.volume(); ++i) out.set(i, out.get(i) * scale);
    return out;
}

//! In the operators' order; nothing where one is absent.
std::vector<std::optional<Tensor>> inputs_of(const Layer& l) {
    const std::int64_t rows = l.gates() * l.hidden;
    const auto ordered = [&](std::int64_t outer, std::int64_t inner, std::int64_t last) {
        return l.batch_first() ? std::vector{inner, outer, last} : std::vector{outer, inner, last};
    };
    std::vector<std::optional<Tensor>> in(8);
    in[0] = random_tensor(DataType::kFLOAT, ordered(l.steps, l.batch, l.input), 1);
    in[1] = weights({l.directions(), rows, l.input}, 2);
    in[2] = weights({l.directions(), rows, l.hidden}, 3);
    if (l.bias) in[3] = random_tensor(DataType::kFLOAT, {l.directions(), 2 * rows}, 4);
    if (!l.lengths.empty()) {
        in[4] = Tensor(DataType::kINT32, {l.batch});
        for (std::int64_t b = 0; b < l.batch; ++b) in[4]->set_integer(b, l.lengths[static_cast<std::size_t>(b)]);
    }
    if (l.states) in[5] = random_tensor(DataType::kFLOAT, ordered(l.directions(), l.batch, l.hidden), 5);
    if (l.states && l.function == "LSTM") in[6] = random_tensor(DataType::kFLOAT, ordered(l.directions(), l.batch, l.hidden), 6);
    if (l.peephole) in[7] = random_tensor(DataType::kFLOAT, {l.directions(), 3 * l.hidden}, 7);
    return in;
}

std::vector<Tensor> reference(const Layer& l, const std::vector<std::optional<Tensor>>& in) {
    std::vector<const Tensor*> pointers;
    for (const auto& tensor : in) pointers.push_back(tensor ? &*tensor : nullptr);
    kernels::host::Call call("reference", l.attributes, pointers, l.outputs());
    kernels::host::find_function(l.function)->run(call);
    return std::move(call.outputs());
}

OperationCase case_of(const Layer& l, const std::vector<std::optional<Tensor>>& in, const std::vector<Tensor>& out) {
    tactics::Operation operation;
    operation.name = "layer";
    operation.kind = tactics::HostCall{l.function, l.attributes, {}, {}};
    OperationCase test(operation);
    for (std::size_t i = 0; i < in.size(); ++i) {
        in[i] ? test.add_input(*in[i], Layout::kLINEAR, l.constant && (i == 1 || i == 2 || i == 3 || i == 7)) : test.omit_input();
    }
    for (std::size_t i = 0; i < out.size(); ++i) {
        l.wanted[i] ? test.set_output(out[i].dtype, out[i].dims, Layout::kLINEAR) : test.omit_output();
    }
    return test;
}

//! The host's own candidate; the device is one of a CPU or the test has nothing to run.
std::optional<tactics::Candidate> candidate_of(const OperationCase& test) {
    for (tactics::Candidate& candidate : test.candidates(vulkan::Device::current()->caps())) {
        if (candidate.name == "recurrent/cpu") return candidate;
    }
    return std::nullopt;
}

bool runs_here() { return vulkan::Device::current()->caps().host_kernels; }

void run_and_compare(const Layer& l, const OperationCase& test, const tactics::Candidate& candidate, const std::vector<Tensor>& expected, double tolerance) {
    SCOPED_TRACE(candidate.name);
    OperationCase::Prepared prepared = test.prepare(vulkan::Device::current(), candidate);
    for (const char* run : {"first run", "second run"}) { // nothing of the first is left in the second
        SCOPED_TRACE(run);
        prepared.runner->run();
        for (std::size_t i = 0; i < expected.size(); ++i) {
            if (l.wanted[i]) {
                EXPECT_LE(relative_error(test.output(prepared, i), expected[i]), tolerance) << "output " << i;
            }
        }
    }
}

void check_host(const Layer& l, const std::vector<std::optional<Tensor>>& in, const std::vector<Tensor>& expected, double tolerance) {
    if (!runs_here()) return; // the device's memory is not the host's
    const OperationCase test = case_of(l, in, expected);
    const auto candidate = candidate_of(test);
    ASSERT_TRUE(candidate);
    ASSERT_EQ(candidate->refusal, "");
    run_and_compare(l, test, *candidate, expected, tolerance);
}

//! Sums of a hundred terms in another order, and polynomials of a few units in the last place for the activations.
constexpr double kHostTolerance = 2e-6;
//! Vulkan's exp() may err by 3 + 2|x| units in the last place, and steps hand on what they err by.
constexpr double kShaderTolerance = 2e-5;

bool is_shader(const tactics::Candidate& candidate) { return candidate.name.starts_with("recurrent/") && !candidate.host; }

//! Names of those that ran. CPU drivers take their time to make pipelines: unless all are asked for, one of each kind stands for the others there.
std::vector<std::string> run_shaders(const Layer& l, const OperationCase& test, const std::vector<Tensor>& expected, const vulkan::DeviceCaps& caps, bool all, double tolerance) {
    std::vector<std::string> ran;
    for (const tactics::Candidate& candidate : test.candidates(caps)) {
        const bool wanted = all || !caps.is_cpu || candidate.name == "recurrent/loop_1" || candidate.name == "recurrent/steps_8";
        if (!is_shader(candidate) || !candidate.applicable() || !wanted) continue;
        run_and_compare(l, test, candidate, expected, tolerance);
        ran.push_back(candidate.name);
    }
    return ran;
}

std::vector<std::string> check_shaders(const Layer& l, const std::vector<std::optional<Tensor>>& in, const std::vector<Tensor>& expected, bool all, double tolerance = kShaderTolerance) {
    return run_shaders(l, case_of(l, in, expected), expected, vulkan::Device::current()->caps(), all, tolerance);
}

//! What candidates a GPU would have, which CPU drivers can run as well.
vulkan::DeviceCaps caps_of_gpu() {
    vulkan::DeviceCaps caps = vulkan::Device::current()->caps();
    caps.is_cpu = caps.host_kernels = false;
    caps.subgroup_size = std::max(caps.subgroup_size, 1u);
    return caps;
}

//! Every kernel of a layer that each kind of kernel takes.
void check(const Layer& l) {
    const auto in = inputs_of(l);
    const std::vector<Tensor> expected = reference(l, in);
    check_host(l, in, expected, kHostTolerance);
    const auto ran = check_shaders(l, in, expected, false);
    EXPECT_TRUE(!vulkan::Device::current()->caps().shaders || std::ranges::count(ran, "recurrent/loop_1") == 1);
}

void check_on_host(const Layer& l) {
    const auto in = inputs_of(l);
    check_host(l, in, reference(l, in), kHostTolerance);
}

AttributeSet with(std::initializer_list<std::pair<const char*, AttributeValue>> values) {
    AttributeSet out;
    for (const auto& [name, value] : values) out.set(name, value);
    return out;
}

class Sizes : public testing::TestWithParam<std::tuple<const char*, std::int64_t, std::int64_t, std::int64_t>> {};

TEST_P(Sizes, AreComputedAsTheReferenceDoes) {
    const auto [function, hidden, batch, steps] = GetParam();
    for (const char* direction : {"forward", "reverse", "bidirectional"}) {
        SCOPED_TRACE(direction);
        check_on_host({.function = function, .steps = steps, .batch = batch, .input = hidden + 2, .hidden = hidden, .attributes = with({{"direction", direction}})});
    }
}

INSTANTIATE_TEST_SUITE_P(Recurrent, Sizes,
                         testing::Combine(testing::Values("RNN", "GRU", "LSTM"), testing::Values(1, 3, 17, 33, 128), testing::Values(1, 3), testing::Values(1, 5, 40)));

class SizesOfShaders : public testing::TestWithParam<std::tuple<const char*, std::int64_t>> {};

TEST_P(SizesOfShaders, AreComputedAsTheReferenceDoes) {
    const auto [function, hidden] = GetParam();
    for (const std::int64_t batch : {1, 5}) {
        const Layer l{.function = function, .steps = 7, .batch = batch, .input = hidden + 2, .hidden = hidden,
                      .attributes = with({{"direction", "bidirectional"}, {"linear_before_reset", std::int64_t{1}}})};
        const auto in = inputs_of(l);
        const auto ran = check_shaders(l, in, reference(l, in), hidden == 33);
        if (!vulkan::Device::current()->caps().shaders) continue;
        EXPECT_EQ(std::ranges::count(ran, "recurrent/loop_1"), 1);
        EXPECT_EQ(std::ranges::count(ran, "recurrent/steps_8"), hidden > 8 ? 1 : 0);
    }
}

INSTANTIATE_TEST_SUITE_P(Recurrent, SizesOfShaders, testing::Combine(testing::Values("RNN", "GRU", "LSTM"), testing::Values(1, 3, 17, 33, 128)));

TEST(Recurrent, LongSequencesAreCutWhereDriversWouldEndTheirLoops) {
    const Layer l{.steps = 3000, .batch = 2, .input = 3, .hidden = 33};
    const auto in = inputs_of(l);
    (void)check_shaders(l, in, reference(l, in), false, 1e-4);
}

//! Slices of the state's length and weights in registers, which no CPU is offered.
TEST(Recurrent, WorkgroupsOfGpus) {
    if (!vulkan::Device::current()->caps().shaders) GTEST_SKIP() << "the device runs no shaders";
    for (const char* function : {"RNN", "GRU", "LSTM"}) {
        for (const std::int64_t reset : {0, 1}) {
            if (reset == 1 && std::string_view(function) != "GRU") continue;
            const Layer l{.function = function, .batch = 5, .hidden = 33, .attributes = with({{"direction", "bidirectional"}, {"linear_before_reset", reset}}), .lengths = {5, 1, 0, 3, 5}};
            const auto in = inputs_of(l);
            const auto expected = reference(l, in);
            const auto ran = run_shaders(l, case_of(l, in, expected), expected, caps_of_gpu(), true, kShaderTolerance);
            for (const char* name : {"recurrent/loop_1", "recurrent/loop_4", "recurrent/kept_1", "recurrent/kept_4"}) EXPECT_EQ(std::ranges::count(ran, name), 1) << name;
            EXPECT_EQ(std::ranges::count(ran, "recurrent/steps_16"), reset == 1 || l.gates() != 3 ? 1 : 0);
        }
    }
}

TEST(Recurrent, StepsMayBeDynamicForTheLoop) {
    const Layer l{};
    const auto in = inputs_of(l);
    const auto expected = reference(l, in);
    OperationCase test = case_of(l, in, expected);
    test.make_dynamic(0);
    if (vulkan::Device::current()->caps().shaders) {
        const auto ran = run_shaders(l, test, expected, caps_of_gpu(), true, kShaderTolerance);
        EXPECT_EQ(std::ranges::count(ran, "recurrent/loop_1"), 1);
        EXPECT_EQ(std::ranges::count(ran, "recurrent/steps_8"), 0);
    }
    vulkan::DeviceCaps caps = caps_of_gpu();
    caps.is_cpu = caps.shaders = true;
    for (const tactics::Candidate& candidate : test.candidates(caps)) {
        EXPECT_FALSE(is_shader(candidate) && candidate.applicable()) << candidate.name << " may loop too often for this driver";
    }
}

TEST(Recurrent, HalvesAreStoredAndFloatsComputed) {
    if (!vulkan::Device::current()->caps().shaders || !vulkan::Device::current()->caps().fp16_storage) GTEST_SKIP() << "no shader takes halves here";
    for (const char* function : {"GRU", "LSTM"}) {
        const Layer l{.function = function};
        auto in = inputs_of(l);
        auto wide = in;
        for (std::size_t i = 0; i < in.size(); ++i) {
            if (!in[i]) continue;
            in[i] = in[i]->converted(DataType::kHALF);
            wide[i] = in[i]->converted(DataType::kFLOAT);
        }
        auto expected = reference(l, wide);
        for (Tensor& tensor : expected) tensor = tensor.converted(DataType::kHALF);
        const auto ran = check_shaders(l, in, expected, false, 1.0 / 1024.0); // one unit of the results' type
        EXPECT_EQ(std::ranges::count(ran, "recurrent/loop_1"), 1);
    }
}

TEST(Recurrent, ManyRowsAreHalvedAndLongSequencesCutIntoBlocks) {
    for (const char* function : {"RNN", "GRU", "LSTM"}) {
        check_on_host({.function = function, .steps = 3, .batch = 21});
        check_on_host({.function = function, .steps = 300, .batch = 9, .input = 5, .hidden = 33});
        check_on_host({.function = function, .steps = 2, .batch = 1, .input = 700, .hidden = 600}); // threads share one product
    }
}

TEST(Recurrent, EmptySequencesLeaveTheStates) {
    for (const char* function : {"RNN", "GRU", "LSTM"}) {
        check_on_host({.function = function, .steps = 0});
        check_on_host({.function = function, .batch = 0});
        check_on_host({.function = function, .input = 0});
    }
}

TEST(Recurrent, SequencesEndAtTheirLengths) {
    for (const char* function : {"RNN", "GRU", "LSTM"}) {
        for (const char* direction : {"forward", "reverse", "bidirectional"}) {
            check({.function = function, .batch = 5, .attributes = with({{"direction", direction}}), .lengths = {5, 1, 0, 3, 5}});
        }
    }
}

TEST(Recurrent, LengthsOutsideAreMovedInside) {
    if (!runs_here()) GTEST_SKIP() << "the device's memory is not the host's";
    Layer inside{.batch = 2, .lengths = {5, 0}};
    Layer outside{.batch = 2, .lengths = {2000000000, -7}};
    const std::vector<Tensor> expected = reference(inside, inputs_of(inside)); // which refuses the others
    const OperationCase test = case_of(outside, inputs_of(outside), expected);
    EXPECT_LE(relative_error(test.run(vulkan::Device::current(), *candidate_of(test)), expected[0]), 2e-6);
}

TEST(Recurrent, InputsAndOutputsMayBeAbsent) {
    for (const char* function : {"RNN", "GRU", "LSTM"}) {
        check({.function = function, .bias = false, .states = false});
        check({.function = function, .wanted = {true, false, false}});
        check({.function = function, .wanted = {false, true, true}});
        check({.function = function, .lengths = {1, 2, 3}, .wanted = {false, true, false}});
    }
}

TEST(Recurrent, WeightsMayBeWhatTheNetworkComputes) {
    for (const char* function : {"RNN", "GRU", "LSTM"}) check({.function = function, .constant = false});
}

TEST(Recurrent, FormsOfTheOperators) {
    check({.attributes = with({{"clip", 0.3}})});
    check({.attributes = with({{"input_forget", std::int64_t{1}}})});
    check({.attributes = {}, .peephole = true});
    check({.attributes = with({{"clip", 0.4}, {"direction", "bidirectional"}}), .peephole = true});
    for (const char* function : {"RNN", "GRU", "LSTM"}) {
        check({.function = function, .attributes = with({{"layout", std::int64_t{1}}, {"direction", "bidirectional"}}), .lengths = {2, 5, 0}});
    }
    check({.function = "GRU", .attributes = with({{"linear_before_reset", std::int64_t{1}}, {"direction", "bidirectional"}})});
    check({.function = "GRU", .hidden = 128, .attributes = with({{"linear_before_reset", std::int64_t{1}}, {"clip", 0.5}})});
}

TEST(Recurrent, ActivationsOfEachDirection) {
    using Names = std::vector<std::string>;
    using Reals = std::vector<double>;
    check({.function = "RNN", .attributes = with({{"activations", Names{"Relu"}}})});
    check({.function = "RNN", .attributes = with({{"direction", "bidirectional"}, {"activations", Names{"Elu", "leakyrelu"}}, {"activation_alpha", Reals{0.5, 0.2}}})});
    check({.attributes = with({{"direction", "bidirectional"},
                               {"activations", Names{"Sigmoid", "Softsign", "Tanh", "Sigmoid", "ThresholdedRelu", "Softplus"}},
                               {"activation_alpha", Reals{0.1}}})});
    check({.function = "GRU", .attributes = with({{"direction", "bidirectional"}, {"activations", Names{"Sigmoid", "Relu"}}})}); // for both
}

TEST(Recurrent, HalvesAreWidenedOnTheirWay) {
    const Layer l{};
    auto in = inputs_of(l);
    in[0] = in[0]->converted(DataType::kHALF);
    auto wide = in;
    wide[0] = in[0]->converted(DataType::kFLOAT);
    check_host(l, in, reference(l, wide), kHostTolerance);
}

TEST(Recurrent, WhatTheKernelDoesNotTakeIsRefusedWithAReason) {
    const auto refusal = [](const Layer& l, const auto& change) {
        auto in = inputs_of(l);
        const std::vector<Tensor> out = reference(l, in);
        change(in);
        return candidate_of(case_of(l, in, out))->refusal;
    };
    const auto nothing = [](auto&) {};
    if (!runs_here()) {
        EXPECT_EQ(refusal({}, nothing), "the device's memory is not the host's");
        return;
    }
    using Names = std::vector<std::string>;
    EXPECT_EQ(refusal({.function = "RNN", .attributes = with({{"activations", Names{"HardSigmoid"}}})}, nothing), "it has an activation of two parameters");
    EXPECT_EQ(refusal({.lengths = {1, 2, 3}}, [](auto& in) { in[4] = Tensor(DataType::kINT64, {3}); }), "'value4' is int64, the kernel takes int32");
}

TEST(Recurrent, OtherFunctionsHaveNoSuchCandidate) {
    EXPECT_FALSE(candidate_of(case_of({.function = "Softmax"}, {}, {})));
}

//! A step of an LSTM of 2 steps, batch 1, 3 inputs and 4 hidden numbers, with some numbers of its own.
struct Damaged {
    std::vector<std::int64_t> params{2, 1, 3, 4, 1};
    std::int32_t gates = 4, flags = 16, present = 0b111, slots = 3;
    std::size_t state_weights = 64;

    void prepare() const {
        plan::Step step;
        step.layer = "layer";
        step.kernel = "cpu/recurrent:f32";
        const std::int32_t constants[] = {gates, flags, 0, present};
        for (std::uint32_t i = 0; i < 4; ++i) step.spec.push_back({plan::kSpecGeometry + i, constants[i]});
        kernels::PointwiseProgram program;
        program.slots.assign(static_cast<std::size_t>(slots), {kernels::PointwiseOp::kTANH, {}, {}, {}, 0.0f});
        const auto encoded = kernels::encode(program);
        step.spec.insert(step.spec.end(), encoded.begin(), encoded.end());
        std::vector<float> x(6), w(48), r(state_weights);
        const std::vector<std::span<std::byte>> memory{std::as_writable_bytes(std::span(x)), std::as_writable_bytes(std::span(w)), std::as_writable_bytes(std::span(r))};
        kernels::cpu::Keep keep;
        kernels::cpu::find(step.kernel)->prepare({step, params, memory, keep})();
    }
};

TEST(Recurrent, DamagedPlansAreRefused) {
    EXPECT_NO_THROW(Damaged{}.prepare());
    EXPECT_THROW((Damaged{.params = {2, 1, 3, 4}}.prepare()), InvalidPlan);
    EXPECT_THROW((Damaged{.params = {3, 1, 3, 4, 1}}.prepare()), InvalidPlan) << "more steps than x has";
    EXPECT_THROW((Damaged{.params = {-1, 1, 3, 4, 1}}.prepare()), InvalidPlan);
    EXPECT_THROW((Damaged{.params = {2, 1, 3, 0, 1}}.prepare()), InvalidPlan);
    EXPECT_THROW((Damaged{.params = {2, 1, 3, 4, 3}}.prepare()), InvalidPlan);
    EXPECT_THROW((Damaged{.gates = 2}.prepare()), InvalidPlan);
    EXPECT_THROW((Damaged{.present = 0b011}.prepare()), InvalidPlan);
    EXPECT_THROW((Damaged{.present = 0b110}.prepare()), InvalidPlan);
    EXPECT_THROW((Damaged{.present = 0b1111}.prepare()), InvalidPlan) << "a bias that is not bound";
    EXPECT_THROW((Damaged{.slots = 2}.prepare()), InvalidPlan);
    EXPECT_THROW((Damaged{.state_weights = 63}.prepare()), InvalidPlan);
}

} // namespace
} // namespace tensorvk::test
