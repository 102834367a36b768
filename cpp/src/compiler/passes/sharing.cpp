// Operations that compute the same from the same are done once: tables, masks and casts that exporters write into every layer anew.
//
// Behind the fusion of pointwise chains, normalisations and attention: a cheap step that its reader computes on its way is no operation any more by then. Shared
// earlier, it would become one and go through memory, and the shared half of two normalisations of the same rows would keep both from being one operation.
// In front of the fusion of epilogues: a product whose result was read twice in the same way has one reader now, and takes it in.
//
// The difference from a mean alone is shared before all that: written twice, for the variance and for the quotient, it would be drawn into both.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <numeric>
#include <tuple>
#include <utility>

#include "compiler/passes/fusion.hpp"
#include "compiler/passes/passes.hpp"
#include "kernels/host/functions.hpp"

namespace tensorvk::compiler {

namespace {

using kernels::host::Tensor;

//! An order of constants by what they hold. Different ones differ early: nobody reads them whole but where two are equal.
struct ByContent {
    bool operator()(const Tensor* a, const Tensor* b) const {
        if (a->dtype != b->dtype) return a->dtype < b->dtype;
        if (a->dims != b->dims) return a->dims < b->dims;
        return !a->data.empty() && std::memcmp(a->data.data(), b->data.data(), a->data.size()) < 0;
    }
};

//! Numbers that are equal may be 0 and -0.
bool same_signs(const AttributeValue& a, const AttributeValue& b) {
    const auto same = [](double x, double y) { return std::signbit(x) == std::signbit(y); };
    if (const auto* number = std::get_if<double>(&a)) return same(*number, std::get<double>(b));
    if (const auto* numbers = std::get_if<std::vector<double>>(&a)) return std::ranges::equal(*numbers, std::get<std::vector<double>>(b), same);
    return true;
}

bool same_kind(const tactics::Kind& a, const tactics::Kind& b) {
    if (a != b) return false;
    if (const auto* copy = std::get_if<tactics::Copy>(&a)) return std::signbit(copy->fill) == std::signbit(std::get<tactics::Copy>(b).fill);
    const auto* call = std::get_if<tactics::HostCall>(&a);
    return call == nullptr || std::ranges::equal(call->attributes.values(), std::get<tactics::HostCall>(b).attributes.values(),
                                                 [](const auto& x, const auto& y) { return same_signs(x.second, y.second); });
}

//! The same inputs give the same outputs, and nothing else happens. What defines extents gives each of its results extents of its own; control runs networks;
//! the parts of a concatenation write what others write as well.
bool is_repeatable(const Op& op) {
    if (op.role == Role::kRESHAPE) return true;
    if (const auto* call = std::get_if<tactics::HostCall>(&op.kind)) {
        const kernels::host::Function* function = kernels::host::find_function(call->function);
        return function != nullptr && function->foldable && call->definitions.empty() && call->bodies.empty();
    }
    const auto* copy = std::get_if<tactics::Copy>(&op.kind);
    return copy == nullptr || copy->destination_axis < 0;
}

class Sharing {
public:
    explicit Sharing(Ir& ir) : ir_(ir), dead_(ir.ops.size(), false) {}

    //! What `wanted` says of operations, each with its inputs as they are by then.
    template <typename Wanted>
    void run(const Wanted& wanted) {
        read_instead_.resize(ir_.values.size());
        std::iota(read_instead_.begin(), read_instead_.end(), ValueId{0});
        for (std::size_t i = 0; i < ir_.ops.size(); ++i) {
            redirect(ir_.ops[i].inputs);
            redirect(ir_.ops[i].operands);
            if (wanted(ir_.ops[i])) visit(i);
        }
        write_outputs();
        erase_ops(ir_, dead_);
    }

private:
    using Reads = std::tuple<std::size_t, std::vector<ValueId>, std::vector<ValueId>>;

    void redirect(std::vector<ValueId>& ids) {
        for (ValueId& id : ids) id = id < 0 ? id : read_instead_[static_cast<std::size_t>(id)];
    }

    //! Equal constants by the first of them. Nobody has to read that one: the plan stores equal bytes once.
    std::vector<ValueId> by_content(std::vector<ValueId> ids) {
        for (ValueId& id : ids) {
            const Tensor* constant = id < 0 ? nullptr : ir_.value(id).constant.get();
            id = constant == nullptr ? id : constants_.try_emplace(constant, id).first->second;
        }
        return ids;
    }

