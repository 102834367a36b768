// Operations with a chosen candidate each -> the steps of a program.
#pragma once

#include <functional>

#include "builder/tuner.hpp"
#include "compiler/compile.hpp"

namespace tensorvk::builder {

struct Emitted {
    plan::Program program;
    std::vector<Choice> choices; // one per operation
    std::vector<Emitted> bodies; // of the network's bodies; their programs have moved into `program`
};

using Choose = std::function<Choice(const compiler::Compiled& network, const tactics::Operation& operation)>;

//! Asks `choose` for every operation, lowers its candidate and schedules the steps.
[[nodiscard]] Emitted emit(const compiler::Compiled& network, const vulkan::DeviceCaps& caps,
                           const Choose& choose);

} // namespace tensorvk::builder
