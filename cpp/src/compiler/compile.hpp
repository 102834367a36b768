// The whole way from a network to operations with buffers, ready for tactics.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "compiler/ir.hpp"
#include "compiler/weights.hpp"
#include "graph/network.hpp"
#include "plan/program.hpp"

namespace tensorvk::compiler {

struct Compiled {
    plan::Program program;            // expressions, buffers and io; steps come from tactics
    std::vector<tactics::Value> values;
    std::vector<Operation> operations; // in an order in which they may run
    std::vector<Compiled> bodies;      // networks that operations run, by HostCall::bodies
    std::vector<std::string> passes;   // name and what it changed: "fuse_epilogues: 74 -> 53 operations"
};

[[nodiscard]] Compiled compile(const graph::Network& network, const Target& target, WeightStore& weights);

} // namespace tensorvk::compiler
