// TensorRT's conditionals as If: each branch is a network of its own.
#include <array>

#include "layers/level.hpp"
#include "support/error.hpp"

namespace tensorvk::layers {

namespace {

//! A branch with `given` tensors from outside as its first inputs; what else it takes comes behind them.
struct Branch {
    std::shared_ptr<Network> network = std::make_shared<Network>();
    std::unique_ptr<Level> level;

    Branch(Level& outer, const Construct& conditional, std::size_t side, const std::vector<const Tensor*>& given) {
        network->name = text(conditional.name, side == 0 ? ", true" : ", false");
        level = std::make_unique<Level>(outer.scopes(), conditional, *network, outer);
        level->build().begin_node(conditional.name);
        for (const Tensor* tensor : given) {
            (void)level->capture(*tensor);
        }
        for (const Layer* exit : outer.scopes().boundary(conditional).exits) {
            level->mark_output(level->get(exit->inputs[side]));
        }
    }
};

//! Both branches have the same inputs: all that one of them takes from outside.
std::array<Branch, 2> branches_of(Level& outer, const Construct& conditional) {
    Branch yes(outer, conditional, 0, {});
    Branch no(outer, conditional, 1, yes.level->captured());
    for (const Tensor* tensor : no.level->captured()) {
        (void)yes.level->capture(*tensor);
    }
    return {std::move(yes), std::move(no)};
}

} // namespace

void emit_conditional(Level& level, const Construct& conditional) {
    const Boundary& boundary = level.scopes().boundary(conditional);
    if (boundary.limits.size() != 1) {
        throw InvalidArgument(text("Conditional '", conditional.name, "' has no condition; give it one with set_condition."));
    }
    const std::array<Branch, 2> branches = branches_of(level, conditional);
    std::vector<Tensor*> inputs{level.get(boundary.limits[0]->inputs[0])};
    for (const Tensor* tensor : branches[0].level->captured()) {
        inputs.push_back(level.get(tensor));
    }
    graph::ControlAttributes attributes{"If", {branches[0].network, branches[1].network}, {}};
    Build& b = level.build();
    b.begin_node(conditional.name);
    const Layer* layer = b.layer(LayerType::kCONTROL, std::move(inputs), std::move(attributes));
    for (std::size_t i = 0; i < boundary.exits.size(); ++i) {
        level.adopt(*boundary.exits[i]->outputs[0], layer->outputs[i]);
    }
}

} // namespace tensorvk::layers
