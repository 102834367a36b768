// Builder.
#include "api/builder_access.hpp"
#include "bindings.hpp"
#include "tensorvk/builder.h"
#include "tensorvk/runtime.h"

namespace tensorvk::bindings {

namespace {

using BuilderClass = py::class_<IBuilder, std::shared_ptr<IBuilder>>;
using Released = py::call_guard<GilRelease>;

std::shared_ptr<IHostMemory> build(IBuilder& self, INetworkDefinition& network, IBuilderConfig& config) {
    return std::shared_ptr<IHostMemory>(self.buildSerializedNetwork(network, config));
}

std::shared_ptr<ICudaEngine> build_engine(IBuilder& self, INetworkDefinition& network, IBuilderConfig& config) {
    return std::shared_ptr<ICudaEngine>(self.buildEngineWithConfig(network, config));
}

void add_builds(BuilderClass& cls) {
    cls.def("build_serialized_network", &build, py::arg("network"), py::arg("config"), Released(),
            "The plan, or None after logging why not.");
    cls.def("build_engine", &build_engine, py::arg("network"), py::arg("config"), Released(),
            "TensorRT <= 9: the plan, loaded.");
    cls.def("build_engine_with_config", &build_engine, py::arg("network"), py::arg("config"), Released());
    cls.def(
        "build_cuda_engine",
        [](IBuilder& self, INetworkDefinition& network) {
            return std::shared_ptr<ICudaEngine>(self.buildCudaEngine(network));
        },
        py::arg("network"), Released(), "TensorRT 7: builds with the builder's own settings.");
    cls.def("is_network_supported", &IBuilder::isNetworkSupported, py::arg("network"), py::arg("config"), Released());
}

void add_facts(BuilderClass& cls) {
    cls.def_property_readonly("platform_has_fast_fp16", &IBuilder::platformHasFastFp16, "Whether the device stores float16.")
        .def_property_readonly("platform_has_fast_int8", &IBuilder::platformHasFastInt8,
                               "Whether the device multiplies 8-bit integers several at once.")
        .def_property_readonly("platform_has_tf32", &IBuilder::platformHasTf32)
        .def_property_readonly("num_DLA_cores", &IBuilder::getNbDLACores)
        .def_property_readonly("max_DLA_batch_size", &IBuilder::getMaxDLABatchSize)
        .def_property("max_threads", &IBuilder::getMaxThreads, &IBuilder::setMaxThreads)
        .def_property_readonly("logger", &IBuilder::getLogger, py::return_value_policy::reference)
        .def("reset", &IBuilder::reset)
        .def_property("max_batch_size", &IBuilder::getMaxBatchSize, &IBuilder::setMaxBatchSize,
                      "TensorRT <= 9; batch is explicit, so it changes nothing.")
        .def_property("max_workspace_size", &IBuilder::getMaxWorkspaceSize, &IBuilder::setMaxWorkspaceSize,
                      "TensorRT 7; bytes.")
        .def_property("fp16_mode", &IBuilder::getFp16Mode, &IBuilder::setFp16Mode, "TensorRT 7: BuilderFlag.FP16.")
        .def_property("int8_mode", &IBuilder::getInt8Mode, &IBuilder::setInt8Mode, "TensorRT 7: BuilderFlag.INT8.")
        .def_property("strict_type_constraints", &IBuilder::getStrictTypeConstraints,
                      &IBuilder::setStrictTypeConstraints, "TensorRT 7.");
    add_refused(
        cls, "int8_calibrator",
        "INT8 calibration is not offered; quantize the model beforehand (QuantizeLinear and DequantizeLinear nodes).");
    add_refused(cls, "gpu_allocator",
                "Allocators of the user's own are not offered; Vulkan memory comes from TensorVK's pools.");
}

} // namespace

void bind_builder(py::module_& module) {
    BuilderClass cls(module, "Builder", "Makes networks, configurations and plans.");
    cls.def(py::init([](ILogger& logger) { return std::make_shared<IBuilder>(keep(&logger)); }), py::arg("logger"));
    cls.def(
        "create_network",
        [](IBuilder& self, uint32_t flags) { return std::shared_ptr<INetworkDefinition>(self.createNetworkV2(flags)); },
        py::arg("flags") = 0U, py::keep_alive<0, 1>(),
        "flags: bitmask of 1 << int(NetworkDefinitionCreationFlag); batch is always explicit.");
    cls.def("create_builder_config",
            [](IBuilder& self) { return std::shared_ptr<IBuilderConfig>(self.createBuilderConfig()); });
    cls.def("create_optimization_profile", &api::BuilderAccess::create_profile);
    add_builds(cls);
    add_facts(cls);
    add_context_manager(cls);
    add_error_recorder(cls, [](const IBuilder& self) -> api::Reporter& { return *api::BuilderAccess::reporter(self); });
}

} // namespace tensorvk::bindings
