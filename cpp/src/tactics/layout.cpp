#include "tactics/layout.hpp"

#include <algorithm>
#include <numeric>

#include "tactics/collapse.hpp"

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

shape::Exprs memory_strides(shape::ExprPool& exprs, const Value& value) {
    return value.strides.empty() ? memory_strides(exprs, value.dims, value.layout) : value.strides;
}

bool keeps_units(const shape::ExprPool& exprs, const Value& value, std::int64_t count) {
    for (std::size_t axis = 0; axis < value.strides.size(); ++axis) {
        const bool together = exprs.is(value.strides[axis], 1) || exprs.is(value.dims[axis], 1);
        if (!together && !is_multiple_of(exprs, value.strides[axis], count)) return false;
    }
    return true;
}

bool has_even_rows(shape::ExprPool& exprs, const Value& value) {
    for (std::size_t axis = 0; axis + 2 < value.strides.size(); ++axis) {
        const bool follows = value.strides[axis] == exprs.mul(value.strides[axis + 1], value.dims[axis + 1]);
        if (!follows && !exprs.is(value.dims[axis], 1)) return false;
    }
    return true;
}

bool has_even_pixels(shape::ExprPool& exprs, const Value& value) {
    if (value.strides.empty()) return true;
    if (value.layout != Layout::kCHANNELS_LAST || !exprs.is(value.strides[1], 1)) return false;
    for (std::size_t axis = 2; axis + 1 < value.strides.size(); ++axis) {
        const bool follows = value.strides[axis] == exprs.mul(value.strides[axis + 1], value.dims[axis + 1]);
        if (!follows && !exprs.is(value.dims[axis], 1)) return false;
    }
    return true;
}

bool same_in_both_layouts(const shape::ExprPool& exprs, const Value& value) {
    if (value.dims.size() < 3) {
        return true;
    }
    const bool one_channel = exprs.is(value.dims[1], 1);
    const bool one_pixel = std::all_of(value.dims.begin() + 2, value.dims.end(), [&](shape::Expr e) { return exprs.is(e, 1); });
    return one_channel || one_pixel;
}

bool lies_in_rows(const shape::ExprPool& exprs, const Value& value) {
    return value.layout == Layout::kLINEAR || same_in_both_layouts(exprs, value);
}

shape::Expr element_count(shape::ExprPool& exprs, const Value& value) { return exprs.product(value.dims); }

} // namespace tensorvk::tactics
