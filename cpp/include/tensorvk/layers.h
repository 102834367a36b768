// One class per kind of layer. Spatial dimensions are in the order (depth,) height, width; axes in bitmasks are 1 <<
// axis.
#pragma once

#include "tensorvk/layer.h"

namespace tensorvk {

//! Shared by convolution and deconvolution. Kernel weights: [maps, channels / groups, spatial...] (deconvolution:
//! [channels, maps / groups, spatial...]); bias: [maps]. Inputs 1 and 2, when set, take the place of the weights.
class IConvolutionBase : public ILayer {
  public:
    using ILayer::ILayer;
    void setNbOutputMaps(int64_t maps);
    [[nodiscard]] int64_t getNbOutputMaps() const;
    void setKernelSizeNd(const Dims& size);
    [[nodiscard]] Dims getKernelSizeNd() const;
    void setStrideNd(const Dims& stride);
    [[nodiscard]] Dims getStrideNd() const;
    void setDilationNd(const Dims& dilation);
    [[nodiscard]] Dims getDilationNd() const;
    void setPaddingNd(const Dims& padding); //!< before and after
    [[nodiscard]] Dims getPaddingNd() const;
    void setPrePadding(const Dims& padding);
    [[nodiscard]] Dims getPrePadding() const;
    void setPostPadding(const Dims& padding);
    [[nodiscard]] Dims getPostPadding() const;
    void setPaddingMode(PaddingMode mode);
    [[nodiscard]] PaddingMode getPaddingMode() const;
    void setNbGroups(int64_t groups);
    [[nodiscard]] int64_t getNbGroups() const;
    void setKernelWeights(Weights weights);
    [[nodiscard]] Weights getKernelWeights() const;
    void setBiasWeights(Weights weights);
    [[nodiscard]] Weights getBiasWeights() const;

    // TensorRT <= 9
    void setKernelSize(DimsHW size) { setKernelSizeNd(size); }
    [[nodiscard]] DimsHW getKernelSize() const;
    void setStride(DimsHW stride) { setStrideNd(stride); }
    [[nodiscard]] DimsHW getStride() const;
    void setDilation(DimsHW dilation) { setDilationNd(dilation); }
    [[nodiscard]] DimsHW getDilation() const;
    void setPadding(DimsHW padding) { setPaddingNd(padding); }
    [[nodiscard]] DimsHW getPadding() const;
};

class IConvolutionLayer : public IConvolutionBase {
  public:
    using IConvolutionBase::IConvolutionBase;
};

class IDeconvolutionLayer : public IConvolutionBase {
  public:
    using IConvolutionBase::IConvolutionBase;
};

class IPoolingLayer : public ILayer {
  public:
    using ILayer::ILayer;
    void setPoolingType(PoolingType type);
    [[nodiscard]] PoolingType getPoolingType() const;
    void setWindowSizeNd(const Dims& size);
    [[nodiscard]] Dims getWindowSizeNd() const;
    void setStrideNd(const Dims& stride);
    [[nodiscard]] Dims getStrideNd() const;
    void setPaddingNd(const Dims& padding);
    [[nodiscard]] Dims getPaddingNd() const;
    void setPrePadding(const Dims& padding);
    [[nodiscard]] Dims getPrePadding() const;
    void setPostPadding(const Dims& padding);
    [[nodiscard]] Dims getPostPadding() const;
    void setPaddingMode(PaddingMode mode);
    [[nodiscard]] PaddingMode getPaddingMode() const;
    void setBlendFactor(float factor); //!< of kMAX_AVERAGE_BLEND: (1 - factor) * max + factor * average
    [[nodiscard]] float getBlendFactor() const;
    void setAverageCountExcludesPadding(bool exclude);
    [[nodiscard]] bool getAverageCountExcludesPadding() const;

