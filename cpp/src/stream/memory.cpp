#include "stream/memory.hpp"

#include <utility>

#include "stream/address_space.hpp"
#include "stream/device_context.hpp"
#include "support/error.hpp"

namespace tensorvk::stream {
namespace {

std::uint64_t address_of(const void* pointer) {
    return reinterpret_cast<std::uintptr_t>(pointer);
}

// As CUDA does: memory goes away when nothing on its device can be using it. The address is checked first, so that a
// wrong one costs nothing.
Region remove_when_idle(std::uint64_t address, RegionKind kind) {
    const Region known = AddressSpace::instance().resolve(address, 0);
    if (known.buffer) synchronize_device(known.buffer->device().shared_from_this());
    return AddressSpace::instance().remove(address, kind);
}

// A driver imports whole pages, so the buffer begins at or before the user's memory.
std::pair<std::shared_ptr<vulkan::Buffer>, std::uint64_t> try_import(const std::shared_ptr<vulkan::Device>& device,
                                                                     std::uint64_t address, std::uint64_t bytes) {
    if (!device->caps().host_import) return {};
    const std::uint64_t page = device->caps().limits.host_import_alignment;
    const std::uint64_t begin = address / page * page;
    const std::uint64_t end = (address + bytes + page - 1) / page * page;
    try {
        return {vulkan::Buffer::import_host(device, reinterpret_cast<void*>(begin), end - begin), address - begin};
    } catch (const Error&) {
        // Read-only or file-backed memory, for example: it is copied like any other then.
        return {};
    }
}

} // namespace

std::uint64_t allocate_device(const std::shared_ptr<vulkan::Device>& device, std::uint64_t bytes) {
    if (bytes == 0) return 0;
    return AddressSpace::instance().add_device(std::make_shared<vulkan::Buffer>(device, bytes));
}

void free_device(std::uint64_t address) {
    if (address != 0) (void)remove_when_idle(address, RegionKind::kDevice);
}

void free_device_async(std::uint64_t address, Stream& stream) {
    if (address == 0) return;
    Work work;
    work.keep = AddressSpace::instance().remove(address, RegionKind::kDevice).buffer;
    stream.state()->context.enqueue(*stream.state(), std::move(work));
}

void* allocate_host(const std::shared_ptr<vulkan::Device>& device, std::uint64_t bytes) {
    if (bytes == 0) return nullptr;
    auto buffer = std::make_shared<vulkan::Buffer>(device, bytes, vulkan::BufferPlace::kHost);
    std::byte* const pointer = buffer->mapped();
    AddressSpace::instance().add_host(address_of(pointer), bytes, std::move(buffer), 0, RegionKind::kPinned);
    return pointer;
}

void free_host(void* pointer) {
    if (pointer != nullptr) (void)remove_when_idle(address_of(pointer), RegionKind::kPinned);
}

void register_host(const std::shared_ptr<vulkan::Device>& device, void* pointer, std::uint64_t bytes) {
    if (pointer == nullptr || bytes == 0)
        throw InvalidArgument("Registering host memory needs a pointer and at least one byte.");
    auto [buffer, offset] = try_import(device, address_of(pointer), bytes);
    AddressSpace::instance().add_host(address_of(pointer), bytes, std::move(buffer), offset, RegionKind::kRegistered);
}

void unregister_host(void* pointer) {
    (void)remove_when_idle(address_of(pointer), RegionKind::kRegistered);
}

} // namespace tensorvk::stream
