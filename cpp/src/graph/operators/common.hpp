// What the shape rules of operators share.
#pragma once

#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

#include "graph/rules.hpp"

namespace tensorvk::graph {

[[nodiscard]] inline const AttributeSet& attributes_of(const RuleContext& context) {
    return context.attributes<OperatorAttributes>().attributes;
}

//! Fails unless these inputs have one floating-point type; absent ones are fine.
void require_one_floating_type(const RuleContext& context, std::initializer_list<std::size_t> inputs);

//! The element type that an attribute names by ONNX's number; `otherwise` when the attribute is absent.
[[nodiscard]] DataType type_attribute(const RuleContext& context, std::string_view name, DataType otherwise);

//! A text attribute that is one of `words`; `otherwise` when it is absent.
std::string word_attribute(const RuleContext& context, std::string_view name, std::string_view otherwise, std::initializer_list<std::string_view> words);

void require_int32(const RuleContext& context, const Tensor& tensor, std::string_view what);
void require_8_bits(const RuleContext& context, std::size_t index);
//! `meaning` says what the tensor is for, with its dimensions.
void require_rank(const RuleContext& context, const Tensor& tensor, std::size_t rank, std::string_view meaning);

//! numpy's broadcasting of some inputs, whatever their ranks.
[[nodiscard]] shape::Exprs broadcast_inputs(const RuleContext& context, std::initializer_list<std::size_t> inputs);

//! numpy's matmul: a vector is a row on the left and a column on the right, and its axis is not in the result.
[[nodiscard]] shape::Exprs multiplied_dims(const RuleContext& context, shape::Exprs a, shape::Exprs b);

//! The numbers of an integer input when all are known; nothing when the input is absent or depends on data or dynamic dimensions.
[[nodiscard]] std::optional<std::vector<std::int64_t>> known_numbers(const RuleContext& context, std::size_t index);

//! The number of elements of an input of one dimension, which must be known because dimensions are counted by it.
[[nodiscard]] std::size_t element_count(const RuleContext& context, std::size_t index);

//! Fails where it is known that an input is not one number; `what` names it. An absent one is fine.
void require_one_number(const RuleContext& context, std::size_t index, std::string_view what);

//! An input that is one number; `what` names it in messages.
[[nodiscard]] shape::Expr number_argument(RuleContext& context, std::size_t index, std::string_view what);
//! One that becomes an extent: not below `least`.
[[nodiscard]] shape::Expr extent_argument(RuleContext& context, std::size_t index, std::string_view what, std::int64_t least = 0);

//! The largest of some extents; 1 for none.
[[nodiscard]] shape::Expr largest(const RuleContext& context, std::span<const shape::Expr> extents);

//! One output of the given type and dimensions.
[[nodiscard]] inline std::vector<Inferred> one(DataType dtype, shape::Exprs dims) {
    std::vector<Inferred> outputs;
    outputs.push_back({dtype, std::move(dims)});
    return outputs;
}

//! One output like input `index`.
[[nodiscard]] inline std::vector<Inferred> like_input(const RuleContext& context, std::size_t index) {
    return one(context.input(index).dtype, context.input(index).dims);
}

} // namespace tensorvk::graph
