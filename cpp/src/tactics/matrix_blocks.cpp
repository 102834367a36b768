#include "tactics/matrix_blocks.hpp"

#include "support/error.hpp"
#include "tactics/packing.hpp"

namespace tensorvk::tactics {

void add_blocks(StepBuilder& step, const kernels::BlockFormat& format) {
    step.geometry(10, format.bits).geometry(11, static_cast<std::int32_t>(format.block)).geometry(12, format.zero).geometry(13, format.half_scales ? 1 : 0);
}

std::int32_t widen_blocks(const MatrixProblem& problem, bool on_host, Lowering& lowering) {
    const kernels::BlockFormat& format = *problem.blocks();
    const bool by_columns = problem.product().transpose_b;
    if (!on_host) { // a packing in the order that kernels without one read
        return pack_weights(lowering, problem.operation.name, problem.b.buffer,
                            {.columns = format.columns, .channels = format.depth, .transposed = true, .column_multiple = 1, .panel = by_columns ? 1 : 0, .blocks = format});
    }
    const std::string key = text("widened:", problem.b.buffer, by_columns ? ":c" : "");
    return pack_with(lowering, problem.b.buffer, key, 4 * format.depth * format.columns, [&](std::int32_t target) {
        StepBuilder step(lowering, problem.operation.name, "cpu/widen_blocks:f32");
        step.specialize(false).param(format.depth).param(format.columns).geometry(2, by_columns ? 1 : 0);
        add_blocks(step, format);
        step.reads(problem.b.buffer).writes(target);
        return step.take();
    });
}

} // namespace tensorvk::tactics
