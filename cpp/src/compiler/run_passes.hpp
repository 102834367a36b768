// The compiler's passes one behind the other, and what each did.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "compiler/ir.hpp"
#include "compiler/passes/passes.hpp"

namespace tensorvk::compiler {

struct PassReport {
    std::string_view name;
    bool off = false;                         // TENSORVK_DISABLE_PASSES names it
    std::size_t before = 0, after = 0;        // operations
    std::size_t changed = 0;                  // of those after: what it made, or made compute or read something else
    double milliseconds = 0.0;
};

//! Those that TENSORVK_DISABLE_PASSES names. Throws InvalidArgument where it names anything else, or a pass without which no plan comes out.
[[nodiscard]] std::vector<std::string_view> disabled_passes();

//! In the order of all_passes(), without `disabled`. Operations remember the passes that changed them.
[[nodiscard]] std::vector<PassReport> run_passes(Ir& ir, const std::vector<std::string_view>& disabled);

} // namespace tensorvk::compiler
