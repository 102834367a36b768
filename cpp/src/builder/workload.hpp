// How much of a network's time an operation is likely to take, before anything of it has run.
#pragma once

#include <cstdint>
#include <span>

#include "compiler/compile.hpp"
#include "tactics/family.hpp"

namespace tensorvk::builder {

//! Microseconds: the best candidate's estimate where there is one, else by what the operation moves and multiplies. Good for putting operations in an order, on a
//! CPU too: devices differ far more in speed than in the share of an operation. `symbols`: of the network, all known.
[[nodiscard]] double expected_microseconds(const compiler::Compiled& network, const tactics::Operation& operation, std::span<const tactics::Candidate> candidates,
                                           std::span<const std::int64_t> symbols);

} // namespace tensorvk::builder
