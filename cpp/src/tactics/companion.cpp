#include "tactics/companion.hpp"

#include <algorithm>
#include <utility>

namespace tensorvk::tactics {

namespace {

Operation without_companion(const Operation& given) {
    Operation out = given;
    out.companion.reset();
    out.outputs.pop_back();
    return out;
}

Operation companion_of(const Operation& given) {
    return {.name = given.name, .kind = *given.companion, .inputs = {given.outputs.front()}, .outputs = {given.outputs.back()}, .epilogue = {}, .operands = {}};
}

//! The first one that runs where the candidate does.
const Candidate* follower_of(const Candidate& candidate, const std::vector<Candidate>& followers) {
    const auto fits = [&](const Candidate& follower) { return follower.applicable() && follower.host == candidate.host; };
    const auto found = std::ranges::find_if(followers, fits);
    return found == followers.end() ? nullptr : &*found;
}

void add_follower(Candidate& candidate, const Candidate* follower) {
    if (follower == nullptr) {
        candidate.refusal = "no kernel computes what else becomes of its result";
        candidate.lower = nullptr;
        return;
    }
    candidate.portable = candidate.portable && follower->portable;
    candidate.lower = [first = std::move(candidate.lower), then = follower->lower](Lowering& lowering) {
        first(lowering);
        then(lowering);
    };
}

} // namespace

std::vector<Candidate> accompanied_candidates(const Query& query, const CandidatesOf& of) {
    std::vector<Candidate> accompanied = of(query);
    std::erase_if(accompanied, [](const Candidate& candidate) { return !candidate.applicable() || !candidate.accompanied; });
    const Operation alone = without_companion(query.operation), companion = companion_of(query.operation);
    const std::vector<Candidate> followers = of({companion, query.values, query.caps, query.exprs});
    std::vector<Candidate> out;
    for (Candidate& candidate : of({alone, query.values, query.caps, query.exprs})) {
        const auto same = std::ranges::find(accompanied, candidate.name, &Candidate::name);
        if (same != accompanied.end()) {
            out.push_back(std::move(*same));
            continue;
        }
        if (candidate.applicable()) add_follower(candidate, follower_of(candidate, followers));
        out.push_back(std::move(candidate));
    }
    return out;
}

} // namespace tensorvk::tactics
