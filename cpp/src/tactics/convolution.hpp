// The family of convolution and transposed convolution.
#pragma once

#include <span>
#include <vector>

#include "tactics/family.hpp"

namespace tensorvk::tactics {

//! Candidates for an operation of kind Convolution: "conv/..." or, transposed, "deconv/...".
[[nodiscard]] std::vector<Candidate> convolution_candidates(const Operation& operation, std::span<const Value> values,
                                                            const vulkan::DeviceCaps& caps,
                                                            const shape::ExprPool& exprs);

} // namespace tensorvk::tactics
