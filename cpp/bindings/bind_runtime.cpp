// Runtime.
#include "api/runtime_state.hpp"
#include "bindings.hpp"

namespace tensorvk::bindings {

void bind_runtime(py::module_& module) {
    py::class_<IRuntime, std::shared_ptr<IRuntime>> cls(module, "Runtime", "Loads plans.");
    cls.def(py::init([](ILogger& logger) { return std::make_shared<IRuntime>(keep(&logger)); }), py::arg("logger"))
        .def(
            "deserialize_cuda_engine",
            [](IRuntime& self, const py::object& plan) {
                const ByteView bytes(plan);
                const GilRelease release;
                return std::shared_ptr<ICudaEngine>(self.deserializeCudaEngine(bytes.data(), bytes.size()));
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
