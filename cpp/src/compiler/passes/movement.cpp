// Elements that move the shorter way. A transpose goes in front of a reshape that merges axes: behind a convolution, whose channels are last, flattening
// and turning round is then no work at all. A channel shuffle (reshape, transpose, reshape) becomes copies of its groups, each written between the
// others: in any layout, and at once where the groups are the parts of a concatenation.
#include <algorithm>
#include <optional>

#include "compiler/passes/fusion.hpp"
#include "compiler/passes/passes.hpp"
#include "support/error.hpp"

namespace tensorvk::compiler {

namespace {

//! Takes all of its input once, along axes in another order.
bool is_transpose(const Ir& ir, const Op& op) {
    const auto* copy = std::get_if<tactics::Copy>(&op.kind);
    if (copy == nullptr || op.role != Role::kCOMPUTE || copy->destination_axis >= 0 || copy->axis_of.size() != copy->start.size()) return false;
    const shape::Exprs& from = ir.value(op.inputs[0]).dims;
    std::vector<bool> seen(from.size(), false);
    for (std::size_t axis = 0; axis < copy->axis_of.size(); ++axis) {
        const std::int32_t source = copy->axis_of[axis];
        if (source < 0 || seen[static_cast<std::size_t>(source)] || !ir.exprs.is(copy->stride[axis], 1) || copy->region[axis] != from[static_cast<std::size_t>(source)]) return false;
        seen[static_cast<std::size_t>(source)] = true;
    }
    return std::ranges::all_of(copy->start, [&](shape::Expr start) { return ir.exprs.is(start, 0); });
}

//! By axis of `to`: the neighbouring axes of `from` that it is the product of. Nothing where an axis is cut apart.
std::optional<std::vector<std::vector<std::int32_t>>> merged_axes(Ir& ir, const shape::Exprs& from, const shape::Exprs& to) {
    std::vector<std::vector<std::int32_t>> groups(to.size());
    std::size_t next = 0;
    for (std::size_t axis = 0; axis < to.size(); ++axis) {
        if (ir.exprs.is(to[axis], 1) && (next == from.size() || !ir.exprs.is(from[next], 1))) continue; // a new axis
        shape::Expr extent = ir.exprs.constant(1);
        do {
            if (next == from.size()) return std::nullopt;
            extent = ir.exprs.mul(extent, from[next]);
            groups[axis].push_back(static_cast<std::int32_t>(next++));
        } while (extent != to[axis]);
    }
    for (; next < from.size(); ++next) {
        if (!ir.exprs.is(from[next], 1) || groups.empty()) return std::nullopt;
        groups.back().push_back(static_cast<std::int32_t>(next));
    }
    return groups;
}

class Movement {
public:
    explicit Movement(Ir& ir) : ir_(ir), uses_(ir), dead_(ir.ops.size(), false) {}

    void run() {
        const std::size_t count = ir_.ops.size(); // new ops come behind and are sorted in
        for (std::size_t i = 0; i < count; ++i) {
            if (!dead_[i] && is_transpose(ir_, ir_.ops[i]) && !weave(i)) go_first(i);
        }
        dead_.resize(ir_.ops.size(), false);
        erase_ops(ir_, dead_);
        sort_topologically(ir_);
    }

private:
    const shape::Exprs& dims(ValueId id) const { return ir_.value(id).dims; }
    const std::vector<std::size_t>& producers(ValueId id) const { return uses_.producers[static_cast<std::size_t>(id)]; }
    bool known(ValueId id) const { return static_cast<std::size_t>(id) < uses_.producers.size(); }

    //! The reshape that makes what `reader` alone reads.
    std::optional<std::size_t> reshape_before(std::size_t reader) const {
        const ValueId id = ir_.ops[reader].inputs[0];
        if (!known(id) || producers(id).size() != 1 || !only_used_by(ir_, uses_, id, reader)) return std::nullopt;
        const std::size_t at = producers(id)[0];
        return ir_.ops[at].role == Role::kRESHAPE ? std::optional(at) : std::nullopt;
    }
    std::optional<std::size_t> reshape_behind(std::size_t writer) const {
        const ValueId id = ir_.ops[writer].outputs[0];
        const auto& readers = uses_.consumers[static_cast<std::size_t>(id)];
        if (readers.size() != 1 || ir_.value(id).is_output || ir_.ops[readers[0]].role != Role::kRESHAPE) return std::nullopt;
        return readers[0];
    }

