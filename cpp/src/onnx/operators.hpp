// The table of operators: one importer function per ONNX operator, listed in the file of its family (ops_*.cpp).
#pragma once

#include <span>
#include <string_view>

#include "graph/operators.hpp"
#include "onnx/context.hpp"

namespace tensorvk::onnx {

//! Adds the node's layers and sets its outputs; throws an Error with one sentence.
using OperatorImporter = void (*)(NodeContext& node);

struct Operator {
    std::string_view name;
    OperatorImporter import;
    std::size_t max_inputs = graph::kAnyCount; // counting absent ones in between
};

[[nodiscard]] std::span<const Operator> activation_operators();
[[nodiscard]] std::span<const Operator> arithmetic_operators();
[[nodiscard]] std::span<const Operator> attention_operators();
[[nodiscard]] std::span<const Operator> batch_normalization_operators();
[[nodiscard]] std::span<const Operator> constant_operators();
[[nodiscard]] std::span<const Operator> convolution_operators();
[[nodiscard]] std::span<const Operator> matrix_operators();
[[nodiscard]] std::span<const Operator> microsoft_operators();
[[nodiscard]] std::span<const Operator> microsoft_attention_operators();
[[nodiscard]] std::span<const Operator> microsoft_cache_operators();
[[nodiscard]] std::span<const Operator> microsoft_product_operators();
[[nodiscard]] std::span<const Operator> microsoft_quantized_operators();
[[nodiscard]] std::span<const Operator> microsoft_standard_operators();
[[nodiscard]] std::span<const Operator> movement_operators();
[[nodiscard]] std::span<const Operator> normalization_operators();
[[nodiscard]] std::span<const Operator> quantize_operators();
[[nodiscard]] std::span<const Operator> reduction_operators();
[[nodiscard]] std::span<const Operator> resize_operators();
[[nodiscard]] std::span<const Operator> sequence_operators();
[[nodiscard]] std::span<const Operator> shape_operators();
[[nodiscard]] std::span<const Operator> slice_operators();

//! The operator's name in the tables: "Conv", "com.microsoft.Gelu".
[[nodiscard]] std::string operator_key(std::string_view domain, std::string_view op_type);
//! The sentence for an operator that is in no table, with what to try.
[[nodiscard]] std::string not_offered(std::string_view domain, std::string_view op_type);
//! Null when there is none.
[[nodiscard]] const Operator* find_operator(std::string_view name);
//! The known operator that is spelled most alike, or "" when none is close.
[[nodiscard]] std::string nearest_operator(std::string_view name);

} // namespace tensorvk::onnx
