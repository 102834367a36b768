// Normalisations of groups of channels in both layouts, with programs behind, against the formula in double precision.
#include <gtest/gtest.h>

#include <cmath>

#include "tactics/check.hpp"

namespace tensorvk::test {
namespace {

using kernels::PointwiseArg;
using kernels::PointwiseOp;
using kernels::host::Tensor;
using tactics::Layout;

struct Case {
    std::string name;
    std::vector<std::int64_t> x;
    std::int64_t groups;
    int dynamic_axis = -1;
    double mean = 1.0; // of the data, whose deviation is about 0.6
    bool as_gpu = false; // what GPUs are offered, everywhere: making their pipelines takes CPU drivers a while
};

std::ostream& operator<<(std::ostream& out, const Case& c) { return out << c.name; }

Tensor reference(const Tensor& x, const tactics::Normalization& kind) {
    Tensor y(DataType::kFLOAT, x.dims);
    const std::int64_t rows = x.dims[0] * kind.groups, length = rows > 0 ? x.volume() / rows : 0; // a group lies in one piece in the logical order
    for (std::int64_t row = 0; row < rows; ++row) {
        double mean = 0.0, square = 0.0;
        for (std::int64_t i = 0; kind.centred && i < length; ++i) mean += x.get(row * length + i) / static_cast<double>(length);
        for (std::int64_t i = 0; i < length; ++i) square += std::pow(x.get(row * length + i) - mean, 2) / static_cast<double>(length);
        for (std::int64_t i = 0; i < length; ++i) y.set(row * length + i, (x.get(row * length + i) - mean) / std::sqrt(square + static_cast<double>(kind.epsilon)));
    }
    return y;
}

//! relu(value * op0 + op1 + op2 + op3)
kernels::PointwiseProgram program() {
    kernels::PointwiseProgram out;
    const auto last = [&] { return PointwiseArg{PointwiseArg::Kind::kVALUE, static_cast<std::uint8_t>(out.slots.size())}; };
    for (const auto& [op, operand] : {std::pair{PointwiseOp::kMUL, 0}, {PointwiseOp::kADD, 1}, {PointwiseOp::kADD, 2}, {PointwiseOp::kADD, 3}}) {
        out.slots.push_back({.op = op, .a = last(), .b = {PointwiseArg::Kind::kOPERAND, static_cast<std::uint8_t>(operand)}});
    }
    out.slots.push_back({.op = PointwiseOp::kRELU, .a = last()});
    return out;
}

OperationCase make(const Case& c, const tactics::Normalization& kind, Layout layout, DataType type, const Tensor& x, bool operands) {
    tactics::Operation operation;
    operation.name = c.name;
    operation.kind = kind;
    if (operands) operation.epilogue = program();
    OperationCase test(operation);
    test.add_input(x, layout, false);
    if (operands) {
        std::vector<std::int64_t> channels(c.x.size() - 1, 1);
        channels[0] = c.x[1];
        test.add_operand(random_tensor(type, channels, 2), Layout::kLINEAR);
        test.add_operand(random_tensor(DataType::kFLOAT, channels, 3), Layout::kLINEAR);
        test.add_operand(random_tensor(type, c.x, 4), layout);
        test.add_operand(random_tensor(DataType::kFLOAT, {1}, 5), Layout::kLINEAR);
    }
    test.set_output(type, c.x, layout);
    if (c.dynamic_axis >= 0) test.make_dynamic(static_cast<std::size_t>(c.dynamic_axis));
    return test;
}

//! What a GPU would be offered, wherever it runs: workgroups that keep what they read, and several for a group. Names of those that ran.
std::vector<std::string> check_as_gpu(const OperationCase& test, const Tensor& expected, double tolerance) {
    const auto device = vulkan::Device::current();
    vulkan::DeviceCaps caps = device->caps();
    std::vector<std::string> ran;
    if (!caps.shaders) return ran;
    caps.is_cpu = caps.host_kernels = false;
    for (const tactics::Candidate& candidate : test.candidates(caps)) {
        if (!candidate.applicable() || candidate.portable) continue; // check_all() runs the portable one
        SCOPED_TRACE(candidate.name);
        auto prepared = test.prepare(device, candidate, caps);
        prepared.runner->run();
        EXPECT_LE(relative_error(test.output(prepared), expected), tolerance);
        ran.push_back(candidate.name);
    }
    return ran;
}

class GroupNormalizations : public testing::TestWithParam<Case> {};

TEST_P(GroupNormalizations, AgreeWithTheFormulaInBothLayouts) {
    const Case& c = GetParam();
    struct Form { DataType type; Layout layout; bool centred; }; // each of the two of everything, not all pairs: CPU drivers take long to make pipelines
    for (const auto& [type, layout, centred] : {Form{DataType::kFLOAT, Layout::kLINEAR, true}, Form{DataType::kFLOAT, Layout::kCHANNELS_LAST, false}, Form{DataType::kHALF, Layout::kCHANNELS_LAST, true}}) {
        if (type == DataType::kHALF && !vulkan::Device::current()->caps().fp16_storage) continue;
        SCOPED_TRACE(text(dtype_name(type), layout == Layout::kLINEAR ? "" : ", channels last", centred ? ", centred" : ""));
        Tensor x = random_tensor(type, c.x, 1);
        for (std::int64_t i = 0; i < x.volume(); ++i) x.set(i, x.get(i) + c.mean);
        const tactics::Normalization kind{1e-5f, centred, c.groups};
        const OperationCase test = make(c, kind, layout, type, x, centred);
        const Tensor expected = test.finish(reference(x, kind));
        // A difference from the mean loses what the mean has of float32's digits.
        const double tolerance = type == DataType::kFLOAT ? 4e-6 * (1.0 + std::abs(c.mean)) : 1e-3;
        check_all(test, {expected}, tolerance, true);
        if (c.as_gpu) check_as_gpu(test, expected, tolerance);
    }
}

INSTANTIATE_TEST_SUITE_P(Shapes, GroupNormalizations,
                         testing::Values(Case{"one", {1, 1, 1}, 1}, Case{"instances", {2, 3, 17}, 3}, Case{"pictures", {2, 6, 5, 7}, 3, -1, 1.0, true}, Case{"fours", {1, 16, 2, 6}, 4, -1, 1.0, true},
                                         Case{"all_channels", {3, 33, 3, 3}, 1}, Case{"volumes", {1, 8, 3, 4, 5}, 2}, Case{"positions_of_four", {2, 10, 4, 9}, 5},
                                         Case{"empty", {0, 4, 3, 3}, 2}, Case{"no_positions", {2, 4, 0, 3}, 2}, Case{"long", {1, 12, 40, 66}, 2},
                                         Case{"far_from_zero", {2, 8, 12, 12}, 2, -1, 30.0}, Case{"dynamic_batch", {3, 8, 5, 4}, 4, 0}, Case{"dynamic_height", {3, 8, 5, 4}, 2, 2}),
                         [](const auto& test) { return test.param.name; });

// Longer than what the lanes of a workgroup keep: it is read again, or by several workgroups, the last of which gets less than the others.
TEST(GroupNormalization, OfLongGroupsIsSplit) {
    if (!vulkan::Device::current()->caps().shaders) GTEST_SKIP() << "a device without shaders";
    for (const Layout layout : {Layout::kLINEAR, Layout::kCHANNELS_LAST}) {
        const bool fours = layout == Layout::kLINEAR; // two channels of a group are not four
        const Case c{"long", {2, 4, fours ? 33000 : 33001}, 2};
        const tactics::Normalization kind{1e-5f, true, c.groups};
        const Tensor x = random_tensor(DataType::kFLOAT, c.x, 1);
        const OperationCase test = make(c, kind, layout, DataType::kFLOAT, x, !fours);
        const auto ran = check_as_gpu(test, test.finish(reference(x, kind)), 1e-5);
        EXPECT_EQ(std::ranges::count(ran, "normalization/groups_split_vec4"), fours ? 1 : 0);
        EXPECT_EQ(std::ranges::count(ran, "normalization/groups_split"), 1);
        EXPECT_EQ(std::ranges::count(ran, "normalization/groups"), 1);
    }
}

} // namespace
} // namespace tensorvk::test
