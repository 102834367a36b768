// What is inside an Engine.
#pragma once

#include "runtime/engine.hpp"

namespace tensorvk::runtime {

//! Bytes at a profile's max shapes.
struct ProfileSizes {
    std::uint64_t activations = 0;
    std::vector<std::uint64_t> tensors; // by io tensor
};

struct Engine::State {
    PlanBytes stored; // the plan as it was given; weights are read from here
    plan::Plan plan;              // without programs and weights
    std::shared_ptr<LoadedProgram> loaded;
    bool tuned = false;
    std::vector<TensorInfo> tensors;
    std::vector<ProfileSizes> sizes; // by profile
    std::vector<std::string> layers;
    std::vector<std::size_t> layer_of_step;
};

} // namespace tensorvk::runtime
