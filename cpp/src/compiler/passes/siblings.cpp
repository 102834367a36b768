// Products of one input as one product of all their columns: queries, keys and values of attention, the first convolutions of an inception block. Each result is a
// range of the joint one's channels, where its readers find it (views.cpp): nothing is copied.
#include <algorithm>
#include <cstring>
#include <map>
#include <utility>

#include "compiler/passes/fusion.hpp"
#include "compiler/passes/passes.hpp"
#include "compiler/passes/views.hpp"
#include "support/dtype.hpp"
#include "tactics/layout.hpp"
#include "tactics/tile_cost.hpp"

namespace tensorvk::compiler {

namespace {

using kernels::host::Tensor;

//! Of a product's result: its channels.
std::size_t axis_of_columns(const Ir& ir, const Op& product) {
    return std::holds_alternative<tactics::Convolution>(product.kind) ? 1 : ir.value(product.outputs[0]).dims.size() - 1;
}

std::optional<std::int64_t> columns_of(const Ir& ir, const Op& product) { return ir.exprs.value(ir.value(product.outputs[0]).dims[axis_of_columns(ir, product)]); }

//! Of a product's weights: its columns.
std::size_t axis_of_weights(const Ir& ir, const Op& product) {
    const auto* matrix = std::get_if<tactics::MatrixProduct>(&product.kind);
    return matrix == nullptr ? 0 : ir.value(product.inputs[1]).dims.size() - (matrix->transpose_b ? 2 : 1);
}

bool has_one_weight_matrix(const Ir& ir, const Op& product) {
    if (const auto* convolution = std::get_if<tactics::Convolution>(&product.kind)) return convolution->geometry.groups == 1 && !convolution->transposed;
    const shape::Exprs& dims = ir.value(product.inputs[1]).dims;
    return std::all_of(dims.begin(), dims.end() - 2, [&](shape::Expr dim) { return ir.exprs.is(dim, 1); });
}

//! Of a constant that holds one number for each column: the axis along which it does. An operand broadcasts to the result, the bias is a list.
std::optional<std::size_t> axis_per_column(const Ir& ir, const Op& product, ValueId id, bool is_operand) {
    const Value& value = ir.value(id);
    const std::size_t skipped = is_operand ? ir.value(product.outputs[0]).dims.size() - value.dims.size() : 0, axis = is_operand ? axis_of_columns(ir, product) : 0;
    if (!value.constant || axis < skipped || axis - skipped >= value.dims.size()) return std::nullopt;
    const std::int64_t extent = value.constant->dims[axis - skipped];
    return extent == *columns_of(ir, product) && value.constant->volume() == extent ? std::optional(axis - skipped) : std::nullopt;
}

//! Whether a product may be one of several that become one.
bool can_join(const Ir& ir, const Op& op) {
    if (!is_product(op) || op.outputs.size() != 1 || op.placement || !has_one_weight_matrix(ir, op)) return false;
    const auto* matrix = std::get_if<tactics::MatrixProduct>(&op.kind);
    if (matrix != nullptr && matrix->blocks) return false; // words of codes, whose columns are not an axis
    const Value& result = ir.value(op.outputs[0]);
    const auto columns = columns_of(ir, op);
    if (result.is_output || !is_floating(result.dtype) || !is_floating(ir.value(op.inputs[0]).dtype) || !columns || *columns == 0) return false;
    const bool known = std::all_of(op.inputs.begin() + 1, op.inputs.end(), [&](ValueId id) { return id >= 0 && ir.value(id).constant; });
    const auto joins = [&](ValueId id) { return axis_per_column(ir, op, id, true).has_value() || (ir.value(id).constant && ir.value(id).constant->volume() == 1); };
    // Ranges begin where kernels read vectors, and so do all rows.
    const bool aligned = *columns * static_cast<std::int64_t>(dtype_size(result.dtype)) % ir.target.views.alignment == 0;
    return known && aligned && std::ranges::all_of(op.operands, joins);
}

bool same_constant(const Ir& ir, ValueId a, ValueId b) {
    const Tensor& x = *ir.value(a).constant;
    const Tensor& y = *ir.value(b).constant;
    return a == b || (x.dtype == y.dtype && x.dims == y.dims && x.data == y.data);
}

//! Whether two lists of constants have numbers for columns in the same places, and else the same.
bool alike(const Ir& ir, const Op& a, const Op& b, std::vector<ValueId> Op::* list, std::size_t first) {
    if ((a.*list).size() != (b.*list).size()) return false;
    const bool operands = list == &Op::operands;
    for (std::size_t k = first; k < (a.*list).size(); ++k) {
        const ValueId of_a = (a.*list)[k], of_b = (b.*list)[k];
        const auto axis = axis_per_column(ir, a, of_a, operands);
        const bool same_kind = ir.value(of_a).dims.size() == ir.value(of_b).dims.size() && ir.value(of_a).dtype == ir.value(of_b).dtype;
        const bool ranges = axis && same_kind && axis == axis_per_column(ir, b, of_b, operands);
        if (!ranges && (axis || !same_constant(ir, of_a, of_b))) return false;
    }
    return true;
}

//! The same but for its columns and what belongs to them.
bool are_siblings(const Ir& ir, const Op& a, const Op& b) {
    if (!(a.kind == b.kind) || a.has_bias != b.has_bias || !(a.epilogue == b.epilogue)) return false;
    const Value& x = ir.value(a.outputs[0]);
    const Value& y = ir.value(b.outputs[0]);
    const Value& weights = ir.value(a.inputs[1]);
    const Value& others = ir.value(b.inputs[1]);
    if (x.dtype != y.dtype || x.layout != y.layout || x.dims.size() != y.dims.size() || weights.dtype != others.dtype || weights.dims.size() != others.dims.size()) return false;
    for (std::size_t axis = 0; axis < x.dims.size(); ++axis) {
        if (axis != axis_of_columns(ir, a) && x.dims[axis] != y.dims[axis]) return false;
    }
    return alike(ir, a, b, &Op::operands, 0) && alike(ir, a, b, &Op::inputs, 2);
}

//! One behind the other along an axis.
Tensor concatenated(const std::vector<const Tensor*>& parts, std::size_t axis) {
    std::vector<std::int64_t> dims = parts[0]->dims;
    dims[axis] = 0;
    for (const Tensor* part : parts) dims[axis] += part->dims[axis];
    Tensor out(parts[0]->dtype, dims);
    std::size_t rounds = 1;
    for (std::size_t outer = 0; outer < axis; ++outer) rounds *= static_cast<std::size_t>(dims[outer]);
    std::byte* to = out.data.data();
    for (std::size_t round = 0; round < rounds; ++round) {
        for (const Tensor* part : parts) {
            const std::size_t bytes = part->data.size() / rounds;
            std::memcpy(to, part->data.data() + round * bytes, bytes);
            to += bytes;
        }
    }
    return out;
}

//! Products that share a device run side by side already; where each alone gives a large GPU all that it can do at a time, one behind the other is as good as one.
bool is_worth_it(Ir& ir, const std::vector<std::size_t>& siblings) {
    constexpr std::int64_t kTile = 64; // rows and columns
    return std::ranges::any_of(siblings, [&](std::size_t i) {
        const Op& op = ir.ops[i];
        const shape::Exprs& dims = ir.value(op.outputs[0]).dims;
        std::int64_t rows = 1; // dynamic extents count as 1
        for (std::size_t axis = 0; axis < dims.size(); ++axis) rows *= axis == axis_of_columns(ir, op) ? 1 : ir.exprs.value(dims[axis]).value_or(1);
        return (rows + kTile - 1) / kTile * ((*columns_of(ir, op) + kTile - 1) / kTile) < tactics::kBusyWorkgroups;
    });
}

class SiblingPass {
public:
    explicit SiblingPass(Ir& ir) : ir_(ir), uses_(ir), dead_(ir.ops.size(), false) {}

