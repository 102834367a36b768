// Whether an operation can be timed alone, and how much of a network's time it is likely to take, before anything of it has run.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "compiler/compile.hpp"
#include "tactics/family.hpp"

namespace tensorvk::builder {

//! Whether its sizes are known and random numbers will do as its inputs. `symbols`: of the network, -1 for those that data decides; where the operation does not
//! depend on them, numbers are made up for them.
[[nodiscard]] bool can_be_timed(const compiler::Compiled& network, const tactics::Operation& operation, std::vector<std::int64_t>& symbols);

//! Microseconds: the best candidate's estimate where there is one, else by what the operation moves and multiplies. Good for putting operations in an order, on a
//! CPU too: devices differ far more in speed than in the share of an operation. `symbols`: of the network, all known.
[[nodiscard]] double expected_microseconds(const compiler::Compiled& network, const tactics::Operation& operation, std::span<const tactics::Candidate> candidates,
                                           std::span<const std::int64_t> symbols);

} // namespace tensorvk::builder
