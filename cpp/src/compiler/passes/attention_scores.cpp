#include "compiler/passes/attention_scores.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "graph/operators.hpp"

namespace tensorvk::compiler {

namespace {

using kernels::PointwiseArg;
using kernels::PointwiseOp;
using kernels::PointwiseSlot;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
//! Exporters hide a key by a score as low as this: any other in the row makes its weight 0.
constexpr float kLow = -1e4f;

//! An argument of a program.
struct Node {
    const Op* op;
    PointwiseArg arg;
};

class Reader {
public:
    Reader(Ir& ir, const Uses& uses) : ir_(ir), uses_(uses) {}

    std::optional<Scores> read(std::size_t softmax) {
        Scores out;
        out.hidden = -kInfinity;
        const Op& op = ir_.ops[softmax];
        out.names.push_back(op.name);
        if (!read_score(op, softmax, out) || !follow_weights(op.outputs[0], out)) return std::nullopt;
        if (out.finite_causal && out.mask >= 0) return std::nullopt; // a row may have nothing but hidden keys, which numbers tell apart
        return out;
    }

private:
    [[nodiscard]] std::optional<std::size_t> producer(ValueId id) const {
        const auto& all = uses_.producers[static_cast<std::size_t>(id)];
        return all.size() == 1 && !ir_.value(id).pinned ? std::optional(all[0]) : std::nullopt;
    }
    [[nodiscard]] bool is_reshape(std::size_t op) const { return ir_.ops[op].role == Role::kRESHAPE; }
    //! The same elements in the dimensions in which they were made.
    [[nodiscard]] ValueId root(ValueId id) const {
        for (auto op = producer(id); op && is_reshape(*op); op = producer(id)) id = ir_.ops[*op].inputs[0];
        return id;
    }
    [[nodiscard]] bool same_elements(ValueId a, ValueId b) const {
        if (a < 0 || b < 0) return false;
        const auto &x = ir_.value(a).constant, &y = ir_.value(b).constant;
        return root(a) == root(b) || (x && y && x->dtype == y->dtype && x->data == y->data);
    }
    [[nodiscard]] bool is_plain_product(std::size_t index) const {
        const Op& op = ir_.ops[index];
        const auto* product = std::get_if<tactics::MatrixProduct>(&op.kind);
        return op.role == Role::kCOMPUTE && product != nullptr && !product->transpose_a && !product->blocks && !op.has_bias && op.epilogue.empty() && !is_quantized_product(ir_, op);
    }

    //! Where the argument lies in memory, or -1.
    static ValueId stored(const Node& node) {
        if (node.arg.kind == PointwiseArg::Kind::kOPERAND) return node.op->operands[node.arg.index];
        return node.arg.kind == PointwiseArg::Kind::kVALUE && node.arg.index == 0 ? node.op->inputs[0] : -1;
    }
    //! What computes the argument: a slot of its program, or the last one of the op that alone wrote it, before reshapes. `node.op` becomes that op.
    const PointwiseSlot* slot(Node& node) const {
        if (node.arg.kind == PointwiseArg::Kind::kVALUE && node.arg.index > 0) return &node.op->epilogue.slots[node.arg.index - 1U];
        const ValueId id = stored(node);
        const auto op = id >= 0 ? producer(root(id)) : std::nullopt;
        if (!op || !is_pointwise(ir_.ops[*op]) || ir_.ops[*op].epilogue.empty()) return nullptr;
        node.op = &ir_.ops[*op];
        return &node.op->epilogue.slots.back();
    }
    //! An immediate, or a constant of one element, which stays one where the program's own value broadcasts.
    [[nodiscard]] std::optional<float> number(const Op& op, const PointwiseSlot& slot, const PointwiseArg& arg) const {
        if (arg.kind == PointwiseArg::Kind::kIMMEDIATE) return slot.immediate;
        const ValueId id = stored({&op, arg});
        const auto* constant = id >= 0 ? ir_.value(id).constant.get() : nullptr;
        return constant != nullptr && constant->volume() == 1 ? std::optional(static_cast<float>(constant->get(0))) : std::nullopt;
    }
    //! What a SELECT chooses instead of something that is no number: that, and whether it does where the condition is true.
    struct Choice { float number; bool hides; PointwiseArg rest; };
    [[nodiscard]] std::optional<Choice> choice(const Op& op, const PointwiseSlot& s) const {
        const auto yes = number(op, s, s.b), no = number(op, s, s.c);
        if (s.op != PointwiseOp::kSELECT || yes.has_value() == no.has_value()) return std::nullopt;
        return Choice{yes ? *yes : *no, yes.has_value(), yes ? s.c : s.b};
    }

