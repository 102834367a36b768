#include "tactics/widening.hpp"

#include <algorithm>

#include "support/error.hpp"
#include "tactics/alone.hpp"
#include "tactics/layout.hpp"
#include "tactics/step_builder.hpp"
#include "tactics/word_types.hpp"

namespace tensorvk::tactics {

namespace {

constexpr const char* kCast = "cpu/pointwise:words";

//! Its 16-bit floats are float32, but for a second factor of float16, which kernels widen when they pack it.
Alone widened(Alone alone) {
    const ValueId factor = std::holds_alternative<MatrixProduct>(alone.operation.kind) ? alone.operation.inputs[1] : -1;
    for (std::size_t id = 0; id < alone.values.size(); ++id) {
        DataType& type = alone.values[id].dtype;
        if (type == DataType::kBF16 || (type == DataType::kHALF && static_cast<ValueId>(id) != factor)) type = DataType::kFLOAT;
    }
    return alone;
}

//! Element for element, in the order of memory.
void add_cast(Lowering& lowering, const std::string& layer, const Value& from, const Value& to) {
    StepBuilder step(lowering, layer, kCast);
    step.param(element_count(lowering.exprs(), from)).param(1);
    step.geometry(0, 1).geometry(1, 1).geometry(2, word_type(to.dtype) << 20 | word_type(from.dtype)).geometry(3, 0);
    step.reads(from.buffer).writes(to.buffer);
    lowering.add(step.take());
}

void lower(const Alone& given, Alone wide, const std::string& name, Family family, Lowering& lowering) {
    shape::ExprPool& exprs = lowering.exprs();
    const std::string& layer = given.operation.name;
    const auto is_output = [&](std::size_t id) { return std::ranges::count(given.operation.outputs, static_cast<ValueId>(id)) > 0; };
    for (std::size_t id = 0; id < wide.values.size(); ++id) {
        Value& value = wide.values[id];
        if (value.dtype == given.values[id].dtype) continue;
        value.buffer = lowering.scratch(exprs.mul(element_count(exprs, value), exprs.constant(4)));
        if (!is_output(id)) add_cast(lowering, layer, given.values[id], value);
    }
    const std::vector<Candidate> candidates = family({wide.operation, wide.values, lowering.caps(), exprs});
    const auto chosen = std::ranges::find(candidates, name, &Candidate::name);
    if (chosen == candidates.end() || !chosen->applicable()) throw InternalError(text("Layer '", layer, "' has no '", name, "' on float32."));
    Lowering inner(lowering.program(), wide.values, lowering.caps());
    chosen->lower(inner);
    for (std::size_t id = 0; id < wide.values.size(); ++id) {
        if (is_output(id) && wide.values[id].dtype != given.values[id].dtype) add_cast(lowering, layer, wide.values[id], given.values[id]);
    }
}

} // namespace

void widen_host_candidates(std::vector<Candidate>& candidates, const Query& query, Family family) {
    const bool wanted = std::ranges::any_of(candidates, [](const Candidate& c) { return c.host && !c.applicable(); });
    if (!wanted || !refuse_cpu(query, kCast).empty()) return;
    const Alone given(query), wide = widened(given);
    const bool same = std::ranges::equal(given.values, wide.values, {}, &Value::dtype, &Value::dtype);
    const bool gaps = std::ranges::any_of(given.values, [](const Value& value) { return !value.strides.empty(); });
    if (same || gaps) return; // what has gaps is copied out first, and then widened
    const std::vector<Candidate> offered = family({wide.operation, wide.values, query.caps, query.exprs});
    std::vector<Candidate> widened; // behind those that take the types as they are
    for (Candidate& candidate : candidates) {
        if (!candidate.host || candidate.applicable()) continue;
        const auto found = std::ranges::find(offered, candidate.name, &Candidate::name);
        if (found == offered.end() || !found->applicable()) continue;
        candidate.refusal.clear();
        candidate.lower = [given, wide, name = candidate.name, family](Lowering& lowering) { lower(given, wide, name, family, lowering); };
        widened.push_back(std::move(candidate));
        candidate.name.clear();
    }
    std::erase_if(candidates, [](const Candidate& candidate) { return candidate.name.empty(); });
    std::ranges::move(widened, std::back_inserter(candidates));
}

} // namespace tensorvk::tactics
