// Layers that find, place, generate, normalise and quantise. One class per kind of layer.
#pragma once

#include "tensorvk/layer.h"
#include "tensorvk/layer_enums.h"

namespace tensorvk {

//! Indices of the elements that are not zero: [rank, count], in row-major order; the count is known at run time.
class INonZeroLayer : public ILayer {
  public:
    using ILayer::ILayer;
    bool setIndicesType(DataType type); //!< kINT32 (unless given) or kINT64
    [[nodiscard]] DataType getIndicesType() const;
};

//! Inputs: indices, values [off, on], depth (an integer scalar).
class IOneHotLayer : public ILayer {
  public:
    using ILayer::ILayer;
    void setAxis(int32_t axis); //!< of the output
    [[nodiscard]] int32_t getAxis() const;
};

//! Inputs: boxes [batch, boxes, 4] or [batch, boxes, classes, 4], scores [batch, boxes, classes], the most boxes per class (int32 scalar);
//! 3 and 4, when set: IoU threshold and score threshold (float scalars, 0 and none otherwise). Output 0: [count, 3] of batch, class and box;
//! output 1: the count.
class INMSLayer : public ILayer {
  public:
    using ILayer::ILayer;
    void setBoundingBoxFormat(BoundingBoxFormat format);
    [[nodiscard]] BoundingBoxFormat getBoundingBoxFormat() const;
    void setTopKBoxLimit(int32_t limit); //!< boxes of a class that are looked at, by falling score (5000); 0 and less: all
    [[nodiscard]] int32_t getTopKBoxLimit() const;
    bool setIndicesType(DataType type);
    [[nodiscard]] DataType getIndicesType() const;
};

//! Inputs, when set: 0 shape, 1 alpha (a scalar), 2 beta (LINSPACE: a vector with one number per dimension; else a scalar).
class IFillLayer : public ILayer {
  public:
    using ILayer::ILayer;
    void setDimensions(const Dims& dimensions);
    [[nodiscard]] Dims getDimensions() const; //!< nbDims -1 when input 0 gives them
    void setOperation(FillOperation op);
    [[nodiscard]] FillOperation getOperation() const;
    void setAlpha(double alpha);
    [[nodiscard]] double getAlpha() const;
    void setBeta(double beta);
    [[nodiscard]] double getBeta() const;
    //! Whole numbers of more than 53 bits are refused here; they can come as inputs.
    void setAlphaInt64(int64_t alpha) { setAlpha(static_cast<double>(alpha)); }
    [[nodiscard]] int64_t getAlphaInt64() const; //!< truncated; 0 for what fits no 53 bits
    void setBetaInt64(int64_t beta) { setBeta(static_cast<double>(beta)); }
    [[nodiscard]] int64_t getBetaInt64() const; //!< truncated; 0 for what fits no 53 bits
    [[nodiscard]] bool isAlphaBetaInt64() const { return getToType() == DataType::kINT64; }
    void setToType(DataType type);
    [[nodiscard]] DataType getToType() const;
};

//! Shared by quantization and dequantization. Inputs: data, scale (a scalar, or a vector along the axis), zero point.
class IQuantizationBase : public ILayer {
  public:
    using ILayer::ILayer;
    void setAxis(int32_t axis);
    [[nodiscard]] int32_t getAxis() const; //!< -1 when none was set
    //! One dimension may be longer than 1: the block size along that axis; -1: all of it. Not needed for scales that divide the axis.
    bool setBlockShape(const Dims& shape);
    [[nodiscard]] Dims getBlockShape() const;
    void setToType(DataType type);
    [[nodiscard]] DataType getToType() const;
};
class IQuantizeLayer : public IQuantizationBase { //!< saturate(round half to even(x / scale) + zero point)
  public:
    using IQuantizationBase::IQuantizationBase;
};
class IDequantizeLayer : public IQuantizationBase { //!< (x - zero point) * scale
  public:
    using IQuantizationBase::IQuantizationBase;
};
class IDynamicQuantizeLayer : public ILayer { //!< addDynamicQuantize refuses for now, so there is none
  public:
    using ILayer::ILayer;
};

class IEinsumLayer : public ILayer {
  public:
    using ILayer::ILayer;
    bool setEquation(const char* equation); //!< "ij,jk->ik"
    [[nodiscard]] const char* getEquation() const;
};

//! Inputs: data, indices, updates.
class IScatterLayer : public ILayer {
  public:
    using ILayer::ILayer;
    void setMode(ScatterMode mode);
    [[nodiscard]] ScatterMode getMode() const;
    void setAxis(int32_t axis); //!< of kELEMENT
    [[nodiscard]] int32_t getAxis() const;
};

class IGridSampleLayer : public ILayer {
  public:
    using ILayer::ILayer;
    void setInterpolationMode(InterpolationMode mode);
    [[nodiscard]] InterpolationMode getInterpolationMode() const;
    void setAlignCorners(bool align);
    [[nodiscard]] bool getAlignCorners() const;
    bool setSampleMode(SampleMode mode); //!< kFILL (zeros), kCLAMP or kREFLECT
    [[nodiscard]] SampleMode getSampleMode() const;
};

class IReverseSequenceLayer : public ILayer {
  public:
    using ILayer::ILayer;
    void setBatchAxis(int32_t axis);
    [[nodiscard]] int32_t getBatchAxis() const;
    void setSequenceAxis(int32_t axis);
    [[nodiscard]] int32_t getSequenceAxis() const;
};

//! scale * (x - mean) / sqrt(variance + epsilon) + bias, with scale and bias of as many dimensions as x. With several groups, the channels of
//! a group are averaged too.
class INormalizationLayer : public ILayer {
  public:
    using ILayer::ILayer;
    void setEpsilon(float epsilon);
    [[nodiscard]] float getEpsilon() const;
    void setAxes(uint32_t axes);
    [[nodiscard]] uint32_t getAxes() const;
    void setNbGroups(int64_t groups);
    [[nodiscard]] int64_t getNbGroups() const;
    void setComputePrecision(DataType type); //!< kept and returned: it is float32 inside
    [[nodiscard]] DataType getComputePrecision() const;
    [[nodiscard]] bool isV2() const;
};

//! x / (k + alpha / window * sum of squares over neighbouring channels) ^ beta; axis 1 has the channels.
class ILRNLayer : public ILayer {
  public:
    using ILayer::ILayer;
    void setWindowSize(int64_t size); //!< odd
    [[nodiscard]] int64_t getWindowSize() const;
    void setAlpha(float alpha);
    [[nodiscard]] float getAlpha() const;
    void setBeta(float beta);
    [[nodiscard]] float getBeta() const;
    void setK(float k);
    [[nodiscard]] float getK() const;
};

class IRaggedSoftMaxLayer : public ILayer { //!< softmax over the first bounds[...] elements of each row; the others are 0
  public:
    using ILayer::ILayer;
};

//! No outputs. A condition that is known while the network is built is checked then, any other whenever shapes are set or the network runs.
class IAssertionLayer : public ILayer {
  public:
    using ILayer::ILayer;
    void setMessage(const char* message);
    [[nodiscard]] const char* getMessage() const;
};

class ICumulativeLayer : public ILayer {
  public:
    using ILayer::ILayer;
    bool setOperation(CumulativeOperation op);
    [[nodiscard]] CumulativeOperation getOperation() const { return CumulativeOperation::kSUM; }
    void setExclusive(bool exclusive); //!< without the element itself
    [[nodiscard]] bool getExclusive() const;
    void setReverse(bool reverse);
    [[nodiscard]] bool getReverse() const;
};

class ISqueezeLayer : public ILayer { //!< inputs: data, axes (constant)
  public:
    using ILayer::ILayer;
};
class IUnsqueezeLayer : public ILayer { //!< inputs: data, axes of the output (constant)
  public:
    using ILayer::ILayer;
};

//! Inputs: x [batch, heads, sequence, size], cosines and sines [batch, sequence, dim / 2]; with input 3, position ids [batch, sequence],
//! they are [positions, dim / 2].
class IRotaryEmbeddingLayer : public ILayer {
  public:
    using ILayer::ILayer;
    void setInterleaved(bool interleaved);
    [[nodiscard]] bool getInterleaved() const;
    bool setRotaryEmbeddingDim(int32_t dim); //!< 0: all of the size
    [[nodiscard]] int32_t getRotaryEmbeddingDim() const;
};

//! Inputs: cache [batch, heads, capacity, size], update [batch, heads, sequence, size], where each batch's update goes [batch].
class IKVCacheUpdateLayer : public ILayer {
  public:
    using ILayer::ILayer;
    bool setCacheMode(KVCacheMode mode);
    [[nodiscard]] KVCacheMode getCacheMode() const { return KVCacheMode::kLINEAR; }
};

class IMoELayer : public ILayer { //!< addMoE refuses, so there is none
  public:
    using ILayer::ILayer;
};
class IDistCollectiveLayer : public ILayer { //!< addDistCollective refuses, so there is none
  public:
    using ILayer::ILayer;
};

//! TensorRT <= 9: y [..., outputs, 1, 1] = kernel x + bias over the last three dimensions.
class IFullyConnectedLayer : public ILayer {
  public:
    using ILayer::ILayer;
    void setNbOutputChannels(int64_t outputs);
    [[nodiscard]] int64_t getNbOutputChannels() const;
    void setKernelWeights(Weights weights); //!< [outputs, elements]
    [[nodiscard]] Weights getKernelWeights() const;
    void setBiasWeights(Weights weights);
    [[nodiscard]] Weights getBiasWeights() const;
};

//! TensorRT <= 9. Input [..., steps, size]; output 0 [..., steps, hidden * directions], output 1 (and 2 of LSTM) the last states
//! [..., layers * directions, hidden]. Weights by layer (layer * 2 + direction where there are two) and gate: for the input [hidden, size],
//! for the hidden state [hidden, hidden]; biases [hidden].
class IRNNv2Layer : public ILayer {
  public:
    using ILayer::ILayer;
    [[nodiscard]] int32_t getLayerCount() const;
    [[nodiscard]] int32_t getHiddenSize() const;
    [[nodiscard]] int32_t getMaxSeqLength() const;
    [[nodiscard]] int32_t getDataLength() const;
    void setSequenceLengths(ITensor& lengths); //!< int32 [...]
    [[nodiscard]] ITensor* getSequenceLengths() const;
    void setOperation(RNNOperation op);
    [[nodiscard]] RNNOperation getOperation() const;
    void setInputMode(RNNInputMode mode);
    [[nodiscard]] RNNInputMode getInputMode() const;
    void setDirection(RNNDirection direction);
    [[nodiscard]] RNNDirection getDirection() const;
    void setWeightsForGate(int32_t layer, RNNGateType gate, bool isW, Weights weights);
    [[nodiscard]] Weights getWeightsForGate(int32_t layer, RNNGateType gate, bool isW) const;
    void setBiasForGate(int32_t layer, RNNGateType gate, bool isW, Weights bias);
    [[nodiscard]] Weights getBiasForGate(int32_t layer, RNNGateType gate, bool isW) const;
    void setHiddenState(ITensor& hidden);
    [[nodiscard]] ITensor* getHiddenState() const;
    void setCellState(ITensor& cell);
    [[nodiscard]] ITensor* getCellState() const;
};

} // namespace tensorvk