    // TensorRT <= 9
    void setWindowSize(DimsHW size) { setWindowSizeNd(size); }
    [[nodiscard]] DimsHW getWindowSize() const;
    void setStride(DimsHW stride) { setStrideNd(stride); }
    [[nodiscard]] DimsHW getStride() const;
    void setPadding(DimsHW padding) { setPaddingNd(padding); }
    [[nodiscard]] DimsHW getPadding() const;
};

class IActivationLayer : public ILayer {
  public:
    using ILayer::ILayer;
    void setActivationType(ActivationType type);
    [[nodiscard]] ActivationType getActivationType() const;
    void setAlpha(float alpha);
    [[nodiscard]] float getAlpha() const;
    void setBeta(float beta);
    [[nodiscard]] float getBeta() const;
};

//! (x * scale + shift) ^ power; absent weights are 1, 0 and 1.
class IScaleLayer : public ILayer {
  public:
    using ILayer::ILayer;
    void setMode(ScaleMode mode);
    [[nodiscard]] ScaleMode getMode() const;
    void setShift(Weights shift);
    [[nodiscard]] Weights getShift() const;
    void setScale(Weights scale);
    [[nodiscard]] Weights getScale() const;
    void setPower(Weights power);
    [[nodiscard]] Weights getPower() const;
    void setChannelAxis(int32_t axis);
    [[nodiscard]] int32_t getChannelAxis() const;
};

class ISoftMaxLayer : public ILayer {
  public:
    using ILayer::ILayer;
    void setAxes(uint32_t axes);
    [[nodiscard]] uint32_t getAxes() const;
};

class IConcatenationLayer : public ILayer {
  public:
    using ILayer::ILayer;
    void setAxis(int32_t axis);
    [[nodiscard]] int32_t getAxis() const;
};

class IElementWiseLayer : public ILayer {
  public:
    using ILayer::ILayer;
    void setOperation(ElementWiseOperation op);
    [[nodiscard]] ElementWiseOperation getOperation() const;
};

class IUnaryLayer : public ILayer {
  public:
    using ILayer::ILayer;
    void setOperation(UnaryOperation op);
    [[nodiscard]] UnaryOperation getOperation() const;
};

class IReduceLayer : public ILayer {
  public:
    using ILayer::ILayer;
    void setOperation(ReduceOperation op);
    [[nodiscard]] ReduceOperation getOperation() const;
    void setReduceAxes(uint32_t axes);
    [[nodiscard]] uint32_t getReduceAxes() const;
    void setKeepDimensions(bool keep);
    [[nodiscard]] bool getKeepDimensions() const;
};

//! Output 0: values; output 1: indices.
class ITopKLayer : public ILayer {
  public:
    using ILayer::ILayer;
    void setOperation(TopKOperation op);
    [[nodiscard]] TopKOperation getOperation() const;
    void setK(int32_t k);
    [[nodiscard]] int32_t getK() const;
    void setReduceAxes(uint32_t axes);
    [[nodiscard]] uint32_t getReduceAxes() const;
    bool setIndicesType(DataType type); //!< kINT32 or kINT64
    [[nodiscard]] DataType getIndicesType() const;
};

class IGatherLayer : public ILayer { //!< refuses constant indices that do not exist, takes the nearest for others
  public:
    using ILayer::ILayer;
    void setGatherAxis(int32_t axis);
    [[nodiscard]] int32_t getGatherAxis() const;
    void setNbElementWiseDims(int32_t count);
    [[nodiscard]] int32_t getNbElementWiseDims() const;
    void setMode(GatherMode mode);
    [[nodiscard]] GatherMode getMode() const;
};

//! Transpose, reshape, transpose. Reshape: 0 copies the input's dimension (unless switched off), -1 is inferred. Input
//! 1: reshape dimensions.
class IShuffleLayer : public ILayer {
  public:
    using ILayer::ILayer;
    void setFirstTranspose(const Permutation& permutation);
    [[nodiscard]] Permutation getFirstTranspose() const;
    void setReshapeDimensions(const Dims& dimensions);
    [[nodiscard]] Dims getReshapeDimensions() const; //!< nbDims -1 when input 1 gives them
    void setSecondTranspose(const Permutation& permutation);
    [[nodiscard]] Permutation getSecondTranspose() const;
    void setZeroIsPlaceholder(bool placeholder);
    [[nodiscard]] bool getZeroIsPlaceholder() const;
};

//! Inputs 1 .. 5, when set: start, size, stride, fill value, axes.
class ISliceLayer : public ILayer {
  public:
    using ILayer::ILayer;
    void setStart(const Dims& start);
    [[nodiscard]] Dims getStart() const;
    void setSize(const Dims& size);
    [[nodiscard]] Dims getSize() const;
    void setStride(const Dims& stride);
    [[nodiscard]] Dims getStride() const;
    void setMode(SampleMode mode);
    [[nodiscard]] SampleMode getMode() const;
    void setAxes(const Dims& axes);
    [[nodiscard]] Dims getAxes() const;
};

//! Zeros before and after the last two dimensions; negative numbers crop. Inside, this is a slice that fills.
class IPaddingLayer : public ILayer {
  public:
    using ILayer::ILayer;
    void setPrePaddingNd(const Dims& padding);
    [[nodiscard]] Dims getPrePaddingNd() const;
    void setPostPaddingNd(const Dims& padding);
    [[nodiscard]] Dims getPostPaddingNd() const;
};

//! Input 1, when set: output shape.
class IResizeLayer : public ILayer {
  public:
    using ILayer::ILayer;
    void setOutputDimensions(const Dims& dimensions);
    [[nodiscard]] Dims getOutputDimensions() const;
    void setScales(const float* scales, int32_t count);
    //! Copies at most `size` scales; returns how many there are, -1 when none are set.
    int32_t getScales(int32_t size, float* scales) const;
    void setResizeMode(InterpolationMode mode);
    [[nodiscard]] InterpolationMode getResizeMode() const;
    void setCoordinateTransformation(ResizeCoordinateTransformation transformation);
    [[nodiscard]] ResizeCoordinateTransformation getCoordinateTransformation() const;
    void setSelectorForSinglePixel(ResizeSelector selector);
    [[nodiscard]] ResizeSelector getSelectorForSinglePixel() const;
    void setNearestRounding(ResizeRoundMode rounding);
    [[nodiscard]] ResizeRoundMode getNearestRounding() const;
    void setCubicCoeff(float coefficient);
    [[nodiscard]] float getCubicCoeff() const;
    void setExcludeOutside(bool exclude);
    [[nodiscard]] bool getExcludeOutside() const;
    void setAlignCorners(bool align); //!< TensorRT <= 8
    [[nodiscard]] bool getAlignCorners() const;
};

class IMatrixMultiplyLayer : public ILayer {
  public:
    using ILayer::ILayer;
    void setOperation(int32_t input, MatrixOperation op); //!< input 0 or 1
    [[nodiscard]] MatrixOperation getOperation(int32_t input) const;
};

class IConstantLayer : public ILayer {
  public:
    using ILayer::ILayer;
    void setWeights(Weights weights);
    [[nodiscard]] Weights getWeights() const;
    void setDimensions(const Dims& dimensions);
    [[nodiscard]] Dims getDimensions() const;
};

class ICastLayer : public ILayer {
  public:
    using ILayer::ILayer;
    void setToType(DataType type);
    [[nodiscard]] DataType getToType() const;
};

class IIdentityLayer : public ILayer {
  public:
    using ILayer::ILayer;
};
class IShapeLayer : public ILayer {
  public:
    using ILayer::ILayer;
};
class ISelectLayer : public ILayer {
  public:
    using ILayer::ILayer;
};
class IParametricReLULayer : public ILayer {
  public:
    using ILayer::ILayer;
};

} // namespace tensorvk
