// Matrix products with constant weights of 4 or 8 bits: the weights stay as they are in the plan, and kernels choose whether to widen them.
#include "compiler/block_factor.hpp"
#include "compiler/passes/fusion.hpp"
#include "compiler/passes/passes.hpp"

namespace tensorvk::compiler {

void keep_blocks(Ir& ir) {
    const Uses uses(ir);
    for (Op& op : ir.ops) {
        auto* product = op.role == Role::kCOMPUTE ? std::get_if<tactics::MatrixProduct>(&op.kind) : nullptr;
        if (product == nullptr || product->blocks || is_quantized_product(ir, op) || op.inputs[1] < 0 || ir.value(op.inputs[1]).constant) continue;
        auto factor = read_block_factor(ir, uses, op.inputs[1], product->transpose_b);
        if (!factor) continue;
        product->blocks = factor->format;
        op.inputs[1] = ir.add_constant(ir.value(op.inputs[1]).name + " in blocks", std::move(factor->words));
    }
    remove_dead(ir);
}

} // namespace tensorvk::compiler
