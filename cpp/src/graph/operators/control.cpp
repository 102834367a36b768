// If, Loop and Scan: layers that run networks of their own. Inputs and outputs of layer and bodies as in runtime/control.cpp.
#include "graph/operators/control.hpp"

#include <map>
#include <optional>

#include "graph/network.hpp"

namespace tensorvk::graph {

namespace {

//! What an extent inside a body is outside, where it depends on nothing but the body's inputs.
class Translation {
public:
    Translation(RuleContext& context, const Network& body) : context_(context), body_(body) {}

    //! The body's input `inner` always has the shape of `outer`.
    void same_shape(const Tensor& inner, const Tensor& outer) {
        for (std::size_t axis = 0; axis < inner.dims.size() && axis < outer.dims.size(); ++axis) {
            known_.emplace(inner.dims[axis], outer.dims[axis]);
        }
    }

    [[nodiscard]] std::optional<shape::Expr> operator()(shape::Expr e) {
        if (const auto value = body_.exprs().value(e)) {
            return context_.pool().constant(*value);
        }
        if (const auto it = known_.find(e); it != known_.end()) {
            return it->second;
        }
        const shape::ExprNode& node = body_.exprs().node(e);
        if (node.op == shape::ExprOp::kSYMBOL) {
            return std::nullopt;
        }
        const auto a = (*this)(node.a);
        const auto b = (*this)(node.b);
        return a && b ? std::optional(context_.pool().make(node.op, *a, *b)) : std::nullopt;
    }

private:
    RuleContext& context_;
    const Network& body_;
    std::map<shape::Expr, shape::Expr> known_;
};

const Network& body_of(RuleContext& context, std::size_t index) { return *context.attributes<ControlAttributes>().bodies.at(index); }

void check_body(RuleContext& context, const Network& body, std::size_t inputs) {
    if (body.inputs().size() != inputs) {
        context.fail("runs a network of ", body.inputs().size(), " inputs with ", inputs, ".");
    }
}

std::vector<Inferred> conditional(RuleContext& context) {
    const Network& yes = body_of(context, 0);
    const Network& no = body_of(context, 1);
    check_body(context, yes, context.input_count() - 1);
    check_body(context, no, context.input_count() - 1);
    if (yes.outputs().size() != no.outputs().size()) {
        context.fail("has branches with ", yes.outputs().size(), " and ", no.outputs().size(), " outputs.");
    }
    Translation from_yes(context, yes);
    Translation from_no(context, no);
    for (std::size_t i = 1; i < context.input_count(); ++i) {
        from_yes.same_shape(*yes.inputs()[i - 1], context.input(i));
        from_no.same_shape(*no.inputs()[i - 1], context.input(i));
    }
    std::vector<Inferred> out;
    for (std::size_t o = 0; o < yes.outputs().size(); ++o) {
        const Tensor& a = *yes.outputs()[o];
        const Tensor& b = *no.outputs()[o];
        if (a.dtype != b.dtype || a.dims.size() != b.dims.size()) {
            context.unsupported("has branches whose output ", o, " differs in type or number of dimensions; both have to give the same.");
        }
        shape::Exprs dims;
        for (std::size_t axis = 0; axis < a.dims.size(); ++axis) {
            const auto extent = from_yes(a.dims[axis]);
            const bool same = extent && extent == from_no(b.dims[axis]);
            dims.push_back(same ? *extent : context.unknown(static_cast<int>(o), static_cast<int>(axis)));
        }
        out.push_back({a.dtype, std::move(dims)});
    }
    return out;
}

//! Outputs of a loop's or scan's body: states first, then elements of what is stacked.
std::vector<Inferred> iterated(RuleContext& context, std::size_t states, std::size_t first_state, std::size_t first_captured,
                               const std::vector<std::int64_t>& stack_axes, std::optional<shape::Expr> length, std::size_t first_output,
                               std::size_t body_state, std::size_t body_captured) {
    const Network& body = body_of(context, 0);
    Translation translate(context, body);
    for (std::size_t i = 0; first_captured + i < context.input_count(); ++i) {
        translate.same_shape(*body.inputs()[body_captured + i], context.input(first_captured + i));
    }
    for (std::size_t s = 0; s < states; ++s) { // a state whose shape stays
        const Tensor& in = *body.inputs()[body_state + s];
        if (in.dims == body.outputs()[first_output + s]->dims) {
            translate.same_shape(in, context.input(first_state + s));
        }
    }
    std::vector<Inferred> out;
    for (std::size_t o = first_output; o < body.outputs().size(); ++o) {
        const Tensor& inner = *body.outputs()[o];
        const int index = static_cast<int>(o - first_output);
        const bool stacked = o - first_output >= states;
        shape::Exprs dims;
        const auto rank = static_cast<std::int64_t>(inner.dims.size()) + (stacked ? 1 : 0);
        std::int64_t stack_axis = -1;
        if (stacked) {
            const std::size_t k = o - first_output - states;
            stack_axis = k < stack_axes.size() ? stack_axes[k] : 0;
            stack_axis += stack_axis < 0 ? rank : 0;
            if (stack_axis < 0 || stack_axis >= rank) {
                context.fail("stacks output ", index, " along axis ", stack_axis, " of ", rank, " dimensions.");
            }
        }
        for (std::int64_t axis = 0, from = 0; axis < rank; ++axis) {
            const bool here = axis == stack_axis;
            const auto extent = here ? length : translate(inner.dims[static_cast<std::size_t>(from)]);
            from += here ? 0 : 1;
            dims.push_back(extent ? *extent : context.unknown(index, static_cast<int>(axis)));
        }
        out.push_back({inner.dtype, std::move(dims)});
    }
    return out;
}

std::size_t attribute_count(RuleContext& context, const char* name, std::size_t most) {
    const std::int64_t count = context.attributes<ControlAttributes>().attributes.integer(name);
    if (count < 0 || static_cast<std::size_t>(count) > most) {
        context.fail("says that it has ", count, " ", name, "; it has ", most, " inputs for them.");
    }
    return static_cast<std::size_t>(count);
}

std::vector<Inferred> loop(RuleContext& context) {
    const std::size_t states = attribute_count(context, "states", context.input_count() - 2);
    const Network& body = body_of(context, 0);
    check_body(context, body, context.input_count());
    if (body.outputs().size() < 1 + states) {
        context.fail("runs a network with ", body.outputs().size(), " outputs; the condition and ", states, " states are needed.");
    }
    return iterated(context, states, 2, 2 + states, {}, std::nullopt, 1, 2, 2 + states);
}

std::vector<Inferred> scan(RuleContext& context) {
    const std::size_t states = attribute_count(context, "states", context.input_count());
    const std::size_t scans = attribute_count(context, "scans", context.input_count() - states);
    const AttributeSet& attributes = context.attributes<ControlAttributes>().attributes;
    const Network& body = body_of(context, 0);
    check_body(context, body, context.input_count());
    std::optional<shape::Expr> length;
    const std::vector<std::int64_t> axes = attributes.integers("input_axes");
    for (std::size_t s = 0; s < scans; ++s) {
        const Tensor& x = context.input(states + s);
        const shape::Expr extent = x.dims[context.axis(s < axes.size() ? axes[s] : 0, x.dims.size())];
        length = length ? context.same(*length, extent, "lengths of what it scans") : extent;
    }
    return iterated(context, states, 0, states + scans, attributes.integers("output_axes"), length, 0, 0, states + scans);
}

} // namespace

std::vector<Inferred> control_rule(RuleContext& context) {
    const ControlAttributes& a = context.attributes<ControlAttributes>();
    const std::size_t bodies = a.op == "If" ? 2 : 1;
    if (a.bodies.size() != bodies) {
        context.fail("(", a.op, ") runs ", bodies, " networks, ", a.bodies.size(), " were given.");
    }
    if (a.op == "If") {
        return conditional(context);
    }
    if (a.op == "Loop") {
        return loop(context);
    }
    if (a.op == "Scan") {
        return scan(context);
    }
    context.unsupported("is the control operator '", a.op, "', which is not offered.");
}

} // namespace tensorvk::graph
