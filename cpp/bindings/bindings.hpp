// What the binding files share. Each family of the API has a file with one function; module.cpp calls them in order.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "api/reporter.hpp"
#include "gil.hpp"
#include "tensorvk/interfaces.h"

namespace tensorvk::bindings {

namespace py = pybind11;

void bind_enums(py::module_& module);
void bind_layer_enums(py::module_& module);
void bind_values(py::module_& module);
void bind_callbacks(py::module_& module);
void bind_output_allocator(py::module_& module);
void bind_operator_enums(py::module_& module);
void bind_tensor(py::module_& module);
void bind_layers(py::module_& module);
void bind_shape_layers(py::module_& module);
void bind_control_layers(py::module_& module);
void bind_operator_layers(py::module_& module);
void bind_network(py::module_& module);
void bind_builder_config(py::module_& module);
void bind_builder(py::module_& module);
void bind_parser(py::module_& module);
void bind_engine(py::module_& module);
void bind_context(py::module_& module);
void bind_runtime(py::module_& module);

//! A shared pointer to an object that Python owns: keeps the Python object, with what its class overrides, alive.
template <typename T>
std::shared_ptr<T> keep(T* object) {
    if (object == nullptr) {
        return nullptr;
    }
    auto* owner = new py::object(py::cast(object, py::return_value_policy::reference));
    return std::shared_ptr<T>(object, [owner](T*) {
        if (Py_IsInitialized() != 0) { // the last user may go after the interpreter
            const GilAcquire gil;
            delete owner;
        }
    });
}

//! An address: an int, or anything with __int__ (a stream or an allocation of another package); None is 0.
[[nodiscard]] std::uint64_t address_of(py::handle object);
[[nodiscard]] std::vector<std::uint64_t> addresses_of(const py::iterable& objects);
[[nodiscard]] inline void* pointer_of(py::handle object) {
    return reinterpret_cast<void*>(static_cast<std::uintptr_t>(address_of(object)));
}
[[nodiscard]] inline std::uint64_t number_of(const void* pointer) {
    return reinterpret_cast<std::uintptr_t>(pointer);
}

//! A Weights object from what Python gives: Weights, a numpy array (shared, not copied, when it is contiguous), or
//! None.
[[nodiscard]] Weights weights_of(py::handle object);
//! A view of an object's bytes, for as long as this lives.
class ByteView {
  public:
    explicit ByteView(py::handle object);
    ~ByteView() { PyBuffer_Release(&view_); }
    ByteView(const ByteView&) = delete;
    ByteView& operator=(const ByteView&) = delete;
    [[nodiscard]] const void* data() const noexcept { return view_.buf; }
    [[nodiscard]] std::size_t size() const noexcept { return static_cast<std::size_t>(view_.len); }

  private:
    Py_buffer view_{};
};

//! Throws what the failed call logged; for calls that TensorRT's binding lets raise.
void require(bool success);

//! `with object as name:` does nothing beside naming; objects live as long as they are referred to.
template <typename Class>
void add_context_manager(Class& cls) {
    using T = typename Class::type;
    cls.def("__enter__", [](py::object self) { return self; });
    cls.def("__exit__", [](const T&, const py::args&) {});
    cls.def("__del__", [](const T&) {});
}

//! A property that is None and takes nothing else: for what is not offered.
template <typename Class>
void add_refused(Class& cls, const char* name, const char* sentence) {
    using T = typename Class::type;
    cls.def_property(
        name, [](const T&) { return py::none(); },
        [sentence](T&, const py::object& value) {
            if (!value.is_none()) {
                throw std::runtime_error(sentence);
            }
        },
        sentence);
}

//! The property error_recorder; `reporter_of` finds the object's reporter.
template <typename Class, typename ReporterOf>
void add_error_recorder(Class& cls, ReporterOf reporter_of) {
    using T = typename Class::type;
    cls.def_property(
        "error_recorder", [reporter_of](T& self) { return reporter_of(self).recorder().get(); },
        [reporter_of](T& self, IErrorRecorder* recorder) { reporter_of(self).set_recorder(keep(recorder)); },
        py::return_value_policy::reference);
}

} // namespace tensorvk::bindings