    void run() {
        std::map<ValueId, std::vector<std::size_t>> readers; // by what they read
        for (std::size_t i = 0; i < ir_.ops.size(); ++i) {
            if (can_join(ir_, ir_.ops[i])) readers[ir_.ops[i].inputs[0]].push_back(i);
        }
        for (auto& [value, products] : readers) {
            while (products.size() > 1) join_with_first(products);
        }
        dead_.resize(ir_.ops.size(), false);
        erase_ops(ir_, dead_);
        sort_topologically(ir_);
    }

private:
    //! Takes the first and its siblings out of the list.
    void join_with_first(std::vector<std::size_t>& products) {
        std::vector<std::size_t> siblings, others;
        const std::size_t first = products[0];
        for (const std::size_t i : products) (are_siblings(ir_, ir_.ops[first], ir_.ops[i]) ? siblings : others).push_back(i);
        products = std::move(others);
        const shape::Exprs dims = joint_dims(siblings);
        std::erase_if(siblings, [&](std::size_t i) { return !stays_in(i, dims); });
        if (siblings.size() > 1 && is_worth_it(ir_, siblings)) join(siblings);
    }

    shape::Exprs joint_dims(const std::vector<std::size_t>& siblings) {
        const Op& first = ir_.ops[siblings[0]];
        shape::Exprs dims = ir_.value(first.outputs[0]).dims;
        std::int64_t columns = 0;
        for (const std::size_t i : siblings) columns += *columns_of(ir_, ir_.ops[i]);
        dims[axis_of_columns(ir_, first)] = ir_.exprs.constant(columns);
        return dims;
    }

