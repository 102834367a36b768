// Normalisations of rows of odd lengths, with and without a mean, with programs behind, against the formula in double precision.
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
    bool operands = true; // scale and shift along the row, a residual, and a single number
    bool dynamic = false;
    double mean = 1.0; // of the data, whose deviation is about 0.6
    bool workgroups = false; // of GPUs, everywhere: making their pipelines takes CPU drivers a while
};

std::ostream& operator<<(std::ostream& out, const Case& c) { return out << c.name; }

Tensor reference(const Tensor& x, const tactics::Normalization& kind) {
    Tensor y(DataType::kFLOAT, x.dims);
    const std::int64_t length = x.dims.back();
    for (std::int64_t row = 0; length > 0 && row < x.volume() / length; ++row) {
        double mean = 0.0, square = 0.0;
        for (std::int64_t i = 0; kind.centred && i < length; ++i) mean += x.get(row * length + i) / static_cast<double>(length);
        for (std::int64_t i = 0; i < length; ++i) square += std::pow(x.get(row * length + i) - mean, 2) / static_cast<double>(length);
        for (std::int64_t i = 0; i < length; ++i) y.set(row * length + i, (x.get(row * length + i) - mean) / std::sqrt(square + static_cast<double>(kind.epsilon)));
    }
    return y;
}

//! (value * op0 + op1 + op2) * op3
kernels::PointwiseProgram program() {
    kernels::PointwiseProgram out;
    for (const auto& [op, operand] : {std::pair{PointwiseOp::kMUL, 0}, {PointwiseOp::kADD, 1}, {PointwiseOp::kADD, 2}, {PointwiseOp::kMUL, 3}}) {
        const PointwiseArg last{PointwiseArg::Kind::kVALUE, static_cast<std::uint8_t>(out.slots.size())};
        out.slots.push_back({.op = op, .a = last, .b = {PointwiseArg::Kind::kOPERAND, static_cast<std::uint8_t>(operand)}});
    }
    return out;
}

//! Those of GPUs, which run anywhere: with subgroups that add, and with shared memory alone.
void check_workgroups(const OperationCase& test, const Tensor& expected, double tolerance) {
    const auto device = vulkan::Device::current();
    for (const bool arithmetic : {false, true}) {
        vulkan::DeviceCaps caps = device->caps();
        if (!device->caps().shaders || (arithmetic && !caps.subgroup_arithmetic)) continue;
        caps.is_cpu = false;
        caps.subgroup_arithmetic = arithmetic;
        for (const tactics::Candidate& candidate : test.candidates(caps)) {
            if (!candidate.applicable() || candidate.portable) continue;
            OperationCase::Prepared prepared = test.prepare(device, candidate);
            prepared.runner->run();
            EXPECT_LE(relative_error(test.output(prepared), expected), tolerance) << candidate.name << (arithmetic ? ", subgroups" : "");
        }
    }
}

class Normalizations : public testing::TestWithParam<Case> {};

TEST_P(Normalizations, AgreeWithTheFormula) {
    const Case& c = GetParam();
    for (const DataType type : {DataType::kFLOAT, DataType::kHALF}) {
        if (type == DataType::kHALF && !vulkan::Device::current()->caps().fp16_storage) continue;
        for (const bool centred : {true, false}) {
            SCOPED_TRACE(text(dtype_name(type), centred ? ", centred" : ""));
            tactics::Operation operation;
            operation.name = c.name;
            const tactics::Normalization kind{1e-5f, centred};
            operation.kind = kind;
            if (c.operands) operation.epilogue = program();
            OperationCase test(operation);
            Tensor x = random_tensor(type, c.x, 1);
            for (std::int64_t i = 0; i < x.volume(); ++i) x.set(i, x.get(i) + c.mean);
            test.add_input(x, Layout::kLINEAR, false);
            if (c.operands) {
                test.add_operand(random_tensor(type, {c.x.back()}, 2), Layout::kLINEAR);
                test.add_operand(random_tensor(DataType::kFLOAT, {c.x.back()}, 3), Layout::kLINEAR);
                test.add_operand(random_tensor(type, c.x, 4), Layout::kLINEAR);
                test.add_operand(random_tensor(DataType::kFLOAT, {}, 5), Layout::kLINEAR);
            }
            test.set_output(type, c.x, Layout::kLINEAR);
            if (c.dynamic) test.make_dynamic(0);
            const Tensor expected = test.finish(reference(x, kind));
            // A difference from the mean loses what the mean has of float32's digits, and an invocation adds up a row term by term.
            const double sums = 4e-6 + 2e-9 * static_cast<double>(c.x.back());
            const double tolerance = type == DataType::kFLOAT ? sums * (1.0 + std::abs(c.mean)) : 1e-3;
            check_all(test, {expected}, tolerance, true);
            if (c.workgroups) check_workgroups(test, expected, tolerance);
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Rows, Normalizations,
                         testing::Values(Case{"one", {1, 1}}, Case{"line", {17}}, Case{"odd", {3, 17, 33}, true, false, 1.0, true}, Case{"fours", {5, 12}}, Case{"bert", {1, 16, 768}, true, false, 1.0, true},
                                         Case{"nothing_behind", {3, 100}, false}, Case{"odd_and_long", {3, 2047}}, Case{"longest_of_a_workgroup", {2, 8192}},
                                         Case{"longer", {2, 8196}}, Case{"many_rows", {1000, 8}}, Case{"no_rows", {0, 8}},
                                         Case{"far_from_zero", {4, 256}, true, false, 30.0}, Case{"dynamic", {3, 5, 64}, true, true}),
                         [](const auto& test) { return test.param.name; });

} // namespace
} // namespace tensorvk::test
