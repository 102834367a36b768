// The whole way from a network to operations with buffers, ready for tactics.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "compiler/ir.hpp"
#include "compiler/run_passes.hpp"
#include "compiler/weights.hpp"
#include "graph/network.hpp"
#include "plan/program.hpp"

namespace tensorvk::compiler {

struct Compiled {
    plan::Program program;            // expressions, buffers and io; steps come from tactics
    std::vector<tactics::Value> values;
    std::vector<Operation> operations; // in an order in which they may run
    std::vector<std::vector<std::string_view>> passes_of; // by operation: the passes that made it what it is
    std::vector<Compiled> bodies;      // networks that operations run, by HostCall::bodies
    std::vector<PassReport> passes;    // bodies have their own
};

//! Leaves out the passes that TENSORVK_DISABLE_PASSES names.
[[nodiscard]] Compiled compile(const graph::Network& network, const Target& target, WeightStore& weights);

} // namespace tensorvk::compiler
