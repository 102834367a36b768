// Runtime.
#include "api/runtime_state.hpp"
#include "bindings.hpp"

namespace tensorvk::bindings {

namespace {

// Of an object that any thread may let go of, with the interpreter's lock or without. Without it the main thread does that when it comes by; at the
// interpreter's end the object goes with the process.
std::shared_ptr<const void> kept(const py::object& object) {
    const auto let_go = [](PyObject* kept_object) {
        if (Py_IsInitialized() == 0) {
            return;
        }
        if (PyGILState_Check() == 1) {
            Py_DECREF(kept_object);
        } else {
            (void)Py_AddPendingCall(
                [](void* later) {
                    Py_DECREF(static_cast<PyObject*>(later));
                    return 0;
                },
                kept_object);
        }
    };
    return {py::object(object).release().ptr(), let_go};
}

// What nobody can change is not copied.
runtime::PlanBytes plan_bytes(const py::object& plan) {
    const ByteView view(plan);
    const std::span bytes(static_cast<const std::byte*>(view.data()), view.size());
    const bool stays = PyBytes_CheckExact(plan.ptr()) != 0 || py::isinstance<IHostMemory>(plan);
    return stays ? runtime::PlanBytes{kept(plan), bytes} : runtime::PlanBytes::copy_of(bytes);
}

} // namespace

void bind_runtime(py::module_& module) {
    py::class_<IRuntime, std::shared_ptr<IRuntime>> cls(module, "Runtime", "Loads plans.");
    cls.def(py::init([](ILogger& logger) { return std::make_shared<IRuntime>(keep(&logger)); }), py::arg("logger"))
        .def(
            "deserialize_cuda_engine",
            [](IRuntime& self, const py::object& plan) {
                runtime::PlanBytes bytes = plan_bytes(plan);
                const GilRelease release;
                return std::shared_ptr<ICudaEngine>(api::RuntimeAccess::deserialize(self, std::move(bytes)));
            },
            py::arg("serialized_engine"), "From anything with the buffer protocol; None after logging why not.")
        .def_property("DLA_core", &IRuntime::getDLACore, &IRuntime::setDLACore)
        .def_property_readonly("num_DLA_cores", &IRuntime::getNbDLACores)
        .def_property("max_threads", &IRuntime::getMaxThreads, &IRuntime::setMaxThreads)
        .def_property("temporary_directory", &IRuntime::getTemporaryDirectory, &IRuntime::setTemporaryDirectory)
        .def_property("tempfile_control_flags", &IRuntime::getTempfileControlFlags, &IRuntime::setTempfileControlFlags)
        .def_property("engine_host_code_allowed", &IRuntime::getEngineHostCodeAllowed,
                      &IRuntime::setEngineHostCodeAllowed)
        .def_property_readonly("logger", &IRuntime::getLogger, py::return_value_policy::reference);
    add_refused(cls, "gpu_allocator",
                "Allocators of the user's own are not offered; Vulkan memory comes from TensorVK's pools.");
    add_context_manager(cls);
    add_error_recorder(cls, [](const IRuntime& self) -> api::Reporter& { return *api::RuntimeAccess::reporter(self); });
}

} // namespace tensorvk::bindings
