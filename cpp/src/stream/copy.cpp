#include "stream/copy.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "stream/device_context.hpp"
#include "stream/endpoint.hpp"
#include "support/error.hpp"

namespace tensorvk::stream {
namespace {

// Host memory up to this size is read into a staging buffer when the stream is busy; more than that is worth waiting
// for.
constexpr std::uint64_t kMostSnapshot = 32ULL << 20;
constexpr std::uint64_t kLeastForEngine = 1ULL << 20;

// Where a copy between host and device runs beside other streams' kernels; null: on the stream's own queue, which takes less to hand over to and is right for little.
vulkan::Queue* copy_queue(const Stream& stream, const vulkan::BufferView& source, const vulkan::BufferView& target) {
    const bool from_host = source.buffer->place() == vulkan::BufferPlace::kHost;
    const bool to_host = target.buffer->place() == vulkan::BufferPlace::kHost;
    if (from_host == to_host || source.size < kLeastForEngine) return nullptr;
    return from_host ? stream.device()->upload_queue() : stream.device()->download_queue();
}

// Copies by the device, in the stream's order. `keep` holds what the copy uses until it is done.
std::uint64_t submit_copy(Stream& stream, const vulkan::BufferView& source, const vulkan::BufferView& target,
                          std::shared_ptr<const void> keep) {
    vulkan::Queue* const queue = copy_queue(stream, source, target);
    DeviceContext& context = stream.state()->context;
    const std::shared_ptr<vulkan::CommandBuffer> commands = (queue != nullptr ? context.copy_commands() : context.commands()).acquire();
    commands->keep(std::move(keep));
    commands->copy(source, target);
    commands->end();
    return queue != nullptr ? stream.submit_to(*queue, commands) : stream.submit(commands);
}

void host_copy(std::byte* target, const std::byte* source, std::uint64_t bytes) {
    std::memmove(target, source, bytes);
}

// Device to host where the host should not read device memory: two staging buffers take turns.
void read_back(std::byte* target, const Endpoint& source, std::uint64_t bytes, Stream& stream) {
    struct Piece {
        std::shared_ptr<vulkan::Buffer> staging;
        std::uint64_t begin = 0;
        std::uint64_t size = 0;
        std::uint64_t value = 0;
    };
    std::array<Piece, 2> pieces;
    const auto start = [&](Piece& piece, std::uint64_t begin) {
        piece.size = begin < bytes ? std::min(bytes - begin, Staging::kChunk) : 0;
        if (piece.size == 0) return;
        piece.begin = begin;
        if (!piece.staging) piece.staging = stream.state()->context.staging().acquire(piece.size);
        piece.value = submit_copy(stream, {source.buffer.get(), source.offset + begin, piece.size},
                                  {piece.staging.get(), 0, piece.size}, piece.staging);
    };
    start(pieces[0], 0);
    start(pieces[1], Staging::kChunk);
    for (std::size_t turn = 0; pieces[turn].size > 0; turn = 1 - turn) {
        Piece& piece = pieces[turn];
        stream.wait_value(piece.value);
        host_copy(target + piece.begin, piece.staging->mapped(), piece.size);
        start(piece, piece.begin + 2 * Staging::kChunk);
    }
}

// Host memory to the device through staging, when the host cannot write the device's memory or the stream is busy.
void write_staged(const Endpoint& target, const std::byte* source, std::uint64_t bytes, Stream& stream) {
    for (std::uint64_t begin = 0; begin < bytes; begin += Staging::kChunk) {
        const std::uint64_t size = std::min(bytes - begin, Staging::kChunk);
        const std::shared_ptr<vulkan::Buffer> staging = stream.state()->context.staging().acquire(size);
        host_copy(staging->mapped(), source + begin, size);
        submit_copy(stream, {staging.get(), 0, size}, {target.buffer.get(), target.offset + begin, size}, staging);
    }
}

struct Copy {
    Endpoint target;
    Endpoint source;
    std::uint64_t bytes = 0;

