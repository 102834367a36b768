// The rules, by file. They are named after their layers.
#pragma once

#include <vector>

#include "graph/rules.hpp"

namespace tensorvk::graph::rules {

std::vector<Inferred> convolution(RuleContext& context); // convolution.cpp
std::vector<Inferred> deconvolution(RuleContext& context);
std::vector<Inferred> pooling(RuleContext& context);    // pooling.cpp
std::vector<Inferred> activation(RuleContext& context); // pointwise.cpp
std::vector<Inferred> unary(RuleContext& context);
std::vector<Inferred> identity(RuleContext& context);
std::vector<Inferred> cast(RuleContext& context);
std::vector<Inferred> scale(RuleContext& context);
std::vector<Inferred> parametric_relu(RuleContext& context);
std::vector<Inferred> elementwise(RuleContext& context); // elementwise.cpp
std::vector<Inferred> select(RuleContext& context);
std::vector<Inferred> softmax(RuleContext& context); // reduction.cpp
std::vector<Inferred> reduce(RuleContext& context);
std::vector<Inferred> topk(RuleContext& context);
std::vector<Inferred> matrix_multiply(RuleContext& context); // matrix.cpp
std::vector<Inferred> constant(RuleContext& context);        // constant.cpp
std::vector<Inferred> shape(RuleContext& context);
std::vector<Inferred> shuffle(RuleContext& context);       // shuffle.cpp
std::vector<Inferred> concatenation(RuleContext& context); // concatenation_gather.cpp
std::vector<Inferred> gather(RuleContext& context);
std::vector<Inferred> slice(RuleContext& context);  // slice.cpp
std::vector<Inferred> resize(RuleContext& context); // resize.cpp
std::vector<Inferred> trip_limit(RuleContext& context); // boundaries.cpp
std::vector<Inferred> recurrence(RuleContext& context);
std::vector<Inferred> iterator(RuleContext& context);
std::vector<Inferred> loop_output(RuleContext& context);
std::vector<Inferred> condition(RuleContext& context);
std::vector<Inferred> conditional_input(RuleContext& context);
std::vector<Inferred> conditional_output(RuleContext& context);
std::vector<Inferred> attention_input(RuleContext& context);
std::vector<Inferred> non_zero(RuleContext& context); // composites.cpp
std::vector<Inferred> one_hot(RuleContext& context);
std::vector<Inferred> nms(RuleContext& context);
std::vector<Inferred> normalization(RuleContext& context);
std::vector<Inferred> lrn(RuleContext& context);
std::vector<Inferred> ragged_softmax(RuleContext& context);
std::vector<Inferred> squeeze(RuleContext& context);
std::vector<Inferred> unsqueeze(RuleContext& context);
std::vector<Inferred> rotary_embedding(RuleContext& context);
std::vector<Inferred> fully_connected(RuleContext& context);
std::vector<Inferred> rnn(RuleContext& context);
std::vector<Inferred> fill(RuleContext& context); // fill.cpp

} // namespace tensorvk::graph::rules
