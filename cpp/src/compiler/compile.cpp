#include "compiler/compile.hpp"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "compiler/buffers.hpp"
#include "compiler/from_network.hpp"
#include "support/dtype.hpp"
#include "support/error.hpp"

namespace tensorvk::compiler {

namespace {

//! The layer's name for messages; an assertion and a slice say what it is about.
std::string described(const graph::Layer& layer) {
    if (layer.type == LayerType::kSLICE) {
        return text(layer.name, ": all elements that it reads have to exist");
    }
    const auto* a = std::get_if<graph::OperatorAttributes>(&layer.attributes);
    return layer.type == LayerType::kASSERTION && a != nullptr ? text(layer.name, ": ", a->attributes.text("message")) : layer.name;
}

//! Of each expression, whether it surely has a value, and none that is negative, because it is made of extents that the network's inputs have.
std::vector<bool> never_negative(const graph::Network& network) {
    using shape::ExprOp;
    const shape::ExprPool& pool = network.exprs();
    std::set<shape::Expr> given;
    for (const graph::Tensor* input : network.inputs()) {
        given.insert(input->dims.begin(), input->dims.end());
    }
    std::vector<bool> out(pool.size());
    std::vector<bool> valueless(pool.size()); // what is perhaps divided by zero
    const auto known = [&](shape::Expr e) { return e.valid() && out[static_cast<std::size_t>(e.id)]; };
    const auto has_no_value = [&](shape::Expr e) { return e.valid() && valueless[static_cast<std::size_t>(e.id)]; };
    for (std::size_t id = 0; id < out.size(); ++id) { // operands stand in front of what is made of them
        const shape::Expr e{static_cast<std::int32_t>(id)};
        const shape::ExprNode& node = pool.node(e);
        const bool both = known(node.a) && known(node.b);
        const bool quotient = node.op == ExprOp::kFLOOR_DIV || node.op == ExprOp::kCEIL_DIV;
        const bool sum = node.op == ExprOp::kADD || node.op == ExprOp::kMUL || node.op == ExprOp::kMIN || quotient;
        const bool unsafe = has_no_value(node.a) || has_no_value(node.b) ||
                            ((quotient || node.op == ExprOp::kMOD) && pool.value(node.b).value_or(0) <= 0);
        valueless[id] = unsafe;
        out[id] = !unsafe && (given.contains(e) || pool.value(e).value_or(-1) >= 0 || (sum && both) ||
                              (node.op == ExprOp::kMAX && (known(node.a) || known(node.b))));
    }
    return out;
}

//! Inference took some dynamic dimensions for equal. Kernels rely on it, also where numpy would let one of them be 1: which axis repeats is
//! decided when the plan is made.
std::vector<plan::Constraint> assumptions(const graph::Network& network) {
    std::vector<bool> checked = never_negative(network);
    std::set<std::pair<shape::Expr, shape::Expr>> seen;
    std::vector<plan::Constraint> out;
    for (const graph::Layer* layer : network.topological()) {
        for (const graph::DimConstraint& constraint : layer->constraints) {
            if (constraint.a != constraint.b && seen.insert({constraint.a, constraint.b}).second) {
                out.push_back({constraint.a, constraint.b, described(*layer)});
            }
        }
        for (const graph::Tensor* output : layer->outputs) { // two negative extents have a positive product
            for (const shape::Expr extent : output->dims) {
                if (!checked[static_cast<std::size_t>(extent.id)]) {
                    checked[static_cast<std::size_t>(extent.id)] = true;
                    out.push_back({extent, {}, described(*layer)});
                }
            }
        }
    }
    return out;
}

//! What a control operation hands to the networks that it runs and takes from them is float32, as for every host call.
void use_float_at_edges(Ir& ir, bool typed) {
    for (ValueId& id : ir.outputs) { // what computes it keeps the type that the graph says
        if (!typed || !is_short_float(ir.value(id).dtype)) continue;
        const Value inside = ir.value(id);
        const ValueId edge = ir.add_value(inside.name, DataType::kFLOAT, inside.dims);
        ir.add_op("cast " + inside.name, tactics::Pointwise{}, {id}, {edge});
        ir.value(id).is_output = false;
        ir.value(edge).is_output = true;
        id = edge;
    }
    for (const auto* edges : {&ir.inputs, &ir.outputs}) {
        for (const ValueId id : *edges) {
            Value& value = ir.value(id);
            value.dtype = is_floating(value.dtype) ? DataType::kFLOAT : value.dtype;
        }
    }
}

Compiled compile(Ir ir, const graph::Network& network, const Target& target, const std::vector<std::string_view>& disabled, WeightStore& weights) {
    Compiled out;
    ir.target = target;
    out.passes = run_passes(ir, disabled);
    out.program = assign_buffers(ir, weights);
    out.program.constraints = assumptions(network);
    for (Value& value : ir.values) value.known = value.constant != nullptr;
    out.values.assign(ir.values.begin(), ir.values.end());
    out.operations.assign(ir.ops.begin(), ir.ops.end());
    std::ranges::transform(ir.ops, std::back_inserter(out.passes_of), [](Op& op) { return std::move(op.passes); });
    for (const auto& body : ir.bodies) {
        Ir inner = from_network(*body);
        use_float_at_edges(inner, target.typed);
        out.bodies.push_back(compile(std::move(inner), *body, target, disabled, weights));
    }
    return out;
}

} // namespace

Compiled compile(const graph::Network& network, const Target& target, WeightStore& weights) {
    return compile(from_network(network), network, target, disabled_passes(), weights);
}

} // namespace tensorvk::compiler
