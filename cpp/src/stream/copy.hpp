// Copies and fills between addresses of the flat space and ordinary host memory.
#pragma once

#include <cstdint>

#include "stream/stream.hpp"

namespace tensorvk::stream {

enum class CopyKind : int { kHostToHost = 0, kHostToDevice = 1, kDeviceToHost = 2, kDeviceToDevice = 3, kDefault = 4 };

//! Copies after the work given to `stream` so far and returns when the bytes are there. Ranges must not overlap.
//! Throws InvalidArgument for bad pointers and for ends that contradict `kind`.
void copy(std::uint64_t target, std::uint64_t source, std::uint64_t bytes, CopyKind kind, Stream& stream);
//! Copies in the stream's order. Ordinary host memory as source is read before the call returns; as target it is
//! written before the call returns. Pinned and registered memory is read and written when the stream gets there.
void copy_async(std::uint64_t target, std::uint64_t source, std::uint64_t bytes, CopyKind kind, Stream& stream);

//! Sets `bytes` bytes from `target` (device, pinned or registered memory) to `value`, in the stream's order.
void fill_async(std::uint64_t target, std::uint8_t value, std::uint64_t bytes, Stream& stream);
void fill(std::uint64_t target, std::uint8_t value, std::uint64_t bytes, Stream& stream);

} // namespace tensorvk::stream
