// The catalogue: kernel id -> code. Ids and hashes are what plans hold.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace tensorvk::kernels {

struct Kernel {
    std::string_view id;            // valid until the process ends
    std::uint64_t content_hash = 0; // equal hashes run equal code
    std::span<const std::uint32_t> spirv;
    std::uint32_t bindings = 0;      // buffers at set 0: one more than the highest binding
    std::uint32_t subgroup_size = 0; // invocations of the subgroups that it is made for; 0: any
};

[[nodiscard]] bool contains(std::string_view id) noexcept;

//! Throws InvalidArgument when this library has no kernel of that id.
[[nodiscard]] Kernel find(std::string_view id);

} // namespace tensorvk::kernels
