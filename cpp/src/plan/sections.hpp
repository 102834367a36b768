// Structured sections: FlatBuffers to program parts and back. Meaning is checked elsewhere (validate.hpp).
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "plan/program.hpp"

namespace tensorvk::plan {

using Bytes = std::vector<std::byte>;

[[nodiscard]] Bytes write_meta(const Plan& plan);
[[nodiscard]] Bytes write_program(const Program& program, const DeviceKey* device);
[[nodiscard]] Bytes write_report(const std::string& json);

//! These throw InvalidPlan when the bytes are no such FlatBuffer or hold values that have no counterpart.
void read_meta(std::span<const std::byte> bytes, Plan& plan);
[[nodiscard]] Program read_program(std::span<const std::byte> bytes);
[[nodiscard]] TunedProgram read_tuned(std::span<const std::byte> bytes);
[[nodiscard]] std::string read_report(std::span<const std::byte> bytes);

} // namespace tensorvk::plan
