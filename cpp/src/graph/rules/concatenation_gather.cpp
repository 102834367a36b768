// Concatenation joins tensors along an axis; Gather picks along one by index.
#include <algorithm>
#include <cstring>

#include "graph/rules/families.hpp"
#include "graph/rules/values.hpp"
#include "support/dtype.hpp"

namespace tensorvk::graph::rules {

namespace {

//! Values of joined shape tensors: known for vectors, the only ones that shape arithmetic joins.
std::optional<Exprs> joined_values(RuleContext& context) {
    Exprs out;
    for (std::size_t i = 0; i < context.input_count(); ++i) {
        const Tensor& x = context.input(i);
        if (!x.values || x.dims.size() != 1) {
            return std::nullopt;
        }
        out.insert(out.end(), x.values->begin(), x.values->end());
    }
    return out.size() <= kMaxShapeValues ? std::optional(std::move(out)) : std::nullopt;
}

} // namespace

std::vector<Inferred> concatenation(RuleContext& context) {
    const Tensor& first = context.input(0);
    auto& a = context.attributes<ConcatenationAttributes>();
    const std::size_t axis = context.axis(a.axis, first.dims.size());
    a.axis = static_cast<std::int64_t>(axis);
    Exprs dims = first.dims;
    for (std::size_t i = 1; i < context.input_count(); ++i) {
        const Tensor& next = context.input(i);
        context.require_same_type(first, next);
        if (next.dims.size() != dims.size()) {
            context.fail("joins tensors of equal rank; '", first.name, "' is ", context.str(first.dims), " and '",
                         next.name, "' is ", context.str(next.dims), ".");
        }
        for (std::size_t d = 0; d < dims.size(); ++d) {
            if (d == axis) {
                dims[d] = context.pool().add(dims[d], next.dims[d]);
            } else {
                dims[d] = context.same(dims[d], next.dims[d],
                                       text("extents of axis ", d, " in '", first.name, "' ", context.str(first.dims),
                                            " and '", next.name, "' ", context.str(next.dims)));
            }
        }
    }
    return {{first.dtype, std::move(dims), joined_values(context)}};
}

namespace {

//! The numbers that are known while the network is built: all of a constant, or those of a shape tensor.
std::vector<std::int64_t> known_integers(const shape::ExprPool& pool, const Tensor& tensor) {
    std::vector<std::int64_t> out;
    if (tensor.constant && tensor.constant->type == tensor.dtype) {
        const std::size_t size = dtype_size(tensor.dtype);
        for (std::int64_t i = 0; i < tensor.constant->count; ++i) {
            const std::byte* at = tensor.constant->data + static_cast<std::size_t>(i) * size;
            std::int32_t narrow = 0;
            std::int64_t wide = 0;
            if (tensor.dtype == DataType::kINT32) {
                std::memcpy(&narrow, at, size);
                wide = narrow;
            } else {
                std::memcpy(&wide, at, size);
            }
            out.push_back(wide);
        }
    } else if (tensor.values) {
        for (const Expr e : *tensor.values) {
            if (const auto value = pool.value(e)) {
                out.push_back(*value);
            }
        }
    }
    return out;
}

//! Indices that are known must exist. Of others, kernels take the nearest element that does.
void check_indices(RuleContext& context, const Tensor& data, const Tensor& indices, std::size_t axis) {
    const auto extent = context.pool().value(data.dims[axis]);
    if (!extent) {
        return;
    }
    for (const std::int64_t index : known_integers(context.pool(), indices)) {
        if (index < -*extent || index >= *extent) {
            context.fail("picks element ", index, " of axis ", axis, " of '", data.name, "' ", context.str(data.dims),
                         ", which has ", *extent, " there.");
        }
    }
}

std::optional<Exprs> gathered_values(RuleContext& context, const Tensor& data, const Tensor& indices,
                                     std::size_t axis) {
    if (!data.values || !indices.values || data.dims.size() != 1 || axis != 0) {
        return std::nullopt;
    }
    const auto count = static_cast<std::int64_t>(data.values->size());
    Exprs out;
    for (const Expr e : *indices.values) {
        const auto index = context.pool().value(e);
        if (!index) {
            return std::nullopt;
        }
        out.push_back((*data.values)[static_cast<std::size_t>(*index < 0 ? *index + count : *index)]);
    }
    return out;
}

} // namespace

namespace {

//! One element for each index, along the axis: indices and output have one shape.
std::vector<Inferred> gather_elements(RuleContext& context, const Tensor& data, const Tensor& indices, std::int64_t axis) {
    (void)context.axis(axis, data.dims.size());
    if (indices.dims.size() != data.dims.size()) {
        context.fail("in mode ELEMENT needs data and indices with equally many dimensions; they are ", context.str(data.dims), " and ",
                     context.str(indices.dims), ".");
    }
    return {{data.dtype, indices.dims}};
}

//! The first `same` dimensions of data and indices are gone through together.
void check_elementwise(RuleContext& context, const Tensor& data, const Tensor& indices, std::int64_t same) {
    if (same < 0 || static_cast<std::size_t>(same) > std::min(data.dims.size(), indices.dims.size())) {
        context.fail("has ", same, " elementwise dimensions; data and indices are ", context.str(data.dims), " and ", context.str(indices.dims), ".");
    }
    for (std::size_t axis = 0; axis < static_cast<std::size_t>(same); ++axis) {
        (void)context.same(data.dims[axis], indices.dims[axis], text("elementwise dimension ", axis, " of data and indices"));
    }
}

//! The last dimension of the indices names elements or slices of the data behind the elementwise dimensions.
std::vector<Inferred> gather_nd(RuleContext& context, const Tensor& data, const Tensor& indices, std::int64_t same) {
    check_elementwise(context, data, indices, same);
    const auto named = indices.dims.empty() ? std::nullopt : context.pool().value(indices.dims.back());
    const auto batch = static_cast<std::size_t>(same);
    if (!named || indices.dims.size() <= batch || batch + static_cast<std::size_t>(*named) > data.dims.size()) {
        context.fail("in mode ND needs indices whose last dimension is known and names no more dimensions than there are; data and indices are ",
                     context.str(data.dims), " and ", context.str(indices.dims), " with ", same, " elementwise dimensions.");
    }
    Exprs dims(indices.dims.begin(), indices.dims.end() - 1);
    dims.insert(dims.end(), data.dims.begin() + same + *named, data.dims.end());
    return {{data.dtype, std::move(dims)}};
}

} // namespace

std::vector<Inferred> gather(RuleContext& context) {
    const Tensor& data = context.input(0);
    const Tensor& indices = context.input(1);
    auto& a = context.attributes<GatherAttributes>();
    if (indices.dtype != DataType::kINT32 && indices.dtype != DataType::kINT64) {
        context.fail("needs int32 or int64 indices; '", indices.name, "' is ", dtype_name(indices.dtype), ".");
    }
    if (a.mode == GatherMode::kELEMENT) {
        return gather_elements(context, data, indices, a.axis);
    }
    if (a.mode == GatherMode::kND) {
        return gather_nd(context, data, indices, a.elementwise_dims);
    }
    const std::size_t axis = context.axis(a.axis, data.dims.size());
    a.axis = static_cast<std::int64_t>(axis);
    check_elementwise(context, data, indices, a.elementwise_dims);
    if (a.axis < a.elementwise_dims) {
        context.fail("gathers along axis ", axis, ", which is one of its ", a.elementwise_dims, " elementwise dimensions.");
    }
    check_indices(context, data, indices, axis);
    Exprs dims(data.dims.begin(), data.dims.begin() + static_cast<std::ptrdiff_t>(axis));
    dims.insert(dims.end(), indices.dims.begin() + a.elementwise_dims, indices.dims.end());
    dims.insert(dims.end(), data.dims.begin() + static_cast<std::ptrdiff_t>(axis) + 1, data.dims.end());
    auto values = a.elementwise_dims == 0 ? gathered_values(context, data, indices, axis) : std::nullopt;
    return {{data.dtype, std::move(dims), std::move(values)}};
}

} // namespace tensorvk::graph::rules
