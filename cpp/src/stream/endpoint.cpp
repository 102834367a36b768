#include "stream/endpoint.hpp"

#include <array>

#include "stream/errors.hpp"
#include "support/error.hpp"

namespace tensorvk::stream {
namespace {

struct KindRow {
    CopyKind kind;
    const char* name;
    bool from_device;
    bool to_device;
};

constexpr std::array kKinds{
    KindRow{CopyKind::kHostToHost, "cudaMemcpyHostToHost", false, false},
    KindRow{CopyKind::kHostToDevice, "cudaMemcpyHostToDevice", false, true},
    KindRow{CopyKind::kDeviceToHost, "cudaMemcpyDeviceToHost", true, false},
    KindRow{CopyKind::kDeviceToDevice, "cudaMemcpyDeviceToDevice", true, true},
};

void check_end(const Endpoint& end, bool wants_device, const KindRow& row, const char* what) {
    // Pinned host memory is reachable by the device, so it passes for both.
    const bool fits = wants_device ? end.on_device || !end.pageable() : !end.on_device;
    if (fits) return;
    throw InvalidCopyKind(text("The copy's kind is ", row.name, ", but its ", what, " 0x", std::hex, end.address,
                               " is ", end.on_device ? "device" : "host",
                               " memory: give the right kind, or cudaMemcpyDefault."));
}

} // namespace

std::byte* Endpoint::host_pointer(bool read) const {
    if (!on_device) return reinterpret_cast<std::byte*>(address);
    const bool reachable = buffer->mapped() != nullptr && (!read || buffer->host_readable());
    return reachable ? buffer->mapped() + offset : nullptr;
}

Endpoint find_endpoint(std::uint64_t address, std::uint64_t bytes, const char* what) {
    if (address == 0) throw InvalidArgument(text("The ", what, " is null, ", bytes, " bytes of memory are needed."));
    const auto region = AddressSpace::instance().find(address, bytes, what);
    if (!region) return {address, false, nullptr, 0};
    return {address, region->kind == RegionKind::kDevice, region->buffer, region->offset};
}

void check_kind(const Endpoint& target, const Endpoint& source, CopyKind kind) {
    if (kind == CopyKind::kDefault) return;
    for (const KindRow& row : kKinds) {
        if (row.kind != kind) continue;
        check_end(source, row.from_device, row, "source");
        check_end(target, row.to_device, row, "target");
        return;
    }
    throw InvalidCopyKind(text(static_cast<int>(kind), " is no kind of copy; allowed are 0 to 4 (cudaMemcpyKind)."));
}

} // namespace tensorvk::stream
