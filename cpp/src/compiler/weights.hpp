// The weights section of a plan while it is built: equal data is stored once.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <vector>

#include "support/hash.hpp"

namespace tensorvk::compiler {

class WeightStore {
public:
    //! Offset of `data`, a multiple of 256.
    std::uint64_t add(std::span<const std::byte> data);
    [[nodiscard]] const std::vector<std::byte>& bytes() const noexcept { return bytes_; }
    [[nodiscard]] std::vector<std::byte> take() noexcept { return std::move(bytes_); }

private:
    std::vector<std::byte> bytes_;
    std::map<Digest128, std::uint64_t> places_;
};

} // namespace tensorvk::compiler
