#include "runtime/host_memory.hpp"

#include <cstring>

#include "support/error.hpp"

namespace tensorvk::runtime {
namespace {

std::span<std::byte> mapped(const Slice& slice) {
    return {slice.memory->mapped() + slice.offset, slice.size};
}

// A plan file tells shapes and sizes apart from each other; where they differ it is damaged, and the bytes are somebody else's.
void require_room(const Slice& slice, std::uint64_t bytes) {
    if (slice.memory == nullptr || slice.size < bytes) {
        throw InvalidPlan(text("A tensor of ", bytes, " bytes has ", slice.memory == nullptr ? 0 : slice.size,
                               " bytes of memory; the plan is damaged, build it again."));
    }
}

} // namespace

Slice slice_of(const Value& value) {
    const std::uint64_t bytes = value.bytes();
    if (bytes == 0) {
        return {};
    }
    require_room(value.memory, bytes);
    return {value.memory.memory, value.memory.offset, bytes};
}

void HostMemory::copy(const Slice& source, const Slice& target, stream::Stream& stream) {
    if (source.size == 0) {
        return;
    }
    require_room(target, source.size);
    auto commands = std::make_shared<vulkan::CommandBuffer>(device_);
    commands->begin();
    commands->copy(source.view(), target.view());
    commands->end();
    stream.submit(std::move(commands));
    stream.synchronize();
}

kernels::host::Tensor HostMemory::read(const Value& value, stream::Stream& stream) {
    Slice source = slice_of(value);
    if (source.size == 0) {
        return {value.dtype, value.dims};
    }
    if (!source.memory->host_readable()) {
        staged_.push_back(pool_->take(source.size, vulkan::BufferPlace::kHost));
        copy(source, staged_.back(), stream);
        source = staged_.back();
    }
    return {value.dtype, value.dims, kernels::host::Bytes::view(mapped(source))};
}

void HostMemory::write(const kernels::host::Tensor& tensor, const Slice& target, stream::Stream& stream) {
    if (tensor.data.empty()) {
        return;
    }
    require_room(target, tensor.data.size());
    const Slice place{target.memory, target.offset, tensor.data.size()};
    if (place.memory->mapped() != nullptr) {
        std::memcpy(mapped(place).data(), tensor.data.data(), tensor.data.size());
        return;
    }
    const Slice staging = pool_->take(tensor.data.size(), vulkan::BufferPlace::kHost);
    std::memcpy(mapped(staging).data(), tensor.data.data(), tensor.data.size());
    copy(staging, place, stream);
}

} // namespace tensorvk::runtime
