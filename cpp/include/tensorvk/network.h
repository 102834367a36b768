// The network definition.
#pragma once

#include "tensorvk/control_layers.h"
#include "tensorvk/layers.h"
#include "tensorvk/operator_layers.h"

namespace tensorvk {

class IBuilder;

//! Tensors and layers of a network. Shapes are inferred with each call; the add functions return null, after logging
//! one sentence that names the layer and what is wrong, when inputs do not fit. Ranks of operands must be equal; sizes
//! 1 are broadcast.
class INetworkDefinition {
  public:
    explicit INetworkDefinition(std::shared_ptr<api::NetworkState> state) : state_(std::move(state)) {}
    INetworkDefinition(const INetworkDefinition&) = delete;
    INetworkDefinition& operator=(const INetworkDefinition&) = delete;
    virtual ~INetworkDefinition() = default;
    void destroy() { delete this; }

    ITensor* addInput(const char* name, DataType type, const Dims& dimensions); //!< -1: known at run time
    IConvolutionLayer* addConvolutionNd(ITensor& input, int64_t maps, const Dims& kernelSize, Weights kernel,
                                        Weights bias = {});
    IDeconvolutionLayer* addDeconvolutionNd(ITensor& input, int64_t maps, const Dims& kernelSize, Weights kernel,
                                            Weights bias = {});
    IPoolingLayer* addPoolingNd(ITensor& input, PoolingType type, const Dims& windowSize);
    IActivationLayer* addActivation(ITensor& input, ActivationType type);
    IScaleLayer* addScale(ITensor& input, ScaleMode mode, Weights shift, Weights scale, Weights power);
    IScaleLayer* addScaleNd(ITensor& input, ScaleMode mode, Weights shift, Weights scale, Weights power,
                            int32_t channelAxis);
    ISoftMaxLayer* addSoftMax(ITensor& input);
    IConcatenationLayer* addConcatenation(ITensor* const* inputs, int32_t count);
    IElementWiseLayer* addElementWise(ITensor& input1, ITensor& input2, ElementWiseOperation op);
    IUnaryLayer* addUnary(ITensor& input, UnaryOperation op);
    IReduceLayer* addReduce(ITensor& input, ReduceOperation op, uint32_t axes, bool keepDimensions);
    ITopKLayer* addTopK(ITensor& input, TopKOperation op, int32_t k, uint32_t axes,
                        DataType indicesType = DataType::kINT32);
    IGatherLayer* addGather(ITensor& data, ITensor& indices, int32_t axis);
    IGatherLayer* addGatherV2(ITensor& data, ITensor& indices, GatherMode mode);
    IShuffleLayer* addShuffle(ITensor& input);
    ISliceLayer* addSlice(ITensor& input, const Dims& start, const Dims& size, const Dims& stride);
    IPaddingLayer* addPaddingNd(ITensor& input, const Dims& prePadding, const Dims& postPadding);
    IResizeLayer* addResize(ITensor& input);
    IMatrixMultiplyLayer* addMatrixMultiply(ITensor& input0, MatrixOperation op0, ITensor& input1, MatrixOperation op1);
    IConstantLayer* addConstant(const Dims& dimensions, Weights weights);
    ICastLayer* addCast(ITensor& input, DataType toType);
    IIdentityLayer* addIdentity(ITensor& input);
    IShapeLayer* addShape(ITensor& input);
    ISelectLayer* addSelect(ITensor& condition, ITensor& thenInput, ITensor& elseInput);
    IParametricReLULayer* addParametricReLU(ITensor& input, ITensor& slopes);

    ILoop* addLoop();
    IIfConditional* addIfConditional();
    IAttention* addAttention(ITensor& query, ITensor& key, ITensor& value, AttentionNormalizationOp normOp, bool causal);
    //! TensorRT 11
    IAttention* addAttentionV2(ITensor& query, ITensor& key, ITensor& value, AttentionNormalizationOp normOp,
                               CausalMaskKind causalKind);

