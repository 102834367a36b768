#include "onnx/einsum.hpp"

#include <algorithm>
#include <optional>
#include <span>

#include "support/dtype.hpp"
#include "support/einsum.hpp"

namespace tensorvk::onnx {

namespace {

using graph::Tensor;
using Axes = std::vector<std::size_t>;
using Ints = Build::Ints;

bool has(const Axes& axes, std::size_t axis) {
    return std::find(axes.begin(), axes.end(), axis) != axes.end();
}

//! One product of two tensors: the numbers of the equation's axes in both and in the result, each once.
struct Product {
    Axes left, right, result;
};

//! The axes of a product by what it does with them.
struct Roles {
    Axes batch, rows, columns, summed;
};

Roles roles_of(const Product& product) {
    Roles roles;
    for (const std::size_t axis : product.result) {
        const bool in_left = has(product.left, axis);
        const bool in_right = has(product.right, axis);
        (in_left && in_right ? roles.batch : in_left ? roles.rows : roles.columns).push_back(axis);
    }
    for (const std::size_t axis : product.left) {
        if (!has(product.result, axis) && has(product.right, axis)) {
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

//! Whether each axis has one extent in all tensors, and once in each: repeating is not what a product does along rows and sums.
bool extents_agree(const EinsumAxes& axes, const std::vector<Tensor*>& operands) {
    std::vector<std::optional<shape::Expr>> extents(axes.count);
    for (std::size_t i = 0; i < operands.size(); ++i) {
        if (repeats(axes.inputs[i])) {
            return false;
        }
        for (std::size_t at = 0; at < axes.inputs[i].size(); ++at) {
            std::optional<shape::Expr>& extent = extents[axes.inputs[i][at]];
            if (extent.has_value() && *extent != operands[i]->dims[at]) {
                return false;
            }
            extent = operands[i]->dims[at];
        }
    }
    return std::ranges::all_of(axes.output, [&](std::size_t axis) { return extents[axis].has_value(); });
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

//! From the left: two tensors become one, with the axes that the others or the result still need.
std::vector<Product> products_of(const EinsumAxes& axes) {
    std::vector<Product> products;
    Axes so_far = axes.inputs[0];
    for (std::size_t i = 1; i < axes.inputs.size(); ++i) {
        std::vector<Axes> needed(axes.inputs.begin() + static_cast<std::ptrdiff_t>(i) + 1, axes.inputs.end());
        needed.push_back(axes.output);
        const bool last = i + 1 == axes.inputs.size();
        products.push_back({so_far, axes.inputs[i], last ? axes.output : still_needed(so_far, axes.inputs[i], needed)});
        so_far = products.back().result;
    }
    return products;
}

//! The rows and columns of a product as the axes that they were.
Tensor* apart(Build& b, Tensor* y, Tensor* left, Tensor* right, const Product& product, const Roles& roles) {
    std::vector<Tensor*> parts;
    const auto add = [&](Tensor* from, const Axes& numbers, const Axes& wanted) {
        if (!wanted.empty()) {
            parts.push_back(extents(b, from, numbers, wanted));
        }
    };
    add(left, product.left, joined(roles.batch, roles.rows, {}));
    add(right, product.right, roles.columns);
    graph::ShuffleAttributes apart;
    apart.zero_is_placeholder = false;
    std::vector<Tensor*> inputs{y};
    if (parts.empty()) {
        apart.reshape.emplace(); // a scalar
    } else {
        inputs.push_back(parts.size() == 1 ? parts[0] : b.concatenate(parts, 0, "shape"));
    }
    return b.add(LayerType::kSHUFFLE, std::move(inputs), std::move(apart), "apart");
}

Tensor* add_product(Build& build, Product product, Tensor* left, Tensor* right, std::string_view role) {
    const Roles roles = roles_of(product);
    left = without_own_sums(build, left, product.left, joined(roles.batch, roles.rows, roles.summed));
    right = without_own_sums(build, right, product.right, joined(roles.batch, roles.summed, roles.columns));
    Tensor* a = matrices(build, left, product.left, roles.batch, roles.rows, roles.summed, "left");
    Tensor* b = matrices(build, right, product.right, roles.batch, roles.summed, roles.columns, "right");
    Tensor* y = build.add(LayerType::kMATRIX_MULTIPLY, {a, b}, graph::MatrixMultiplyAttributes{}, "product");
    if (roles.rows.size() != 1 || roles.columns.size() != 1) {
        y = apart(build, y, left, right, product, roles);
    }
    return build.transpose(y, places(joined(roles.batch, roles.rows, roles.columns), product.result), role);
}

} // namespace

Tensor* einsum_by_products(Build& build, std::string_view equation, const std::vector<Tensor*>& operands) {
    std::vector<std::size_t> ranks;
    for (const Tensor* operand : operands) {
        ranks.push_back(operand->dims.size());
    }
    const EinsumAxes axes = parse_einsum(equation, ranks);
    if (operands.size() < 2 || !is_floating(operands[0]->dtype) || !extents_agree(axes, operands)) {
        return nullptr;
    }
    const std::vector<Product> products = products_of(axes);
    // A product may have two axes more than its result, for rows and columns that are none.
    if (std::ranges::any_of(products, [](const Product& product) { return product.result.size() + 2 > static_cast<std::size_t>(Dims::MAX_DIMS); })) {
        return nullptr;
    }
    Tensor* y = operands[0];
    for (std::size_t i = 0; i < products.size(); ++i) {
        y = add_product(build, products[i], y, operands[i + 1], i + 1 == products.size() ? "" : "part");
    }
    return y;
}

} // namespace tensorvk::onnx
