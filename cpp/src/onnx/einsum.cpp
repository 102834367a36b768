#include "onnx/einsum.hpp"

#include <algorithm>
#include <span>

#include "support/dtype.hpp"
#include "support/einsum.hpp"
#include "support/error.hpp"

namespace tensorvk::onnx {

namespace {

using graph::Tensor;
using Axes = std::vector<std::size_t>;
using Ints = Build::Ints;

bool has(const Axes& axes, std::size_t axis) {
    return std::find(axes.begin(), axes.end(), axis) != axes.end();
}

//! The numbers of an equation's axes by what a product does with them.
struct Roles {
    Axes batch, left, right, summed;
};

Roles roles_of(const EinsumAxes& axes) {
    Roles roles;
    for (const std::size_t axis : axes.output) {
        const bool in_a = has(axes.inputs[0], axis);
        const bool in_b = has(axes.inputs[1], axis);
        (in_a && in_b ? roles.batch : in_a ? roles.left : roles.right).push_back(axis);
    }
    for (const std::size_t axis : axes.inputs[0]) {
        if (!has(axes.output, axis) && has(axes.inputs[1], axis)) {
            roles.summed.push_back(axis);
        }
    }
    return roles;
}

//! Where each of an equation's axes lies in a tensor whose axes have those numbers.
Ints places(const Axes& numbers, const Axes& wanted) {
    Ints out;
    for (const std::size_t axis : wanted) {
        out.push_back(std::find(numbers.begin(), numbers.end(), axis) - numbers.begin());
    }
    return out;
}

Axes joined(const Axes& a, const Axes& b, const Axes& c) {
    Axes out = a;
    out.insert(out.end(), b.begin(), b.end());
    out.insert(out.end(), c.begin(), c.end());
    return out;
}

//! Axes that no other tensor has are summed before the product.
Tensor* without_own_sums(Build& b, Tensor* x, Axes& numbers, const Axes& kept) {
    std::uint32_t mask = 0;
    Axes left;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        if (has(kept, numbers[i])) {
            left.push_back(numbers[i]);
        } else {
            mask |= std::uint32_t{1} << i;
        }
    }
    numbers = left;
    return mask == 0 ? x : b.reduce(ReduceOperation::kSUM, x, mask, false, "sum");
}

//! [batch..., rows, columns] with the axes of each group run together.
Tensor* matrices(Build& b, Tensor* x, const Axes& numbers, const Axes& batch, const Axes& rows, const Axes& columns, std::string_view role) {
    const Ints order = places(numbers, joined(batch, rows, columns));
    Tensor* sorted = std::is_sorted(order.begin(), order.end()) ? x : b.transpose(x, order, role);
    std::vector<Extent> to;
    for (std::size_t axis = 0; axis < batch.size(); ++axis) {
        to.push_back(Extent::axis(axis));
    }
    to.push_back(Extent::product(batch.size(), batch.size() + rows.size()));
    to.push_back(Extent::product(batch.size() + rows.size(), sorted->dims.size()));
    const bool plain = rows.size() == 1 && columns.size() == 1;
    return plain ? sorted : b.reshape(sorted, to, role);
}

//! The extents of an equation's axes as a vector of int64.
Tensor* extents(Build& b, Tensor* from, const Axes& numbers, const Axes& wanted) {
    return b.extents_of(from, places(numbers, wanted));
}

bool repeats(const Axes& axes) {
    Axes sorted = axes;
    std::sort(sorted.begin(), sorted.end());
    return std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end();
}

//! One extent for each axis in both tensors: repeating one is not what a product does along rows and sums.
bool extents_agree(const Tensor* a, const Tensor* b, const EinsumAxes& axes) {
    for (std::size_t i = 0; i < axes.inputs[0].size(); ++i) {
        const auto at = std::find(axes.inputs[1].begin(), axes.inputs[1].end(), axes.inputs[0][i]);
        if (at != axes.inputs[1].end() && a->dims[i] != b->dims[static_cast<std::size_t>(at - axes.inputs[1].begin())]) {
            return false;
        }
    }
    return true;
}

std::string letters(const Axes& axes) {
    std::string out;
    for (const std::size_t axis : axes) {
        out += static_cast<char>('a' + axis);
    }
    return out;
}

//! Axes of two tensors, each once, that are in one of `needed`.
Axes still_needed(const Axes& a, const Axes& b, std::span<const Axes> needed) {
    Axes out;
    for (const std::size_t axis : joined(a, b, {})) {
        if (!has(out, axis) && std::ranges::any_of(needed, [axis](const Axes& axes) { return has(axes, axis); })) {
            out.push_back(axis);
        }
    }
    return out;
}

} // namespace

