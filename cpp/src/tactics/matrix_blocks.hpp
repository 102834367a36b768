// Second factors of few bits in blocks (kernels/blocks.hpp), for kernels that read them so and for those that have them widened once.
#pragma once

#include "kernels/blocks.hpp"
#include "tactics/matrix_problem.hpp"

namespace tensorvk::tactics {

//! G(10) .. G(13) of shaders/matrix/blocks.glsl.
void add_blocks(StepBuilder& step, const kernels::BlockFormat& format);

//! The factor as float32 in the order of problem.b, made once per engine, by a kernel of the host or a shader.
[[nodiscard]] std::int32_t widen_blocks(const MatrixProblem& problem, bool on_host, Lowering& lowering);

} // namespace tensorvk::tactics
