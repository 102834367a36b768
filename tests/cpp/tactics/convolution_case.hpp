// A convolution with its data and the host's result: what tests of its tactics and of their choice share.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "kernels/host/convolution.hpp"
#include "support/dtype.hpp"
#include "tactics/operation_case.hpp"
#include "tactics/tensor_bytes.hpp"

namespace tensorvk::test {

using kernels::PointwiseArg;
using kernels::PointwiseOp;
using kernels::host::Tensor;
using tactics::Layout;

enum class Operands { kNONE, kRELU, kSQUARE, kRESIDUAL, kPER_CHANNEL, kSCALAR, kOTHER_LAYOUT, kROW };

struct Case {
    std::string name;
    std::vector<std::int64_t> x; // N, C, spatial...
    std::int64_t out = 1;
    std::vector<std::int64_t> kernel, stride, dilation, pre, post;
    std::int64_t groups = 1;
    bool transposed = false;
    std::vector<std::int64_t> output_padding{};
    Layout in_layout = Layout::kCHANNELS_LAST, out_layout = Layout::kCHANNELS_LAST;
    DataType in_type = DataType::kFLOAT, out_type = DataType::kFLOAT;
    Operands operands = Operands::kRELU;
    bool bias = true;
    bool dynamic = false;
    bool constant_weights = true;
};

inline std::ostream& operator<<(std::ostream& out, const Case& c) {
    return out << c.name;
}

inline Case conv2d(std::string name, std::vector<std::int64_t> x, std::int64_t out, std::int64_t kernel, std::int64_t stride,
            std::int64_t pad) {
    return {.name = std::move(name),
            .x = std::move(x),
            .out = out,
            .kernel = {kernel, kernel},
            .stride = {stride, stride},
            .dilation = {1, 1},
            .pre = {pad, pad},
            .post = {pad, pad}};
}

template <typename Change>
Case with(Case c, const Change& change) {
    change(c);
    return c;
}

inline kernels::PointwiseProgram program(Operands operands) {
    const PointwiseArg value{}, slot1{PointwiseArg::Kind::kVALUE, 1}, operand{PointwiseArg::Kind::kOPERAND, 0};
    switch (operands) {
        case Operands::kNONE:
            return {};
        case Operands::kRELU:
            return {{{.op = PointwiseOp::kRELU, .a = value}}};
        case Operands::kSQUARE: // no chain: what comes before is read twice
            return {{{.op = PointwiseOp::kMUL, .a = value, .b = value}}};
        default:
            return {{{.op = PointwiseOp::kADD, .a = value, .b = operand}, {.op = PointwiseOp::kRELU, .a = slot1}}};
    }
}

//! Rounds to whole numbers of a 24th, a little off 0, in the range of `type`.
inline void append_quantize(kernels::PointwiseProgram& program, DataType type) {
    const float least = type == DataType::kINT8 ? -128.0F : 0.0F;
    const std::pair<PointwiseOp, float> steps[] = {
        {PointwiseOp::kQUANTIZE, 1.0F / 24.0F}, {PointwiseOp::kADD, 3.0F}, {PointwiseOp::kMAX, least}, {PointwiseOp::kMIN, least + 255.0F}};
    for (const auto& [op, number] : steps) {
        const PointwiseArg last{PointwiseArg::Kind::kVALUE, static_cast<std::uint8_t>(program.slots.size())};
        program.slots.push_back({.op = op, .a = last, .b = {PointwiseArg::Kind::kIMMEDIATE, 0}, .immediate = number});
    }
}

struct Built {
    OperationCase operation;
    Tensor expected;
    std::int64_t terms; // of one sum
};

inline void add_operand(OperationCase& operation, const Case& c, const std::vector<std::int64_t>& y) {
    const DataType type = is_byte(c.out_type) ? DataType::kFLOAT : c.out_type;
    std::vector<std::int64_t> channel(y.size(), 1), row(y.size(), 1);
    channel[1] = y[1];
    row[2] = y[2];
    const Layout other = c.out_layout == Layout::kLINEAR ? Layout::kCHANNELS_LAST : Layout::kLINEAR;
    switch (c.operands) {
        case Operands::kRESIDUAL:
            operation.add_operand(random_tensor(type, y, 4), c.out_layout);
            break;
        case Operands::kOTHER_LAYOUT:
            operation.add_operand(random_tensor(type, y, 4), other);
            break;
        case Operands::kPER_CHANNEL:
            operation.add_operand(random_tensor(DataType::kFLOAT, channel, 4), Layout::kLINEAR);
            break;
        case Operands::kROW:
            operation.add_operand(random_tensor(DataType::kFLOAT, row, 4), Layout::kLINEAR);
            break;
        case Operands::kSCALAR:
            operation.add_operand(random_tensor(DataType::kFLOAT, {}, 4), Layout::kLINEAR);
            break;
        default:
            break;
    }
}

inline Built build(const Case& c) {
    const kernels::ConvGeometry geometry{c.kernel, c.stride, c.dilation, c.pre, c.post, c.groups};
    tactics::Operation op;
    op.name = c.name;
    op.kind = tactics::Convolution{geometry, c.transposed, c.output_padding};
    op.has_bias = c.bias;
    op.epilogue = program(c.operands);
    if (is_byte(c.out_type)) append_quantize(op.epilogue, c.out_type);
    OperationCase operation(std::move(op));
    std::vector<std::int64_t> weight_dims = c.transposed ? std::vector<std::int64_t>{c.x[1], c.out / c.groups}
                                                         : std::vector<std::int64_t>{c.out, c.x[1] / c.groups};
    weight_dims.insert(weight_dims.end(), c.kernel.begin(), c.kernel.end());
    const Tensor x = random_tensor(c.in_type, c.x, 1);
    const Tensor weights = random_tensor(DataType::kFLOAT, weight_dims, 2);
    const Tensor bias = random_tensor(DataType::kFLOAT, {c.out}, 3);
    Tensor wide(DataType::kFLOAT, x.dims); // the reference keeps its result in float
    for (std::int64_t i = 0; i < x.volume(); ++i) wide.set(i, x.get(i));
    const Tensor* b = c.bias ? &bias : nullptr;
    const Tensor y = c.transposed ? kernels::host::deconvolution(wide, weights, b, geometry, c.output_padding)
                                  : kernels::host::convolution(wide, weights, b, geometry);
    operation.add_input(x, c.in_layout, false);
    operation.add_input(weights, Layout::kLINEAR, c.constant_weights);
    if (c.bias) operation.add_input(bias, Layout::kLINEAR, true);
    add_operand(operation, c, y.dims);
    operation.set_output(c.out_type, y.dims, c.out_layout);
    if (c.dynamic) operation.make_dynamic(0);
    const Tensor expected = operation.finish(y);
    return {std::move(operation), expected, weights.volume() / weights.dims[0]};
}

} // namespace tensorvk::test
