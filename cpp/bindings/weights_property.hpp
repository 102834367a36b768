// Weights as a property of a layer.
#pragma once

#include <pybind11/numpy.h>

#include "bindings.hpp"

namespace tensorvk::bindings {

//! Takes arrays and Weights and gives an array (empty when there are none), as TensorRT does.
template <typename Class, typename Get, typename Set>
void add_weights(Class& cls, const char* name, Get get, Set set) {
    using Layer = typename Class::type;
    cls.def_property(
        name,
        [get](const Layer& self) {
            const py::object weights = py::cast((self.*get)());
            return weights.attr("numpy")();
        },
        [set](Layer& self, const py::object& value) { (self.*set)(weights_of(value)); });
}

} // namespace tensorvk::bindings
