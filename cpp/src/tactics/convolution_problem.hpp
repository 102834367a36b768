// A convolution as its tactics see it: always three spatial axes (missing ones have extent 1), the constants picked
// out.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "tactics/epilogue.hpp"
#include "tactics/families.hpp"
#include "tactics/packing.hpp"

namespace tensorvk::tactics {

struct ConvolutionProblem {
    //! Throws Unsupported when channel counts are not constants or there are more than three spatial axes.
    explicit ConvolutionProblem(const Query& query);

    using Triple = std::array<std::int64_t, 3>;
    using Extents = std::array<shape::Expr, 3>; // depth, height, width

    Operation operation; // a copy: candidates outlive the call that makes them
    [[nodiscard]] const Convolution& convolution() const { return std::get<Convolution>(operation.kind); }
    Value x, weights, y;
    std::int32_t bias = -1; // buffer, or -1
    AxisRoles roles;
    std::int64_t in_channels = 0, out_channels = 0, groups = 1;
    Triple kernel{}, stride{}, dilation{}, pre{};
    std::string variant; // product_variant()
    Widened widened{};   // the input, which is not the operation's own then

    [[nodiscard]] std::int64_t group_in() const { return in_channels / groups; }
    [[nodiscard]] std::int64_t group_out() const { return out_channels / groups; }
    [[nodiscard]] std::int64_t taps() const { return kernel[0] * kernel[1] * kernel[2]; }
    [[nodiscard]] bool transposed() const { return convolution().transposed; }
    [[nodiscard]] bool half() const { return variant == "f16"; }
    //! IN_HALF and OUT_HALF of shaders/common/epilogue.glsl; in kernels of bfloat16 the same of that. For the host's tiles also what 8 bits they store.
    [[nodiscard]] std::int32_t type_bits() const;
    //! Extent of depth, height, width of a value of this problem.
    [[nodiscard]] static Extents spatial(const Value& value, shape::ExprPool& exprs);
    //! Output positions of all pictures: batch times the spatial extent.
    [[nodiscard]] shape::Expr positions(const Value& value, shape::ExprPool& exprs) const;
};

//! What every tactic of this family is: candidates for a problem, applicable or refused.
using ConvolutionTactic = std::vector<Candidate> (*)(const ConvolutionProblem& problem, const Query& query);

[[nodiscard]] std::vector<Candidate> convolution_generic(const ConvolutionProblem& problem, const Query& query);
[[nodiscard]] std::vector<Candidate> convolution_winograd(const ConvolutionProblem& problem, const Query& query);
[[nodiscard]] std::vector<Candidate> convolution_texel_winograd(const ConvolutionProblem& problem, const Query& query);
[[nodiscard]] std::vector<Candidate> convolution_winograd_products(const ConvolutionProblem& problem, const Query& query);
[[nodiscard]] std::vector<Candidate> convolution_cpu(const ConvolutionProblem& problem, const Query& query);
[[nodiscard]] std::vector<Candidate> convolution_depthwise(const ConvolutionProblem& problem, const Query& query);
[[nodiscard]] std::vector<Candidate> convolution_widened(const ConvolutionProblem& problem, const Query& query);
[[nodiscard]] std::vector<Candidate> convolution_window(const ConvolutionProblem& problem, const Query& query);
[[nodiscard]] std::vector<Candidate> convolution_patches(const ConvolutionProblem& problem, const Query& query);

} // namespace tensorvk::tactics
