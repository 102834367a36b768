// Getting and setting the attributes of layers.
#pragma once

#include <utility>
#include <variant>
#include <vector>

#include "api/convert.hpp"
#include "api/network_state.hpp"

namespace tensorvk::api {

template <typename Attributes>
const Attributes& attributes(const ILayer& layer) {
    return std::get<Attributes>(Access::node(layer).attributes);
}

//! Calls `change` with the layer's attributes and infers again.
template <typename Attributes, typename Change>
void change_attributes(ILayer& layer, Change&& change) {
    graph::Layer& node = Access::node(layer);
    NetworkState& network = Access::state(layer);
    succeeds(network.reporter(), [&] { network.edit(node, [&] { change(std::get<Attributes>(node.attributes)); }); });
}

//! As change_attributes, but what does not fit is reported and taken back, since no later call could make it fit. False then.
template <typename Attributes, typename Change>
bool change_or_keep(ILayer& layer, Change&& change) {
    graph::Layer& node = Access::node(layer);
    NetworkState& network = Access::state(layer);
    return succeeds(network.reporter(), [&] {
        const graph::Attributes before = node.attributes;
        change(std::get<Attributes>(node.attributes));
        try {
            network.graph().update(&node);
        } catch (const Error&) {
            node.attributes = before;
            throw;
        }
    });
}

//! A window's numbers, one per spatial dimension; `standard` where none were given.
inline Dims window_dims(const std::vector<std::int64_t>& values, std::size_t rank, std::int64_t standard) {
    return to_dims(values.empty() ? std::vector<std::int64_t>(rank, standard) : values);
}

inline DimsHW as_hw(const Dims& dims) {
    return dims.nbDims >= 2 ? DimsHW(dims.d[0], dims.d[1]) : DimsHW(dims.d[0], dims.d[0]);
}

} // namespace tensorvk::api

// Definitions of one setter and getter each: `ATTRIBUTES` has the field, given and returned as it is.
#define TENSORVK_ATTRIBUTE(Class, Type, Name, ATTRIBUTES, field)                            \
    void Class::set##Name(Type value) {                                                     \
        api::change_attributes<ATTRIBUTES>(*this, [&](ATTRIBUTES& a) { a.field = value; }); \
    }                                                                                       \
    Type Class::get##Name() const {                                                         \
        return static_cast<Type>(api::attributes<ATTRIBUTES>(*this).field);                 \
    }

#define TENSORVK_WEIGHTS_ATTRIBUTE(Class, Name, ATTRIBUTES, field)                                         \
    void Class::set##Name(Weights value) {                                                                 \
        api::change_attributes<ATTRIBUTES>(*this, [&](ATTRIBUTES& a) { a.field = api::to_graph(value); }); \
    }                                                                                                      \
    Weights Class::get##Name() const {                                                                     \
        return api::to_api(api::attributes<ATTRIBUTES>(*this).field);                                      \
    }

// `sizes`: the field that tells how many spatial dimensions there are.
#define TENSORVK_WINDOW_ATTRIBUTE(Class, Name, ATTRIBUTES, field, sizes, standard)                                   \
    void Class::set##Name(const Dims& value) {                                                                       \
        api::change_attributes<ATTRIBUTES>(*this, [&](ATTRIBUTES& a) { a.geometry.field = api::to_vector(value); }); \
    }                                                                                                                \
    Dims Class::get##Name() const {                                                                                  \
        const auto& geometry = api::attributes<ATTRIBUTES>(*this).geometry;                                          \
        return api::window_dims(geometry.field, geometry.sizes.size(), standard);                                    \
    }

// Attributes of operators, by name; `standard` where none is set.
#define TENSORVK_OPERATOR_INTEGER(Class, Type, Name, key, standard)                                                   \
    void Class::set##Name(Type value) {                                                                               \
        api::change_attributes<graph::OperatorAttributes>(                                                            \
            *this, [&](auto& a) { a.attributes.set(key, static_cast<std::int64_t>(value)); });                        \
    }                                                                                                                 \
    Type Class::get##Name() const {                                                                                   \
        return static_cast<Type>(api::attributes<graph::OperatorAttributes>(*this).attributes.integer(                \
            key, static_cast<std::int64_t>(standard)));                                                               \
    }
#define TENSORVK_OPERATOR_REAL(Class, Type, Name, key, standard)                                                      \
    void Class::set##Name(Type value) {                                                                               \
        api::change_attributes<graph::OperatorAttributes>(                                                            \
            *this, [&](auto& a) { a.attributes.set(key, static_cast<double>(value)); });                              \
    }                                                                                                                 \
    Type Class::get##Name() const {                                                                                   \
        return static_cast<Type>(api::attributes<graph::OperatorAttributes>(*this).attributes.real(key, standard));   \
    }
