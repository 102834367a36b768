// Layers that move elements.
#include "bindings.hpp"
#include "tensorvk/layers.h"

namespace tensorvk::bindings {

namespace {

template <typename Layer>
using LayerClass = py::class_<Layer, ILayer, std::shared_ptr<Layer>>;

void bind_resize(py::module_& module) {
    using L = IResizeLayer;
    LayerClass<L>(module, "IResizeLayer", "Nearest, linear or cubic resampling to a shape or by scales.")
        .def_property("shape", &L::getOutputDimensions, &L::setOutputDimensions)
        .def_property(
            "scales",
            [](const L& self) {
                std::vector<float> scales(Dims::MAX_DIMS);
                scales.resize(static_cast<std::size_t>(std::max(self.getScales(Dims::MAX_DIMS, scales.data()), 0)));
                return scales;
            },
            [](L& self, const std::vector<float>& scales) {
                self.setScales(scales.data(), static_cast<int32_t>(scales.size()));
            })
        .def_property("resize_mode", &L::getResizeMode, &L::setResizeMode)
        .def_property("coordinate_transformation", &L::getCoordinateTransformation, &L::setCoordinateTransformation)
        .def_property("selector_for_single_pixel", &L::getSelectorForSinglePixel, &L::setSelectorForSinglePixel)
        .def_property("nearest_rounding", &L::getNearestRounding, &L::setNearestRounding)
        .def_property("exclude_outside", &L::getExcludeOutside, &L::setExcludeOutside)
        .def_property("cubic_coeff", &L::getCubicCoeff, &L::setCubicCoeff)
        .def_property("align_corners", &L::getAlignCorners, &L::setAlignCorners);
}

} // namespace

void bind_shape_layers(py::module_& module) {
    LayerClass<IConcatenationLayer>(module, "IConcatenationLayer", "Tensors one after the other along an axis.")
        .def_property("axis", &IConcatenationLayer::getAxis, &IConcatenationLayer::setAxis);
    LayerClass<IGatherLayer>(module, "IGatherLayer", "Elements or slices chosen by indices.")
        .def_property("axis", &IGatherLayer::getGatherAxis, &IGatherLayer::setGatherAxis)
        .def_property("num_elementwise_dims", &IGatherLayer::getNbElementWiseDims, &IGatherLayer::setNbElementWiseDims)
        .def_property("mode", &IGatherLayer::getMode, &IGatherLayer::setMode);
    LayerClass<IShuffleLayer>(module, "IShuffleLayer",
                              "Transpose, reshape (0 copies a dimension, -1 is inferred), transpose.")
        .def_property("first_transpose", &IShuffleLayer::getFirstTranspose, &IShuffleLayer::setFirstTranspose)
        .def_property("reshape_dims", &IShuffleLayer::getReshapeDimensions, &IShuffleLayer::setReshapeDimensions)
        .def_property("second_transpose", &IShuffleLayer::getSecondTranspose, &IShuffleLayer::setSecondTranspose)
        .def_property("zero_is_placeholder", &IShuffleLayer::getZeroIsPlaceholder,
                      &IShuffleLayer::setZeroIsPlaceholder);
    LayerClass<ISliceLayer>(module, "ISliceLayer", "Every stride-th element of a range per dimension.")
        .def_property("start", &ISliceLayer::getStart, &ISliceLayer::setStart)
        .def_property("shape", &ISliceLayer::getSize, &ISliceLayer::setSize)
        .def_property("stride", &ISliceLayer::getStride, &ISliceLayer::setStride)
        .def_property("mode", &ISliceLayer::getMode, &ISliceLayer::setMode)
        .def_property("axes", &ISliceLayer::getAxes, &ISliceLayer::setAxes);
    LayerClass<IPaddingLayer>(module, "IPaddingLayer", "Zeros around the last two dimensions; negative numbers crop.")
        .def_property("pre_padding_nd", &IPaddingLayer::getPrePaddingNd, &IPaddingLayer::setPrePaddingNd)
        .def_property("post_padding_nd", &IPaddingLayer::getPostPaddingNd, &IPaddingLayer::setPostPaddingNd)
        .def_property("pre_padding", &IPaddingLayer::getPrePaddingNd, &IPaddingLayer::setPrePaddingNd)
        .def_property("post_padding", &IPaddingLayer::getPostPaddingNd, &IPaddingLayer::setPostPaddingNd);
    LayerClass<IShapeLayer>(module, "IShapeLayer", "The input's shape as a vector of int64.");
    bind_resize(module);
}

} // namespace tensorvk::bindings
