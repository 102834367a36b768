// Times every candidate of operations that are limited by memory: milliseconds and GB/s of bytes read and written, on the current device.
//
//   bench_memory [megabytes of the main tensor, default 64]
#include <cstdio>
#include <cstdlib>
#include <functional>

#include "tactics/operation_case.hpp"
#include "tactics/tensor_bytes.hpp"

namespace tensorvk::test {
namespace {

using kernels::PointwiseArg;
using kernels::PointwiseOp;
using kernels::host::Tensor;
using tactics::Layout;
using Dims = std::vector<std::int64_t>;

constexpr Layout kLast = Layout::kCHANNELS_LAST;

struct Bench {
    std::string name;
    tactics::Kind kind;
    Dims x, y;
    Layout from = Layout::kLINEAR, to = Layout::kLINEAR;
    kernels::PointwiseProgram program{};
    std::vector<Dims> operands{};
};

tactics::Operation operation_of(const Bench& bench) {
    tactics::Operation operation;
    operation.name = bench.name;
    operation.kind = bench.kind;
    operation.epilogue = bench.program;
    return operation;
}

//! Copies are made of expressions, which belong to the case.
void complete_copy(OperationCase& test, const Dims& extent, std::vector<std::int32_t> axis_of) {
    test.change([&](tactics::Operation& operation, shape::ExprPool& exprs) {
        auto* copy = std::get_if<tactics::Copy>(&operation.kind);
        if (copy == nullptr) {
            return;
        }
        copy->axis_of = std::move(axis_of);
        for (const std::int64_t dim : extent) {
            copy->start.push_back(exprs.constant(0));
            copy->stride.push_back(exprs.constant(1));
            copy->region.push_back(exprs.constant(dim));
        }
        copy->destination_axis = 1;
        copy->destination_offset = exprs.constant(0);
    });
}

void run(const Bench& bench) {
    const auto device = vulkan::Device::current();
    OperationCase test(operation_of(bench));
    test.add_input(Tensor(DataType::kFLOAT, bench.x), bench.from, false);
    double bytes = static_cast<double>(checked_volume(bench.x) + checked_volume(bench.y)) * 4.0;
    for (const Dims& operand : bench.operands) {
        test.add_operand(Tensor(DataType::kFLOAT, operand), bench.to);
        bytes += static_cast<double>(checked_volume(operand)) * 4.0;
    }
    test.set_output(DataType::kFLOAT, bench.y, bench.to);
    const bool transposes = bench.y.size() == 2 && bench.x[0] != bench.y[0];
    complete_copy(test, transposes ? bench.y : bench.x, transposes ? std::vector<std::int32_t>{1, 0} : std::vector<std::int32_t>{0, 1, 2, 3});
    for (const tactics::Candidate& candidate : test.candidates(device->caps())) {
        if (!candidate.applicable()) {
            std::printf("%-24s %-20s refused: %s\n", bench.name.c_str(), candidate.name.c_str(), candidate.refusal.c_str());
            continue;
        }
        OperationCase::Prepared prepared = test.prepare(device, candidate);
        const double ms = prepared.runner->time(5, 4);
        std::printf("%-24s %-20s %8.3f ms %8.1f GB/s\n", bench.name.c_str(), candidate.name.c_str(), ms, bytes / ms / 1e6);
    }
}

void run_all(std::int64_t megabytes) {
    const std::int64_t rows = megabytes << 14; // of 16 floats
    const std::int64_t plane = rows / 4;       // of 64 channels
    const PointwiseArg value{}, operand{PointwiseArg::Kind::kOPERAND, 0};
    const kernels::PointwiseProgram add{{{.op = PointwiseOp::kADD, .a = value, .b = operand}}};
    const kernels::PointwiseProgram silu{{{.op = PointwiseOp::kSIGMOID, .a = value}, {.op = PointwiseOp::kMUL, .a = value, .b = {PointwiseArg::Kind::kVALUE, 1}}}};
    const Dims line{rows * 16}, matrix{rows / 64, 1024}, image{1, 64, plane / 256, 256};
    kernels::PoolGeometry pool{.op = kernels::PoolGeometry::Op::kMAX, .window = {2, 2}, .stride = {2, 2}, .dilation = {1, 1}, .pre = {0, 0}, .post = {0, 0}};
    tactics::Resize twice;
    for (const Bench& bench : std::initializer_list<Bench>{
             {"add", tactics::Pointwise{}, line, line, {}, {}, add, {line}},
             {"add per channel", tactics::Pointwise{}, image, image, kLast, kLast, add, {{64, 1, 1}}},
             {"silu", tactics::Pointwise{}, line, line, {}, {}, silu},
             {"part of a concatenation", tactics::Copy{}, image, {1, 128, plane / 256, 256}, kLast, kLast},
             {"channels to last", tactics::Copy{}, image, image, Layout::kLINEAR, kLast},
             {"channels to first", tactics::Copy{}, image, image, kLast, Layout::kLINEAR},
             {"matrix transpose", tactics::Copy{}, matrix, {1024, rows / 64}},
             {"pool 2x2", tactics::Pooling{pool}, image, {1, 64, plane / 512, 128}, kLast, kLast},
             {"global average", tactics::Reduce{ReduceOperation::kAVG, 12}, image, {1, 64, 1, 1}, kLast, kLast},
             {"row sums", tactics::Reduce{ReduceOperation::kSUM, 2}, matrix, {rows / 64, 1}},
             {"softmax of rows", tactics::SoftMax{1, false}, matrix, matrix},
             {"nearest 2x", twice, {1, 64, plane / 512, 128}, image, kLast, kLast}}) {
        run(bench);
    }
}

} // namespace
} // namespace tensorvk::test

int main(int count, char** arguments) {
    tensorvk::test::run_all(count > 1 ? std::atoll(arguments[1]) : 64);
    return 0;
}
