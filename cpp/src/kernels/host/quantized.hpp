// What quantized operators share: value = (integer - zero point) * scale.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string_view>
#include <vector>

#include "kernels/host/functions.hpp"
#include "kernels/host/index.hpp"

namespace tensorvk::kernels::host {

//! Which scale (and zero point) belongs to which element of a tensor: one for all, one per index of an axis, or one per block of an axis.
class ScaleIndex {
public:
    ScaleIndex(const Call& call, const std::vector<std::int64_t>& dims, const std::vector<std::int64_t>& scale);
    [[nodiscard]] std::int64_t operator()(const Odometer& at) const;

private:
    std::vector<std::int64_t> strides_; // of the scale, per axis of the tensor
    std::size_t axis_ = 0;
    std::int64_t block_ = 1;
};

//! Blocks of 'block_size' elements that `count` elements need.
[[nodiscard]] std::int64_t blocks_of(const Call& call, std::int64_t count, std::int64_t block_size);

//! A scale or a zero point that is one number. `otherwise` when the input is absent.
[[nodiscard]] float one_scale(const Call& call, std::size_t input);
[[nodiscard]] std::int32_t one_zero_point(const Call& call, std::size_t input);

//! Elements minus their zero points. `shape` is how the zero point is read over x: it has to broadcast to x.
[[nodiscard]] std::vector<std::int32_t> centred(const Call& call, const Tensor& x, const Tensor* zero_point,
                                                const std::vector<std::int64_t>& shape);
//! The same with one zero point.
[[nodiscard]] std::vector<std::int32_t> centred(const Call& call, const Tensor& x, std::size_t zero_point);

//! Fails unless `from` broadcasts to `to`.
void check_broadcast(const Call& call, const std::vector<std::int64_t>& from, const std::vector<std::int64_t>& to, std::string_view what);

//! round(value), half to even, plus the zero point, saturated to y's type.
inline void set_quantized(Tensor& y, std::int64_t at, float value, std::int32_t zero_point) {
    y.set(at, static_cast<double>(std::nearbyint(value)) + static_cast<double>(zero_point));
}

//! A tensor with the scale and the zero point that are the two inputs behind it.
class Quantized {
public:
    Quantized(const Call& call, std::size_t first)
        : x_(call.input(first)), scale_(one_scale(call, first + 1)), zero_(one_zero_point(call, first + 2)) {}
    [[nodiscard]] const Tensor& tensor() const { return x_; }
    [[nodiscard]] const std::vector<std::int64_t>& dims() const { return x_.dims; }
    [[nodiscard]] float operator()(std::int64_t i) const { return static_cast<float>(x_.get_integer(i) - zero_) * scale_; }

private:
    const Tensor& x_;
    float scale_;
    std::int32_t zero_;
};

//! The result: its scale is input `scale`, its zero point the one behind it.
class Result {
public:
    Result(Call& call, std::size_t scale, DataType type, const std::vector<std::int64_t>& dims)
        : scale_(one_scale(call, scale)), zero_(one_zero_point(call, scale + 1)), y_(call.output(0, type, dims)) {}
    void set(std::int64_t i, float value) { set_quantized(y_, i, value / scale_, zero_); }

private:
    float scale_;
    std::int32_t zero_;
    Tensor& y_;
};

//! The smallest scale whose uint8 range holds 0 and all of the values.
struct DynamicRange {
    float scale = 1.0f, zero = 0.0f;

    explicit DynamicRange(std::span<const float> values);
    [[nodiscard]] std::int32_t operator()(float value) const { // minus the zero point
        return static_cast<std::int32_t>(std::clamp(std::nearbyint(value / scale) + zero, 0.0f, 255.0f) - zero);
    }
};

// The operators; functions_quantize.cpp and functions_microsoft.cpp list them.
void conv_integer(Call& call);
void qlinear_conv(Call& call);
void mat_mul_integer(Call& call);
void qlinear_mat_mul(Call& call);
void qgemm(Call& call);
void qlinear_add(Call& call);
void qlinear_mul(Call& call);
void qlinear_sigmoid(Call& call);
void qlinear_leaky_relu(Call& call);
void qlinear_softmax(Call& call);
void qlinear_concat(Call& call);
void qlinear_average_pool(Call& call);
void qlinear_global_average_pool(Call& call);
void qlinear_where(Call& call);
void qlinear_reduce_mean(Call& call);
void unpack_n_bits(Call& call);
void unpack_bnb4(Call& call);
void gather_block_quantized(Call& call);
void dynamic_quantize_lstm(Call& call);

} // namespace tensorvk::kernels::host
