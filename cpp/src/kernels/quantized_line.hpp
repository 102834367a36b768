// What the programs of quantized products mostly are: a straight line of the sum and of an operand, bounded, in steps of the output. Kernels that know it
// need one multiplication where the program has several and a division; see shaders/quantized/line.glsl.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "kernels/pointwise_program.hpp"
#include "plan/program.hpp"

namespace tensorvk::kernels {

//! bounded(sum * value * operand[sum_operand] + row * operand[row_operand] + column * operand[column_operand] + shift), rounded, + zero, in steps. -1: no operand.
struct QuantizedLine {
    double sum = 0.0, row = 0.0, column = 0.0, shift = 0.0;
    int sum_operand = -1, row_operand = -1, column_operand = -1; // row: of each element; the others: the same in every row
    double least = 0.0, most = 0.0; // the first is whole
    int zero = 0;
    int roundings = 0; //!< of the program's, to float32, before it rounds to whole numbers
};

//! The program as a line, of results of 8 bits from `least` to `least` + 255, or none. `per_element`: whether each operand has as many elements as the result.
[[nodiscard]] std::optional<QuantizedLine> quantized_line(const PointwiseProgram& program, const std::vector<bool>& per_element, int least);

//! Its constants, from plan::kSpecLine on; see shaders/quantized/line.glsl.
[[nodiscard]] std::vector<plan::SpecConstant> encode(const QuantizedLine& line);

} // namespace tensorvk::kernels
