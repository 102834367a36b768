// Numbers for objects that users hold through C handles.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>

namespace tensorvk::stream {

//! Numbers are never used twice, so that a handle that outlives its object is noticed. Thread-safe.
template <typename T>
class HandleTable {
  public:
    explicit HandleTable(std::uint64_t first) : next_(first) {}

    //! Alignment of handles that pass as pointers.
    static constexpr std::uint64_t kStep = 16;

    [[nodiscard]] std::uint64_t reserve() {
        const std::unique_lock lock(mutex_);
        return std::exchange(next_, next_ + kStep);
    }
    void add(std::uint64_t handle, std::shared_ptr<T> object) {
        const std::unique_lock lock(mutex_);
        objects_.emplace(handle, std::move(object));
    }
    //! Null when there is none.
    [[nodiscard]] std::shared_ptr<T> find(std::uint64_t handle) const {
        const std::shared_lock lock(mutex_);
        const auto found = objects_.find(handle);
        return found == objects_.end() ? nullptr : found->second;
    }
    //! Takes the object out; null when there is none.
    [[nodiscard]] std::shared_ptr<T> remove(std::uint64_t handle) {
        const std::unique_lock lock(mutex_);
        auto node = objects_.extract(handle);
        return node.empty() ? nullptr : std::move(node.mapped());
    }
    //! Whether `handle` was given out at some time.
    [[nodiscard]] bool was_used(std::uint64_t handle, std::uint64_t first) const {
        const std::shared_lock lock(mutex_);
        return handle >= first && handle < next_;
    }

  private:
    mutable std::shared_mutex mutex_;
    std::unordered_map<std::uint64_t, std::shared_ptr<T>> objects_;
    std::uint64_t next_;
};

} // namespace tensorvk::stream
