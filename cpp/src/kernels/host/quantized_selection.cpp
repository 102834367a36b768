// com.microsoft's QLinearWhere and QLinearReduceMean.
#include <array>

#include "kernels/host/elements.hpp"
#include "kernels/host/pointwise.hpp"
#include "kernels/host/quantized.hpp"

namespace tensorvk::kernels::host {

using Dims = std::vector<std::int64_t>;

//! Inputs: condition, x with its scale and zero point, y with its own, the result's.
void qlinear_where(Call& call) {
    const Tensor& condition = call.input(0);
    const Quantized x(call, 1);
    const Quantized y(call, 4);
    const Dims dims = broadcast_dims(std::array{condition.dims, x.dims(), y.dims()});
    const Dims strides[] = {broadcast_strides(condition.dims, dims), broadcast_strides(x.dims(), dims), broadcast_strides(y.dims(), dims)};
    Result z(call, 7, x.tensor().dtype, dims);
    std::int64_t i = 0;
    for (Odometer at(dims); at.valid(); at.next(), ++i) {
        z.set(i, condition.get_integer(at.offset(strides[0])) != 0 ? x(at.offset(strides[1])) : y(at.offset(strides[2])));
    }
}

void qlinear_reduce_mean(Call& call) {
    const Quantized x(call, 0);
    const std::vector<std::int64_t> axes = call.attributes().integers("axes");
    std::vector<bool> reduced(x.dims().size(), axes.empty());
    for (const std::int64_t axis : axes) {
        reduced[checked_axis(call, axis, reduced.size())] = true;
    }
    Dims kept = x.dims(); // reduced axes have extent 1
    Dims dims;            // or are gone
    for (std::size_t i = 0; i < kept.size(); ++i) {
        kept[i] = reduced[i] ? 1 : kept[i];
        if (!reduced[i] || call.attributes().flag("keepdims", true)) {
            dims.push_back(kept[i]);
        }
    }
    const Dims strides = broadcast_strides(kept, x.dims());
    std::vector<double> sums(static_cast<std::size_t>(checked_volume(kept)), 0.0);
    std::int64_t at = 0;
    for (Odometer index(x.dims()); index.valid(); index.next(), ++at) {
        sums[static_cast<std::size_t>(index.offset(strides))] += static_cast<double>(x(at));
    }
    Result y(call, 3, x.tensor().dtype, dims);
    const auto count = static_cast<double>(sums.empty() ? 1 : static_cast<std::size_t>(x.tensor().volume()) / sums.size());
    for (std::size_t i = 0; i < sums.size(); ++i) {
        y.set(static_cast<std::int64_t>(i), static_cast<float>(sums[i] / count));
    }
}

} // namespace tensorvk::kernels::host
