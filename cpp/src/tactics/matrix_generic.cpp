// matrix/generic: one output element per invocation, any strides, broadcast over up to six leading axes. matrix/cpu takes the same step to
// oneDNN on the host, matrix/cpu_tile to this library's own code there.
#include <algorithm>
#include <bit>
#include <initializer_list>
#include <tuple>

#include "kernels/cpu/kernel.hpp"
#include "support/dtype.hpp"
#include "support/error.hpp"
#include "tactics/matrix_blocks.hpp"
#include "tactics/matrix_problem.hpp"
#include "tactics/rounds.hpp"

namespace tensorvk::tactics {
namespace {

constexpr std::int32_t kLocalSize = 64;
constexpr std::int64_t kPassesOfNormalized = 3; // mean, variance, product

void lower(MatrixProblem p, const std::string& kernel, Lowering& lowering) {
    shape::ExprPool& exprs = lowering.exprs();
    if (p.blocks()) p.b.buffer = widen_blocks(p, kernels::cpu::is_cpu_kernel(kernel), lowering);
    StepBuilder step(lowering, p.operation.name, kernel);
    step.geometry(2, p.blocks() || lowering.is_constant(p.b) ? 1 : 0);
    if (const auto& rows = p.product().normalized) step.geometry(3, rows->centred ? 2 : 1).geometry(4, std::bit_cast<std::int32_t>(rows->epsilon));
    const shape::Expr count = exprs.product(p.c.dims);
    step.local_size(kLocalSize).flat_groups(exprs.ceil_div(count, exprs.constant(kLocalSize)));
    add_matrix_product(step, p, lowering, count);
    if (p.given_moments >= 0) step.reads(p.given_moments);
    lowering.add(step.take());
}

std::string refuse_type(const Value& value, std::initializer_list<DataType> taken) {
    if (std::ranges::find(taken, value.dtype) != taken.end()) return {};
    return text("'", value.name, "' is ", dtype_name(value.dtype), ", the kernel takes ", dtype_name(*taken.begin()));
}

//! Host kernels of float32 widen a second factor of float16 when they pack it, and nothing else; those of bfloat16 round it to that.
std::string refuse_types(const MatrixProblem& p, const Query& query) {
    if (p.variant == "bf16") {
        std::string why = refuse_type(p.a, {DataType::kBF16});
        if (why.empty() && p.operation.has_bias) why = refuse_type(query.input(2), {DataType::kFLOAT});
        return why;
    }
    std::string why = refuse_type(p.a, {DataType::kFLOAT});
    if (why.empty()) why = refuse_type(p.c, {DataType::kFLOAT});
    for (std::size_t k = 0; k < p.operation.operands.size() && why.empty(); ++k) why = refuse_type(query.operand(k), {DataType::kFLOAT});
    return why;
}

std::string refuse(const MatrixProblem& p, const Query& query) {
    if (std::string why = refuse_matrix_shape(p, query.exprs); !why.empty()) return why;
    const std::int64_t passes = p.product().normalized ? kPassesOfNormalized : 1;
    if (std::string why = refuse_rounds(query.caps, rounds_of(most_of(query.exprs, p.k), kProductBodies) * passes); !why.empty()) return why;
    return refuse_epilogue(query, p.roles, p.c.dims.size() <= 5);
}

} // namespace

std::vector<Candidate> matrix_generic(const MatrixProblem& problem, const Query& query) {
    Candidate candidate;
    candidate.name = "matrix/generic";
    candidate.refusal = refuse(problem, query);
    candidate.portable = true;
    candidate.strided = true;
    candidate.lower = [problem](Lowering& lowering) { lower(problem, (problem.given_moments >= 0 ? "matrix/generic:given_" : "matrix/generic:") + problem.variant, lowering); };
    return {candidate};
}

std::vector<Candidate> matrix_cpu(const MatrixProblem& problem, const Query& query) {
    std::vector<Candidate> out;
    for (const auto& [name, family, general] :
         {std::tuple{"matrix/cpu", "cpu/matrix:", false}, std::tuple{"matrix/cpu_tile", "cpu/tiled_matrix:", true}}) {
        const std::string kernel = family + (problem.variant == "f16" ? "f32" : problem.variant); // that of float32 takes a factor of float16
        Candidate candidate;
        candidate.name = name;
        candidate.host = true;
        candidate.strided = true;
        candidate.refusal = refuse_cpu(query, kernel);
        if (candidate.refusal.empty()) candidate.refusal = refuse_normalized(problem.product());
        if (candidate.refusal.empty()) candidate.refusal = refuse_matrix_shape(problem, query.exprs);
        if (candidate.refusal.empty()) candidate.refusal = refuse_epilogue(query, problem.roles, general && problem.c.dims.size() <= 5);
        if (candidate.refusal.empty()) candidate.refusal = refuse_types(problem, query);
        candidate.lower = [problem, at = kernel](Lowering& lowering) { lower(problem, at, lowering); };
        out.push_back(std::move(candidate));
    }
    return out;
}

} // namespace tensorvk::tactics