    //! Whether all who read a sibling's result find it in the joint one. That all ranges and rows begin at whole vectors is known; how long the rows are does not matter.
    bool stays_in(std::size_t sibling, const shape::Exprs& dims) {
        const ValueId result = ir_.ops[sibling].outputs[0];
        return view_of(ir_, uses_, result, ir_.exprs.constant(0), tactics::memory_strides(ir_.exprs, dims, ir_.value(result).layout)).has_value();
    }

    //! Of input or operand `k`: what all have, or what belongs to their columns side by side.
    ValueId joint_constant(const std::vector<std::size_t>& siblings, std::vector<ValueId> Op::* list, std::size_t k, std::optional<std::size_t> axis) {
        const ValueId first = (ir_.ops[siblings[0]].*list)[k];
        if (!axis) return first;
        std::vector<const Tensor*> parts;
        std::string name;
        for (const std::size_t i : siblings) {
            const Value& value = ir_.value((ir_.ops[i].*list)[k]);
            parts.push_back(value.constant.get());
            name = name.empty() ? value.name : joined_name(name, value.name);
        }
        return ir_.add_constant(name, concatenated(parts, *axis));
    }

    void join(const std::vector<std::size_t>& siblings) {
        const Op first = ir_.ops[siblings[0]];
        Op product = first;
        const std::size_t axis = axis_of_columns(ir_, product);
        const Value like = ir_.value(product.outputs[0]);
        std::string name;
        for (const std::size_t i : siblings) name = name.empty() ? ir_.ops[i].name : joined_name(name, ir_.ops[i].name);
        const ValueId joint = ir_.add_value(name, like.dtype, joint_dims(siblings));
        ir_.value(joint).layout = like.layout;
        ir_.value(joint).pinned = like.pinned;
        product.inputs[1] = joint_constant(siblings, &Op::inputs, 1, axis_of_weights(ir_, product));
        for (std::size_t k = 2; k < product.inputs.size(); ++k) product.inputs[k] = joint_constant(siblings, &Op::inputs, k, axis_per_column(ir_, first, first.inputs[k], false));
        for (std::size_t k = 0; k < product.operands.size(); ++k) {
            product.operands[k] = joint_constant(siblings, &Op::operands, k, axis_per_column(ir_, first, first.operands[k], true));
        }
        std::int64_t begin = 0;
        for (const std::size_t i : siblings) {
            const ValueId result = ir_.ops[i].outputs[0];
            tactics::Copy range = ir_.plain_copy(ir_.value(joint).dims, ir_.value(result).dims);
            range.start[axis] = ir_.exprs.constant(begin);
            begin += *columns_of(ir_, ir_.ops[i]);
            dead_[i] = true;
            ir_.add_op(ir_.ops[i].name, std::move(range), {joint}, {result});
        }
        product.name = std::move(name);
        product.outputs = {joint};
        ir_.ops.push_back(std::move(product));
    }

    Ir& ir_;
    Uses uses_;
    std::vector<bool> dead_;
};

} // namespace

void fuse_siblings(Ir& ir) {
    if (ir.target.views.gaps && ir.target.views.alignment > 0) SiblingPass(ir).run();
}

} // namespace tensorvk::compiler
