#include "graph/rules/values.hpp"

#include <algorithm>

#include "support/checked.hpp"
#include "support/dtype.hpp"

namespace tensorvk::graph::rules {

bool is_shape_type(DataType type) noexcept {
    return type == DataType::kINT32 || type == DataType::kINT64 || type == DataType::kBOOL;
}

std::optional<std::vector<std::int64_t>> numbers(const shape::ExprPool& pool, const Exprs& values) {
    std::vector<std::int64_t> out;
    out.reserve(values.size());
    for (const Expr e : values) {
        const auto value = pool.value(e);
        if (!value) {
            return std::nullopt;
        }
        out.push_back(*value);
    }
    return out;
}

std::optional<std::vector<std::int64_t>> small_extents(const shape::ExprPool& pool, const Exprs& dims) {
    auto extents = numbers(pool, dims);
    if (extents && checked_volume(*extents) > static_cast<std::int64_t>(kMaxShapeValues)) {
        return std::nullopt;
    }
    return extents;
}

Exprs constants(shape::ExprPool& pool, std::span<const std::int64_t> values) {
    Exprs out;
    out.reserve(values.size());
    for (const std::int64_t value : values) {
        out.push_back(pool.constant(value));
    }
    return out;
}

namespace {

//! Calls `visit` with each index of a row-major space in order.
template <typename Visit>
void for_each_index(std::span<const std::int64_t> dims, const Visit& visit) {
    if (std::any_of(dims.begin(), dims.end(), [](std::int64_t d) { return d <= 0; })) {
        return;
    }
    std::vector<std::int64_t> index(dims.size(), 0);
    while (true) {
        visit(index);
        std::size_t axis = dims.size();
        while (axis > 0 && ++index[axis - 1] == dims[axis - 1]) {
            index[--axis] = 0;
        }
        if (axis == 0) {
            return;
        }
    }
}

} // namespace

std::optional<Exprs> map_values(const shape::ExprPool& pool, const Exprs& dims, std::span<const Tensor* const> operands,
                                const std::function<std::optional<Expr>(std::span<const Expr>)>& f) {
    const auto extents = small_extents(pool, dims);
    const bool known =
        std::all_of(operands.begin(), operands.end(), [](const Tensor* t) { return t->values.has_value(); });
    if (!extents || !known) {
        return std::nullopt;
    }
    Exprs out;
    bool complete = true;
    std::vector<Expr> arguments(operands.size());
    for_each_index(*extents, [&](const std::vector<std::int64_t>& index) {
        for (std::size_t i = 0; i < operands.size(); ++i) {
            std::int64_t offset = 0;
            for (std::size_t axis = 0; axis < index.size(); ++axis) {
                const std::int64_t extent = pool.value(operands[i]->dims[axis]).value_or(1);
                offset = offset * extent + (extent == 1 ? 0 : index[axis]);
            }
            arguments[i] = (*operands[i]->values)[static_cast<std::size_t>(offset)];
        }
        const auto result = complete ? f(arguments) : std::nullopt;
        complete = result.has_value();
        out.push_back(result.value_or(Expr{}));
    });
    return complete ? std::optional(std::move(out)) : std::nullopt;
}

Exprs pick(const Exprs& values, std::span<const std::int64_t> dims, std::span<const std::int64_t> out_dims,
           std::span<const std::size_t> axis_of, std::span<const std::int64_t> start,
           std::span<const std::int64_t> stride) {
    std::vector<std::int64_t> step(dims.size(), 1);
    for (std::size_t axis = dims.size(); axis > 1; --axis) {
        step[axis - 2] = step[axis - 1] * dims[axis - 1];
    }
    Exprs out;
    for_each_index(out_dims, [&](const std::vector<std::int64_t>& index) {
        std::int64_t offset = 0;
        for (std::size_t o = 0; o < index.size(); ++o) {
            offset += (start[axis_of[o]] + stride[axis_of[o]] * index[o]) * step[axis_of[o]];
        }
        out.push_back(values.at(static_cast<std::size_t>(offset)));
    });
    return out;
}

std::optional<Exprs> shape_argument(RuleContext& context, std::size_t index, std::span<const std::int64_t> attribute,
                                    const char* what) {
    const Tensor* tensor = context.optional_input(index);
    if (tensor == nullptr) {
        return attribute.empty() ? std::nullopt : std::optional(constants(context.pool(), attribute));
    }
    if (!is_shape_type(tensor->dtype) || tensor->dims.size() > 1) {
        context.fail("takes its ", what, " from tensor '", tensor->name,
                     "', which must be a vector of int32 or int64 but is ", dtype_name(tensor->dtype), " with ",
                     tensor->dims.size(), " dimensions.");
    }
    return context.values(index);
}

} // namespace tensorvk::graph::rules
