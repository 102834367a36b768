#include "tactics/matrix.hpp"

#include "tactics/matrix_problem.hpp"
#include "tactics/product.hpp"
#include "tactics/quantized.hpp"

namespace tensorvk::tactics {
namespace {

std::vector<Candidate> products(const MatrixProblem& problem, const Query& query) {
    return product_candidates("matrix", Product::refuse(problem, query), Product(problem, query.exprs), query);
}

// In the order in which candidates are tried. A tactic answers for what it was made for and refuses the rest with a
// reason.
constexpr MatrixTactic kTactics[] = {
    matrix_generic,
    matrix_cpu,
    products,
    matrix_blocks_vector,
    matrix_unpacked_shared,
    matrix_unpacked_vector,
    matrix_unpacked_coopmat,
};

} // namespace

std::vector<Candidate> matrix_candidates(const Operation& operation, std::span<const Value> values,
                                         const vulkan::DeviceCaps& caps, const shape::ExprPool& exprs) {
    const Query query{operation, values, caps, exprs};
    if (is_quantized(query)) return quantized_matrix_candidates(query);
    const MatrixProblem problem(query);
    std::vector<Candidate> out;
    for (const MatrixTactic tactic : kTactics) {
        for (Candidate& candidate : tactic(problem, query)) {
            if (!candidate.applicable()) candidate.lower = nullptr;
            out.push_back(std::move(candidate));
        }
    }
    return out;
}

} // namespace tensorvk::tactics
