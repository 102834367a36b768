#include "tensorvk/network.h"

#include <algorithm>

#include "api/add_layer.hpp"
#include "api/convert.hpp"
#include "api/network_state.hpp"
#include "api/padding.hpp"
#include "graph/operators.hpp"
#include "support/checked.hpp"

namespace tensorvk {

using api::Access;
using api::add;
using api::guarded;
using api::only;
using api::succeeds;
using api::to_graph;
using api::to_vector;

namespace {

//! TensorRT's default axis: channels of an image without its batch.
std::int64_t default_axis(const ITensor& input) {
    return std::max(0, input.getDimensions().nbDims - 3);
}

//! Window size minus one on each side: a window with this padding fits into every input.
std::vector<std::int64_t> widest_padding(const std::vector<std::int64_t>& window) {
    std::vector<std::int64_t> padding;
    for (const std::int64_t size : window) {
        padding.push_back(std::max<std::int64_t>(size - 1, 0));
    }
    return padding;
}

//! The number of groups is a setter's business; until it comes, the kernel's size tells.
std::int64_t groups_for(const ITensor& input, std::int64_t maps, const std::vector<std::int64_t>& kernel,
                        std::int64_t count) {
    const Dims dims = input.getDimensions();
    std::int64_t full = dims.nbDims > 1 ? maps * dims.d[1] : 0;
    for (const std::int64_t size : kernel) {
        full *= size;
    }
    return count > 0 && full > count && full % count == 0 ? full / count : 1;
}

//! Zeros in place of a kernel that a later set_input brings.
graph::Weights kernel_to_come(const ITensor& input, std::int64_t maps, const std::vector<std::int64_t>& kernel) {
    const Dims dims = input.getDimensions();
    std::int64_t count = dims.nbDims > 1 && dims.d[1] > 0 ? checked_mul(maps, dims.d[1]) : 0;
    count = checked_mul(count, checked_volume(kernel));
    const auto zeros =
        std::make_shared<const std::vector<float>>(static_cast<std::size_t>(std::max(count, std::int64_t{0})));
    return {DataType::kFLOAT, reinterpret_cast<const std::byte*>(zeros->data()), count, zeros};
}

std::vector<graph::Attributes> convolution_candidates(const ITensor& input, std::int64_t maps, const Dims& kernel_size,
                                                      const Weights& kernel, const Weights& bias) {
    graph::ConvolutionAttributes wanted;
    wanted.maps = maps;
    wanted.geometry.kernel = to_vector(kernel_size);
    wanted.geometry.groups = groups_for(input, maps, wanted.geometry.kernel, kernel.count);
    wanted.kernel = to_graph(kernel);
    wanted.bias = to_graph(bias);
    graph::ConvolutionAttributes padded = wanted;
    padded.geometry.pre = padded.geometry.post = widest_padding(wanted.geometry.kernel);
    if (kernel.count == 0) {
        padded.kernel = kernel_to_come(input, maps, wanted.geometry.kernel);
    }
    return {wanted, padded};
}

//! Layers that read values of tensors were added by inference, not by the user.
bool is_users(const std::unique_ptr<graph::Layer>& layer) {
    const auto* a = std::get_if<graph::OperatorAttributes>(&layer->attributes);
    return a == nullptr || a->op != graph::kReadValues;
}

} // namespace

ITensor* INetworkDefinition::addInput(const char* name, DataType type, const Dims& dimensions) {
    return guarded(state_->reporter(), static_cast<ITensor*>(nullptr), [&] {
        return state_->wrap(state_->graph().add_input(api::required(name, "name"), type, api::view(dimensions)));
    });
}

IConvolutionLayer* INetworkDefinition::addConvolutionNd(ITensor& input, int64_t maps, const Dims& kernelSize,
                                                        Weights kernel, Weights bias) {
    return add<IConvolutionLayer>(*state_, LayerType::kCONVOLUTION, {&input},
                                  [&] { return convolution_candidates(input, maps, kernelSize, kernel, bias); });
}

IDeconvolutionLayer* INetworkDefinition::addDeconvolutionNd(ITensor& input, int64_t maps, const Dims& kernelSize,
                                                            Weights kernel, Weights bias) {
    return add<IDeconvolutionLayer>(*state_, LayerType::kDECONVOLUTION, {&input},
                                    [&] { return convolution_candidates(input, maps, kernelSize, kernel, bias); });
}

IPoolingLayer* INetworkDefinition::addPoolingNd(ITensor& input, PoolingType type, const Dims& windowSize) {
    return add<IPoolingLayer>(*state_, LayerType::kPOOLING, {&input}, [&] {
        graph::PoolingAttributes wanted;
        wanted.op = type;
        wanted.geometry.window = to_vector(windowSize);
        graph::PoolingAttributes padded = wanted;
        padded.geometry.pre = padded.geometry.post = widest_padding(wanted.geometry.window);
        return std::vector<graph::Attributes>{wanted, padded};
    });
}

IActivationLayer* INetworkDefinition::addActivation(ITensor& input, ActivationType type) {
    return add<IActivationLayer>(*state_, LayerType::kACTIVATION, {&input},
                                 only(graph::ActivationAttributes{type, 0.0F, 0.0F}));
}

IScaleLayer* INetworkDefinition::addScale(ITensor& input, ScaleMode mode, Weights shift, Weights scale, Weights power) {
    return addScaleNd(input, mode, std::move(shift), std::move(scale), std::move(power), 1);
}

IScaleLayer* INetworkDefinition::addScaleNd(ITensor& input, ScaleMode mode, Weights shift, Weights scale, Weights power,
                                            int32_t channelAxis) {
    return add<IScaleLayer>(*state_, LayerType::kSCALE, {&input}, [&] {
        return std::vector<graph::Attributes>{
            graph::ScaleAttributes{mode, to_graph(shift), to_graph(scale), to_graph(power), channelAxis}};
    });
}

ISoftMaxLayer* INetworkDefinition::addSoftMax(ITensor& input) {
    const auto axes = std::uint32_t{1} << static_cast<std::uint32_t>(default_axis(input));
    return add<ISoftMaxLayer>(*state_, LayerType::kSOFTMAX, {&input}, only(graph::SoftMaxAttributes{axes, false}));
}

IConcatenationLayer* INetworkDefinition::addConcatenation(ITensor* const* inputs, int32_t count) {
    const std::vector<const ITensor*> list(inputs, inputs + std::max(count, 0));
    return add<IConcatenationLayer>(*state_, LayerType::kCONCATENATION, list, [&] {
        if (list.empty() || std::ranges::count(list, nullptr) > 0) {
            throw InvalidArgument(
                text("A concatenation needs one or more inputs, none of them null; ", list.size(), " were given."));
        }
        std::vector<graph::Attributes> candidates{graph::ConcatenationAttributes{default_axis(*list[0])}};
        for (std::int32_t axis = 0; axis < list[0]->getDimensions().nbDims; ++axis) {
            candidates.emplace_back(graph::ConcatenationAttributes{axis});
        }
        return candidates;
    });
}

IElementWiseLayer* INetworkDefinition::addElementWise(ITensor& input1, ITensor& input2, ElementWiseOperation op) {
    return add<IElementWiseLayer>(*state_, LayerType::kELEMENTWISE, {&input1, &input2},
                                  only(graph::ElementWiseAttributes{op}));
}

IUnaryLayer* INetworkDefinition::addUnary(ITensor& input, UnaryOperation op) {
    return add<IUnaryLayer>(*state_, LayerType::kUNARY, {&input}, only(graph::UnaryAttributes{op}));
}

IReduceLayer* INetworkDefinition::addReduce(ITensor& input, ReduceOperation op, uint32_t axes, bool keepDimensions) {
    return add<IReduceLayer>(*state_, LayerType::kREDUCE, {&input},
                             only(graph::ReduceAttributes{op, axes, keepDimensions}));
}

ITopKLayer* INetworkDefinition::addTopK(ITensor& input, TopKOperation op, int32_t k, uint32_t axes,
                                        DataType indicesType) {
    return add<ITopKLayer>(*state_, LayerType::kTOPK, {&input},
                           only(graph::TopKAttributes{op, k, axes, indicesType, false}));
}

IGatherLayer* INetworkDefinition::addGather(ITensor& data, ITensor& indices, int32_t axis) {
    return add<IGatherLayer>(*state_, LayerType::kGATHER, {&data, &indices},
                             only(graph::GatherAttributes{axis, GatherMode::kDEFAULT, 0}));
}

IGatherLayer* INetworkDefinition::addGatherV2(ITensor& data, ITensor& indices, GatherMode mode) {
    return add<IGatherLayer>(*state_, LayerType::kGATHER, {&data, &indices}, only(graph::GatherAttributes{0, mode, 0}));
}

IShuffleLayer* INetworkDefinition::addShuffle(ITensor& input) {
    return add<IShuffleLayer>(*state_, LayerType::kSHUFFLE, {&input}, only(graph::ShuffleAttributes{}));
}

ISliceLayer* INetworkDefinition::addSlice(ITensor& input, const Dims& start, const Dims& size, const Dims& stride) {
    return add<ISliceLayer>(*state_, LayerType::kSLICE, {&input}, [&] {
        graph::SliceAttributes wanted;
        wanted.start = to_vector(start);
        wanted.size = to_vector(size);
        wanted.stride = to_vector(stride);
        const auto rank = static_cast<std::size_t>(std::max(input.getDimensions().nbDims, 0));
        graph::SliceAttributes first;
        first.start.assign(rank, 0);
        first.size.assign(rank, 1);
        first.stride.assign(rank, 1);
        return std::vector<graph::Attributes>{wanted, first};
    });
}

IPaddingLayer* INetworkDefinition::addPaddingNd(ITensor& input, const Dims& prePadding, const Dims& postPadding) {
    return guarded(state_->reporter(), static_cast<IPaddingLayer*>(nullptr), [&] {
        return api::add_padding(*state_, Access::node(input), {prePadding, postPadding});
    });
}

IResizeLayer* INetworkDefinition::addResize(ITensor& input) {
    return add<IResizeLayer>(*state_, LayerType::kRESIZE, {&input}, [&] {
        graph::ResizeAttributes same_size;
        same_size.scales.assign(static_cast<std::size_t>(std::max(input.getDimensions().nbDims, 0)), 1.0F);
        return std::vector<graph::Attributes>{same_size};
    });
}

IMatrixMultiplyLayer* INetworkDefinition::addMatrixMultiply(ITensor& input0, MatrixOperation op0, ITensor& input1,
                                                            MatrixOperation op1) {
    return add<IMatrixMultiplyLayer>(*state_, LayerType::kMATRIX_MULTIPLY, {&input0, &input1},
                                     only(graph::MatrixMultiplyAttributes{op0, op1}));
}

IConstantLayer* INetworkDefinition::addConstant(const Dims& dimensions, Weights weights) {
    return add<IConstantLayer>(*state_, LayerType::kCONSTANT, {}, [&] {
        return std::vector<graph::Attributes>{graph::ConstantAttributes{to_vector(dimensions), to_graph(weights)}};
    });
}

ICastLayer* INetworkDefinition::addCast(ITensor& input, DataType toType) {
    return add<ICastLayer>(*state_, LayerType::kCAST, {&input}, only(graph::CastAttributes{toType}));
}

IIdentityLayer* INetworkDefinition::addIdentity(ITensor& input) {
    return add<IIdentityLayer>(*state_, LayerType::kIDENTITY, {&input}, only(graph::NoAttributes{}));
}

IShapeLayer* INetworkDefinition::addShape(ITensor& input) {
    return add<IShapeLayer>(*state_, LayerType::kSHAPE, {&input}, only(graph::NoAttributes{}));
}

ISelectLayer* INetworkDefinition::addSelect(ITensor& condition, ITensor& thenInput, ITensor& elseInput) {
    return add<ISelectLayer>(*state_, LayerType::kSELECT, {&condition, &thenInput, &elseInput},
                             only(graph::NoAttributes{}));
}

IParametricReLULayer* INetworkDefinition::addParametricReLU(ITensor& input, ITensor& slopes) {
    return add<IParametricReLULayer>(*state_, LayerType::kPARAMETRIC_RELU, {&input, &slopes},
                                     only(graph::NoAttributes{}));
}

void INetworkDefinition::markOutput(ITensor& tensor) {
    markOutputForShapes(tensor);
}
void INetworkDefinition::unmarkOutput(ITensor& tensor) {
    unmarkOutputForShapes(tensor);
}

bool INetworkDefinition::markOutputForShapes(ITensor& tensor) {
    return succeeds(state_->reporter(), [&] { state_->graph().mark_output(Access::node(tensor)); });
}

bool INetworkDefinition::unmarkOutputForShapes(ITensor& tensor) {
    return succeeds(state_->reporter(), [&] { state_->graph().unmark_output(Access::node(tensor)); });
}

int32_t INetworkDefinition::getNbLayers() const {
    return static_cast<int32_t>(std::ranges::count_if(state_->graph().layers(), is_users));
}
int32_t INetworkDefinition::getNbInputs() const {
    return static_cast<int32_t>(state_->graph().inputs().size());
}
int32_t INetworkDefinition::getNbOutputs() const {
    return static_cast<int32_t>(state_->graph().outputs().size());
}

ILayer* INetworkDefinition::getLayer(int32_t index) const {
    for (const auto& layer : state_->graph().layers()) {
        if (is_users(layer) && index-- == 0) {
            return state_->wrap(layer.get());
        }
    }
    return nullptr;
}
ITensor* INetworkDefinition::getInput(int32_t index) const {
    return index < 0 || index >= getNbInputs()
               ? nullptr
               : state_->wrap(state_->graph().inputs()[static_cast<std::size_t>(index)]);
}
ITensor* INetworkDefinition::getOutput(int32_t index) const {
    return index < 0 || index >= getNbOutputs()
               ? nullptr
               : state_->wrap(state_->graph().outputs()[static_cast<std::size_t>(index)]);
}

void INetworkDefinition::setName(const char* name) {
    succeeds(state_->reporter(), [&] { state_->graph().name = api::required(name, "name"); });
}
const char* INetworkDefinition::getName() const {
    return state_->graph().name.c_str();
}
uint32_t INetworkDefinition::getFlags() const {
    return state_->flags();
}
bool INetworkDefinition::getFlag(NetworkDefinitionCreationFlag flag) const {
    return (state_->flags() >> static_cast<uint32_t>(flag) & 1U) != 0;
}
IBuilder& INetworkDefinition::getBuilder() const {
    return *state_->builder();
}

void INetworkDefinition::setErrorRecorder(IErrorRecorder* recorder) {
    state_->reporter().set_recorder(api::unowned(recorder));
}
IErrorRecorder* INetworkDefinition::getErrorRecorder() const {
    return state_->reporter().recorder().get();
}

} // namespace tensorvk
