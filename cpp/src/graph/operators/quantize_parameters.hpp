// Which scales and zero points fit what they scale.
#pragma once

#include <string>

#include "graph/rules.hpp"

namespace tensorvk::graph {

//! Fails unless an input is absent, one number, or numbers that broadcast to `to`; a vector is read with `trailing` axes of 1 behind it.
void require_fit(const RuleContext& context, std::size_t index, const shape::Exprs& to, std::size_t trailing);

//! The same for a scale, which has to be floating point. Without `to` it has to be one number.
void require_scale(const RuleContext& context, std::size_t index, const shape::Exprs& to = {}, std::size_t trailing = 0);
//! The same for a zero point, which has the type of what it belongs to.
void require_zero_point(const RuleContext& context, std::size_t index, const Tensor& of, const shape::Exprs& to = {}, std::size_t trailing = 0);

//! A scale and the zero point behind it, each one number, of a tensor of type `of`.
void require_one_scale(const RuleContext& context, std::size_t scale, const Tensor& of);

//! Why the scales of QuantizeLinear and DequantizeLinear fit neither the axis nor blocks of it; "" where that is not certain.
[[nodiscard]] std::string misfit_of_scales(const shape::ExprPool& pool, const Layer& layer);
//! Fails where scales do not fit, or where there are not as many zero points. `positive`: constant scales have to be above 0.
void require_scales(const RuleContext& context, bool positive);

} // namespace tensorvk::graph
