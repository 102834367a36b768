// Pictures of few channels on matrix units, which take channels in eights: units of eight halves are one pixel and zeros, or, where the window moves by two,
// four channels each of two pixels, which is half as much to multiply.
#pragma once

#include <string>

#include "tactics/convolution_problem.hpp"

namespace tensorvk::tactics {

inline constexpr std::int64_t kUnitHalves = 8;

//! Why a convolution does not take pictures in this way, in float16 or of bytes, or empty.
[[nodiscard]] std::string refuse_picture(const ConvolutionProblem& problem);
//! How the picture is widened. `pairs`: units may be two pixels.
[[nodiscard]] Widened widening_of(const ConvolutionProblem& problem, bool pairs);
//! The convolution of the wide picture, but for its extents and where it lies.
[[nodiscard]] ConvolutionProblem of_wide_picture(ConvolutionProblem problem, const Widened& how);

} // namespace tensorvk::tactics
