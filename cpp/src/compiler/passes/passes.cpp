#include "compiler/passes/passes.hpp"

#include <algorithm>
#include <array>

namespace tensorvk::compiler {

std::span<const Pass> all_passes() {
    static constexpr std::array<Pass, 25> passes = {{
        {"remove_dead", remove_dead},
        {"move_quantization", move_quantization},
        {"quantize_products", quantize_products},
        {"keep_blocks", keep_blocks},
        {"fold_constants", fold_constants},
        {"order_movement", order_movement},
        {"fold_padding", fold_padding},
        {"inline_scalars", inline_scalars},
        {"share_differences", share_differences},
        {"fuse_pointwise", fuse_pointwise},
        {"simplify_programs", simplify_programs},
        {"fold_affine", fold_affine},
        {"fuse_attention", fuse_attention},
        {"fuse_normalizations", fuse_normalizations},
        {"share_operations", share_operations},
        {"fuse_epilogues", fuse_epilogues},
        {"normalize_products", normalize_products},
        {"remove_dead_again", remove_dead},
        {"assign_types", [](Ir& ir) { assign_types(ir, ir.target.internal); }, true},
        {"assign_layouts", assign_layouts, true},
        {"place_parts", place_parts},
        {"fuse_siblings", fuse_siblings},
        {"pass_moments", pass_moments},
        {"view_slices", view_slices},
        {"find_views", find_views},
    }};
    return passes;
}

namespace {

//! Shapes depend on it.
bool defines_symbols(const Op& op) {
    const auto* call = std::get_if<tactics::HostCall>(&op.kind);
    return op.role == Role::kCOMPUTE && call != nullptr && !call->definitions.empty();
}

//! The output's extents are what only running tells, and may be asked for where its elements are not.
bool tells_extents(const Op& op, std::size_t output) {
    return defines_symbols(op) && std::ranges::any_of(std::get<tactics::HostCall>(op.kind).definitions,
                                                      [&](const auto& d) { return d.output == static_cast<std::int32_t>(output); });
}

} // namespace

void remove_dead(Ir& ir) {
    std::vector<bool> needed(ir.values.size(), false);
    for (const ValueId id : ir.outputs) {
        needed[static_cast<std::size_t>(id)] = true;
    }
    std::vector<bool> dead(ir.ops.size(), false);
    for (std::size_t i = ir.ops.size(); i-- > 0;) {
        Op& op = ir.ops[i];
        bool used = false;
        for (std::size_t o = 0; o < op.outputs.size(); ++o) {
            ValueId& id = op.outputs[o];
            if (id >= 0 && !needed[static_cast<std::size_t>(id)]) {
                id = op.outputs.size() > 1 && !tells_extents(op, o) ? -1 : id; // an unused output of several is not written
            } else if (id >= 0) {
                used = true;
            }
        }
        used = used || defines_symbols(op);
        dead[i] = !used;
        if (used) {
            for (const ValueId id : op.inputs) {
                if (id >= 0) {
                    needed[static_cast<std::size_t>(id)] = true;
                }
            }
            for (const ValueId id : op.operands) {
                needed[static_cast<std::size_t>(id)] = true;
            }
        }
    }
    erase_ops(ir, dead);
}

} // namespace tensorvk::compiler