    //! From the softmax back to the product. Each step must be read by the next one alone.
    bool read_score(const Op& softmax, std::size_t index, Scores& out) {
        const auto before = producer(softmax.inputs[0]);
        if (!before || !only_used_by(ir_, uses_, softmax.inputs[0], index)) return false;
        dims_ = ir_.value(softmax.inputs[0]).dims;
        if (!is_pointwise(ir_.ops[*before])) return find_product(softmax.inputs[0], out);
        const Op& op = ir_.ops[*before];
        if (op.epilogue.empty()) return false;
        out.names.push_back(op.name);
        return read_term({&op, {PointwiseArg::Kind::kVALUE, static_cast<std::uint8_t>(op.epilogue.slots.size())}}, out, true);
    }

    bool find_product(ValueId id, Scores& out) const {
        auto at = producer(id);
        if (at && is_reshape(*at)) { // heads that share keys lie side by side in the product
            const ValueId from = ir_.ops[*at].inputs[0];
            if (!only_used_by(ir_, uses_, from, *at) || !joins_heads(ir_.value(from).dims)) return false;
            at = producer(from);
        }
        out.first = at.value_or(0);
        return at && is_plain_product(*at);
    }

    //! [batch, head, share, row, key] are the scores with all heads as one axis. Any other reshape would turn rows or keys round under a mask.
    [[nodiscard]] bool joins_heads(const shape::Exprs& from) const {
        return from.size() == 5 && dims_.size() == 4 && from[0] == dims_[0] && ir_.exprs.mul(from[1], from[2]) == dims_[1] && from[3] == dims_[2] && from[4] == dims_[3];
    }

    //! `masks`: what is added or chosen here comes behind scale and soft cap.
    bool read_term(Node node, Scores& out, bool masks) {
        if (const ValueId id = stored(node); id >= 0) {
            const auto reader = static_cast<std::size_t>(node.op - ir_.ops.data());
            if (ir_.value(id).dims != dims_ || !only_used_by(ir_, uses_, id, reader)) return false;
            if (const auto op = producer(id); !op || !is_pointwise(ir_.ops[*op])) return find_product(id, out);
            else out.names.push_back(ir_.ops[*op].name);
        }
        const PointwiseSlot* s = slot(node);
        if (s == nullptr) return false;
        const Op* op = node.op;
        switch (s->op) {
        case PointwiseOp::kSELECT: return masks && read_select(*op, *s, out);
        case PointwiseOp::kADD: return masks && read_sum(*op, *s, out);
        case PointwiseOp::kMUL:
        case PointwiseOp::kDIV: return number(*op, *s, s->b) && (read_cap(*op, *s, out) || read_scale(*op, *s, out));
        default: return false;
        }
    }

    bool read_scale(const Op& op, const PointwiseSlot& s, Scores& out) {
        const float by = *number(op, s, s.b);
        out.scale *= s.op == PointwiseOp::kMUL ? by : 1.0f / by;
        return read_term({&op, s.a}, out, false);
    }

    //! c * tanh(x / c)
    bool read_cap(const Op& op, const PointwiseSlot& s, Scores& out) {
        Node bent{&op, s.a};
        const float cap = *number(op, s, s.b);
        const PointwiseSlot* tanh = s.op == PointwiseOp::kMUL && out.scale == 1.0f && out.softcap == 0.0f && cap > 0.0f ? slot(bent) : nullptr;
        if (tanh == nullptr || tanh->op != PointwiseOp::kTANH) return false;
        Node shrunk{bent.op, tanh->a};
        const PointwiseSlot* quotient = slot(shrunk);
        const auto by = quotient != nullptr ? number(*shrunk.op, *quotient, quotient->b) : std::nullopt;
        if (!by) return false;
        const float divisor = quotient->op == PointwiseOp::kDIV ? *by : quotient->op == PointwiseOp::kMUL ? 1.0f / *by : 0.0f;
        constexpr float kRounding = 1e-6f;
        if (std::abs(divisor - cap) > kRounding * cap) return false;
        out.softcap = cap;
        return read_term({shrunk.op, quotient->a}, out, false);
    }

