// One end of a copy.
#pragma once

#include <cstdint>
#include <memory>

#include "stream/address_space.hpp"
#include "stream/copy.hpp"

namespace tensorvk::stream {

struct Endpoint {
    std::uint64_t address = 0;
    bool on_device = false;
    std::shared_ptr<vulkan::Buffer> buffer; // null for ordinary host memory
    std::uint64_t offset = 0;               // in the buffer

    //! Where the host can write it at once, reading it too if `read` is set; nullptr when it cannot.
    [[nodiscard]] std::byte* host_pointer(bool read) const;
    //! Host memory that the device cannot reach.
    [[nodiscard]] bool pageable() const noexcept { return !buffer; }
    [[nodiscard]] vulkan::BufferView view(std::uint64_t bytes) const { return {buffer.get(), offset, bytes}; }
};

//! Throws InvalidArgument for null, freed, unknown or too short memory; `what` names the pointer.
[[nodiscard]] Endpoint find_endpoint(std::uint64_t address, std::uint64_t bytes, const char* what);

//! Throws InvalidCopyKind when the ends are not what `kind` says.
void check_kind(const Endpoint& target, const Endpoint& source, CopyKind kind);

} // namespace tensorvk::stream
