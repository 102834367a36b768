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

#include "support/error.hpp"
#include "vulkan/api.hpp"
#include "vulkan/buffer.hpp"
#include "vulkan/timestamps.hpp"

namespace tensorvk::vulkan::host_driver {

class QueueWorker;
class ShaderCommands;
class ShaderDriver;

//! All timelines of a device share a lock: a semaphore may be destroyed as soon as its value is seen, while who raised
//! it still wakes the others.
struct Timelines {
    std::mutex mutex;
    std::condition_variable changed;
    bool lost = false; // with the device: no value will be reached any more
};

struct Semaphore {
    std::uint64_t value = 0; // under Timelines::mutex
};

struct Device {
    Device();
    ~Device();
    Timelines timelines;
    std::unique_ptr<ShaderDriver> shaders; // null: there are none
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
    std::shared_ptr<const vulkan::Buffer> for_shaders;
};

struct Buffer {
    std::uint64_t size = 0;
    Memory* memory = nullptr; // that is bound
    std::uint64_t offset = 0;

    [[nodiscard]] std::byte* data() const noexcept { return memory->data + offset; }
};

//! Ticks are nanoseconds. Read by the host while the queue may be writing others.
struct Query {
    std::atomic<std::uint64_t> ticks{0};
    std::atomic<bool> written{false};
};

struct QueryPool {
    explicit QueryPool(std::size_t count) : queries(count) {}
    std::vector<Query> queries;
    std::shared_ptr<const TimestampPool> for_shaders;
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
    explicit CommandBuffer(Device& owner) : device(owner) {}

    Device& device;
    std::vector<Command> commands;
    std::shared_ptr<ShaderCommands> shaders; // kept for the next recording
    bool has_shaders = false;                // they run all of it, with barriers
    std::uint64_t bytes = 0;       // that the commands write
    VkResult failure = VK_SUCCESS; // of recording
};

struct CommandPool {
    explicit CommandPool(Device& owner) : device(owner) {}

    Device& device;
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
    } catch (const OutOfMemory&) { // this and the next: of the shader driver
        return VK_ERROR_OUT_OF_DEVICE_MEMORY;
    } catch (const Error&) {
        return VK_ERROR_UNKNOWN;
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