    INonZeroLayer* addNonZero(ITensor& input, DataType indicesType = DataType::kINT32);
    IOneHotLayer* addOneHot(ITensor& indices, ITensor& values, ITensor& depth, int32_t axis);
    INMSLayer* addNMS(ITensor& boxes, ITensor& scores, ITensor& maxOutputBoxesPerClass,
                      DataType indicesType = DataType::kINT32);
    IFillLayer* addFill(const Dims& dimensions, FillOperation op, DataType outputType = DataType::kFLOAT);
    IQuantizeLayer* addQuantize(ITensor& input, ITensor& scale, DataType outputType = DataType::kINT8);
    //! The output has the scale's type unless another is given.
    IDequantizeLayer* addDequantize(ITensor& input, ITensor& scale);
    IDequantizeLayer* addDequantize(ITensor& input, ITensor& scale, DataType outputType);
    //! Refused: int4, fp4 and block scales are no element types here.
    IDynamicQuantizeLayer* addDynamicQuantize(ITensor& input, int32_t axis, int32_t blockSize, DataType outputType,
                                              DataType scaleType);
    IDynamicQuantizeLayer* addDynamicQuantizeV2(ITensor& input, const Dims& blockShape, DataType outputType,
                                                DataType scaleType);
    IEinsumLayer* addEinsum(ITensor* const* inputs, int32_t count, const char* equation);
    IScatterLayer* addScatter(ITensor& data, ITensor& indices, ITensor& updates, ScatterMode mode);
    IGridSampleLayer* addGridSample(ITensor& input, ITensor& grid);
    IReverseSequenceLayer* addReverseSequence(ITensor& input, ITensor& sequenceLens);
    INormalizationLayer* addNormalization(ITensor& input, ITensor& scale, ITensor& bias, uint32_t axesMask);
    INormalizationLayer* addNormalizationV2(ITensor& input, ITensor& scale, ITensor& bias, uint32_t axesMask);
    ILRNLayer* addLRN(ITensor& input, int64_t window, float alpha, float beta, float k);
    IRaggedSoftMaxLayer* addRaggedSoftMax(ITensor& input, ITensor& bounds);
    IAssertionLayer* addAssertion(ITensor& condition, const char* message);
    ICumulativeLayer* addCumulative(ITensor& input, ITensor& axis, CumulativeOperation op, bool exclusive, bool reverse);
    ISqueezeLayer* addSqueeze(ITensor& input, ITensor& axes);
    IUnsqueezeLayer* addUnsqueeze(ITensor& input, ITensor& axes);
    IRotaryEmbeddingLayer* addRotaryEmbedding(ITensor& input, ITensor& cosCache, ITensor& sinCache, bool interleaved,
                                              int32_t rotaryEmbeddingDim);
    IKVCacheUpdateLayer* addKVCacheUpdate(ITensor& cache, ITensor& update, ITensor& writeIndices, KVCacheMode cacheMode);
    //! Refused: write the experts as layers.
    IMoELayer* addMoE(ITensor& hiddenStates, ITensor& selectedExpertsForTokens, ITensor& scoresForSelectedExperts);
    //! Refused: an engine runs on one device.
    IDistCollectiveLayer* addDistCollective(ITensor& input, CollectiveOperation op, ReduceOperation reduceOp, int64_t root,
                                            const int64_t* groups, int64_t groupSize);

    // TensorRT <= 9
    IFullyConnectedLayer* addFullyConnected(ITensor& input, int64_t outputs, Weights kernel, Weights bias = {});
    IRNNv2Layer* addRNNv2(ITensor& input, int32_t layerCount, int32_t hiddenSize, int32_t maxSeqLen, RNNOperation op);
    IConvolutionLayer* addConvolution(ITensor& input, int64_t maps, DimsHW kernelSize, Weights kernel,
                                      Weights bias = {}) {
        return addConvolutionNd(input, maps, kernelSize, std::move(kernel), std::move(bias));
    }
    IDeconvolutionLayer* addDeconvolution(ITensor& input, int64_t maps, DimsHW kernelSize, Weights kernel,
                                          Weights bias = {}) {
        return addDeconvolutionNd(input, maps, kernelSize, std::move(kernel), std::move(bias));
    }
    IPoolingLayer* addPooling(ITensor& input, PoolingType type, DimsHW windowSize) {
        return addPoolingNd(input, type, windowSize);
    }
    IPaddingLayer* addPadding(ITensor& input, DimsHW pre, DimsHW post) { return addPaddingNd(input, pre, post); }

    void markOutput(ITensor& tensor);
    void unmarkOutput(ITensor& tensor);
    //! Outputs the values of a shape tensor; here the same as markOutput.
    bool markOutputForShapes(ITensor& tensor);
    bool unmarkOutputForShapes(ITensor& tensor);

    [[nodiscard]] int32_t getNbLayers() const;
    [[nodiscard]] ILayer* getLayer(int32_t index) const; //!< of its concrete class; null for a wrong index
    [[nodiscard]] int32_t getNbInputs() const;
    [[nodiscard]] ITensor* getInput(int32_t index) const;
    [[nodiscard]] int32_t getNbOutputs() const;
    [[nodiscard]] ITensor* getOutput(int32_t index) const;

    void setName(const char* name);
    [[nodiscard]] const char* getName() const;
    [[nodiscard]] uint32_t getFlags() const; //!< bitmask of 1 << NetworkDefinitionCreationFlag
    [[nodiscard]] bool getFlag(NetworkDefinitionCreationFlag flag) const;
    [[nodiscard]] bool hasImplicitBatchDimension() const { return false; }
    [[nodiscard]] IBuilder& getBuilder() const;

    void setErrorRecorder(IErrorRecorder* recorder);
    [[nodiscard]] IErrorRecorder* getErrorRecorder() const;

  private:
    friend struct api::Access;
    std::shared_ptr<api::NetworkState> state_;
};

} // namespace tensorvk
