// Optimization profiles: checked against the network's inputs, and turned into values of its symbolic dimensions.
#pragma once

#include <cstdint>
#include <vector>

#include "builder/builder.hpp"
#include "plan/program.hpp"

namespace tensorvk::builder {

//! One profile per given one; without any, one with the static shapes and wide ranges for dynamic dimensions, said in the log. Throws InvalidArgument naming input, profile and axis.
[[nodiscard]] std::vector<plan::Profile> resolve_profiles(const graph::Network& network, const std::vector<ProfileShapes>& given, LogSink& log);

//! Tactics are told how large extents may become.
void bound_symbols(plan::Program& program, const std::vector<plan::Profile>& profiles);

//! Values of all symbols when the inputs have the given shapes (in the order of the program's inputs).
[[nodiscard]] std::vector<std::int64_t> symbol_values(const plan::Program& program, const std::vector<std::vector<std::int64_t>>& shapes);

} // namespace tensorvk::builder
