// IOutputAllocator, as users implement it in Python.
#include "overrides.hpp"

namespace tensorvk::bindings {

namespace {

class PyOutputAllocator : public IOutputAllocator {
  public:
    void* reallocateOutput(const char* name, void* memory, uint64_t size, uint64_t alignment) override {
        return address("reallocate_output", name, number_of(memory), size, alignment);
    }
    void* reallocateOutputAsync(const char* name, void* memory, uint64_t size, uint64_t alignment, void* stream) override {
        const GilAcquire gil;
        if (!py::get_override(base(), "reallocate_output_async")) { // a class for TensorRT < 10
            return reallocateOutput(name, memory, size, alignment);
        }
        return address("reallocate_output_async", name, number_of(memory), size, alignment, number_of(stream));
    }
    void notifyShape(const char* name, const Dims& dims) override { call_override_void(base(), "notify_shape", name, dims); }

  private:
    const IOutputAllocator* base() const { return this; }

    //! What the override returns: an address, or None for no memory.
    template <typename... Arguments>
    void* address(const char* method, const Arguments&... arguments) {
        const GilAcquire gil;
        const py::object given = call_override<py::object>(base(), method, py::none(), arguments...);
        try {
            return pointer_of(given);
        } catch (py::error_already_set& error) {
            error.discard_as_unraisable(method);
        } catch (const std::exception& error) {
            PyErr_SetString(PyExc_TypeError, error.what());
            py::error_already_set().discard_as_unraisable(method);
        }
        return nullptr;
    }
};

} // namespace

void bind_output_allocator(py::module_& module) {
    py::class_<IOutputAllocator, PyOutputAllocator, std::shared_ptr<IOutputAllocator>>(
        module, "IOutputAllocator",
        "Gives memory for outputs during a run: derive, call IOutputAllocator.__init__ and define reallocate_output (or "
        "reallocate_output_async), which returns an address, and notify_shape.")
        .def(py::init<>());
}

} // namespace tensorvk::bindings
