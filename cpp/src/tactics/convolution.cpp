#include "tactics/convolution.hpp"

#include "tactics/convolution_problem.hpp"
#include "tactics/product.hpp"
#include "tactics/quantized.hpp"

namespace tensorvk::tactics {
namespace {

std::vector<Candidate> products(const ConvolutionProblem& problem, const Query& query) {
    return product_candidates(problem.transposed() ? "deconv" : "conv", Product::refuse(problem, query),
                              Product(problem, query.exprs), query);
}

// In the order in which candidates are tried. A tactic answers for what it was made for and refuses the rest with a
// reason.
constexpr ConvolutionTactic kTactics[] = {
    convolution_generic,
    convolution_winograd,
    convolution_cpu,
    convolution_depthwise,
    convolution_texel_winograd,
    products,
    convolution_winograd_products,
    convolution_widened,
    convolution_window,
    convolution_patches,
};

} // namespace

std::vector<Candidate> convolution_candidates(const Operation& operation, std::span<const Value> values,
                                              const vulkan::DeviceCaps& caps, const shape::ExprPool& exprs) {
    const Query query{operation, values, caps, exprs};
    if (is_quantized(query)) return quantized_convolution_candidates(query);
    const ConvolutionProblem problem(query);
    std::vector<Candidate> out;
    for (const ConvolutionTactic tactic : kTactics) {
        for (Candidate& candidate : tactic(problem, query)) {
            if (!candidate.applicable()) candidate.lower = nullptr;
            out.push_back(std::move(candidate));
        }
    }
    return out;
}

} // namespace tensorvk::tactics
