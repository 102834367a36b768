// IExecutionContext.
#include "api/runtime_state.hpp"
#include "bindings.hpp"
#include "interrupt.hpp"

namespace tensorvk::bindings {

namespace {

using Context = IExecutionContext;
using ContextClass = py::class_<Context, std::shared_ptr<Context>>;
using Released = py::call_guard<GilRelease>;

bool execute(Context& self, const py::iterable& bindings) {
    const auto addresses = addresses_of(bindings);
    return run_interruptible([&] { return api::execute_bindings(self, addresses); });
}

bool enqueue(Context& self, const py::iterable& bindings, const py::object& stream, const py::object& consumed) {
    const auto addresses = addresses_of(bindings);
    const std::uint64_t stream_handle = address_of(stream);
    const std::uint64_t event = address_of(consumed);
    return run_interruptible([&] { return api::enqueue_bindings(self, addresses, stream_handle, event); });
}

void add_runs(ContextClass& cls) {
    cls.def("execute_v2", &execute, py::arg("bindings"),
            "Addresses in the order of the bindings; returns when the outputs are there.")
        .def("execute_async_v2", &enqueue, py::arg("bindings"), py::arg("stream_handle"),
             py::arg("input_consumed") = py::none())
        .def(
            "execute_async_v3",
            [](Context& self, const py::object& stream) {
                void* const handle = pointer_of(stream);
                return run_interruptible([&] { return self.enqueueV3(handle); });
            },
            py::arg("stream_handle"), "One inference on the stream with the addresses set by set_tensor_address.")
        .def(
            "execute", [](Context& self, int32_t, const py::iterable& bindings) { return execute(self, bindings); },
            py::arg("batch_size") = 1, py::arg("bindings"),
            "TensorRT <= 9; batch is explicit, so batch_size changes nothing.")
        .def(
            "execute_async",
            [](Context& self, int32_t, const py::iterable& bindings, const py::object& stream,
               const py::object& consumed) { return enqueue(self, bindings, stream, consumed); },
            py::arg("batch_size") = 1, py::arg("bindings"), py::arg("stream_handle"),
            py::arg("input_consumed") = py::none());
}

void add_tensors(ContextClass& cls) {
    cls.def("set_input_shape", &Context::setInputShape, py::arg("name"), py::arg("shape"),
            "False, after logging, outside of the active profile.")
        .def("get_tensor_shape", &Context::getTensorShape, py::arg("name"), "-1 where input shapes are missing.")
        .def("get_tensor_strides", &Context::getTensorStrides, py::arg("name"), "In elements.")
        .def(
            "set_tensor_address",
            [](Context& self, const std::string& name, const py::object& memory) {
                return self.setTensorAddress(name.c_str(), pointer_of(memory));
            },
            py::arg("name"), py::arg("memory"))
        .def(
            "get_tensor_address",
            [](const Context& self, const std::string& name) { return number_of(self.getTensorAddress(name.c_str())); },
            py::arg("name"), "0 when not set.")
        .def(
            "set_output_allocator",
            [](Context& self, const std::string& name, IOutputAllocator* allocator) {
                api::ContextState& state = api::RuntimeAccess::state(self);
                return api::succeeds(*state.reporter, [&] { state.set_output_allocator(name, keep(allocator)); });
            },
            py::arg("name"), py::arg("output_allocator"), "None takes it back.")
        .def(
            "get_output_allocator", [](const Context& self, const std::string& name) { return self.getOutputAllocator(name.c_str()); },
            py::arg("name"), py::return_value_policy::reference)
        .def("get_max_output_size", &Context::getMaxOutputSize, py::arg("name"), "Bytes; -1 when it is no output.")
        .def(
            "infer_shapes",
            [](Context& self) {
                std::vector<const char*> names(static_cast<std::size_t>(self.getEngine().getNbIOTensors()));
                const int32_t count = self.inferShapes(static_cast<int32_t>(names.size()), names.data());
                require(count >= 0);
                return std::vector<std::string>(names.begin(), names.begin() + count);
            },
            "Names of the inputs whose shapes are missing. RuntimeError when all are set but contradict each other.")
        .def("set_binding_shape", &Context::setBindingDimensions, py::arg("binding"), py::arg("shape"))
        .def("get_binding_shape", &Context::getBindingDimensions, py::arg("binding"))
        .def("get_strides", &Context::getStrides, py::arg("binding"))
        .def(
            "set_shape_input", [](Context&, int32_t, const py::sequence&) { return false; }, py::arg("binding"),
            py::arg("shape"), "False: engines have no shape tensors as inputs.")
        .def(
            "get_shape", [](const Context&, int32_t) { return std::vector<int64_t>(); }, py::arg("binding"))
        .def_property_readonly("all_binding_shapes_specified", &Context::allInputDimensionsSpecified)
        .def_property_readonly("all_shape_inputs_specified", &Context::allInputShapesSpecified);
}

void add_settings(ContextClass& cls) {
    cls.def_property("active_optimization_profile", &Context::getOptimizationProfile,
                     [](Context& self, int32_t profile) { require(self.setOptimizationProfile(profile)); })
        .def(
            "set_optimization_profile_async",
            [](Context& self, int32_t profile, const py::object& stream) {
                require(self.setOptimizationProfileAsync(profile, pointer_of(stream)));
                return true;
            },
            py::arg("profile_index"), py::arg("stream_handle"))
        .def_property(
            "profiler", &Context::getProfiler,
            [](Context& self, IProfiler* profiler) { api::RuntimeAccess::state(self).profiler = keep(profiler); },
            py::return_value_policy::reference)
        .def_property("enqueue_emits_profile", &Context::getEnqueueEmitsProfile, &Context::setEnqueueEmitsProfile)
        .def("report_to_profiler", &Context::reportToProfiler, Released())
        .def_property("debug_sync", &Context::getDebugSync, &Context::setDebugSync)
        .def_property("name", &Context::getName, &Context::setName)
        .def_property_readonly("engine", &Context::getEngine, py::return_value_policy::reference)
        .def_property(
            "device_memory", nullptr,
            [](Context& self, const py::object& memory) { self.setDeviceMemory(pointer_of(memory)); },
            "Write-only: the address of engine.device_memory_size bytes for activations.")
        .def(
            "set_device_memory",
            [](Context& self, const py::object& memory, int64_t size) {
                self.setDeviceMemoryV2(pointer_of(memory), size);
            },
            py::arg("memory"), py::arg("size"))
        .def("update_device_memory_size_for_shapes", &Context::updateDeviceMemorySizeForShapes)
        .def(
            "set_input_consumed_event",
            [](Context& self, const py::object& event) { return self.setInputConsumedEvent(pointer_of(event)); },
            py::arg("event"))
        .def("get_input_consumed_event", [](const Context& self) { return number_of(self.getInputConsumedEvent()); })
        .def(
            "set_aux_streams", [](Context&, const py::sequence&) {}, py::arg("aux_streams"))
        .def_property("nvtx_verbosity", &Context::getNvtxVerbosity, &Context::setNvtxVerbosity)
        .def_property("persistent_cache_limit", &Context::getPersistentCacheLimit, &Context::setPersistentCacheLimit);
}

} // namespace

void bind_context(py::module_& module) {
    // The class itself is made before the engine's, whose methods return it.
    auto cls = py::reinterpret_borrow<ContextClass>(module.attr("IExecutionContext"));
    add_runs(cls);
    add_tensors(cls);
    add_settings(cls);
    add_context_manager(cls);
    add_error_recorder(cls, [](Context& self) -> api::Reporter& { return *api::RuntimeAccess::state(self).reporter; });
}

} // namespace tensorvk::bindings