    void go_first(std::size_t transpose) {
        const auto reshape = reshape_before(transpose);
        if (!reshape) return;
        const ValueId source = ir_.ops[*reshape].inputs[0], merged = ir_.ops[transpose].inputs[0], result = ir_.ops[transpose].outputs[0];
        const auto groups = merged_axes(ir_, dims(source), dims(merged));
        if (!groups) return;
        std::vector<std::int32_t> order;
        shape::Exprs turned;
        for (const std::int32_t axis : std::get<tactics::Copy>(ir_.ops[transpose].kind).axis_of) {
            for (const std::int32_t from : (*groups)[static_cast<std::size_t>(axis)]) {
                order.push_back(from);
                turned.push_back(dims(source)[static_cast<std::size_t>(from)]);
            }
        }
        const ValueId between = ir_.add_value(text(ir_.value(result).name, " unmerged"), ir_.value(result).dtype, turned);
        tactics::Copy copy = ir_.plain_copy(dims(source), turned);
        copy.axis_of = std::move(order);
        std::swap(ir_.ops[*reshape].name, ir_.ops[transpose].name);
        ir_.ops[*reshape].role = Role::kCOMPUTE;
        ir_.ops[*reshape].kind = std::move(copy);
        ir_.ops[*reshape].outputs = {between};
        ir_.ops[transpose].role = Role::kRESHAPE;
        ir_.ops[transpose].kind = tactics::Copy{};
        ir_.ops[transpose].inputs = {between};
    }

    //! [n, groups x each, ...] as [n, groups, each, ...], those two exchanged, as one axis again. False: it is something else.
    bool weave(std::size_t transpose) {
        const auto cut = reshape_before(transpose), join = reshape_behind(transpose);
        if (!cut || !join) return false;
        const ValueId source = ir_.ops[*cut].inputs[0], result = ir_.ops[*join].outputs[0];
        const shape::Exprs& apart = dims(ir_.ops[transpose].inputs[0]);
        if (dims(source) != dims(result) || apart.size() != dims(source).size() + 1 || apart.size() < 3 || !exchanges_second_and_third(ir_.ops[transpose])) return false;
        const bool others_stay = apart[0] == dims(source)[0] && std::equal(apart.begin() + 3, apart.end(), dims(source).begin() + 2, dims(source).end());
        const auto groups = ir_.exprs.value(apart[1]), each = ir_.exprs.value(apart[2]);
        constexpr std::int64_t kFewGroups = 8; // more are better moved by one transpose
        if (!others_stay || !groups || !each || *groups > kFewGroups) return false;
        if (!redirect_parts(source, *cut, result, *groups, *each)) {
            for (std::int64_t group = 0; group < *groups; ++group) add_part(ir_.ops[transpose].name, source, result, group, *groups, *each);
        }
        dead_[*cut] = dead_[transpose] = dead_[*join] = true;
        return true;
    }

    static bool exchanges_second_and_third(const Op& transpose) {
        const auto& order = std::get<tactics::Copy>(transpose.kind).axis_of;
        for (std::size_t axis = 0; axis < order.size(); ++axis) {
            const std::size_t wanted = axis == 1 ? 2 : axis == 2 ? 1 : axis;
            if (order[axis] != static_cast<std::int32_t>(wanted)) return false;
        }
        return true;
    }

    void place(tactics::Copy& copy, std::int64_t group, std::int64_t groups) {
        copy.destination_axis = 1;
        copy.destination_offset = ir_.exprs.constant(group);
        copy.destination_stride = groups;
    }

    //! Where the groups are what a concatenation, which nobody else reads, puts side by side.
    bool redirect_parts(ValueId joined, std::size_t reader, ValueId result, std::int64_t groups, std::int64_t each) {
        if (!known(joined) || ir_.value(joined).is_input || !only_used_by(ir_, uses_, joined, reader)) return false;
        const auto& parts = producers(joined);
        const auto is_group = [&](std::size_t part) {
            const auto* copy = std::get_if<tactics::Copy>(&ir_.ops[part].kind);
            if (copy == nullptr || ir_.ops[part].role != Role::kCOMPUTE || copy->destination_axis != 1 || copy->destination_stride != 1) return false;
            const auto offset = ir_.exprs.value(copy->destination_offset);
            return offset && *offset % each == 0 && ir_.exprs.is(copy->region[1], each);
        };
        if (each == 0 || std::ssize(parts) != groups || !std::ranges::all_of(parts, is_group)) return false;
        for (const std::size_t part : parts) {
            auto& copy = std::get<tactics::Copy>(ir_.ops[part].kind);
            place(copy, *ir_.exprs.value(copy.destination_offset) / each, groups);
            ir_.ops[part].outputs = {result};
        }
        return true;
    }

    void add_part(const std::string& name, ValueId source, ValueId result, std::int64_t group, std::int64_t groups, std::int64_t each) {
        shape::Exprs region = dims(source);
        region[1] = ir_.exprs.constant(each);
        tactics::Copy copy = ir_.plain_copy(dims(source), region);
        copy.start[1] = ir_.exprs.constant(group * each);
        place(copy, group, groups);
        ir_.add_op(name, std::move(copy), {source}, {result});
    }

    Ir& ir_;
    Uses uses_;
    std::vector<bool> dead_;
};

} // namespace

void order_movement(Ir& ir) { Movement(ir).run(); }

} // namespace tensorvk::compiler