    [[nodiscard]] bool crosses_devices() const {
        return target.buffer && source.buffer && &target.buffer->device() != &source.buffer->device();
    }
    // The device can do it alone.
    [[nodiscard]] bool on_queue(const Stream& stream) const {
        const auto here = [&](const Endpoint& end) {
            return end.buffer && &end.buffer->device() == stream.device().get();
        };
        return here(target) && here(source);
    }
};

Copy prepare(std::uint64_t target, std::uint64_t source, std::uint64_t bytes, CopyKind kind) {
    Copy copy{find_endpoint(target, bytes, "target"), find_endpoint(source, bytes, "source"), bytes};
    check_kind(copy.target, copy.source, kind);
    return copy;
}

// Between memories of two devices: through the host, with both devices idle.
void copy_between_devices(const Copy& copy, Stream& stream) {
    stream.synchronize();
    const auto other = [](const Endpoint& end) { return Stream::default_of(end.buffer->device().shared_from_this()); };
    const std::shared_ptr<Stream> reader = other(copy.source);
    const std::shared_ptr<Stream> writer = other(copy.target);
    reader->synchronize();
    std::vector<std::byte> bytes(copy.bytes);
    read_back(bytes.data(), copy.source, copy.bytes, *reader);
    writer->synchronize();
    write_staged(copy.target, bytes.data(), copy.bytes, *writer);
    writer->synchronize();
}

// By the host, as soon as the stream is idle. False when the host cannot reach an end.
bool copy_by_host(const Copy& copy, Stream& stream) {
    std::byte* const target = copy.target.host_pointer(false);
    const std::byte* const source = copy.source.host_pointer(true);
    if (target == nullptr || source == nullptr) return false;
    stream.synchronize();
    host_copy(target, source, copy.bytes);
    return true;
}

// Where one end at least is ordinary host memory.
void copy_pageable(const Copy& copy, Stream& stream) {
    if (copy_by_host(copy, stream)) return;
    if (copy.source.on_device) {
        read_back(reinterpret_cast<std::byte*>(copy.target.address), copy.source, copy.bytes, stream);
    } else {
        write_staged(copy.target, reinterpret_cast<const std::byte*>(copy.source.address), copy.bytes, stream);
    }
}

} // namespace

void copy(std::uint64_t target, std::uint64_t source, std::uint64_t bytes, CopyKind kind, Stream& stream) {
    if (bytes == 0) return;
    const Copy job = prepare(target, source, bytes, kind);
    if (job.crosses_devices()) return copy_between_devices(job, stream);
    // The device's copy engine has twice the bandwidth of a processor that writes through the bus, but takes longer to
    // start.
    const bool by_engine = job.on_queue(stream) && !stream.device()->caps().unified_memory && bytes >= kLeastForEngine;
    if (!by_engine && copy_by_host(job, stream)) return;
    if (job.on_queue(stream)) {
        submit_copy(stream, job.source.view(bytes), job.target.view(bytes), nullptr);
    } else {
        copy_pageable(job, stream);
    }
    stream.synchronize();
}

void copy_async(std::uint64_t target, std::uint64_t source, std::uint64_t bytes, CopyKind kind, Stream& stream) {
    if (bytes == 0) return;
    const Copy job = prepare(target, source, bytes, kind);
    if (job.crosses_devices()) return copy_between_devices(job, stream);
    if (job.on_queue(stream)) {
        submit_copy(stream, job.source.view(bytes), job.target.view(bytes), nullptr);
        return;
    }
    const bool to_device = job.target.buffer != nullptr && job.source.pageable();
    if (to_device && bytes <= kMostSnapshot && !stream.query()) {
        return write_staged(job.target, reinterpret_cast<const std::byte*>(source), bytes, stream);
    }
    copy_pageable(job, stream);
}

} // namespace tensorvk::stream
