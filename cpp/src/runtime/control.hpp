// Host steps that run networks: branches and loops, with ONNX's meaning.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/dynamic_execution.hpp"

namespace tensorvk::runtime {

struct ControlCall {
    const std::string& layer;
    const AttributeSet& attributes;
    std::span<const Value> inputs; // an absent one has no memory and no dims
    std::vector<std::vector<std::optional<std::int64_t>>> output_dims; // as far as they are known before the step
    BlockPool& pool;
    HostMemory& host;
    stream::Stream& stream;
    std::vector<DynamicExecution*> bodies;
    std::vector<Value> outputs; // what the function sets

    [[nodiscard]] std::size_t output_count() const noexcept { return output_dims.size(); }
};

//! Null when there is none of that name.
[[nodiscard]] ControlFunction find_control(std::string_view name) noexcept;

} // namespace tensorvk::runtime
