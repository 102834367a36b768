// Operations with a companion: kernels that compute it on the way, and a step behind the others.
#pragma once

#include <vector>

#include "tactics/alone.hpp"

namespace tensorvk::tactics {

//! Candidates of an operation that has a companion. `of` is asked for it as it is, whose candidates count that are accompanied, for the operation without its companion,
//! and for the companion.
[[nodiscard]] std::vector<Candidate> accompanied_candidates(const Query& query, const CandidatesOf& of);

} // namespace tensorvk::tactics
