// The build report: for each layer what it reads and writes, which passes made it, which candidates there were, what each took or why it was refused;
// for each pass what it did.
#pragma once

#include <string>
#include <vector>

#include "builder/emit.hpp"
#include "compiler/compile.hpp"

namespace tensorvk::builder {

//! Of the network with the bodies of its branches and loops.
[[nodiscard]] std::vector<compiler::PassReport> pass_reports(const compiler::Compiled& network);

//! JSON: {"Layers": [{Name, LayerType, Inputs, Outputs, TacticName, Program, Passes: [names], Candidates: [...]}], "Bindings": [names],
//! "Passes": [{Name, OperationsBefore, OperationsAfter, Changed}, or {Name, SwitchedOff}]}.
//! Keys that TensorRT's inspector has carry its names.
[[nodiscard]] std::string report_json(const compiler::Compiled& network, const Emitted& emitted);

} // namespace tensorvk::builder
