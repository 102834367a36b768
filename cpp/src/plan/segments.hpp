// A program with host steps, cut into pieces that run as a whole: dispatches between two host steps, and the host steps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "plan/program.hpp"

namespace tensorvk::plan {

struct Segment {
    //! The dispatches as a program of their own; null: the host step `step`. Its io are buffers of the whole program that live beyond it.
    std::shared_ptr<const Program> dispatches;
    std::size_t step = 0;
    std::vector<std::int32_t> io_buffers; // of the whole program, by io tensor
    std::vector<std::int32_t> symbols;    // of the whole program, by symbol
};

[[nodiscard]] std::vector<Segment> split(const Program& program);

//! By buffer: the last segment that uses it, -1 for none.
[[nodiscard]] std::vector<std::int32_t> last_uses(const Program& program, const std::vector<Segment>& segments);

} // namespace tensorvk::plan
