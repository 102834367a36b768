// Operations with a chosen candidate each -> the steps of a program.
#pragma once

#include <functional>

#include "builder/tuner.hpp"
#include "compiler/compile.hpp"

namespace tensorvk::builder {

struct Emitted {
    plan::Program program;
    std::vector<Choice> choices; // one per operation
};

//! Asks `choose` for every operation, lowers its candidate and schedules the steps.
[[nodiscard]] Emitted emit(const compiler::Compiled& network, const vulkan::DeviceCaps& caps,
                           const std::function<Choice(const tactics::Operation&)>& choose);

} // namespace tensorvk::builder
