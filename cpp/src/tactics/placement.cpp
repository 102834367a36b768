#include "tactics/placement.hpp"

#include <algorithm>
#include <utility>

namespace tensorvk::tactics {

namespace {

Operation copy_behind(const Operation& operation) {
    Operation copy;
    copy.name = operation.name;
    copy.kind = operation.placement->copy;
    copy.inputs = {operation.placement->part};
    copy.outputs = operation.outputs;
    return copy;
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

void add_copy(Candidate& candidate, const std::vector<Candidate>& copies) {
    const Candidate* copy = copy_for(candidate, copies);
    if (copy == nullptr) {
        candidate.refusal = "no kernel copies the result to its place";
        candidate.lower = nullptr;
        return;
    }
    candidate.portable = candidate.portable && copy->portable;
    candidate.lower = [compute = std::move(candidate.lower), move = copy->lower](Lowering& lowering) {
        compute(lowering);
        move(lowering);
    };
}

} // namespace

std::vector<Candidate> placed_candidates(const Query& query, const std::function<std::vector<Candidate>(const Query&)>& of) {
    Operation in_place = query.operation;
    in_place.outputs.insert(in_place.outputs.begin(), in_place.placement->part);
    Operation alone = query.operation;
    alone.outputs = {alone.placement->part};
    alone.placement.reset();
    const Operation copy = copy_behind(query.operation);
    const std::vector<Candidate> copies = copy_candidates({copy, query.values, query.caps, query.exprs});
    std::vector<Candidate> placed = of({in_place, query.values, query.caps, query.exprs});
    std::erase_if(placed, [](const Candidate& candidate) { return !candidate.applicable() || !candidate.in_place; });
    std::vector<Candidate> out;
    for (Candidate& candidate : of({alone, query.values, query.caps, query.exprs})) {
        const auto same = std::ranges::find(placed, candidate.name, &Candidate::name);
        if (same != placed.end()) {
            out.push_back(std::move(*same));
            continue;
        }
        if (candidate.applicable()) add_copy(candidate, copies);
        out.push_back(std::move(candidate));
    }
    return out;
}

} // namespace tensorvk::tactics
