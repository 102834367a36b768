#include "runtime/host_memory.hpp"

#include <cstring>

namespace tensorvk::runtime {
namespace {

std::span<std::byte> mapped(const Slice& slice) {
    return {slice.memory->mapped() + slice.offset, slice.size};
}

} // namespace

void HostMemory::copy(const Slice& source, const Slice& target, stream::Stream& stream) {
    if (source.size == 0) {
        return;
    }
    auto commands = std::make_shared<vulkan::CommandBuffer>(device_);
    commands->begin();
    commands->copy(source.view(), target.view());
    commands->end();
    stream.submit(std::move(commands));
    stream.synchronize();
}

kernels::host::Tensor HostMemory::read(const Value& value, stream::Stream& stream) {
    if (value.memory.memory == nullptr) {
        return {value.dtype, value.dims};
    }
    Slice source = value.memory;
    source.size = value.bytes();
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
    Slice place{target.memory, target.offset, tensor.data.size()};
    if (place.memory->mapped() != nullptr) {
        std::memcpy(mapped(place).data(), tensor.data.data(), tensor.data.size());
        return;
    }
    const Slice staging = pool_->take(tensor.data.size(), vulkan::BufferPlace::kHost);
    std::memcpy(mapped(staging).data(), tensor.data.data(), tensor.data.size());
    copy(staging, place, stream);
}

} // namespace tensorvk::runtime