    bool read_sum(const Op& op, const PointwiseSlot& s, Scores& out) {
        for (const auto& [mask, rest] : {std::pair{s.b, s.a}, std::pair{s.a, s.b}}) {
            Scores trial = out;
            if (add_floats(stored({&op, mask}), trial) && read_term({&op, rest}, trial, true)) {
                out = std::move(trial);
                return true;
            }
        }
        return false;
    }

    bool read_select(const Op& op, const PointwiseSlot& s, Scores& out) {
        const auto chosen = choice(op, s);
        return chosen && chosen->number <= kLow && add_condition({&op, s.a}, chosen->hides, chosen->number, out) && read_term({&op, chosen->rest}, out, true);
    }

    bool add_condition(Node node, bool hides, float hidden, Scores& out) {
        const ValueId id = stored(node);
        if (id >= 0 && ir_.value(id).dtype != DataType::kBOOL) return false;
        if (id >= 0) out.conditions.push_back({id, hides});
        if (id >= 0 && add_causal(id, hides, hidden, out)) return true;
        const PointwiseSlot* s = slot(node);
        if (s != nullptr && s->op == PointwiseOp::kNOT) return add_condition({node.op, s->a}, !hides, hidden, out);
        if (s != nullptr && s->op == (hides ? PointwiseOp::kOR : PointwiseOp::kAND)) {
            Scores trial = out;
            if (add_condition({node.op, s->a}, hides, hidden, trial) && add_condition({node.op, s->b}, hides, hidden, trial)) {
                out = std::move(trial);
                return true;
            }
        }
        if (id < 0 || out.mask >= 0 || !fits(id)) return false;
        out.mask = id;
        out.hides = hides;
        out.hidden = hidden;
        return true;
    }

    bool add_floats(ValueId id, Scores& out) const {
        if (id < 0 || !is_floating(ir_.value(id).dtype)) return false;
        if (add_causal(id, false, -kInfinity, out)) return true;
        if (out.mask >= 0 || !fits(id)) return false;
        out.mask = id;
        return true;
    }

    //! The mask broadcasts to the scores.
    [[nodiscard]] bool fits(ValueId mask) const {
        const shape::Exprs& given = ir_.value(mask).dims;
        if (given.size() > dims_.size()) return false;
        for (std::size_t axis = 0; axis < given.size(); ++axis) {
            if (!ir_.exprs.is(given[axis], 1) && given[axis] != dims_[axis + dims_.size() - given.size()]) return false;
        }
        return true;
    }

    //! The condition or the mask is that of a row which sees the keys up to its own place, and a number more.
    bool add_causal(ValueId id, bool hides, float hidden, Scores& out) const {
        std::optional<shape::Expr> more = causal_function(id, hides);
        if (const auto& constant = ir_.value(id).constant; constant && !more) {
            const auto known = triangle(*constant, hides);
            if (constant->dtype != DataType::kBOOL) hidden = least(*constant);
            if (known && (*known >= 0 || hidden == -kInfinity)) more = ir_.exprs.constant(*known);
        }
        if (!more || (out.causal && *out.causal != *more)) return false;
        out.causal = more;
        out.finite_causal = out.finite_causal || hidden != -kInfinity;
        return true;
    }

    //! Of what hides keys, the number nearest to 0.
    [[nodiscard]] static float least(const kernels::host::Tensor& mask) {
        double nearest = -static_cast<double>(kInfinity);
        for (std::int64_t at = 0; at < mask.volume(); ++at) {
            if (mask.get(at) <= static_cast<double>(kLow)) nearest = std::max(nearest, mask.get(at));
        }
        return static_cast<float>(nearest);
    }

    //! What the function CausalMask computes for a number of keys that running tells.
    [[nodiscard]] std::optional<shape::Expr> causal_function(ValueId id, bool hides) const {
        const auto at = producer(root(id));
        const auto* call = at ? std::get_if<tactics::HostCall>(&ir_.ops[*at].kind) : nullptr;
        const auto sizes = call != nullptr && !hides && call->function == graph::kCausalMask ? producer(ir_.ops[*at].inputs[0]) : std::nullopt;
        const auto* values = sizes ? std::get_if<tactics::ShapeValues>(&ir_.ops[*sizes].kind) : nullptr;
        if (values == nullptr || values->values.size() != 3) return std::nullopt;
        return ir_.exprs.sub(values->values[1], values->values[2]);
    }

