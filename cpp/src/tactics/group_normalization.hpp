// Normalization with groups: what normalization_candidates() answers there.
#pragma once

#include <vector>

#include "tactics/families.hpp"

namespace tensorvk::tactics {

[[nodiscard]] std::vector<Candidate> group_normalization_candidates(const Query& query);

} // namespace tensorvk::tactics
