// A matrix product with its data and the host's result: what tests of its tactics share.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kernels/host/matrix.hpp"
#include "tactics/check.hpp"
#include "tactics/tensor_bytes.hpp"

namespace tensorvk::test::matrix {

using kernels::PointwiseArg;
using kernels::PointwiseOp;
using kernels::host::Tensor;
using tactics::Layout;

using Dims = std::vector<std::int64_t>;

struct Case {
    std::string name;
    Dims a, b;
    bool transpose_a = false, transpose_b = false;
    bool constant_b = true;
    bool bias = false;
    Dims operand{}; // added and clamped at zero when not empty
    DataType a_type = DataType::kFLOAT, b_type = DataType::kFLOAT, out_type = DataType::kFLOAT;
    bool dynamic = false; // the first dimension
    bool squared = false; // a program that is no chain
};

inline std::ostream& operator<<(std::ostream& out, const Case& c) {
    return out << c.name;
}

inline Tensor widened(const Tensor& tensor) {
    Tensor wide(DataType::kFLOAT, tensor.dims);
    for (std::int64_t i = 0; i < tensor.volume(); ++i) wide.set(i, tensor.get(i));
    return wide;
}

struct Built {
    OperationCase operation;
    Tensor expected;
    std::int64_t terms;
};

inline Built build(const Case& c) {
    tactics::Operation op;
    op.name = c.name;
    op.kind = tactics::MatrixProduct{c.transpose_a, c.transpose_b};
    op.has_bias = c.bias;
    if (!c.operand.empty()) {
        op.epilogue = {{{.op = PointwiseOp::kADD, .b = {PointwiseArg::Kind::kOPERAND, 0}},
                        {.op = PointwiseOp::kRELU, .a = {PointwiseArg::Kind::kVALUE, 1}}}};
    }
    if (c.squared) op.epilogue = {{{.op = PointwiseOp::kMUL}}};
    OperationCase operation(std::move(op));
    const Tensor a = random_tensor(c.a_type, c.a, 1);
    const Tensor b = random_tensor(c.b_type, c.b, 2);
    const Tensor bias = random_tensor(DataType::kFLOAT, {c.transpose_b ? c.b[c.b.size() - 2] : c.b.back()}, 3);
    const Tensor y =
        kernels::host::matrix_product(widened(a), widened(b), c.transpose_a, c.transpose_b, c.bias ? &bias : nullptr);
    operation.add_input(a, Layout::kLINEAR, false);
    operation.add_input(b, Layout::kLINEAR, c.constant_b);
    if (c.bias) operation.add_input(bias, Layout::kLINEAR, true);
    if (!c.operand.empty()) operation.add_operand(random_tensor(c.out_type, c.operand, 4), Layout::kLINEAR);
    operation.set_output(c.out_type, y.dims, Layout::kLINEAR);
    if (c.dynamic) operation.make_dynamic(0);
    const Tensor expected = operation.finish(y);
    return {std::move(operation), expected, c.a[c.a.size() - (c.transpose_a ? 2 : 1)]};
}

inline bool touches(const Case& c, DataType type) { return c.a_type == type || c.b_type == type || c.out_type == type; }

//! As for convolutions: sqrt(K) roundings of a float, or one of a half (2^-11) in the result and in packed weights.
inline double tolerance_of(const Case& c, const Built& built) {
    if (touches(c, DataType::kBF16)) return kBfloatTolerance;
    return touches(c, DataType::kHALF) ? 2e-3 : 1e-6 * std::sqrt(static_cast<double>(built.terms)) + 1e-7;
}

//! Every candidate that this device has; the generic one takes all cases.
inline void check_on_this_device(const Case& c) {
    const auto device = vulkan::Device::by_index(0);
    const bool bfloat = touches(c, DataType::kBF16);
    if (touches(c, DataType::kHALF) && !device->caps().fp16_storage) GTEST_SKIP() << "no fp16 storage";
    if (bfloat && !device->caps().host_kernels) GTEST_SKIP() << "only the host computes with bfloat16";
    const auto built = build(c);
    RunsAnywhere anywhere(device->caps());
    for (const tactics::Candidate& candidate : built.operation.candidates(device->caps())) {
        if (!candidate.applicable()) {
            EXPECT_TRUE(bfloat || candidate.name != "matrix/generic") << candidate.refusal;
            continue;
        }
        OperationCase::Prepared prepared = built.operation.prepare(device, candidate);
        anywhere.note(prepared);
        prepared.runner->run();
        EXPECT_LT(relative_error(built.operation.output(prepared), built.expected), tolerance_of(c, built)) << candidate.name;
    }
    anywhere.expect();
}

//! Candidates of GPUs whose names begin so run on any device, only not fast. Returns how many there were.
inline int check_for_gpus(const Case& c, std::string_view prefix) {
    const auto device = vulkan::Device::by_index(0);
    const Built built = build(c);
    vulkan::DeviceCaps caps = device->caps();
    caps.is_cpu = false;
    int applicable = 0;
    for (const tactics::Candidate& candidate : built.operation.candidates(caps)) {
        if (!candidate.applicable() || !candidate.name.starts_with(prefix)) continue;
        ++applicable;
        EXPECT_LT(relative_error(built.operation.run(device, candidate), built.expected), tolerance_of(c, built)) << candidate.name;
    }
    return applicable;
}

inline bool can_store(const Case& c) { return vulkan::Device::by_index(0)->caps().fp16_storage || !touches(c, DataType::kHALF); }

} // namespace tensorvk::test::matrix
