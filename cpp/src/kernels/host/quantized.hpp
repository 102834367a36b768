// What quantized operators share: value = (integer - zero point) * scale.
#pragma once

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

// The operators; functions_quantize.cpp lists them.
void conv_integer(Call& call);
void qlinear_conv(Call& call);
void mat_mul_integer(Call& call);
void qlinear_mat_mul(Call& call);
void qgemm(Call& call);
void mat_mul_n_bits(Call& call);
void qlinear_add(Call& call);
void qlinear_mul(Call& call);
void qlinear_sigmoid(Call& call);
void qlinear_leaky_relu(Call& call);
void qlinear_softmax(Call& call);
void qlinear_concat(Call& call);
void qlinear_average_pool(Call& call);
void qlinear_global_average_pool(Call& call);

} // namespace tensorvk::kernels::host
