#include "kernels/host/quantized.hpp"

#include "kernels/host/elements.hpp"

namespace tensorvk::kernels::host {

ScaleIndex::ScaleIndex(const Call& call, const std::vector<std::int64_t>& dims, const std::vector<std::int64_t>& scale)
    : strides_(dims.size(), 0) {
    if (checked_volume(scale) == 1 && scale.size() <= 1) {
        return;
    }
    axis_ = checked_axis(call, call.attributes().integer("axis", 1), dims.size());
    if (scale.size() == 1) {
        if (scale[0] != dims[axis_]) {
            call.fail("has ", scale[0], " scales for ", dims[axis_], " elements along axis ", axis_, ".");
        }
        strides_[axis_] = 1;
        return;
    }
    block_ = call.attributes().integer("block_size", 0);
    std::vector<std::int64_t> blocks = dims;
    if (block_ > 0) {
        blocks[axis_] = blocks_of(call, dims[axis_], block_);
    }
    if (block_ <= 0 || blocks != scale) {
        call.fail("has scales whose shape fits neither one axis nor blocks of 'block_size' elements (", block_, ") along axis ", axis_, ".");
    }
    strides_ = row_major_strides(scale);
}

std::int64_t ScaleIndex::operator()(const Odometer& at) const {
    std::int64_t offset = 0;
    for (std::size_t i = 0; i < strides_.size(); ++i) {
        offset += (i == axis_ ? at.index()[i] / block_ : at.index()[i]) * strides_[i];
    }
    return offset;
}

DynamicRange::DynamicRange(std::span<const float> values) {
    float low = 0.0f;
    float high = 0.0f;
    for (const float value : values) {
        low = std::min(low, value);
        high = std::max(high, value);
    }
    scale = low == high ? 1.0f : (high - low) / 255.0f;
    zero = std::nearbyint(std::clamp(-low / scale, 0.0f, 255.0f));
}

std::int64_t blocks_of(const Call& call, std::int64_t count, std::int64_t block_size) {
    constexpr std::int64_t kMost = std::int64_t{1} << 40; // keeps products with it far from overflow
    if (block_size < 1 || block_size > kMost) {
        call.fail("has 'block_size' ", block_size, "; allowed are 1 to ", kMost, ".");
    }
    return count / block_size + (count % block_size != 0 ? 1 : 0);
}

float one_scale(const Call& call, std::size_t input) {
    return static_cast<float>(call.real(input));
}

std::int32_t one_zero_point(const Call& call, std::size_t input) {
    return call.has_input(input) ? static_cast<std::int32_t>(call.integer(input)) : 0;
}

void check_broadcast(const Call& call, const std::vector<std::int64_t>& from, const std::vector<std::int64_t>& to, std::string_view what) {
    bool fits = from.size() <= to.size();
    for (std::size_t i = 0; fits && i < from.size(); ++i) {
        const std::int64_t extent = to[to.size() - from.size() + i];
        fits = from[i] == 1 || from[i] == extent;
    }
    if (!fits) {
        call.fail("has ", what, " that do not fit the shape of the data.");
    }
}

std::vector<std::int32_t> centred(const Call& call, const Tensor& x, const Tensor* zero_point, const std::vector<std::int64_t>& shape) {
    std::vector<std::int32_t> out(static_cast<std::size_t>(x.volume()));
    for (std::size_t i = 0; i < out.size(); ++i) {
        out[i] = static_cast<std::int32_t>(x.get_integer(static_cast<std::int64_t>(i)));
    }
    if (zero_point == nullptr) {
        return out;
    }
    check_broadcast(call, shape, x.dims, "zero points");
    const std::vector<std::int64_t> strides = broadcast_strides(shape, x.dims);
    std::size_t at = 0;
    for (Odometer index(x.dims); index.valid(); index.next(), ++at) {
        out[at] -= static_cast<std::int32_t>(zero_point->get_integer(index.offset(strides)));
    }
    return out;
}

std::vector<std::int32_t> centred(const Call& call, const Tensor& x, std::size_t zero_point) {
    const std::int32_t zero = one_zero_point(call, zero_point);
    std::vector<std::int32_t> out(static_cast<std::size_t>(x.volume()));
    for (std::size_t i = 0; i < out.size(); ++i) {
        out[i] = static_cast<std::int32_t>(x.get_integer(static_cast<std::int64_t>(i))) - zero;
    }
    return out;
}

} // namespace tensorvk::kernels::host
