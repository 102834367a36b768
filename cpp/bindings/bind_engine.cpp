// ICudaEngine and EngineInspector. Both of TensorRT's styles at once: tensor names (10) and binding indices (<= 9).
#include <functional>

#include "api/runtime_state.hpp"
#include "bindings.hpp"

namespace tensorvk::bindings {

namespace {

using Engine = ICudaEngine;
using EngineClass = py::class_<Engine, std::shared_ptr<Engine>>;
using Released = py::call_guard<GilRelease>;

std::vector<Dims> profile_shapes(const Engine& engine, const std::string& name, int32_t profile) {
    std::vector<Dims> shapes;
    for (const OptProfileSelector select :
         {OptProfileSelector::kMIN, OptProfileSelector::kOPT, OptProfileSelector::kMAX}) {
        shapes.push_back(engine.getProfileShape(name.c_str(), profile, select));
        if (shapes.back().nbDims < 0) {
            return {};
        }
    }
    return shapes;
}

//! The tensor that an index or a name means, as <= 9's methods take both.
std::string tensor_name(const Engine& engine, const py::object& binding) {
    const int32_t index = py::isinstance<py::str>(binding) ? engine.getBindingIndex(binding.cast<std::string>().c_str())
                                                           : binding.cast<int32_t>();
    const api::EngineState& state = *api::RuntimeAccess::state(engine);
    if (index < 0) {
        throw py::key_error(
            text("Engine '", engine.getName(), "' has no binding '", py::str(binding).cast<std::string>(), "'."));
    }
    return state.engine->tensors()[state.tensor_of_binding(index)].name;
}

template <typename Method>
auto by_binding(Method method) {
    return [method](const Engine& self, const py::object& binding) {
        return method(self, tensor_name(self, binding).c_str());
    };
}

void add_tensors(EngineClass& cls) {
    const auto with_profile = [&cls](const char* name, auto method) {
        cls.def(name, method, py::arg("name"), py::arg("profile_index") = 0);
    };
    cls.def_property_readonly("num_io_tensors", &Engine::getNbIOTensors)
        .def("get_tensor_name", &Engine::getIOTensorName, py::arg("index"))
        .def("get_tensor_shape", &Engine::getTensorShape, py::arg("name"), "Dims, -1 where dynamic.")
        .def("get_tensor_dtype", &Engine::getTensorDataType, py::arg("name"))
        .def("get_tensor_mode", &Engine::getTensorIOMode, py::arg("name"))
        .def("get_tensor_location", &Engine::getTensorLocation, py::arg("name"))
        .def("is_shape_inference_io", &Engine::isShapeInferenceIO, py::arg("name"))
        .def("get_tensor_profile_shape", &profile_shapes, py::arg("name"), py::arg("profile_index"),
             "[min, opt, max]; of an output, for inputs of these shapes.")
        .def(
            "get_tensor_profile_values",
            [](const Engine&, const std::string&, int32_t) { return std::vector<std::vector<int64_t>>(); },
            py::arg("name"), py::arg("profile_index"))
        .def(
            "get_aliased_input_tensor", [](const Engine&, const std::string&) { return py::none(); }, py::arg("name"))
        .def(
            "is_debug_tensor", [](const Engine&, const std::string&) { return false; }, py::arg("name"));
    with_profile("get_tensor_bytes_per_component", &Engine::getTensorBytesPerComponent);
    with_profile("get_tensor_components_per_element", &Engine::getTensorComponentsPerElement);
    with_profile("get_tensor_format", &Engine::getTensorFormat);
    with_profile("get_tensor_format_desc", &Engine::getTensorFormatDesc);
    with_profile("get_tensor_vectorized_dim", &Engine::getTensorVectorizedDim);
}

void add_bindings(EngineClass& cls) {
    const auto index = py::arg("index");
    cls.def_property_readonly("num_bindings", &Engine::getNbBindings)
        .def("__len__", &Engine::getNbBindings)
        .def("__getitem__",
             [](const Engine& self, const std::string& name) {
                 const int32_t binding = self.getBindingIndex(name.c_str());
                 if (binding < 0) {
                     throw py::key_error(text("Engine '", self.getName(), "' has no binding '", name, "'."));
                 }
                 return binding;
             })
        .def("__getitem__",
             [](const Engine& self, int32_t binding) {
                 const int32_t count = self.getNbBindings();
                 if (binding < -count || binding >= count) {
                     throw py::index_error(text("Engine '", self.getName(), "' has ", count,
                                                " bindings; there is no binding ", binding, "."));
                 }
                 return std::string(self.getBindingName(binding < 0 ? binding + count : binding));
             })
        .def("__iter__",
             [](const Engine& self) { return py::iter(py::cast(api::RuntimeAccess::state(self)->binding_names)); })
        .def(
            "get_binding_index",
            [](const Engine& self, const std::string& name) { return self.getBindingIndex(name.c_str()); },
            py::arg("name"))
        .def("get_binding_name", &Engine::getBindingName, index)
        .def("binding_is_input", by_binding([](const Engine& e, const char* name) {
                 return e.getTensorIOMode(name) == TensorIOMode::kINPUT;
             }),
             index)
        .def("get_binding_shape", by_binding(std::mem_fn(&Engine::getTensorShape)), index)
        .def("get_binding_dtype", by_binding(std::mem_fn(&Engine::getTensorDataType)), index)
        .def("get_location", by_binding(std::mem_fn(&Engine::getTensorLocation)), index)
        .def("is_shape_binding", by_binding(std::mem_fn(&Engine::isShapeInferenceIO)), py::arg("binding"))
        .def("is_execution_binding", by_binding([](const Engine&, const char*) { return true; }), py::arg("binding"))
        .def("get_binding_format",
             by_binding([](const Engine& e, const char* name) { return e.getTensorFormat(name); }), index)
        .def("get_binding_format_desc",
             by_binding([](const Engine& e, const char* name) { return e.getTensorFormatDesc(name); }), index)
        .def("get_binding_bytes_per_component",
             by_binding([](const Engine& e, const char* name) { return e.getTensorBytesPerComponent(name); }), index)
        .def("get_binding_components_per_element",
             by_binding([](const Engine& e, const char* name) { return e.getTensorComponentsPerElement(name); }), index)
        .def("get_binding_vectorized_dim",
             by_binding([](const Engine& e, const char* name) { return e.getTensorVectorizedDim(name); }), index)
        .def(
            "get_profile_shape",
            [](const Engine& self, int32_t profile, const py::object& binding) {
                return profile_shapes(self, tensor_name(self, binding), profile);
            },
            py::arg("profile_index"), py::arg("binding"))
        .def(
            "get_profile_shape_input",
            [](const Engine&, int32_t, const py::object&) { return std::vector<std::vector<int64_t>>(); },
            py::arg("profile_index"), py::arg("binding"))
        .def_property_readonly("max_batch_size", &Engine::getMaxBatchSize);
}

void add_facts(EngineClass& cls) {
    cls.def_property_readonly("name", &Engine::getName)
        .def_property_readonly("num_layers", &Engine::getNbLayers)
        .def_property_readonly("num_optimization_profiles", &Engine::getNbOptimizationProfiles)
        .def_property_readonly("device_memory_size", &Engine::getDeviceMemorySize, "Bytes of activations.")
        .def_property_readonly("device_memory_size_v2", &Engine::getDeviceMemorySizeV2)
        .def("get_device_memory_size_for_profile", &Engine::getDeviceMemorySizeForProfile, py::arg("profile_index"))
        .def("get_device_memory_size_for_profile_v2", &Engine::getDeviceMemorySizeForProfile, py::arg("profile_index"))
        .def_property_readonly("profiling_verbosity", &Engine::getProfilingVerbosity)
        .def_property_readonly("has_implicit_batch_dimension", &Engine::hasImplicitBatchDimension)
        .def_property_readonly("refittable", &Engine::isRefittable)
        .def_property_readonly("engine_capability", &Engine::getEngineCapability)
        .def_property_readonly("tactic_sources", &Engine::getTacticSources)
        .def_property_readonly("hardware_compatibility_level", &Engine::getHardwareCompatibilityLevel)
        .def_property_readonly("num_aux_streams", &Engine::getNbAuxStreams)
        .def_property_readonly("streamable_weights_size", [](const Engine&) { return 0; })
        .def_property_readonly("weight_streaming_scratch_memory_size", [](const Engine&) { return 0; });
}

void bind_inspector(py::module_& module) {
    using Inspector = IEngineInspector;
    py::class_<Inspector, std::shared_ptr<Inspector>> cls(module, "EngineInspector", "Texts about an engine.");
    cls.def("get_engine_information", &Inspector::getEngineInformation, py::arg("format"))
        .def("get_layer_information", &Inspector::getLayerInformation, py::arg("layer_index"), py::arg("format"))
        .def_property("execution_context",
                      py::cpp_function(&Inspector::getExecutionContext, py::return_value_policy::reference),
                      py::cpp_function(
                          [](Inspector& self, const IExecutionContext* context) { self.setExecutionContext(context); },
                          py::keep_alive<1, 2>()));
    add_error_recorder(cls, [](const Inspector& self) -> api::Reporter& { return api::RuntimeAccess::reporter(self); });
}

} // namespace

void bind_engine(py::module_& module) {
    py::class_<IExecutionContext, std::shared_ptr<IExecutionContext>>(
        module, "IExecutionContext", "Runs an engine: one inference at a time, of one thread at a time.");
    bind_inspector(module);
    EngineClass cls(module, "ICudaEngine",
                    "A network on a device, shared by threads. Inputs come first, then outputs.");
    add_tensors(cls);
    add_bindings(cls);
    add_facts(cls);
    cls.def(
           "serialize", [](const Engine& self) { return std::shared_ptr<IHostMemory>(self.serialize()); }, Released())
        .def(
            "create_execution_context",
            [](Engine& self, ExecutionContextAllocationStrategy strategy) {
                return std::shared_ptr<IExecutionContext>(self.createExecutionContext(strategy));
            },
            py::arg("strategy") = ExecutionContextAllocationStrategy::kSTATIC, py::keep_alive<0, 1>(), Released())
        .def(
            "create_execution_context_without_device_memory",
            [](Engine& self) {
                return std::shared_ptr<IExecutionContext>(self.createExecutionContextWithoutDeviceMemory());
            },
            py::keep_alive<0, 1>(), Released())
        .def("create_engine_inspector",
             [](const Engine& self) { return std::shared_ptr<IEngineInspector>(self.createEngineInspector()); });
    add_context_manager(cls);
    add_error_recorder(cls,
                       [](const Engine& self) -> api::Reporter& { return *api::RuntimeAccess::state(self)->reporter; });
}

} // namespace tensorvk::bindings
