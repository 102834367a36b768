// What the handles of the driver point at.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <new>
#include <system_error>
#include <variant>
#include <vector>

#include "vulkan/api.hpp"

namespace tensorvk::vulkan::host_driver {

class QueueWorker;

//! All timelines of a device share a lock: a semaphore may be destroyed as soon as its value is seen, while who raised
//! it still wakes the others.
struct Timelines {
    std::mutex mutex;
    std::condition_variable changed;
};

struct Semaphore {
    std::uint64_t value = 0; // under Timelines::mutex
};

struct Device {
    Timelines timelines;
    std::unique_ptr<QueueWorker> queue;
};

struct Memory {
    Memory() = default;
    ~Memory();
    Memory(const Memory&) = delete;
    Memory& operator=(const Memory&) = delete;

    std::byte* data = nullptr;
    std::uint64_t size = 0;
    bool imported = false; // somebody else's
};

struct Buffer {
    std::uint64_t size = 0;
    std::byte* data = nullptr; // in the memory that is bound
};

//! Ticks are nanoseconds. Read by the host while the queue may be writing others.
struct Query {
    std::atomic<std::uint64_t> ticks{0};
    std::atomic<bool> written{false};
};

struct QueryPool {
    explicit QueryPool(std::size_t count) : queries(count) {}
    std::vector<Query> queries;
};

struct Copy {
    const Buffer* source;
    Buffer* target;
    VkBufferCopy region;
};

struct Fill {
    Buffer* target;
    std::uint64_t offset, size;
    std::uint32_t word;
};

struct ResetQueries {
    QueryPool* pool;
    std::uint32_t first, count;
};

struct WriteTimestamp {
    QueryPool* pool;
    std::uint32_t query;
};

using Command = std::variant<Copy, Fill, ResetQueries, WriteTimestamp>;

//! Barriers are not recorded: commands run one after the other on one thread.
struct CommandBuffer {
    std::vector<Command> commands;
    std::uint64_t bytes = 0;       // that the commands write
    VkResult failure = VK_SUCCESS; // of recording
};

struct CommandPool {
    std::vector<std::unique_ptr<CommandBuffer>> buffers;
};

static_assert(sizeof(VkBuffer) == sizeof(void*), "handles are pointers to the objects above");

template <typename Handle, typename T>
[[nodiscard]] Handle to_handle(T* object) noexcept {
    return reinterpret_cast<Handle>(object);
}
template <typename T, typename Handle>
[[nodiscard]] T* object(Handle handle) noexcept {
    return reinterpret_cast<T*>(handle);
}

//! Exceptions end where Vulkan's calling convention begins.
template <typename Work>
[[nodiscard]] VkResult guarded(Work work) noexcept {
    try {
        return work();
    } catch (const std::bad_alloc&) {
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    } catch (const std::system_error&) { // no thread to be had
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    }
}

//! The object as a handle in `out`.
template <typename T, typename Handle, typename... Arguments>
[[nodiscard]] VkResult create(Handle* out, Arguments&&... arguments) noexcept {
    return guarded([&] {
        *out = to_handle<Handle>(new T(std::forward<Arguments>(arguments)...));
        return VK_SUCCESS;
    });
}

} // namespace tensorvk::vulkan::host_driver
