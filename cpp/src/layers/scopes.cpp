#include "layers/scopes.hpp"

#include <algorithm>

#include "support/error.hpp"

namespace tensorvk::layers {

namespace {

enum class Role { kNONE, kLIMIT, kENTRY, kEXIT };

Role role_of(const graph::Layer& layer) {
    static const std::map<LayerType, Role> roles = {
        {LayerType::kTRIP_LIMIT, Role::kLIMIT},  {LayerType::kCONDITION, Role::kLIMIT},
        {LayerType::kRECURRENCE, Role::kENTRY},  {LayerType::kITERATOR, Role::kENTRY},
        {LayerType::kLOOP_OUTPUT, Role::kEXIT},  {LayerType::kCONDITIONAL_INPUT, Role::kENTRY},
        {LayerType::kCONDITIONAL_OUTPUT, Role::kEXIT},
    };
    const auto it = roles.find(layer.type);
    return it == roles.end() ? Role::kNONE : it->second;
}

} // namespace

const Construct* construct_of(const graph::Layer& layer) {
    return role_of(layer) == Role::kNONE ? nullptr : std::get<graph::BoundaryAttributes>(layer.attributes).construct.get();
}

Scopes::Scopes(const graph::Network& network) : order_(network.topological()) {
    for (const auto& layer : network.layers()) {
        if (const Construct* construct = construct_of(*layer)) {
            Boundary& boundary = boundaries_[construct];
            const Role role = role_of(*layer);
            (role == Role::kLIMIT ? boundary.limits : role == Role::kENTRY ? boundary.entries : boundary.exits).push_back(layer.get());
            around_[construct];
        }
    }
    while (spread()) {
    }
}

Scopes::Set Scopes::inputs_of(const graph::Layer& layer) const {
    Set out;
    for (const graph::Tensor* input : layer.inputs) {
        if (input != nullptr && input->producer != nullptr) {
            if (const auto it = inside_.find(input->producer); it != inside_.end()) {
                out.insert(it->second.begin(), it->second.end());
            }
        }
    }
    return out;
}

//! One round of passing on what layers depend on; true when something was new.
bool Scopes::spread() {
    bool changed = false;
    const auto assign = [&](Set& to, Set value) {
        changed = changed || to != value;
        to = std::move(value);
    };
    for (const graph::Layer* layer : order_) {
        Set depends = inputs_of(*layer);
        const Construct* construct = construct_of(*layer);
        if (construct == nullptr) {
            assign(inside_[layer], std::move(depends));
            continue;
        }
        Set around = around_[construct];
        around.insert(depends.begin(), depends.end());
        around.erase(construct);
        assign(around_[construct], around);
        if (role_of(*layer) == Role::kENTRY) {
            around.insert(construct);
        }
        assign(inside_[layer], std::move(around));
    }
    return changed;
}

const Construct* Scopes::owner(const graph::Layer& layer) const {
    const Set& inside = inside_.at(&layer);
    if (inside.empty()) {
        return nullptr;
    }
    const auto depth = [&](const Construct* construct) { return around_.at(construct).size(); };
    const Construct* innermost = *std::max_element(inside.begin(), inside.end(), [&](auto* a, auto* b) { return depth(a) < depth(b); });
    for (const Construct* construct : inside) {
        if (!within(innermost, construct)) {
            throw InvalidArgument(text("Layer '", layer.name, "' uses values from inside of '", innermost->name, "' and of '", construct->name,
                                       "', neither of which is in the other; values leave a loop or conditional through its outputs."));
        }
    }
    return innermost;
}

bool Scopes::within(const Construct* inner, const Construct* outer) const {
    return outer == nullptr || inner == outer || (inner != nullptr && around_.at(inner).contains(outer));
}

} // namespace tensorvk::layers
