// A compiled network with its constants.
#pragma once

#include <cstring>
#include <vector>

#include "compiler/compile.hpp"

namespace tensorvk::test {

struct Built {
    compiler::WeightStore weights;
    compiler::Compiled compiled;
};

inline Built build_for(const graph::Network& network, const compiler::Target& target) {
    Built built;
    built.compiled = compiler::compile(network, target, built.weights);
    return built;
}

inline std::vector<float> constant(const Built& built, tactics::ValueId id) {
    const auto& value = built.compiled.values[static_cast<std::size_t>(id)];
    const auto& buffer = built.compiled.program.buffers[static_cast<std::size_t>(value.buffer)];
    const auto bytes = *built.compiled.program.exprs.value(buffer.bytes);
    std::vector<float> out(static_cast<std::size_t>(bytes) / sizeof(float));
    std::memcpy(out.data(), built.weights.bytes().data() + buffer.constant_offset, static_cast<std::size_t>(bytes));
    return out;
}

} // namespace tensorvk::test
