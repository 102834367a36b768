// A matrix product with its data and the host's result: what tests of its tactics share.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <optional>
#include <ostream>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kernels/blocks.hpp"
#include "kernels/host/matrix.hpp"
#include "support/dtype.hpp"
#include "tactics/check.hpp"
#include "tactics/large_gpu.hpp"
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
    std::optional<tactics::RowNormalization> normalized{}; // of a; with a bias
    float mean = 0.0f;    // added to a
    // The second factor in blocks of few bits: 0 bits is none, 0 neighbours are all.
    std::int32_t bits = 0;
    std::int64_t block = 0;
    bool zeros = false; // each block has a zero point of its own
    bool half_scales = false;
};

inline std::ostream& operator<<(std::ostream& out, const Case& c) {
    return out << c.name;
}

inline Tensor widened(const Tensor& tensor) {
    Tensor wide(DataType::kFLOAT, tensor.dims);
    for (std::int64_t i = 0; i < tensor.volume(); ++i) wide.set(i, tensor.get(i));
    return wide;
}

//! Each row by mean and deviation of the same row of `by`, in double precision.
inline Tensor normalized(const Tensor& tensor, const tactics::RowNormalization& kind, const Tensor& by) {
    Tensor out(DataType::kFLOAT, tensor.dims);
    const std::int64_t length = tensor.dims.back();
    for (std::int64_t first = 0; first < tensor.volume(); first += length) {
        double mean = 0.0, squares = 0.0;
        for (std::int64_t i = first; i < first + length && kind.centred; ++i) mean += by.get(i) / static_cast<double>(length);
        for (std::int64_t i = first; i < first + length; ++i) squares += (by.get(i) - mean) * (by.get(i) - mean) / static_cast<double>(length);
        for (std::int64_t i = first; i < first + length; ++i) out.set(i, (tensor.get(i) - mean) / std::sqrt(squares + static_cast<double>(kind.epsilon)));
    }
    return out;
}

//! Of b's columns, as matrix units read them.
inline Tensor column_sums(const Tensor& b, bool transposed) {
    const std::int64_t columns = transposed ? b.dims[b.dims.size() - 2] : b.dims.back(), depth = b.volume() / columns;
    Tensor out(DataType::kFLOAT, {columns});
    for (std::int64_t n = 0; n < columns; ++n) {
        double sum = 0.0;
        for (std::int64_t k = 0; k < depth; ++k) sum += static_cast<double>(half_to_float(float_to_half(static_cast<float>(b.get(transposed ? n * depth + k : k * columns + n)))));
        out.set(n, sum);
    }
    return out;
}

//! A second factor of few bits, as it is bound and as numbers.
struct Blocks {
    kernels::BlockFormat format;
    Tensor words, numbers;
};

inline Blocks random_blocks(const Case& c) {
    std::mt19937 random(7);
    const std::int64_t depth = c.transpose_b ? c.b[1] : c.b[0], columns = c.transpose_b ? c.b[0] : c.b[1];
    Blocks out{{.depth = depth, .columns = columns, .block = c.block, .bits = c.bits}, {}, Tensor(DataType::kFLOAT, c.b)};
    const std::uint32_t most = (1U << c.bits) - 1U;
    kernels::BlockNumbers numbers;
    for (std::int64_t i = 0; i < depth * columns; ++i) numbers.codes.push_back(static_cast<std::uint8_t>(random() & most));
    for (std::int64_t i = 0; i < out.format.blocks() * columns; ++i) {
        numbers.scales.push_back(static_cast<float>(1 + random() % 31) / (c.half_scales ? 256.0F : 257.0F)); // float16 holds the former exactly
        numbers.zeros.push_back(static_cast<std::uint8_t>(c.zeros ? random() & most : most / 2 + 1));
    }
    out.format = kernels::smallest_format(out.format, numbers);
    const std::vector<std::uint32_t> words = kernels::packed_blocks(out.format, numbers);
    out.words = Tensor(DataType::kINT32, {static_cast<std::int64_t>(words.size())});
    std::ranges::copy(words, out.words.as<std::uint32_t>().begin());
    for (std::int64_t k = 0; k < depth; ++k) {
        for (std::int64_t n = 0; n < columns; ++n) {
            const auto at = static_cast<std::size_t>(k / out.format.block_depth() * columns + n);
            const int code = numbers.codes[static_cast<std::size_t>(k * columns + n)] - numbers.zeros[at];
            out.numbers.set(c.transpose_b ? n * depth + k : k * columns + n, static_cast<double>(static_cast<float>(code) * numbers.scales[at]));
        }
    }
    return out;
}

struct Built {
    OperationCase operation;
    Tensor expected;
    std::int64_t terms;
};

inline Built build(const Case& c) {
    tactics::Operation op;
    op.name = c.name;
    std::optional<Blocks> blocks;
    if (c.bits > 0) blocks = random_blocks(c);
    op.kind = tactics::MatrixProduct{.transpose_a = c.transpose_a,
                                     .transpose_b = c.transpose_b,
                                     .normalized = c.normalized,
                                     .blocks = blocks ? std::optional(blocks->format) : std::nullopt};
    op.has_bias = c.bias;
    if (!c.operand.empty()) {
        op.epilogue = {{{.op = PointwiseOp::kADD, .b = {PointwiseArg::Kind::kOPERAND, 0}},
                        {.op = PointwiseOp::kRELU, .a = {PointwiseArg::Kind::kVALUE, 1}}}};
    }
    if (c.squared) op.epilogue = {{{.op = PointwiseOp::kMUL}}};
    OperationCase operation(std::move(op));
    Tensor a = random_tensor(c.a_type, c.a, 1);
    for (std::int64_t i = 0; i < a.volume() && c.mean != 0.0f; ++i) a.set(i, a.get(i) + static_cast<double>(c.mean));
    const Tensor b = blocks ? blocks->numbers : random_tensor(c.b_type, c.b, 2);
    const Tensor bias = random_tensor(DataType::kFLOAT, {c.transpose_b ? c.b[c.b.size() - 2] : c.b.back()}, 3);
    const Tensor y =
        kernels::host::matrix_product(c.normalized ? normalized(a, *c.normalized, a) : widened(a), widened(b), c.transpose_a, c.transpose_b, c.bias ? &bias : nullptr);
    operation.add_input(a, Layout::kLINEAR, false);
    operation.add_input(blocks ? blocks->words : b, Layout::kLINEAR, c.constant_b);
    if (c.bias) operation.add_input(bias, Layout::kLINEAR, true);
    if (c.normalized) operation.add_input(column_sums(b, c.transpose_b), Layout::kLINEAR, true);
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
        OperationCase::Prepared prepared = built.operation.prepare(device, candidate, caps);
        prepared.runner->run();
        EXPECT_LT(relative_error(built.operation.output(prepared), built.expected), tolerance_of(c, built)) << candidate.name;
    }
    return applicable;
}

//! Of the candidate of that name, for a GPU; the name itself where there is none.
inline std::string refusal(const Case& c, const std::string& name, const vulkan::DeviceCaps& caps = large_gpu()) {
    for (const tactics::Candidate& candidate : build(c).operation.candidates(caps)) {
        if (candidate.name == name) return candidate.refusal;
    }
    return name;
}

inline bool can_store(const Case& c) { return vulkan::Device::by_index(0)->caps().fp16_storage || !touches(c, DataType::kHALF); }

} // namespace tensorvk::test::matrix
