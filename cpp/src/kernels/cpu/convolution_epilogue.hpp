// What a convolution does with its finished sums, by the parameters of convolution/generic.
#pragma once

#include "kernels/cpu/convolution_places.hpp"
#include "kernels/cpu/epilogue.hpp"

namespace tensorvk::kernels::cpu {

//! Of which type a float convolution stores its results. Throws InvalidPlan for what none is.
[[nodiscard]] Word stored_type(const Launch& launch);
//! G(1)'s axes are n, c, d, h, w.
[[nodiscard]] Epilogue convolution_epilogue(const Launch& launch, const ConvolutionShape& shape, Word type, std::uint32_t types);

} // namespace tensorvk::kernels::cpu
