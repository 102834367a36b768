#include "kernels/host/pooling.hpp"

#include <algorithm>
#include <limits>

#include "kernels/host/index.hpp"

namespace tensorvk::kernels::host {

namespace {

std::int64_t pooled_extent(std::int64_t in, const PoolGeometry& g, std::size_t a) {
    const std::int64_t room = in + g.pre[a] + g.post[a] - g.dilation[a] * (g.window[a] - 1) - 1;
    if (room < 0) {
        return 0;
    }
    std::int64_t out = (room + (g.ceil ? g.stride[a] - 1 : 0)) / g.stride[a] + 1;
    if (g.ceil && (out - 1) * g.stride[a] >= in + g.pre[a]) {
        --out;
    }
    return out;
}

// One window: plane + offsets of the elements that it covers.
double pool_window(const Tensor& x, const PoolGeometry& g, std::int64_t plane, const std::vector<std::int64_t>& origin,
                   const std::vector<std::int64_t>& strides) {
    const bool average = g.op == PoolGeometry::Op::kAVERAGE;
    double value = average ? 0.0 : -std::numeric_limits<double>::infinity();
    std::int64_t inside = 0;
    std::int64_t padded = 0;
    for (Odometer k(g.window); k.valid(); k.next()) {
        std::int64_t offset = plane;
        bool in_data = true;
        bool in_padding = true;
        for (std::size_t a = 0; a < origin.size(); ++a) {
            const std::int64_t at = origin[a] + k.index()[a] * g.dilation[a];
            in_data = in_data && at >= 0 && at < x.dims[2 + a];
            in_padding = in_padding && at < x.dims[2 + a] + g.post[a];
            offset += at * strides[2 + a];
        }
        padded += in_padding ? 1 : 0;
        if (in_data) {
            ++inside;
            value = average ? value + x.get(offset) : std::max(value, x.get(offset));
        }
    }
    const std::int64_t divisor = g.exclude_padding ? inside : padded;
    return average ? value / static_cast<double>(std::max<std::int64_t>(divisor, 1)) : value;
}

} // namespace

std::vector<std::int64_t> pooling_dims(const std::vector<std::int64_t>& x, const PoolGeometry& geometry) {
    std::vector<std::int64_t> dims(x.begin(), x.begin() + 2);
    for (std::size_t a = 0; a < geometry.window.size(); ++a) {
        dims.push_back(pooled_extent(x[2 + a], geometry, a));
    }
    return dims;
}

Tensor pooling(const Tensor& x, const PoolGeometry& geometry) {
    Tensor y(x.dtype, pooling_dims(x.dims, geometry));
    const std::vector<std::int64_t> strides = row_major_strides(x.dims);
    std::vector<std::int64_t> origin(geometry.window.size());
    std::int64_t at = 0;
    for (Odometer o(y.dims); o.valid(); o.next(), ++at) {
        for (std::size_t a = 0; a < origin.size(); ++a) {
            origin[a] = o.index()[2 + a] * geometry.stride[a] - geometry.pre[a];
        }
        y.set(at, pool_window(x, geometry, o.index()[0] * strides[0] + o.index()[1] * strides[1], origin, strides));
    }
    return y;
}

} // namespace tensorvk::kernels::host
