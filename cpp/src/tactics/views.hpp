// Inputs with gaps: parts of larger values that nobody copied out.
#pragma once

#include <vector>

#include "tactics/alone.hpp"

namespace tensorvk::tactics {

//! Whether the operation reads a value whose memory has gaps.
[[nodiscard]] bool reads_gaps(const Query& query);

//! Candidates of an operation that does: those that read with strides, and the others of `of` with a copy in front. `of` is asked twice: for the values
//! as they are, and for dense ones.
[[nodiscard]] std::vector<Candidate> viewing_candidates(const Query& query, const CandidatesOf& of);

} // namespace tensorvk::tactics
