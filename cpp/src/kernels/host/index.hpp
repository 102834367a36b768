// Walking through tensors in host code: strides and a counter over all indices of a shape.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace tensorvk::kernels::host {

//! Element strides of row-major memory.
[[nodiscard]] inline std::vector<std::int64_t> row_major_strides(std::span<const std::int64_t> dims) {
    std::vector<std::int64_t> strides(dims.size(), 1);
    for (std::size_t i = dims.size(); i-- > 1;) {
        strides[i - 1] = strides[i] * dims[i];
    }
    return strides;
}

//! Strides with which row-major memory of shape `dims` is read over `output`: 0 along axes that it is broadcast over.
[[nodiscard]] inline std::vector<std::int64_t> broadcast_strides(std::span<const std::int64_t> dims, std::span<const std::int64_t> output) {
    const std::vector<std::int64_t> own = row_major_strides(dims);
    std::vector<std::int64_t> strides(output.size(), 0);
    const std::size_t skipped = output.size() - dims.size();
    for (std::size_t i = 0; i < dims.size(); ++i) {
        strides[i + skipped] = dims[i] == 1 ? 0 : own[i];
    }
    return strides;
}

//! All indices of a shape in row-major order; none when an extent is 0, one for a scalar.
class Odometer {
public:
    explicit Odometer(std::span<const std::int64_t> dims) : dims_(dims.begin(), dims.end()), index_(dims.size(), 0) {
        for (const std::int64_t dim : dims) {
            valid_ = valid_ && dim > 0;
        }
    }

    [[nodiscard]] bool valid() const noexcept { return valid_; }
    [[nodiscard]] const std::vector<std::int64_t>& index() const noexcept { return index_; }
    void next() {
        for (std::size_t i = dims_.size(); i-- > 0;) {
            if (++index_[i] < dims_[i]) {
                return;
            }
            index_[i] = 0;
        }
        valid_ = false;
    }
    [[nodiscard]] std::int64_t offset(std::span<const std::int64_t> strides) const {
        std::int64_t at = 0;
        for (std::size_t i = 0; i < index_.size(); ++i) {
            at += index_[i] * strides[i];
        }
        return at;
    }

private:
    std::vector<std::int64_t> dims_, index_;
    bool valid_ = true;
};

} // namespace tensorvk::kernels::host
