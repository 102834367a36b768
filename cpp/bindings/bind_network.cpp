// INetworkDefinition.
#include "network_class.hpp"
#include "tensorvk/builder.h"

namespace tensorvk::bindings {

namespace {

using Network = INetworkDefinition;
void add_weighted_layers(NetworkClass& cls) {
    const auto convolution = [](Network& self, ITensor& input, int64_t maps, const Dims& kernel_shape,
                                const py::object& kernel, const py::object& bias) {
        return share(self.addConvolutionNd(input, maps, kernel_shape, weights_of(kernel), weights_of(bias)));
    };
    const auto deconvolution = [](Network& self, ITensor& input, int64_t maps, const Dims& kernel_shape,
                                  const py::object& kernel, const py::object& bias) {
        return share(self.addDeconvolutionNd(input, maps, kernel_shape, weights_of(kernel), weights_of(bias)));
    };
    for (const char* name : {"add_convolution_nd", "add_convolution"}) {
        cls.def(name, convolution, py::arg("input"), py::arg("num_output_maps"), py::arg("kernel_shape"),
                py::arg("kernel"), py::arg("bias") = py::none(),
                "kernel: [maps, channels / groups, spatial...]; bias: [maps].");
    }
    for (const char* name : {"add_deconvolution_nd", "add_deconvolution"}) {
        cls.def(name, deconvolution, py::arg("input"), py::arg("num_output_maps"), py::arg("kernel_shape"),
                py::arg("kernel"), py::arg("bias") = py::none(),
                "kernel: [channels, maps / groups, spatial...]; bias: [maps].");
    }
    cls.def(
        "add_scale",
        [](Network& self, ITensor& input, ScaleMode mode, const py::object& shift, const py::object& scale,
           const py::object& power) {
            return share(self.addScale(input, mode, weights_of(shift), weights_of(scale), weights_of(power)));
        },
        py::arg("input"), py::arg("mode"), py::arg("shift") = py::none(), py::arg("scale") = py::none(),
        py::arg("power") = py::none());
    cls.def(
        "add_scale_nd",
        [](Network& self, ITensor& input, ScaleMode mode, const py::object& shift, const py::object& scale,
           const py::object& power, int32_t axis) {
            return share(self.addScaleNd(input, mode, weights_of(shift), weights_of(scale), weights_of(power), axis));
        },
        py::arg("input"), py::arg("mode"), py::arg("shift") = py::none(), py::arg("scale") = py::none(),
        py::arg("power") = py::none(), py::arg("channel_axis") = 1);
    cls.def(
        "add_constant",
        [](Network& self, const Dims& shape, const py::object& weights) {
            return share(self.addConstant(shape, weights_of(weights)));
        },
        py::arg("shape"), py::arg("weights"));
}

void add_layers(NetworkClass& cls) {
    add(cls, "add_pooling_nd", &Network::addPoolingNd, py::arg("input"), py::arg("type"), py::arg("window_size"));
    add(cls, "add_pooling", &Network::addPoolingNd, py::arg("input"), py::arg("type"), py::arg("window_size"));
    add(cls, "add_activation", &Network::addActivation, py::arg("input"), py::arg("type"));
    add(cls, "add_softmax", &Network::addSoftMax, py::arg("input"));
    add(cls, "add_elementwise", &Network::addElementWise, py::arg("input1"), py::arg("input2"), py::arg("op"));
    add(cls, "add_unary", &Network::addUnary, py::arg("input"), py::arg("op"));
    add(cls, "add_reduce", &Network::addReduce, py::arg("input"), py::arg("op"), py::arg("axes"), py::arg("keep_dims"));
    add(cls, "add_topk", &Network::addTopK, py::arg("input"), py::arg("op"), py::arg("k"), py::arg("axes"),
        py::arg("indices_type") = DataType::kINT32);
    add(cls, "add_gather", &Network::addGather, py::arg("input"), py::arg("indices"), py::arg("axis"));
    add(cls, "add_gather_v2", &Network::addGatherV2, py::arg("input"), py::arg("indices"), py::arg("mode"));
    add(cls, "add_shuffle", &Network::addShuffle, py::arg("input"));
    add(cls, "add_slice", &Network::addSlice, py::arg("input"), py::arg("start"), py::arg("shape"), py::arg("stride"));
    add(cls, "add_padding_nd", &Network::addPaddingNd, py::arg("input"), py::arg("pre_padding"),
        py::arg("post_padding"));
    add(cls, "add_padding", &Network::addPaddingNd, py::arg("input"), py::arg("pre_padding"), py::arg("post_padding"));
    add(cls, "add_resize", &Network::addResize, py::arg("input"));
    add(cls, "add_matrix_multiply", &Network::addMatrixMultiply, py::arg("input0"), py::arg("op0"), py::arg("input1"),
        py::arg("op1"));
    add(cls, "add_cast", &Network::addCast, py::arg("input"), py::arg("to_type"));
    add(cls, "add_identity", &Network::addIdentity, py::arg("input"));
    add(cls, "add_shape", &Network::addShape, py::arg("input"));
    add(cls, "add_select", &Network::addSelect, py::arg("condition"), py::arg("then_input"), py::arg("else_input"));
    add(cls, "add_parametric_relu", &Network::addParametricReLU, py::arg("input"), py::arg("slopes"));
    cls.def(
        "add_concatenation",
        [](Network& self, const std::vector<ITensor*>& inputs) {
            return share(self.addConcatenation(inputs.data(), static_cast<int32_t>(inputs.size())));
        },
        py::arg("inputs"));
}

void add_access(NetworkClass& cls) {
    cls.def_property("name", &Network::getName, &Network::setName)
        .def_property_readonly("num_layers", &Network::getNbLayers)
        .def_property_readonly("num_inputs", &Network::getNbInputs)
        .def_property_readonly("num_outputs", &Network::getNbOutputs)
        .def_property_readonly("has_implicit_batch_dimension", &Network::hasImplicitBatchDimension)
        .def_property_readonly("has_explicit_precision", [](const Network&) { return false; })
        .def_property_readonly("flags", &Network::getFlags)
        .def_property_readonly("builder", &Network::getBuilder, py::return_value_policy::reference)
        .def("get_flag", &Network::getFlag, py::arg("flag"))
        .def(
            "get_layer", [](const Network& self, int32_t index) { return share(self.getLayer(index)); },
            py::arg("index"), "The layer as an object of its own class; None for a wrong index.")
        .def(
            "get_input", [](const Network& self, int32_t index) { return share(self.getInput(index)); },
            py::arg("index"))
        .def(
            "get_output", [](const Network& self, int32_t index) { return share(self.getOutput(index)); },
            py::arg("index"))
        .def("__len__", &Network::getNbLayers)
        .def("__getitem__", [](const Network& self, int32_t index) {
            const int32_t count = self.getNbLayers();
            if (index < -count || index >= count) {
                throw py::index_error(text("The network has ", count, " layers; there is no layer ", index, "."));
            }
            return share(self.getLayer(index < 0 ? index + count : index));
        });
}

} // namespace

void bind_network(py::module_& module) {
    NetworkClass cls(module, "INetworkDefinition", "Tensors and layers; Builder.create_network makes one.");
    cls.def(
        "add_input",
        [](Network& self, const std::string& name, DataType dtype, const Dims& shape) {
            return share(self.addInput(name.c_str(), dtype, shape));
        },
        py::arg("name"), py::arg("dtype"), py::arg("shape"), "-1 in the shape is a dimension known at run time.");
    cls.def("mark_output", &Network::markOutput, py::arg("tensor"));
    cls.def("unmark_output", &Network::unmarkOutput, py::arg("tensor"));
    cls.def("mark_output_for_shapes", &Network::markOutputForShapes, py::arg("tensor"));
    cls.def("unmark_output_for_shapes", &Network::unmarkOutputForShapes, py::arg("tensor"));
    add_weighted_layers(cls);
    add_layers(cls);
    add_operators(cls);
    add_access(cls);
    add_context_manager(cls);
    add_error_recorder(cls, [](const Network& self) -> api::Reporter& { return api::Access::state(self)->reporter(); });
}

} // namespace tensorvk::bindings
