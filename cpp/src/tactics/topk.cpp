// topk/generic: the k best elements along an axis, made for few rounds: one invocation reads its row once for each of them. topk/radix: a
// workgroup a row, which it reads as often for any k. topk/cpu takes the generic's step to the host; topk/host sorts what none of them takes.
#include <algorithm>
#include <optional>

#include "kernels/host/rows.hpp"
#include "support/dtype.hpp"
#include "support/error.hpp"
#include "tactics/families.hpp"
#include "tactics/layout.hpp"
#include "tactics/rounds.hpp"
#include "tactics/rows.hpp"
#include "tactics/spatial.hpp"

namespace tensorvk::tactics {

namespace {

struct Problem {
    Operation operation;
    Value x;
    std::optional<Value> values, indices;

    explicit Problem(const Query& query) : operation(query.operation), x(query.input(0)) {
        const auto output = [&](std::size_t i) {
            const bool there = i < operation.outputs.size() && operation.outputs[i] >= 0;
            return there ? std::optional(query.output(i)) : std::nullopt;
        };
        values = output(0);
        indices = output(1);
    }

    [[nodiscard]] const TopK& topk() const { return std::get<TopK>(operation.kind); }
    [[nodiscard]] const Value& any_output() const { return values ? *values : *indices; }
    //! The axis is there in the output, unless k = 1 dropped it.
    [[nodiscard]] bool keeps_axis() const { return any_output().dims.size() == x.dims.size(); }
    [[nodiscard]] RowPlan plan(shape::ExprPool& exprs) const { return plan_rows(exprs, x, any_output(), 1u << topk().axis); }
};

constexpr const char* kCpuKernel = "cpu/topk:f32";

void lower(const Problem& problem, const std::string& kernel, Lowering& lowering, RowShape rows = RowShape::kLANE, std::int64_t place_bits = 0) {
    shape::ExprPool& exprs = lowering.exprs();
    const TopK& topk = problem.topk();
    const Value& values = problem.values.value_or(problem.x);
    StepBuilder step(lowering, problem.operation.name, kernel);
    add_rows(step, exprs, problem.plan(exprs), rows);
    const shape::Exprs strides = memory_strides(exprs, problem.any_output());
    step.param(problem.keeps_axis() ? strides[static_cast<std::size_t>(topk.axis)] : exprs.constant(0)).param(topk.k);
    const bool wide = problem.indices && problem.indices->dtype == DataType::kINT64;
    step.geometry(3, topk.op == TopKOperation::kMIN ? 1 : 0).geometry(4, half_bits(problem.x, values));
    step.geometry(5, (problem.values ? 1 : 0) | (problem.indices ? 2 : 0) | (wide ? 4 : 0) | (topk.select_last ? 8 : 0) | (topk.nan_last() ? 16 : 0));
    if (rows == RowShape::kWORKGROUP) step.geometry(6, static_cast<std::int32_t>(place_bits));
    // An output that nobody wants is not written: the other one stands in for its binding.
    const std::int32_t stand_in = problem.any_output().buffer;
    step.reads(problem.x.buffer).writes(problem.values ? problem.values->buffer : stand_in);
    step.writes(problem.indices ? problem.indices->buffer : stand_in);
    lowering.add(step.take());
}

//! From here on sorting is worth a step on the host.
constexpr std::int64_t kMostReads = std::int64_t{1} << 16;
constexpr std::int64_t kMostOfUnknown = 16; // elements to select where the axis has an extent that only the shapes tell

//! What no carrier of the step takes.
std::string refuse_outputs(const Problem& problem, const Query& query) {
    if (!problem.values && !problem.indices) {
        return "neither values nor indices are wanted";
    }
    if (problem.indices && problem.indices->dtype != DataType::kINT32 && problem.indices->dtype != DataType::kINT64) {
        return text("indices are stored as int32 or int64, not as ", dtype_name(problem.indices->dtype));
    }
    if (problem.values && problem.indices && problem.values->layout != problem.indices->layout && !same_in_both_layouts(query.exprs, *problem.values)) {
        return "values and indices lie differently in memory";
    }
    shape::ExprPool exprs = query.exprs; // a scratch copy: questions about expressions make new ones
    return problem.plan(exprs).refusal();
}

std::string refuse(const Problem& problem, const Query& query) {
    if (std::string why = refuse_outputs(problem, query); !why.empty()) return why;
    const TopK& topk = problem.topk();
    const auto extent = query.exprs.value(problem.x.dims[static_cast<std::size_t>(topk.axis)]);
    // One element is searched for once. A CPU driver would end the search for several (tactics/rounds.hpp), and the host is no detour there.
    const std::int64_t most_reads = topk.k > 1 ? kMostReads : 8 * kMostReads, most_of_unknown = query.caps.is_cpu ? 1 : kMostOfUnknown;
    if (extent ? topk.k * *extent > most_reads : topk.k > most_of_unknown) {
        return text("selecting ", topk.k, " of ", extent ? std::to_string(*extent) : std::string("an unknown number of"),
                    " elements takes too many reads of one invocation");
    }
    constexpr std::int64_t kBodies = 8; // in a round of the shader's search
    if (std::string why = refuse_rounds(query.caps, topk.k * rounds_of(most_of(query.exprs, problem.x.dims[static_cast<std::size_t>(topk.axis)]), kBodies)); !why.empty()) return why;
    return refuse_float_pair(problem.x, problem.values.value_or(problem.x), query.caps);
}

constexpr std::int64_t kMostSelected = 256; // as many as the shader's workgroup shares
constexpr std::int64_t kByte = 8, kPlaceBytes = 4;

//! Of the numbers of a row's places: as few bytes as hold them, four where only the shapes tell the length.
std::int64_t place_bits(std::optional<std::int64_t> length) {
    std::int64_t bits = kByte;
    while (bits < kByte * kPlaceBytes && (!length || *length > std::int64_t{1} << bits)) bits += kByte;
    return bits;
}

//! `alone`: nothing but the host would do it otherwise, and a device with memory of its own is slow to ask the host.
Candidate radix(const Problem& problem, const Query& query, bool alone) {
    Candidate out{.name = "topk/radix", .refusal = refuse_outputs(problem, query), .portable = alone, .lower = {}};
    if (out.applicable()) out.refusal = refuse_float_pair(problem.x, problem.values.value_or(problem.x), query.caps);
    if (out.applicable() && query.caps.is_cpu) out.refusal = "shared memory is ten times slower than registers on a CPU device, where the host sorts";
    if (out.applicable() && problem.topk().k > kMostSelected) out.refusal = text("a workgroup puts at most ", kMostSelected, " elements in order, not ", problem.topk().k);
    if (!out.applicable()) return out;
    const std::int64_t bits = place_bits(query.exprs.value(problem.x.dims[static_cast<std::size_t>(problem.topk().axis)]));
    out.lower = [problem, bits](Lowering& lowering) {
        lower(problem, std::string("topk/radix:") + float_variant(problem.x, problem.values.value_or(problem.x)), lowering, RowShape::kWORKGROUP, bits);
    };
    return out;
}

Candidate cpu(const Problem& problem, const Query& query) {
    Candidate out{.name = "topk/cpu", .refusal = refuse_outputs(problem, query), .host = true, .portable = false, .lower = {}};
    if (out.applicable()) out.refusal = refuse_cpu(query, kCpuKernel);
    for (const Value* value : {&problem.x, problem.values ? &*problem.values : &problem.x}) {
        if (out.applicable() && value->dtype != DataType::kFLOAT) {
            out.refusal = text("'", value->name, "' is ", dtype_name(value->dtype), ", the kernel takes float32 only");
        }
    }
    if (out.applicable()) {
        out.lower = [problem](Lowering& lowering) { lower(problem, kCpuKernel, lowering); };
    }
    return out;
}

Candidate on_host(const Problem& problem, const shape::ExprPool& exprs) {
    Candidate candidate{.name = "topk/host", .refusal = {}, .portable = true, .lower = {}};
    const auto linear = [&](const std::optional<Value>& value) { return !value || lies_in_rows(exprs, *value); };
    if (!linear(problem.x) || !linear(problem.values) || !linear(problem.indices)) {
        candidate.refusal = "a tensor is not in row-major order";
        return candidate;
    }
    if (problem.values && problem.values->dtype != problem.x.dtype) {
        candidate.refusal = "sorting cannot change the element type";
        return candidate;
    }
    const TopK& topk = problem.topk();
    AttributeSet attributes;
    attributes.set("axis", topk.axis);
    attributes.set("k", topk.k);
    attributes.set("smallest", std::int64_t{topk.op == TopKOperation::kMIN ? 1 : 0});
    attributes.set("select_last", std::int64_t{topk.select_last ? 1 : 0});
    attributes.set("nan_first", std::int64_t{topk.nan_first ? 1 : 0});
    attributes.set("wide", std::int64_t{problem.indices && problem.indices->dtype == DataType::kINT64 ? 1 : 0});
    attributes.set("drop", std::int64_t{problem.keeps_axis() ? 0 : 1});
    Operation call = problem.operation;
    call.kind = HostCall{kernels::host::kTopKFunction, std::move(attributes), {}, {}};
    candidate.lower = [call](Lowering& lowering) { lower_host_call(call, lowering); };
    return candidate;
}

} // namespace

std::vector<Candidate> topk_candidates(const Query& query) {
    const Problem problem(query);
    Candidate generic{.name = "topk/generic", .refusal = refuse(problem, query), .portable = true, .lower = {}};
    if (generic.applicable()) {
        generic.lower = [problem](Lowering& lowering) {
            lower(problem, std::string("topk/select:") + float_variant(problem.x, problem.values.value_or(problem.x)), lowering);
        };
    }
    std::vector<Candidate> out{radix(problem, query, !generic.applicable()), cpu(problem, query), std::move(generic)};
    const auto serves = [&](const Candidate& candidate) { return candidate.applicable() && (candidate.host || query.caps.shaders); };
    if (std::ranges::none_of(out, serves)) out.push_back(on_host(problem, query.exprs));
    return out;
}

} // namespace tensorvk::tactics
