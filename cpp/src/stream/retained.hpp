// Objects that submitted work still uses.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

namespace tensorvk::stream {

//! A queue that keeps its memory, so that a steady flow of work allocates nothing.
class Retained {
  public:
    void add(std::uint64_t value, std::shared_ptr<const void> object) {
        entries_.push_back({value, std::move(object)});
    }

    //! A few objects at a time, so that the caller can let go of them without holding its lock.
    using Batch = std::array<std::shared_ptr<const void>, 8>;
    //! Takes out objects whose value is at most `reached`; true when there may be more.
    bool take(std::uint64_t reached, Batch& batch);

    [[nodiscard]] std::size_t size() const noexcept { return entries_.size() - head_; }

  private:
    struct Entry {
        std::uint64_t value = 0;
        std::shared_ptr<const void> object;
    };
    std::vector<Entry> entries_; // values ascend
    std::size_t head_ = 0;
};

} // namespace tensorvk::stream
