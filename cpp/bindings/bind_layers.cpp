// Layers that compute.
#include "tensorvk/layers.h"
#include "weights_property.hpp"

namespace tensorvk::bindings {

namespace {

template <typename Layer>
using LayerClass = py::class_<Layer, ILayer, std::shared_ptr<Layer>>;

template <typename Layer>
void bind_convolution(py::module_& module, const char* name, const char* doc) {
    LayerClass<Layer> layer(module, name, doc);
    layer.def_property("num_output_maps", &Layer::getNbOutputMaps, &Layer::setNbOutputMaps)
        .def_property("kernel_size_nd", &Layer::getKernelSizeNd, &Layer::setKernelSizeNd)
        .def_property("stride_nd", &Layer::getStrideNd, &Layer::setStrideNd)
        .def_property("dilation_nd", &Layer::getDilationNd, &Layer::setDilationNd)
        .def_property("padding_nd", &Layer::getPaddingNd, &Layer::setPaddingNd)
        .def_property("pre_padding", &Layer::getPrePadding, &Layer::setPrePadding)
        .def_property("post_padding", &Layer::getPostPadding, &Layer::setPostPadding)
        .def_property("padding_mode", &Layer::getPaddingMode, &Layer::setPaddingMode)
        .def_property("num_groups", &Layer::getNbGroups, &Layer::setNbGroups)
        .def_property("kernel_size", &Layer::getKernelSize, &Layer::setKernelSize)
        .def_property("stride", &Layer::getStride, &Layer::setStride)
        .def_property("dilation", &Layer::getDilation, &Layer::setDilation)
        .def_property("padding", &Layer::getPadding, &Layer::setPadding);
    add_weights(layer, "kernel", &Layer::getKernelWeights, &Layer::setKernelWeights);
    add_weights(layer, "bias", &Layer::getBiasWeights, &Layer::setBiasWeights);
}

void bind_pooling(py::module_& module) {
    using L = IPoolingLayer;
    LayerClass<L>(module, "IPoolingLayer", "Maximum, average or a blend of both over windows.")
        .def_property("type", &L::getPoolingType, &L::setPoolingType)
        .def_property("window_size_nd", &L::getWindowSizeNd, &L::setWindowSizeNd)
        .def_property("stride_nd", &L::getStrideNd, &L::setStrideNd)
        .def_property("padding_nd", &L::getPaddingNd, &L::setPaddingNd)
        .def_property("pre_padding", &L::getPrePadding, &L::setPrePadding)
        .def_property("post_padding", &L::getPostPadding, &L::setPostPadding)
        .def_property("padding_mode", &L::getPaddingMode, &L::setPaddingMode)
        .def_property("blend_factor", &L::getBlendFactor, &L::setBlendFactor)
        .def_property("average_count_excludes_padding", &L::getAverageCountExcludesPadding,
                      &L::setAverageCountExcludesPadding)
        .def_property("window_size", &L::getWindowSize, &L::setWindowSize)
        .def_property("stride", &L::getStride, &L::setStride)
        .def_property("padding", &L::getPadding, &L::setPadding);
}

void bind_pointwise(py::module_& module) {
    LayerClass<IActivationLayer>(module, "IActivationLayer", "One function of each element.")
        .def_property("type", &IActivationLayer::getActivationType, &IActivationLayer::setActivationType)
        .def_property("alpha", &IActivationLayer::getAlpha, &IActivationLayer::setAlpha)
        .def_property("beta", &IActivationLayer::getBeta, &IActivationLayer::setBeta);
    LayerClass<IElementWiseLayer>(module, "IElementWiseLayer", "One operation of two tensors, with broadcasting.")
        .def_property("op", &IElementWiseLayer::getOperation, &IElementWiseLayer::setOperation);
    LayerClass<IUnaryLayer>(module, "IUnaryLayer", "One operation of each element.")
        .def_property("op", &IUnaryLayer::getOperation, &IUnaryLayer::setOperation);
    LayerClass<ICastLayer>(module, "ICastLayer", "Another element type.")
        .def_property("to_type", &ICastLayer::getToType, &ICastLayer::setToType);
    LayerClass<IScaleLayer> scale(module, "IScaleLayer", "(x * scale + shift) ** power.");
    scale.def_property("mode", &IScaleLayer::getMode, &IScaleLayer::setMode)
        .def_property("channel_axis", &IScaleLayer::getChannelAxis, &IScaleLayer::setChannelAxis);
    add_weights(scale, "shift", &IScaleLayer::getShift, &IScaleLayer::setShift);
    add_weights(scale, "scale", &IScaleLayer::getScale, &IScaleLayer::setScale);
    add_weights(scale, "power", &IScaleLayer::getPower, &IScaleLayer::setPower);
    LayerClass<IConstantLayer> constant(module, "IConstantLayer", "Constant data.");
    constant.def_property("shape", &IConstantLayer::getDimensions, &IConstantLayer::setDimensions);
    add_weights(constant, "weights", &IConstantLayer::getWeights, &IConstantLayer::setWeights);
    LayerClass<IIdentityLayer>(module, "IIdentityLayer", "A copy.");
    LayerClass<ISelectLayer>(module, "ISelectLayer", "Elements of one tensor or the other, by a condition.");
    LayerClass<IParametricReLULayer>(module, "IParametricReLULayer", "x where x >= 0, else slope * x.");
}

void bind_reductions(py::module_& module) {
    LayerClass<ISoftMaxLayer>(module, "ISoftMaxLayer", "Softmax over a bitmask of axes.")
        .def_property("axes", &ISoftMaxLayer::getAxes, &ISoftMaxLayer::setAxes);
    LayerClass<IReduceLayer>(module, "IReduceLayer", "Sum, product, maximum, minimum or mean over a bitmask of axes.")
        .def_property("op", &IReduceLayer::getOperation, &IReduceLayer::setOperation)
        .def_property("axes", &IReduceLayer::getReduceAxes, &IReduceLayer::setReduceAxes)
        .def_property("keep_dims", &IReduceLayer::getKeepDimensions, &IReduceLayer::setKeepDimensions);
    LayerClass<ITopKLayer>(module, "ITopKLayer", "The k largest or smallest elements of an axis and their indices.")
        .def_property("op", &ITopKLayer::getOperation, &ITopKLayer::setOperation)
        .def_property("k", &ITopKLayer::getK, &ITopKLayer::setK)
        .def_property("axes", &ITopKLayer::getReduceAxes, &ITopKLayer::setReduceAxes)
        .def_property("indices_type", &ITopKLayer::getIndicesType,
                      [](ITopKLayer& self, DataType type) { require(self.setIndicesType(type)); });
    using Matrix = IMatrixMultiplyLayer;
    LayerClass<Matrix>(module, "IMatrixMultiplyLayer",
                       "Matrix product over the last two dimensions; the others are broadcast.")
        .def_property(
            "op0", [](const Matrix& self) { return self.getOperation(0); },
            [](Matrix& self, MatrixOperation op) { self.setOperation(0, op); })
        .def_property(
            "op1", [](const Matrix& self) { return self.getOperation(1); },
            [](Matrix& self, MatrixOperation op) { self.setOperation(1, op); });
}

} // namespace

void bind_layers(py::module_& module) {
    bind_convolution<IConvolutionLayer>(module, "IConvolutionLayer",
                                        "Convolution over one to three spatial dimensions.");
    bind_convolution<IDeconvolutionLayer>(module, "IDeconvolutionLayer", "Transposed convolution.");
    bind_pooling(module);
    bind_pointwise(module);
    bind_reductions(module);
}

} // namespace tensorvk::bindings
