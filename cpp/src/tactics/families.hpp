// One function per operator family: candidates for an operation of that kind, the generic one among them. The table is in family.cpp;
// convolution and matrix products have headers of their own.
#pragma once

#include <span>
#include <vector>

#include "tactics/convolution.hpp"
#include "tactics/family.hpp"
#include "tactics/matrix.hpp"

namespace tensorvk::tactics {

//! What a family is asked: an operation whose kind is its own, all values of the program, the device.
struct Query {
    const Operation& operation;
    std::span<const Value> values;
    const vulkan::DeviceCaps& caps;
    const shape::ExprPool& exprs;

    template <typename K>
    [[nodiscard]] const K& kind() const {
        return std::get<K>(operation.kind);
    }
    [[nodiscard]] const Value& input(std::size_t i) const { return value(operation.inputs[i]); }
    [[nodiscard]] const Value& output(std::size_t i = 0) const { return value(operation.outputs[i]); }
    [[nodiscard]] const Value& operand(std::size_t i) const { return value(operation.operands[i]); }
    [[nodiscard]] const Value& value(ValueId id) const { return values[static_cast<std::size_t>(id)]; }
};

//! Why the host cannot run a kernel of this library's CPU catalogue on this device, or empty.
[[nodiscard]] std::string refuse_cpu(const Query& query, const std::string& kernel);
//! The host's kernel of a family whose variants take an input and an output of float32 ("f32") or bfloat16 ("bf16").
[[nodiscard]] std::string cpu_float_kernel(const Query& query, const std::string& family);
//! The same as refuse_cpu() for such a kernel. `mixes`: that of bfloat16 takes one of float32 beside one of bfloat16.
[[nodiscard]] std::string refuse_cpu_float(const Query& query, const std::string& family, bool mixes = false);

[[nodiscard]] std::vector<Candidate> attention_candidates(const Query& query);
[[nodiscard]] std::vector<Candidate> copy_candidates(const Query& query);
[[nodiscard]] std::vector<Candidate> gather_candidates(const Query& query);
[[nodiscard]] std::vector<Candidate> host_candidates(const Query& query);
//! A kernel of the host in the place of the function that is called: empty where there is none for it.
[[nodiscard]] std::vector<Candidate> recurrent_candidates(const Query& query);
//! A step that calls the host function of `operation`, whose kind is HostCall.
void lower_host_call(const Operation& operation, Lowering& lowering);
[[nodiscard]] std::vector<Candidate> normalization_candidates(const Query& query);
[[nodiscard]] std::vector<Candidate> row_moments_candidates(const Query& query);
[[nodiscard]] std::vector<Candidate> pointwise_candidates(const Query& query);
[[nodiscard]] std::vector<Candidate> pooling_candidates(const Query& query);
[[nodiscard]] std::vector<Candidate> reduce_candidates(const Query& query);
[[nodiscard]] std::vector<Candidate> resize_candidates(const Query& query);
[[nodiscard]] std::vector<Candidate> shape_values_candidates(const Query& query);
[[nodiscard]] std::vector<Candidate> softmax_candidates(const Query& query);
[[nodiscard]] std::vector<Candidate> topk_candidates(const Query& query);

} // namespace tensorvk::tactics
