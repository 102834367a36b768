// The build report: for each layer what it reads and writes, which candidates there were, what each took or why it was refused.
#pragma once

#include <string>
#include <vector>

#include "builder/emit.hpp"
#include "compiler/compile.hpp"

namespace tensorvk::builder {

//! JSON: {"Layers": [{Name, LayerType, Inputs, Outputs, TacticName, Program, Candidates: [...]}], "Bindings": [names], "Passes": [...]}.
//! Keys that TensorRT's inspector has carry its names.
[[nodiscard]] std::string report_json(const compiler::Compiled& network, const Emitted& emitted);

} // namespace tensorvk::builder