    void visit(std::size_t index) {
        const Op& op = ir_.ops[index];
        std::vector<std::size_t>& known = readers_[Reads{op.kind.index(), by_content(op.inputs), by_content(op.operands)}];
        const auto first = std::ranges::find_if(known, [&](std::size_t other) { return same(ir_.ops[other], op) && share(other, index); });
        if (first == known.end()) known.push_back(index);
    }

    bool same(const Op& a, const Op& b) const {
        const auto alike = [&](ValueId x, ValueId y) {
            if (x < 0 || y < 0) return true; // nobody wanted it
            const Value &one = ir_.value(x), &other = ir_.value(y);
            return one.dtype == other.dtype && one.dims == other.dims && one.pinned == other.pinned;
        };
        return a.role == b.role && a.has_bias == b.has_bias && a.epilogue == b.epilogue && same_kind(a.kind, b.kind) && std::ranges::equal(a.outputs, b.outputs, alike);
    }

    //! Of two results that the network gives away, both have to be written: the second one as a copy of the first. False where that saves nothing.
    bool share(std::size_t first, std::size_t second) {
        Op &a = ir_.ops[first], &b = ir_.ops[second];
        const auto is_output = [&](ValueId id) { return id >= 0 && (ir_.value(id).is_output || written_.contains(id)); };
        const auto both = [&](ValueId x, ValueId y) { return is_output(x) && is_output(y); };
        if (std::ranges::equal(a.outputs, b.outputs, [&](ValueId x, ValueId y) { return !both(x, y); })) {
            join(a, b);
            dead_[second] = true;
            return true;
        }
        const bool moves = b.role == Role::kRESHAPE || is_pointwise(b) || std::holds_alternative<tactics::Copy>(b.kind);
        if (moves || b.outputs.size() != 1) return false;
        Op copy;
        copy.name = b.name;
        copy.kind = tactics::Pointwise{};
        copy.inputs = {a.outputs[0]};
        copy.outputs = b.outputs;
        read_instead_[static_cast<std::size_t>(b.outputs[0])] = a.outputs[0];
        b = std::move(copy);
        return true;
    }

    void join(Op& a, const Op& b) {
        a.name = joined_name(a.name, b.name);
        for (std::size_t o = 0; o < a.outputs.size(); ++o) {
            if (b.outputs[o] < 0) continue;
            if (a.outputs[o] < 0) a.outputs[o] = b.outputs[o];
            if (a.outputs[o] == b.outputs[o]) continue;
            read_instead_[static_cast<std::size_t>(b.outputs[o])] = a.outputs[o];
            if (ir_.value(b.outputs[o]).is_output) written_[a.outputs[o]] = b.outputs[o];
        }
    }

    //! Outputs of the network that stand for what they are the same as.
    void write_outputs() {
        for (Op& op : ir_.ops) {
            for (auto* ids : {&op.inputs, &op.operands, &op.outputs}) {
                for (ValueId& id : *ids) {
                    if (const auto written = written_.find(id); written != written_.end()) id = written->second;
                }
            }
        }
    }

    Ir& ir_;
    std::vector<bool> dead_;
    std::vector<ValueId> read_instead_;
    std::map<const Tensor*, ValueId, ByContent> constants_;
    std::map<Reads, std::vector<std::size_t>> readers_;
    std::map<ValueId, ValueId> written_; // instead of what is read until the end of the sweep
};

} // namespace

void share_differences(Ir& ir) {
    if (!ir.target.normalizations) return;
    const Uses uses(ir);
    const auto is_mean = [&](ValueId id) {
        return std::ranges::any_of(uses.producers[static_cast<std::size_t>(id)], [&](std::size_t p) {
            const auto* reduce = std::get_if<tactics::Reduce>(&ir.ops[p].kind);
            return reduce != nullptr && ir.ops[p].role == Role::kCOMPUTE && reduce->op == ReduceOperation::kAVG;
        });
    };
    Sharing(ir).run([&](const Op& op) { return is_pointwise(op) && std::ranges::any_of(op.operands, is_mean); });
}

void share_operations(Ir& ir) { Sharing(ir).run(is_repeatable); }

} // namespace tensorvk::compiler
