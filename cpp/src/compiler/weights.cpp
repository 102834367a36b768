#include "compiler/weights.hpp"

namespace tensorvk::compiler {

std::uint64_t WeightStore::add(std::span<const std::byte> data) {
    constexpr std::size_t kAlignment = 256;
    const auto [place, inserted] = places_.try_emplace(digest128(data), bytes_.size());
    if (inserted) {
        bytes_.insert(bytes_.end(), data.begin(), data.end());
        bytes_.resize((bytes_.size() + kAlignment - 1) / kAlignment * kAlignment);
    }
    return place->second;
}

} // namespace tensorvk::compiler
