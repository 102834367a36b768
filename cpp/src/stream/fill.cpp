#include <algorithm>
#include <cstring>

#include "stream/copy.hpp"
#include "stream/device_context.hpp"
#include "stream/endpoint.hpp"
#include "support/error.hpp"

namespace tensorvk::stream {
namespace {

constexpr std::uint64_t kWord = 4; // what vkCmdFillBuffer writes at once

// Whole words by a fill, the up to three bytes at each end by copies from a buffer full of the value.
void submit_fill(const Endpoint& target, std::uint8_t value, std::uint64_t bytes, Stream& stream) {
    const std::shared_ptr<vulkan::CommandBuffer> commands = stream.state()->context.commands().acquire();
    const std::uint64_t begin = target.offset;
    const std::uint64_t end = begin + bytes;
    const std::uint64_t first_word = std::min((begin + kWord - 1) / kWord * kWord, end);
    const std::uint64_t last_word = std::max(end / kWord * kWord, first_word);
    if (first_word > begin || end > last_word) {
        const std::shared_ptr<vulkan::Buffer> edge = stream.state()->context.staging().acquire(kWord);
        std::memset(edge->mapped(), value, kWord);
        commands->copy({edge.get(), 0, first_word - begin}, {target.buffer.get(), begin, first_word - begin});
        commands->copy({edge.get(), 0, end - last_word}, {target.buffer.get(), last_word, end - last_word});
        commands->keep(edge);
    }
    constexpr std::uint32_t kEveryByte = 0x01010101U;
    if (last_word > first_word) {
        commands->fill({target.buffer.get(), first_word, last_word - first_word}, value * kEveryByte);
    }
    commands->end();
    stream.submit(commands);
}

} // namespace

void fill_async(std::uint64_t target, std::uint8_t value, std::uint64_t bytes, Stream& stream) {
    if (bytes == 0) return;
    const Endpoint end = find_endpoint(target, bytes, "target");
    if (end.pageable()) {
        throw InvalidArgument(text("Only device memory and pinned host memory can be set; 0x", std::hex, target,
                                   " is ordinary host memory."));
    }
    if (&end.buffer->device() != stream.device().get()) {
        throw InvalidArgument(text("Memory of device ", end.buffer->device().index(),
                                   " cannot be set in a stream of device ", stream.device()->index(), "."));
    }
    submit_fill(end, value, bytes, stream);
}

void fill(std::uint64_t target, std::uint8_t value, std::uint64_t bytes, Stream& stream) {
    fill_async(target, value, bytes, stream);
    stream.synchronize();
}

} // namespace tensorvk::stream