Tensor* einsum_by_products(Build& build, std::string_view equation, const std::vector<Tensor*>& operands) {
    std::vector<std::size_t> ranks;
    for (const Tensor* operand : operands) {
        ranks.push_back(operand->dims.size());
    }
    const EinsumAxes axes = parse_einsum(equation, ranks);
    constexpr std::size_t kLetters = 26;
    if (axes.count > kLetters) {
        return nullptr;
    }
    Tensor* y = operands[0];
    Axes of_y = axes.inputs[0];
    for (std::size_t i = 1; i < operands.size() && y != nullptr; ++i) {
        std::vector<Axes> needed(axes.inputs.begin() + static_cast<std::ptrdiff_t>(i) + 1, axes.inputs.end());
        needed.push_back(axes.output);
        const Axes result = i + 1 == operands.size() ? axes.output : still_needed(of_y, axes.inputs[i], needed);
        y = einsum_by_product(build, text(letters(of_y), ",", letters(axes.inputs[i]), "->", letters(result)), y, operands[i]);
        of_y = result;
    }
    return y;
}

Tensor* einsum_by_product(Build& build, std::string_view equation, Tensor* a, Tensor* b) {
    EinsumAxes axes = parse_einsum(equation, {a->dims.size(), b->dims.size()});
    if (!is_floating(a->dtype) || repeats(axes.inputs[0]) || repeats(axes.inputs[1]) || !extents_agree(a, b, axes)) {
        return nullptr;
    }
    const bool complete = std::all_of(axes.output.begin(), axes.output.end(), [&](std::size_t axis) { return has(axes.inputs[0], axis) || has(axes.inputs[1], axis); });
    if (!complete || axes.output.size() + 2 > static_cast<std::size_t>(Dims::MAX_DIMS)) {
        return nullptr;
    }
    const Roles roles = roles_of(axes);
    a = without_own_sums(build, a, axes.inputs[0], joined(roles.batch, roles.left, roles.summed));
    b = without_own_sums(build, b, axes.inputs[1], joined(roles.batch, roles.summed, roles.right));
    Tensor* left = matrices(build, a, axes.inputs[0], roles.batch, roles.left, roles.summed, "left");
    Tensor* right = matrices(build, b, axes.inputs[1], roles.batch, roles.summed, roles.right, "right");
    Tensor* y = build.add(LayerType::kMATRIX_MULTIPLY, {left, right}, graph::MatrixMultiplyAttributes{}, "product");
    if (roles.left.size() != 1 || roles.right.size() != 1) {
        std::vector<Tensor*> parts;
        const auto add = [&](Tensor* from, const Axes& numbers, const Axes& wanted) {
            if (!wanted.empty()) {
                parts.push_back(extents(build, from, numbers, wanted));
            }
        };
        add(a, axes.inputs[0], joined(roles.batch, roles.left, {}));
        add(b, axes.inputs[1], roles.right);
        graph::ShuffleAttributes apart;
        apart.zero_is_placeholder = false;
        std::vector<Tensor*> inputs{y};
        if (parts.empty()) {
            apart.reshape.emplace(); // a scalar
        } else {
            inputs.push_back(parts.size() == 1 ? parts[0] : build.concatenate(parts, 0, "shape"));
        }
        y = build.add(LayerType::kSHUFFLE, std::move(inputs), std::move(apart), "apart");
    }
    return build.transpose(y, places(joined(roles.batch, roles.left, roles.right), axes.output), "");
}

} // namespace tensorvk::onnx
