// Bytes that the library hands out.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "tensorvk/interfaces.h"

namespace tensorvk::api {

class HostMemory final : public IHostMemory {
  public:
    explicit HostMemory(std::vector<std::byte> bytes) : bytes_(std::move(bytes)) {}
    [[nodiscard]] void* data() const noexcept override { return const_cast<std::byte*>(bytes_.data()); }
    [[nodiscard]] std::size_t size() const noexcept override { return bytes_.size(); }
    [[nodiscard]] DataType type() const noexcept override { return DataType::kINT8; }

  private:
    std::vector<std::byte> bytes_;
};

} // namespace tensorvk::api
