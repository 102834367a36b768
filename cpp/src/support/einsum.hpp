// Einstein's summation convention as numpy and ONNX write it: "ij,jk->ik".
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tensorvk {

//! Axes as numbers: axes with one number run together, and those that the output lacks are summed. Axes of an ellipsis have numbers of their
//! own, counted from the last.
struct EinsumAxes {
    std::vector<std::vector<std::size_t>> inputs;
    std::vector<std::size_t> output;
    std::size_t count = 0; // of numbers
};

//! Throws InvalidArgument with a sentence for what is no equation, and where a term and the tensor of that rank do not fit.
[[nodiscard]] EinsumAxes parse_einsum(std::string_view equation, const std::vector<std::size_t>& ranks);

} // namespace tensorvk
