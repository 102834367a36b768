// Calling what users override in Python: with the GIL held, from whatever thread the library is in; what overrides raise is printed through
// sys.unraisablehook and does not reach the library.
#pragma once

#include <string>
#include <utility>

#include "bindings.hpp"

namespace tensorvk::bindings {

//! Whether the object's class defines `name`, though pybind11 finds no override: it hides the one that is running, so
//! that overrides may call their base.
template <typename Base>
bool is_running(const Base* self, const char* name) {
    const py::object object = py::cast(self, py::return_value_policy::reference);
    return PyFunction_Check(py::getattr(py::type::of(object), name, py::none()).ptr()) != 0;
}

//! Calls the Python override `name`; `fallback` when it raises or there is none.
template <typename Result, typename Base, typename... Arguments>
Result call_override(const Base* self, const char* name, Result fallback, Arguments&&... arguments) {
    const GilAcquire gil;
    try {
        const py::tuple given = py::make_tuple(std::forward<Arguments>(arguments)...);
        if (const py::function override = py::get_override(self, name)) {
            return call_python(override, given).template cast<Result>();
        }
        if (is_running(self, name)) {
            const std::string sentence =
                text("This object's ", name, " is running and used TensorVK, which calls ", name,
                     " of the same object; that call is left out: ", name, py::repr(given).cast<std::string>());
            PyErr_SetString(PyExc_RecursionError, sentence.c_str());
            throw py::error_already_set();
        }
        throw py::type_error(std::string("this class must define the method ") + name);
    } catch (py::error_already_set& error) {
        error.discard_as_unraisable(name);
    } catch (const std::exception& error) {
        PyErr_SetString(PyExc_TypeError, error.what());
        py::error_already_set().discard_as_unraisable(name);
    }
    return fallback;
}

template <typename Base, typename... Arguments>
void call_override_void(const Base* self, const char* name, Arguments&&... arguments) {
    call_override<py::object>(self, name, py::none(), std::forward<Arguments>(arguments)...);
}

} // namespace tensorvk::bindings
