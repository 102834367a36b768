#include "tactics/views.hpp"

#include <algorithm>
#include <utility>

namespace tensorvk::tactics {

namespace {

//! All of a value, as it is.
Copy whole_copy(shape::ExprPool& exprs, const Value& value) {
    Copy copy;
    copy.start.assign(value.dims.size(), exprs.constant(0));
    copy.stride.assign(value.dims.size(), exprs.constant(1));
    copy.region = value.dims;
    for (std::size_t axis = 0; axis < value.dims.size(); ++axis) copy.axis_of.push_back(static_cast<std::int32_t>(axis));
    return copy;
}

//! Of `from` into `to`, which has no gaps.
Alone copy_out(const std::string& layer, const Value& from, const Value& to, const vulkan::DeviceCaps& caps, shape::ExprPool& exprs) {
    const std::vector<Value> values{from, to};
    const Operation operation{.name = layer, .kind = whole_copy(exprs, from), .inputs = {0}, .outputs = {1}, .epilogue = {}, .operands = {}};
    return Alone({operation, values, caps, exprs});
}

//! A value with gaps, by its number among those of the operation alone, and the tactic that copies it.
struct CopyOut {
    ValueId value;
    std::string tactic;
    bool portable;
};

//! Copies first, then the candidate `name` of what has no gaps any more.
void lower(const Alone& given, Alone dense, const std::vector<CopyOut>& outs, const std::string& name, const CandidatesOf& family, Lowering& lowering) {
    for (const CopyOut& out : outs) {
        dense.give_scratch(out.value, lowering);
        const auto at = static_cast<std::size_t>(out.value);
        copy_out(given.operation.name, given.values[at], dense.values[at], lowering.caps(), lowering.exprs()).lower_with(out.tactic, copy_candidates, lowering);
    }
    dense.lower_with(name, family, lowering);
}

//! By the quickest that runs where the candidate does. Nothing where there is none.
std::vector<CopyOut> copies_for(const Candidate& candidate, const Alone& given, const Alone& dense, const Query& query) {
    shape::ExprPool exprs = query.exprs; // a scratch copy
    std::vector<CopyOut> out;
    for (std::size_t id = 0; id < given.values.size(); ++id) {
        if (given.values[id].strides.empty()) continue;
        const std::vector<Candidate> offered = copy_candidates(copy_out(query.operation.name, given.values[id], dense.values[id], query.caps, exprs).query(query.caps, exprs));
        const auto copy = std::ranges::find_if(offered, [&](const Candidate& each) { return each.applicable() && each.host == candidate.host; });
        if (copy == offered.end()) return {};
        out.push_back({static_cast<ValueId>(id), copy->name, copy->portable});
    }
    return out;
}

} // namespace

bool reads_gaps(const Query& query) {
    const auto has_gaps = [&](ValueId id) { return id >= 0 && !query.value(id).strides.empty(); };
    return std::ranges::any_of(query.operation.inputs, has_gaps) || std::ranges::any_of(query.operation.operands, has_gaps);
}

std::vector<Candidate> viewing_candidates(const Query& query, const CandidatesOf& of) {
    const Alone given(query);
    Alone dense = given;
    for (Value& value : dense.values) value.strides.clear();
    std::vector<Candidate> strided = of(query);
    std::erase_if(strided, [](const Candidate& candidate) { return !candidate.applicable() || !candidate.strided; });
    std::vector<Candidate> out;
    for (Candidate& candidate : of(dense.query(query.caps, query.exprs))) {
        const auto same = std::ranges::find(strided, candidate.name, &Candidate::name);
        if (same != strided.end()) {
            out.push_back(std::move(*same));
            continue;
        }
        std::vector<CopyOut> outs = candidate.applicable() ? copies_for(candidate, given, dense, query) : std::vector<CopyOut>();
        if (candidate.applicable() && outs.empty()) candidate.refusal = "no kernel copies its inputs out of the larger values that they are parts of";
        candidate.strided = false;
        candidate.portable = candidate.portable && std::ranges::all_of(outs, &CopyOut::portable);
        candidate.lower = nullptr;
        if (candidate.applicable()) {
            candidate.lower = [given, dense, outs = std::move(outs), name = candidate.name, of](Lowering& lowering) { lower(given, dense, outs, name, of, lowering); };
        }
        out.push_back(std::move(candidate));
    }
    return out;
}

} // namespace tensorvk::tactics
