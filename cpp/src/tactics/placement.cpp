#include "tactics/placement.hpp"

#include <algorithm>
#include <utility>

namespace tensorvk::tactics {

namespace {

//! What a candidate does that cannot write there: the result in memory of its own, then the copy.
struct Apart {
    Alone compute, move;
    ValueId result, moved; // by the numbers of each
};

Apart apart(const Query& query) {
    const ValueId part = query.operation.placement->part;
    Operation alone = query.operation;
    alone.outputs = {part};
    alone.placement.reset();
    const Operation copy{.name = alone.name, .kind = query.operation.placement->copy, .inputs = {part}, .outputs = query.operation.outputs, .epilogue = {}, .operands = {}};
    Apart out{Alone({alone, query.values, query.caps, query.exprs}), Alone({copy, query.values, query.caps, query.exprs}), 0, 0};
    out.result = out.compute.operation.outputs[0];
    out.moved = out.move.operation.inputs[0];
    return out;
}

//! The first of the copies that runs where the candidate does: they stand in the order in which they are tried, the quickest before the generic one. What every
//! device runs stays so where a copy does too: of float16 none may.
const Candidate* copy_for(const Candidate& candidate, const std::vector<Candidate>& copies) {
    for (const bool portable : {candidate.portable, false}) {
        const auto fits = [&](const Candidate& copy) { return copy.applicable() && copy.host == candidate.host && (copy.portable || !portable); };
        const auto found = std::ranges::find_if(copies, fits);
        if (found != copies.end()) return &*found;
    }
    return nullptr;
}

void add_copy(Candidate& candidate, const Apart& apart, const std::vector<Candidate>& copies, const CandidatesOf& of) {
    const Candidate* copy = copy_for(candidate, copies);
    candidate.lower = nullptr;
    if (copy == nullptr) {
        candidate.refusal = "no kernel copies the result to its place";
        return;
    }
    candidate.portable = candidate.portable && copy->portable;
    candidate.lower = [apart, name = candidate.name, tactic = copy->name, of](Lowering& lowering) {
        Alone compute = apart.compute, move = apart.move;
        compute.give_scratch(apart.result, lowering);
        move.values[static_cast<std::size_t>(apart.moved)].buffer = compute.values[static_cast<std::size_t>(apart.result)].buffer;
        compute.lower_with(name, of, lowering);
        move.lower_with(tactic, copy_candidates, lowering);
    };
}

} // namespace

std::vector<Candidate> placed_candidates(const Query& given, const CandidatesOf& of) {
    std::vector<Value> values(given.values.begin(), given.values.end());
    values[static_cast<std::size_t>(given.operation.placement->part)].strides.clear(); // who writes it knows where
    const Query query{given.operation, values, given.caps, given.exprs};
    Operation in_place = query.operation;
    in_place.outputs.insert(in_place.outputs.begin(), in_place.placement->part);
    const Apart alone = apart(query);
    const std::vector<Candidate> copies = copy_candidates(alone.move.query(query.caps, query.exprs));
    std::vector<Candidate> placed = of({in_place, query.values, query.caps, query.exprs});
    std::erase_if(placed, [](const Candidate& candidate) { return !candidate.applicable() || !candidate.in_place; });
    std::vector<Candidate> out;
    for (Candidate& candidate : of(alone.compute.query(query.caps, query.exprs))) {
        const auto same = std::ranges::find(placed, candidate.name, &Candidate::name);
        if (same != placed.end()) {
            out.push_back(std::move(*same));
            continue;
        }
        if (candidate.applicable()) add_copy(candidate, alone, copies, of);
        out.push_back(std::move(candidate));
    }
    return out;
}

} // namespace tensorvk::tactics
