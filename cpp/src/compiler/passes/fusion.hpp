// Shared by the fusion passes: rewriting a pointwise program so that it continues another one.
#pragma once

#include <optional>
#include <string>

#include "compiler/ir.hpp"
#include "support/dtype.hpp"

namespace tensorvk::compiler {

[[nodiscard]] inline bool is_pointwise(const Op& op) {
    return op.role == Role::kCOMPUTE && std::holds_alternative<tactics::Pointwise>(op.kind);
}

[[nodiscard]] inline bool is_product(const Op& op) {
    return op.role == Role::kCOMPUTE &&
           (std::holds_alternative<tactics::Convolution>(op.kind) || std::holds_alternative<tactics::MatrixProduct>(op.kind));
}
//! Of 8-bit integers.
[[nodiscard]] inline bool is_quantized_product(const Ir& ir, const Op& op) { return is_product(op) && is_byte(ir.value(op.inputs[0]).dtype); }

//! Its result is a whole number of the type's range before it is stored.
[[nodiscard]] bool quantizes(const Op& op);
//! Whether it computes in float registers alone: floats, truth values, and 8-bit integers where they are numbers, read by an op that computes in float, or
//! rounded by one that quantizes.
[[nodiscard]] bool all_fit_float(const Ir& ir, const Op& op);

//! Whether the epilogue of a convolution or matrix product may read a value beside its sums.
[[nodiscard]] bool epilogue_reads(const Ir& ir, const Op& producer, ValueId operand);

//! "a + b + c"; of a long one only the ends: "a + ... + z". Fusing a long chain must not cost its length squared in names.
inline constexpr std::size_t kLongestJoinedName = 512;
[[nodiscard]] std::string joined_name(const std::string& first, const std::string& second);

//! True when every use of `value` is in op `consumer` and it is not an output of the network.
[[nodiscard]] bool only_used_by(const Ir& ir, const Uses& uses, ValueId value, std::size_t consumer);

//! Program and operands of `first` followed by `second`, which uses `joint` (the result of `first`) as its value or as an operand.
//! `first_value` is the value that `first` starts from when a value of the graph holds it, else -1 (an accumulator). Nothing when the
//! result would have too many slots or operands.
struct Joined {
    kernels::PointwiseProgram program;
    std::vector<ValueId> operands;
};
[[nodiscard]] std::optional<Joined> join(const Op& first, ValueId first_value, ValueId joint, const Op& second);

//! A constant of one element comes second where the order does not matter: only there it can be an immediate.
void put_scalar_second(const Ir& ir, Op& op);

//! Drops operands that the program does not read any more.
void prune_operands(Op& op);

} // namespace tensorvk::compiler
