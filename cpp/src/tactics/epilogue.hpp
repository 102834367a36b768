// How kernels with an epilogue (shaders/common/epilogue.glsl) find its operands: two constants of the pipeline and four
// bindings.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tactics/families.hpp"
#include "tactics/step_builder.hpp"

namespace tensorvk::tactics {

//! What one value looks like beside the output. The numbers are the shader's.
enum class OperandKind : std::int32_t { kGENERAL = 0, kSAME = 1, kPER_CHANNEL = 2, kSCALAR = 3 };

struct OperandMode {
    OperandKind kind = OperandKind::kGENERAL;
    std::int32_t axes = 0; // bits of AxisRoles: extends along that axis of the output
    bool channels_last = false;
};

//! Which bit of OperandMode::axes stands for each logical axis of the output.
struct AxisRoles {
    std::vector<std::int32_t> bit;
    std::int32_t channel_bit = 1;
};
//! n, c, d, h, w = bits 0 .. 4; the channels are axis 1.
[[nodiscard]] AxisRoles convolution_roles(std::size_t rank);
//! The last five axes = bits 0 .. 4; the "channels" are the columns, the last axis. Axes before those share bit 0.
[[nodiscard]] AxisRoles matrix_roles(std::size_t rank);

//! nullopt: the operand does not broadcast to the output as far as is known while building.
[[nodiscard]] std::optional<OperandMode> operand_mode(const Value& operand, const Value& output, const AxisRoles& roles,
                                                      const shape::ExprPool& exprs);

//! Why a kernel cannot read the operands of this epilogue, or empty. `general`: the kernel takes operands that extend along any set
//! of axes.
[[nodiscard]] std::string refuse_operands(const Query& query, const AxisRoles& roles, bool general);
//! The same for a kernel that does not quantize sums of floats, which only the host's tiles do.
[[nodiscard]] std::string refuse_epilogue(const Query& query, const AxisRoles& roles, bool general);

//! Adds constants G(0), G(1), the pointwise program and bindings 4 .. 7; `unused` fills the bindings of absent
//! operands. `types` holds the caller's bits of G(0).
void add_epilogue(StepBuilder& step, Lowering& lowering, const Operation& operation, const AxisRoles& roles,
                  std::int32_t types, std::int32_t unused);

//! The modes of all operands: G(1).
[[nodiscard]] std::int32_t operand_modes(const Lowering& lowering, const Operation& operation, const AxisRoles& roles);

//! Which variant of a kernel takes the types of the operation's values: "f32", "f16" (some are float16), "bf16" (some are bfloat16), or a word
//! that no kernel has where there are both.
[[nodiscard]] std::string product_variant(const Query& query);

} // namespace tensorvk::tactics