    //! How many more keys than r + 1 row r of a constant mask shows, for all rows of the scores.
    [[nodiscard]] std::optional<std::int64_t> triangle(const kernels::host::Tensor& mask, bool hides) const {
        const std::size_t rank = mask.dims.size();
        if (rank < 2 || mask.volume() == 0) return std::nullopt;
        const std::int64_t rows = mask.dims[rank - 2], keys = mask.dims[rank - 1];
        if (mask.volume() != rows * keys || !ir_.exprs.is(dims_[dims_.size() - 2], rows) || !ir_.exprs.is(dims_.back(), keys)) return std::nullopt;
        const auto hidden = [&](std::int64_t at) { return mask.dtype == DataType::kBOOL ? (mask.get(at) != 0.0) == hides : mask.get(at) <= static_cast<double>(kLow); };
        std::int64_t seen = 0; // by the last row
        while (seen < keys && !hidden((rows - 1) * keys + seen)) ++seen;
        if (seen == 0) return std::nullopt;
        // Where the last row sees all, others may end the triangle.
        std::int64_t row = rows - 1;
        while (seen == keys && row > 0 && !hidden(row * keys - 1)) --row;
        const std::int64_t more = seen - 1 - row;
        for (std::int64_t at = 0; at < rows * keys; ++at) {
            const bool beyond = at % keys > at / keys + more;
            if (hidden(at) != beyond || (!beyond && mask.dtype != DataType::kBOOL && mask.get(at) != 0.0)) return std::nullopt;
        }
        return more;
    }

    //! From the softmax to the product with the values: weights may be made 0 where keys are hidden.
    bool follow_weights(ValueId id, Scores& out) {
        for (;;) {
            const auto& readers = uses_.consumers[static_cast<std::size_t>(id)];
            if (readers.size() != 1 || ir_.value(id).is_output || ir_.value(id).pinned) return false;
            const Op& op = ir_.ops[readers[0]];
            if (is_plain_product(readers[0])) {
                out.last = readers[0];
                const bool as_made = ir_.value(id).dims == dims_ || joins_heads(ir_.value(id).dims);
                return op.inputs[0] == id && as_made && !ir_.value(op.outputs[0]).pinned;
            }
            if (!is_reshape(readers[0]) && !(is_pointwise(op) && makes_zeros(op, id, out))) return false;
            if (!is_reshape(readers[0])) out.names.push_back(op.name);
            id = op.outputs[0];
        }
    }

    //! Chooses 0 in place of the weights `from` where conditions hide keys.
    bool makes_zeros(const Op& op, ValueId from, Scores& out) {
        Node node{&op, {PointwiseArg::Kind::kVALUE, static_cast<std::uint8_t>(op.epilogue.slots.size())}};
        while (stored(node) != from) {
            if (node.arg.kind != PointwiseArg::Kind::kVALUE || node.arg.index == 0) return false;
            const PointwiseSlot& s = op.epilogue.slots[node.arg.index - 1U];
            const auto chosen = choice(op, s);
            if (!chosen || chosen->number != 0.0f || !hides_keys({&op, s.a}, chosen->hides, out)) return false;
            node.arg = chosen->rest;
        }
        if (out.hidden != -kInfinity && out.conditions.size() > 1) return false; // rows that another one hides wholly stay a mean
        out.zeros = true;
        out.hidden = -kInfinity;
        return true;
    }

    //! Whether the condition is one of the scores', or asks where the added mask is minus infinity.
    [[nodiscard]] bool hides_keys(Node node, bool hides, const Scores& scores) const {
        const ValueId id = stored(node);
        if (std::ranges::any_of(scores.conditions, [&](const auto& each) { return same_elements(each.value, id) && each.hides == hides; })) return true;
        const PointwiseSlot* s = slot(node);
        if (s != nullptr && s->op == PointwiseOp::kNOT) return hides_keys({node.op, s->a}, !hides, scores);
        return s != nullptr && hides && s->op == PointwiseOp::kEQUAL && number(*node.op, *s, s->b) == -kInfinity && same_elements(stored({node.op, s->a}), scores.mask);
    }

    Ir& ir_;
    const Uses& uses_;
    shape::Exprs dims_; // of the scores
};

} // namespace

std::optional<Scores> read_scores(Ir& ir, const Uses& uses, std::size_t softmax) { return Reader(ir, uses).read(softmax); }

} // namespace tensorvk::compiler
