// A tensor in host memory, row-major, and typed access to its elements: what the host references compute with.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "support/checked.hpp"
#include "support/dtype.hpp"

namespace tensorvk::kernels::host {

//! Bytes of one's own, or a view of somebody else's. A copy always has its own.
class Bytes {
public:
    Bytes() = default;
    explicit Bytes(std::size_t size) : own_(size), view_(own_) {}
    Bytes(std::vector<std::byte> bytes) : own_(std::move(bytes)), view_(own_) {} // NOLINT(google-explicit-constructor): a vector of bytes is that
    Bytes(const Bytes& other) : own_(other.begin(), other.end()), view_(own_) {}
    Bytes(Bytes&& other) noexcept : own_(std::move(other.own_)), view_(std::exchange(other.view_, {})) {}
    Bytes& operator=(Bytes other) noexcept {
        own_ = std::move(other.own_);
        view_ = std::exchange(other.view_, {});
        return *this;
    }
    ~Bytes() = default;
    //! The caller keeps the memory alive, and hands the result out as const where it must not be written.
    [[nodiscard]] static Bytes view(std::span<std::byte> memory) {
        Bytes bytes;
        bytes.view_ = memory;
        return bytes;
    }

    [[nodiscard]] std::byte* data() noexcept { return view_.data(); }
    [[nodiscard]] const std::byte* data() const noexcept { return view_.data(); }
    [[nodiscard]] std::size_t size() const noexcept { return view_.size(); }
    [[nodiscard]] bool empty() const noexcept { return view_.empty(); }
    [[nodiscard]] std::byte* begin() noexcept { return data(); }
    [[nodiscard]] std::byte* end() noexcept { return data() + size(); }
    [[nodiscard]] const std::byte* begin() const noexcept { return data(); }
    [[nodiscard]] const std::byte* end() const noexcept { return data() + size(); }
    [[nodiscard]] std::byte& operator[](std::size_t i) noexcept { return view_[i]; }
    [[nodiscard]] const std::byte& operator[](std::size_t i) const noexcept { return view_[i]; }
    [[nodiscard]] bool operator==(const Bytes& other) const noexcept { return std::equal(begin(), end(), other.begin(), other.end()); }

private:
    std::vector<std::byte> own_; // moving a vector keeps its memory, so view_ stays right
    std::span<std::byte> view_;
};

struct Tensor {
    DataType dtype = DataType::kFLOAT;
    std::vector<std::int64_t> dims;
    Bytes data;

    Tensor() = default;
    //! Zero filled. Throws InvalidArgument for negative extents and for more bytes than 64 bits count.
    Tensor(DataType type, std::vector<std::int64_t> shape) : dtype(type), dims(std::move(shape)), data(bytes_of(dims, type)) {}
    Tensor(DataType type, std::vector<std::int64_t> shape, Bytes bytes) : dtype(type), dims(std::move(shape)), data(std::move(bytes)) {}

    [[nodiscard]] std::int64_t volume() const { return checked_volume(dims); }
    template <typename T>
    [[nodiscard]] std::span<T> as() {
        return {reinterpret_cast<T*>(data.data()), data.size() / sizeof(T)};
    }
    template <typename T>
    [[nodiscard]] std::span<const T> as() const {
        return {reinterpret_cast<const T*>(data.data()), data.size() / sizeof(T)};
    }
    //! Element i of the flattened tensor as double (integers above 2^53 lose digits) and back, with the type's own rounding and saturation.
    [[nodiscard]] double get(std::int64_t i) const;
    void set(std::int64_t i, double value);
    //! The same for integer and bool tensors, exact for all values; int32 keeps the low bits, narrower types saturate.
    [[nodiscard]] std::int64_t get_integer(std::int64_t i) const;
    void set_integer(std::int64_t i, std::int64_t value);
    //! The same numbers in another floating type.
    [[nodiscard]] Tensor converted(DataType type) const;

private:
    static std::size_t bytes_of(std::span<const std::int64_t> dims, DataType type);
};

} // namespace tensorvk::kernels::host
