#include "stream/retained.hpp"

#include <utility>

namespace tensorvk::stream {

bool Retained::take(std::uint64_t reached, Batch& batch) {
    std::size_t taken = 0;
    while (head_ < entries_.size() && entries_[head_].value <= reached && taken < batch.size()) {
        batch[taken++] = std::move(entries_[head_++].object);
    }
    if (head_ * 2 >= entries_.size()) {
        entries_.erase(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(head_));
        head_ = 0;
    }
    return taken == batch.size();
}

} // namespace tensorvk::stream
