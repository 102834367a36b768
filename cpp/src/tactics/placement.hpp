// Products that write into their part of a larger value: a concatenation without copies.
#pragma once

#include <vector>

#include "tactics/alone.hpp"

namespace tensorvk::tactics {

//! Candidates of an operation that has a placement: those that write there themselves, and the others of `of` with a copy behind. `of` is asked twice:
//! for an operation whose output is its result alone, and for one with a placement whose outputs are its result and the larger value.
[[nodiscard]] std::vector<Candidate> placed_candidates(const Query& query, const CandidatesOf& of);

} // namespace tensorvk::tactics
