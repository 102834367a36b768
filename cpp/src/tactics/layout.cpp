#include "tactics/layout.hpp"

#include <algorithm>
#include <numeric>

namespace tensorvk::tactics {

std::vector<std::size_t> memory_order(Layout layout, std::size_t rank) {
    std::vector<std::size_t> order(rank);
    std::iota(order.begin(), order.end(), std::size_t{0});
    if (layout == Layout::kCHANNELS_LAST && rank >= 3) {
        std::rotate(order.begin() + 1, order.begin() + 2, order.end());
    }
    return order;
}

shape::Exprs memory_strides(shape::ExprPool& exprs, const shape::Exprs& dims, Layout layout) {
    shape::Exprs strides(dims.size());
    shape::Expr stride = exprs.constant(1);
    const std::vector<std::size_t> order = memory_order(layout, dims.size());
    for (auto axis = order.rbegin(); axis != order.rend(); ++axis) {
        strides[*axis] = stride;
        stride = exprs.mul(stride, dims[*axis]);
    }
    return strides;
}

shape::Exprs memory_strides(shape::ExprPool& exprs, const Value& value) { return memory_strides(exprs, value.dims, value.layout); }

shape::Expr element_count(shape::ExprPool& exprs, const Value& value) { return exprs.product(value.dims); }

} // namespace tensorvk::tactics
