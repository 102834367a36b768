// Layers that find, place, generate, normalise and quantise.
#include "only_property.hpp"
#include "share.hpp"
#include "tensorvk/operator_layers.h"
#include "weights_property.hpp"

namespace tensorvk::bindings {

namespace {

template <typename Layer>
using LayerClass = py::class_<Layer, ILayer, std::shared_ptr<Layer>>;

void bind_selection(py::module_& module) {
    LayerClass<INonZeroLayer>(module, "INonZeroLayer", "Indices of the elements that are not zero, [rank, count].")
        .def_property("indices_type", &INonZeroLayer::getIndicesType,
                      [](INonZeroLayer& self, DataType type) { require(self.setIndicesType(type)); });
    LayerClass<IOneHotLayer>(module, "IOneHotLayer", "One value at each index, another everywhere else.")
        .def_property("axis", &IOneHotLayer::getAxis, &IOneHotLayer::setAxis);
    LayerClass<INMSLayer>(module, "INMSLayer", "The best boxes of each class that do not overlap: [count, 3] of batch, class, box, and count.")
        .def_property("bounding_box_format", &INMSLayer::getBoundingBoxFormat, &INMSLayer::setBoundingBoxFormat)
        .def_property("topk_box_limit", &INMSLayer::getTopKBoxLimit, &INMSLayer::setTopKBoxLimit)
        .def_property("indices_type", &INMSLayer::getIndicesType,
                      [](INMSLayer& self, DataType type) { require(self.setIndicesType(type)); });
    LayerClass<IScatterLayer>(module, "IScatterLayer", "A copy of the data with updates at the indices.")
        .def_property("mode", &IScatterLayer::getMode, &IScatterLayer::setMode)
        .def_property("axis", &IScatterLayer::getAxis, &IScatterLayer::setAxis);
    LayerClass<IReverseSequenceLayer>(module, "IReverseSequenceLayer", "The first elements of each sequence, in reverse.")
        .def_property("batch_axis", &IReverseSequenceLayer::getBatchAxis, &IReverseSequenceLayer::setBatchAxis)
        .def_property("sequence_axis", &IReverseSequenceLayer::getSequenceAxis, &IReverseSequenceLayer::setSequenceAxis);
    LayerClass<IGridSampleLayer>(module, "IGridSampleLayer", "Pixels at the places of a grid.")
        .def_property("interpolation_mode", &IGridSampleLayer::getInterpolationMode, &IGridSampleLayer::setInterpolationMode)
        .def_property("align_corners", &IGridSampleLayer::getAlignCorners, &IGridSampleLayer::setAlignCorners)
        .def_property("sample_mode", &IGridSampleLayer::getSampleMode,
                      [](IGridSampleLayer& self, SampleMode mode) { require(self.setSampleMode(mode)); });
    LayerClass<ISqueezeLayer>(module, "ISqueezeLayer", "Without some dimensions of extent 1.");
    LayerClass<IUnsqueezeLayer>(module, "IUnsqueezeLayer", "With new dimensions of extent 1.");
    LayerClass<IKVCacheUpdateLayer> cache(module, "IKVCacheUpdateLayer", "A cache of keys or values with new ones written into it.");
    cache.def_property("cache_mode", &IKVCacheUpdateLayer::getCacheMode,
                       [](IKVCacheUpdateLayer& self, KVCacheMode mode) { require(self.setCacheMode(mode)); });
    add_only(cache, "update_form", AttentionIOForm::kPADDED_BHND, "Updates are [batch, heads, sequence, size] only.");
    add_refused(cache, "update_lengths", "Updates of different lengths are not offered.");
}

//! Numbers as the layer's type has them.
py::object fill_number(const IFillLayer& layer, double real, int64_t integer) {
    return layer.isAlphaBetaInt64() ? py::object(py::int_(integer)) : py::object(py::float_(real));
}

//! Takes a number or, as older programs give it, a list of one.
double number_of_object(const py::object& given) {
    const bool list = py::isinstance<py::sequence>(given) && py::len(given) == 1;
    return (list ? py::object(given[py::int_(0)]) : given).cast<double>();
}

void bind_generation(py::module_& module) {
    using Fill = IFillLayer;
    LayerClass<Fill>(module, "IFillLayer", "Numbers in rows, or random ones.")
        .def_property("shape", &Fill::getDimensions, &Fill::setDimensions)
        .def_property("operation", &Fill::getOperation, &Fill::setOperation)
        .def_property(
            "alpha", [](const Fill& self) { return fill_number(self, self.getAlpha(), self.getAlphaInt64()); },
            [](Fill& self, const py::object& alpha) { self.setAlpha(number_of_object(alpha)); })
        .def_property(
            "beta", [](const Fill& self) { return fill_number(self, self.getBeta(), self.getBetaInt64()); },
            [](Fill& self, const py::object& beta) { self.setBeta(number_of_object(beta)); })
        .def_property("to_type", &Fill::getToType, &Fill::setToType)
        .def("is_alpha_beta_int64", &Fill::isAlphaBetaInt64);
    LayerClass<IEinsumLayer>(module, "IEinsumLayer", "Products summed over the letters that the output lacks.")
        .def_property("equation", &IEinsumLayer::getEquation,
                      [](IEinsumLayer& self, const char* equation) { require(self.setEquation(equation)); });
    LayerClass<IAssertionLayer>(module, "IAssertionLayer", "What has to be true.")
        .def_property("message", &IAssertionLayer::getMessage, &IAssertionLayer::setMessage);
    LayerClass<ICumulativeLayer>(module, "ICumulativeLayer", "Running sums.")
        .def_property("op", &ICumulativeLayer::getOperation,
                      [](ICumulativeLayer& self, CumulativeOperation op) { require(self.setOperation(op)); })
        .def_property("exclusive", &ICumulativeLayer::getExclusive, &ICumulativeLayer::setExclusive)
        .def_property("reverse", &ICumulativeLayer::getReverse, &ICumulativeLayer::setReverse);
    LayerClass<IRotaryEmbeddingLayer>(module, "IRotaryEmbeddingLayer", "Pairs of elements turned by their position.")
        .def_property("interleaved", &IRotaryEmbeddingLayer::getInterleaved, &IRotaryEmbeddingLayer::setInterleaved)
        .def_property("rotary_embedding_dim", &IRotaryEmbeddingLayer::getRotaryEmbeddingDim,
                      [](IRotaryEmbeddingLayer& self, int32_t dim) { require(self.setRotaryEmbeddingDim(dim)); });
    LayerClass<IMoELayer>(module, "IMoELayer", "Not offered: add_moe refuses.");
    LayerClass<IDistCollectiveLayer>(module, "IDistCollectiveLayer", "Not offered: add_dist_collective refuses.");
}

void bind_normalization(py::module_& module) {
    using N = INormalizationLayer;
    LayerClass<N>(module, "INormalizationLayer", "scale * (x - mean) / sqrt(variance + epsilon) + bias.")
        .def_property("epsilon", &N::getEpsilon, &N::setEpsilon)
        .def_property("axes", &N::getAxes, &N::setAxes)
        .def_property("num_groups", &N::getNbGroups, &N::setNbGroups)
        .def_property("compute_precision", &N::getComputePrecision, &N::setComputePrecision)
        .def_property_readonly("is_v2", &N::isV2);
    LayerClass<ILRNLayer>(module, "ILRNLayer", "Elements divided by what neighbouring channels have.")
        .def_property("window_size", &ILRNLayer::getWindowSize, &ILRNLayer::setWindowSize)
        .def_property("alpha", &ILRNLayer::getAlpha, &ILRNLayer::setAlpha)
        .def_property("beta", &ILRNLayer::getBeta, &ILRNLayer::setBeta)
        .def_property("k", &ILRNLayer::getK, &ILRNLayer::setK);
    LayerClass<IRaggedSoftMaxLayer>(module, "IRaggedSoftMaxLayer", "Softmax over rows of different lengths.");
}

template <typename Layer>
void bind_quantization(py::module_& module, const char* name, const char* doc) {
    LayerClass<Layer>(module, name, doc)
        .def_property("axis", &Layer::getAxis, &Layer::setAxis)
        .def_property("block_shape", &Layer::getBlockShape, [](Layer& self, const Dims& shape) { require(self.setBlockShape(shape)); })
        .def_property("to_type", &Layer::getToType, &Layer::setToType);
}

void bind_recurrent(py::module_& module) {
    using R = IRNNv2Layer;
    LayerClass<R>(module, "IRNNv2Layer", "Layers of RNN, LSTM or GRU (TensorRT <= 9).")
        .def_property_readonly("num_layers", &R::getLayerCount)
        .def_property_readonly("hidden_size", &R::getHiddenSize)
        .def_property_readonly("max_seq_length", &R::getMaxSeqLength)
        .def_property_readonly("data_length", &R::getDataLength)
        .def_property("op", &R::getOperation, &R::setOperation)
        .def_property("input_mode", &R::getInputMode, &R::setInputMode)
        .def_property("direction", &R::getDirection, &R::setDirection)
        .def_property(
            "seq_lengths", [](const R& self) { return share(self.getSequenceLengths()); }, &R::setSequenceLengths)
        .def_property("hidden_state", [](const R& self) { return share(self.getHiddenState()); }, &R::setHiddenState)
        .def_property("cell_state", [](const R& self) { return share(self.getCellState()); }, &R::setCellState)
        .def(
            "set_weights_for_gate",
            [](R& self, int32_t layer, RNNGateType gate, bool is_w, const py::object& weights) {
                self.setWeightsForGate(layer, gate, is_w, weights_of(weights));
            },
            py::arg("layer_index"), py::arg("gate"), py::arg("is_w"), py::arg("weights"))
        .def(
            "get_weights_for_gate",
            [](const R& self, int32_t layer, RNNGateType gate, bool is_w) {
                return py::cast(self.getWeightsForGate(layer, gate, is_w)).attr("numpy")();
            },
            py::arg("layer_index"), py::arg("gate"), py::arg("is_w"))
        .def(
            "set_bias_for_gate",
            [](R& self, int32_t layer, RNNGateType gate, bool is_w, const py::object& bias) {
                self.setBiasForGate(layer, gate, is_w, weights_of(bias));
            },
            py::arg("layer_index"), py::arg("gate"), py::arg("is_w"), py::arg("bias"))
        .def(
            "get_bias_for_gate",
            [](const R& self, int32_t layer, RNNGateType gate, bool is_w) {
                return py::cast(self.getBiasForGate(layer, gate, is_w)).attr("numpy")();
            },
            py::arg("layer_index"), py::arg("gate"), py::arg("is_w"));
    LayerClass<IFullyConnectedLayer> dense(module, "IFullyConnectedLayer", "A product with the last three dimensions (TensorRT <= 9).");
    dense.def_property("num_output_channels", &IFullyConnectedLayer::getNbOutputChannels, &IFullyConnectedLayer::setNbOutputChannels);
    add_weights(dense, "kernel", &IFullyConnectedLayer::getKernelWeights, &IFullyConnectedLayer::setKernelWeights);
    add_weights(dense, "bias", &IFullyConnectedLayer::getBiasWeights, &IFullyConnectedLayer::setBiasWeights);
}

} // namespace

void bind_operator_layers(py::module_& module) {
    bind_selection(module);
    bind_generation(module);
    bind_normalization(module);
    bind_quantization<IQuantizeLayer>(module, "IQuantizeLayer", "saturate(round(x / scale) + zero point).");
    bind_quantization<IDequantizeLayer>(module, "IDequantizeLayer", "(x - zero point) * scale.");
    LayerClass<IDynamicQuantizeLayer>(module, "IDynamicQuantizeLayer", "Not offered: add_dynamic_quantize refuses.");
    bind_recurrent(module);
}

} // namespace tensorvk::bindings
