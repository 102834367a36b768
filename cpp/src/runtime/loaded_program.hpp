// What is inside a LoadedProgram; Execution reads it.
#pragma once

#include <memory>
#include <vector>

#include "runtime/executor.hpp"
#include "runtime/pipelines.hpp"
#include "runtime/weights.hpp"

namespace tensorvk::runtime {

struct LoadedProgram::State {
    std::shared_ptr<vulkan::Device> device;
    std::shared_ptr<const plan::Program> program;
    std::vector<Slice> weights;              // by buffer
    Pipelines pipelines;                     // by step
    std::shared_ptr<vulkan::Buffer> nothing; // bound where a kernel wants a buffer and the tensor is empty
};

} // namespace tensorvk::runtime
