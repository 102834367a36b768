// Operators without an attribute struct of their own: ONNX's name, ONNX's inputs and attributes. One shape rule each, listed in the file of
// its family (operators/*.cpp); the host function of the same name computes it (kernels/host/functions.hpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

#include "graph/rules.hpp"
#include "plan/program.hpp"

namespace tensorvk::graph {

struct OperatorRule {
    std::string_view name;
    std::size_t min_inputs, max_inputs; // counting absent ones in between
    Rule infer;
    std::uint32_t absent = 0; // bit i: input i may be absent although others follow that may not. Those beyond min_inputs always may.
};

inline constexpr std::size_t kAnyCount = std::numeric_limits<std::size_t>::max();
//! Reads the numbers of a small integer tensor when the network runs, so that they can be shapes. No outputs.
using plan::kReadValues;
//! Which keys come no later than each query: from int64 [queries, keys, new keys] to bool [queries, keys].
inline constexpr std::string_view kCausalMask = "CausalMask";
//! The weights of com.microsoft's MatMulNBits and MatMulBnb4 as float32 [N, K]: the operators' attributes, and their inputs but for the first.
inline constexpr std::string_view kUnpackNBits = "UnpackNBits";
inline constexpr std::string_view kUnpackBnb4 = "UnpackBnb4";

//! Null when there is none of that name.
[[nodiscard]] const OperatorRule* find_operator_rule(std::string_view name);
//! All names, sorted.
[[nodiscard]] std::vector<std::string_view> operator_rule_names();
//! The rule of all layers with OperatorAttributes: the named operator's.
[[nodiscard]] std::vector<Inferred> operator_rule(RuleContext& context);

// The families, each in operators/<name>.cpp.
[[nodiscard]] std::span<const OperatorRule> selection_rules();
[[nodiscard]] std::span<const OperatorRule> index_rules();
[[nodiscard]] std::span<const OperatorRule> reduction_rules();
[[nodiscard]] std::span<const OperatorRule> quantize_rules();
[[nodiscard]] std::span<const OperatorRule> recurrent_rules();
[[nodiscard]] std::span<const OperatorRule> spatial_rules();
[[nodiscard]] std::span<const OperatorRule> attention_rules();
[[nodiscard]] std::span<const OperatorRule> signal_rules();
[[nodiscard]] std::span<const OperatorRule> bits_rules();
[[nodiscard]] std::span<const OperatorRule> movement_rules();
[[nodiscard]] std::span<const OperatorRule> loss_rules();
[[nodiscard]] std::span<const OperatorRule> matrix_rules();
[[nodiscard]] std::span<const OperatorRule> fill_rules();
[[nodiscard]] std::span<const OperatorRule> microsoft_rules();
[[nodiscard]] std::span<const OperatorRule> einsum_rules();
[[nodiscard]] std::span<const OperatorRule> sequence_rules();

} // namespace tensorvk::graph
