// Convolutions and matrix products of 8-bit integers: exact int32 sums, then an epilogue in float (shaders/quantized/).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tactics/convolution_problem.hpp"
#include "tactics/product.hpp"

namespace tensorvk::tactics {

//! A product of integers: its first factor has 8 bits.
[[nodiscard]] bool is_quantized(const Query& query);
//! The family of the operation's kind, for inputs of 8 bits.
[[nodiscard]] std::vector<Candidate> quantized_convolution_candidates(const Query& query);
[[nodiscard]] std::vector<Candidate> quantized_matrix_candidates(const Query& query);

//! How many products of the two a float32 sum adds exactly.
[[nodiscard]] std::int64_t exact_terms(const Value& x, const Value& weights, const ZeroPoints& zero);
//! What all of their kernels need: factors and a result of types that they know.
[[nodiscard]] std::string refuse_quantized(const Query& query);
//! What tiles need: terms to add, and whole words to store, since less than a word is stored by one invocation or not at all.
[[nodiscard]] std::string refuse_quantized_tile(const Product& product);
//! The same of those that multiply signed bytes: uint8 weights have to be around 128, and uint8 inputs are taken 128 less.
[[nodiscard]] std::string refuse_signed_tile(const Product& product, const Query& query);
//! Why a product is none for matrix units of bytes of this device, or empty.
[[nodiscard]] std::string refuse_byte_units(const Product& product, const Query& query);
//! What stands for 0 in inputs that have become signed.
[[nodiscard]] std::int32_t signed_zero(const Product& product);
[[nodiscard]] const ZeroPoints& zero_points(const Operation& operation);
//! Constants G(0), G(1), G(15), the pointwise program and bindings 4 .. 7. `table`: immediates come from the parameters, so that layers share
//! a pipeline; see StepBuilder::specialize().
void add_quantized_epilogue(StepBuilder& step, Lowering& lowering, const Operation& operation, const AxisRoles& roles, bool table);

//! The second dispatch of a product whose depth is cut: adds the slices in buffer `slices`, then bias, epilogue and store.
void add_byte_slice_sum(const Product& product, const Packing& packing, std::int32_t slices, std::int32_t parameters, std::int64_t splits, Lowering& lowering);

//! Tactics of quantized products; `family` as in ProductTactic.
[[nodiscard]] std::vector<Candidate> quantized_tile(const std::string& family, const std::string& refusal, const Product& product,
                                                    const Query& query);

//! Tiles on matrix units of a product that `make` finishes when it is lowered, since only then it is known where its input lies. `shape`: all but that.
//! Candidates are called `name`_<tile>.
[[nodiscard]] std::vector<Candidate> byte_matrix_tiles(const std::string& name, const std::string& refusal, const Product& shape, const Query& query,
                                                       const std::function<Product(Lowering&)>& make);
[[nodiscard]] std::vector<Candidate> quantized_widened(const ConvolutionProblem& problem, const Query& query);
[[nodiscard]] std::vector<Candidate> quantized_window(const ConvolutionProblem& problem, const Query& query);
[[nodiscard]] std::vector<Candidate> quantized_coopmat(const std::string& family, const std::string& refusal, const Product& product,
                                                       const Query& query);

[[nodiscard]] std::vector<Candidate> quantized_halo(const std::string& family, const std::string& refusal, const Product& product, const Query& query);

[[nodiscard]] std::vector<Candidate> quantized_dot(const std::string& family, const std::string& refusal, const Product& product,
                                                   const Query& query);

} // namespace tensorvk::tactics
