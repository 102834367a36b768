// A tensor while a network with host steps runs: its shape and where its bytes are.
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/weights.hpp"
#include "support/checked.hpp"
#include "support/dtype.hpp"

namespace tensorvk::runtime {

struct Value {
    DataType dtype = DataType::kFLOAT;
    std::vector<std::int64_t> dims;
    Slice memory; // null when the tensor is empty

    [[nodiscard]] std::uint64_t bytes() const {
        return static_cast<std::uint64_t>(checked_mul(checked_volume(dims), static_cast<std::int64_t>(dtype_size(dtype))));
    }
};

} // namespace tensorvk::runtime
