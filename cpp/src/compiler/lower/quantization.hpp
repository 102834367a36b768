// Lowering of quantization: between numbers and 8-bit integers, and operators on the latter.
#pragma once

#include <vector>

#include "compiler/lower/context.hpp"
#include "kernels/pointwise_program.hpp"

namespace tensorvk::compiler {

//! A pointwise program under construction: each step works on the result of the one before.
struct PointwiseChain {
    kernels::PointwiseProgram program;
    std::vector<ValueId> operands;

    void step(kernels::PointwiseOp op, kernels::PointwiseArg b, float immediate = 0.0f);
    void with_operand(kernels::PointwiseOp op, ValueId operand);
    //! Adds the zero point to a whole number and saturates to `bits` bits.
    void to_bytes(DataType type, std::int32_t zero, int bits = 8);
};

[[nodiscard]] bool lower_quantize(LayerContext& context, const graph::Layer& layer);
[[nodiscard]] bool lower_dequantize(LayerContext& context, const graph::Layer& layer);

} // namespace tensorvk::compiler
