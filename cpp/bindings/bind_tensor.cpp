// ITensor and ILayer.
#include <optional>

#include "only_property.hpp"
#include "share.hpp"

namespace tensorvk::bindings {

namespace {

void bind_itensor(py::module_& module) {
    py::class_<ITensor, std::shared_ptr<ITensor>>(module, "ITensor", "An edge of a network.")
        .def_property("name", &ITensor::getName, &ITensor::setName, "Unique in the network.")
        .def_property("shape", &ITensor::getDimensions, &ITensor::setDimensions,
                      "Dims, -1 where known at run time; can be set on network inputs.")
        .def_property("dtype", &ITensor::getType, &ITensor::setType)
        .def_property("location", &ITensor::getLocation, &ITensor::setLocation)
        .def_property("allowed_formats", &ITensor::getAllowedFormats, &ITensor::setAllowedFormats,
                      "Bitmask of 1 << int(TensorFormat).")
        .def_property("broadcast_across_batch", &ITensor::getBroadcastAcrossBatch, &ITensor::setBroadcastAcrossBatch)
        .def_property(
            "dynamic_range",
            [](const ITensor& self) -> py::object {
                return self.dynamicRangeIsSet()
                           ? py::object(py::make_tuple(self.getDynamicRangeMin(), self.getDynamicRangeMax()))
                           : py::none();
            },
            [](ITensor& self, const std::optional<std::pair<float, float>>& range) {
                if (range) {
                    require(self.setDynamicRange(range->first, range->second));
                } else {
                    self.resetDynamicRange();
                }
            })
        .def("set_dynamic_range", &ITensor::setDynamicRange, py::arg("min"), py::arg("max"))
        .def("reset_dynamic_range", &ITensor::resetDynamicRange)
        .def_property_readonly("is_network_input", &ITensor::isNetworkInput)
        .def_property_readonly("is_network_output", &ITensor::isNetworkOutput)
        .def_property_readonly("is_shape_tensor", &ITensor::isShapeTensor)
        .def_property_readonly("is_execution_tensor", &ITensor::isExecutionTensor)
        .def("get_dimension_name", &ITensor::getDimensionName, py::arg("index"))
        .def("set_dimension_name", &ITensor::setDimensionName, py::arg("index"), py::arg("name"));
}

void bind_ilayer(py::module_& module) {
    py::class_<ILayer, std::shared_ptr<ILayer>> cls(module, "ILayer", "A node of a network; what all kinds have in common.");
    add_only(cls, "num_ranks", 1, "An engine runs on one device.");
    cls.def_property("name", &ILayer::getName, &ILayer::setName)
        .def_property("metadata", &ILayer::getMetadata, &ILayer::setMetadata,
                      "Free text that the engine's inspector shows.")
        .def_property_readonly("type", &ILayer::getType)
        .def_property_readonly("num_inputs", &ILayer::getNbInputs)
        .def_property_readonly("num_outputs", &ILayer::getNbOutputs)
        .def(
            "get_input", [](const ILayer& self, int32_t index) { return share(self.getInput(index)); },
            py::arg("index"))
        .def(
            "get_output", [](const ILayer& self, int32_t index) { return share(self.getOutput(index)); },
            py::arg("index"))
        .def("set_input", &ILayer::setInput, py::arg("index"), py::arg("tensor"))
        .def_property("precision", &ILayer::getPrecision, &ILayer::setPrecision)
        .def_property_readonly("precision_is_set", &ILayer::precisionIsSet)
        .def("reset_precision", &ILayer::resetPrecision)
        .def("set_output_type", &ILayer::setOutputType, py::arg("index"), py::arg("dtype"))
        .def("get_output_type", &ILayer::getOutputType, py::arg("index"))
        .def("output_type_is_set", &ILayer::outputTypeIsSet, py::arg("index"))
        .def("reset_output_type", &ILayer::resetOutputType, py::arg("index"));
}

} // namespace

void bind_tensor(py::module_& module) {
    bind_itensor(module);
    bind_ilayer(module);
}

} // namespace tensorvk::bindings
