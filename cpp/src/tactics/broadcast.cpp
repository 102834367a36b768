#include "tactics/broadcast.hpp"

#include <algorithm>

#include "tactics/layout.hpp"

namespace tensorvk::tactics {

namespace {

constexpr std::size_t kRepeats = SIZE_MAX;

// Per logical axis of the output: the tensor's place among its own axes in memory order, or kRepeats.
std::vector<std::size_t> places(const shape::ExprPool& exprs, const Value& output, const Value& tensor) {
    std::vector<std::size_t> place(output.dims.size(), kRepeats);
    const std::size_t skipped = output.dims.size() - tensor.dims.size();
    std::size_t next = 0;
    for (const std::size_t axis : memory_order(tensor.layout, tensor.dims.size())) {
        if (!exprs.is(tensor.dims[axis], 1)) {
            place[axis + skipped] = next++;
        }
    }
    return place;
}

bool joins(const std::vector<std::vector<std::size_t>>& tensors, std::size_t outer, std::size_t inner) {
    return std::ranges::all_of(tensors, [&](const auto& place) {
        const bool repeats = place[outer] == kRepeats;
        return repeats ? place[inner] == kRepeats : place[inner] == place[outer] + 1;
    });
}

//! Whether a tensor with gaps has none between two axes of the output.
bool runs_on(const shape::ExprPool& exprs, const Value& output, const Value& tensor, std::size_t outer, std::size_t inner) {
    const std::size_t skipped = output.dims.size() - tensor.dims.size();
    if (tensor.strides.empty() || outer < skipped || exprs.is(tensor.dims[outer - skipped], 1)) return true;
    shape::ExprPool scratch = exprs; // questions about expressions make new ones
    return tensor.strides[outer - skipped] == scratch.mul(tensor.strides[inner - skipped], tensor.dims[inner - skipped]);
}

shape::Exprs gaps(const shape::ExprPool& exprs, const std::vector<std::vector<std::size_t>>& groups, const Value& output, const Value& tensor) {
    shape::Exprs strides;
    const std::size_t skipped = output.dims.size() - tensor.dims.size();
    const auto extends = [&](std::size_t axis) { return axis >= skipped && !exprs.is(tensor.dims[axis - skipped], 1); };
    for (const auto& group : tensor.strides.empty() ? std::vector<std::vector<std::size_t>>() : groups) {
        const bool moves = !group.empty() && extends(group.back());
        strides.push_back(moves ? tensor.strides[group.back() - skipped] : shape::Expr{});
    }
    return strides;
}

BroadcastTensor view(const std::vector<std::vector<std::size_t>>& groups, const std::vector<std::size_t>& place) {
    BroadcastTensor tensor;
    for (std::size_t g = 0; g < groups.size(); ++g) {
        tensor.extends.push_back(!groups[g].empty() && place[groups[g].front()] != kRepeats);
        if (tensor.extends.back()) {
            tensor.order.push_back(g);
        }
    }
    std::ranges::sort(tensor.order, {}, [&](std::size_t g) { return place[groups[g].front()]; });
    return tensor;
}

} // namespace

bool BroadcastTensor::extends_everywhere() const { return order.size() == extends.size(); }

bool BroadcastTensor::in_output_order() const { return std::ranges::is_sorted(order); }

shape::Expr Broadcast::extent(shape::ExprPool& exprs, const Value& output, std::size_t group) const {
    shape::Expr extent = exprs.constant(1);
    for (const std::size_t axis : groups[group]) {
        extent = exprs.mul(extent, output.dims[axis]);
    }
    return extent;
}

shape::Expr Broadcast::stride(shape::ExprPool& exprs, const Value& output, std::size_t tensor, std::size_t group) const {
    const std::vector<std::size_t>& order = tensors[tensor].order;
    const auto at = std::ranges::find(order, group);
    if (at == order.end()) {
        return exprs.constant(0);
    }
    if (!tensors[tensor].strides.empty()) return tensors[tensor].strides[group];
    shape::Expr stride = exprs.constant(1);
    for (auto inner = at + 1; inner != order.end(); ++inner) {
        stride = exprs.mul(stride, extent(exprs, output, *inner));
    }
    return stride;
}

Broadcast make_broadcast(const shape::ExprPool& exprs, const Value& output, std::span<const Value* const> tensors) {
    std::vector<std::vector<std::size_t>> place;
    for (const Value* tensor : tensors) {
        place.push_back(places(exprs, output, *tensor));
    }
    Broadcast out;
    for (const std::size_t axis : memory_order(output.layout, output.dims.size())) {
        if (exprs.is(output.dims[axis], 1)) {
            continue;
        }
        const auto has_no_gap = [&](const Value* tensor) { return runs_on(exprs, output, *tensor, out.groups.back().back(), axis); };
        if (!out.groups.empty() && joins(place, out.groups.back().back(), axis) && std::ranges::all_of(tensors, has_no_gap)) {
            out.groups.back().push_back(axis);
        } else {
            out.groups.push_back({axis});
        }
    }
    if (out.groups.empty()) {
        out.groups.emplace_back();
    }
    for (std::size_t t = 0; t < tensors.size(); ++t) {
        out.tensors.push_back(view(out.groups, place[t]));
        out.tensors.back().strides = gaps(exprs, out.groups, output, *tensors[t]);
    }
    return out;
}

} // namespace tensorvk::tactics
