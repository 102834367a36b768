// How tensors that broadcast to an output are read while the output is written in memory order.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tactics/operation.hpp"

namespace tensorvk::tactics {

//! One tensor, seen from the groups of a Broadcast.
struct BroadcastTensor {
    std::vector<bool> extends;      // per group: moves along it, or repeats
    std::vector<std::size_t> order; // the groups along which it extends, in its own memory order, slowest first
    shape::Exprs strides{};         // along each group where its memory has gaps; else empty

    [[nodiscard]] bool extends_everywhere() const;
    //! Its memory order is the output's.
    [[nodiscard]] bool in_output_order() const;
};

//! The output's logical axes in memory order, slowest first, with those that all tensors cross together put into one group. Axes of
//! extent 1 are left out; a scalar has one group without axes.
struct Broadcast {
    std::vector<std::vector<std::size_t>> groups;
    std::vector<BroadcastTensor> tensors;

    [[nodiscard]] shape::Expr extent(shape::ExprPool& exprs, const Value& output, std::size_t group) const;
    //! Stride of a tensor along a group, in elements; 0 where it repeats.
    [[nodiscard]] shape::Expr stride(shape::ExprPool& exprs, const Value& output, std::size_t tensor, std::size_t group) const;
};

//! An extent that is not known to be 1 is taken to be the output's.
[[nodiscard]] Broadcast make_broadcast(const shape::ExprPool& exprs, const Value& output, std::span<const Value* const> tensors);

} // namespace tensorvk::tactics
