// 16-bit floats on the host: most kernels there compute in float32, so a step before widens what they read and a step after rounds what they wrote.
#pragma once

#include <vector>

#include "tactics/families.hpp"

namespace tensorvk::tactics {

using Family = std::vector<Candidate> (*)(const Query& query);

//! Host candidates that `family` refuses because of float16 or bfloat16 tensors, but offers for the same operation on float32, become applicable.
void widen_host_candidates(std::vector<Candidate>& candidates, const Query& query, Family family);

} // namespace tensorvk::tactics
