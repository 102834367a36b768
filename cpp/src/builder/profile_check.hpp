// Whether a network has sizes for the shapes of a profile.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "graph/network.hpp"
#include "plan/program.hpp"

namespace tensorvk::builder {

using Symbols = std::vector<std::optional<std::int64_t>>; // nothing for those that only running tells

//! Throws InvalidArgument, naming inputs and shapes, where min, opt or max contradict the network or make a tensor of absurd size. `number`: of
//! the profile; `made_up`: by us, not by the user.
void check_profile(const graph::Network& network, const plan::Profile& profile, std::size_t number, bool made_up);

} // namespace tensorvk::builder
