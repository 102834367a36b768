// Loops and conditionals.
#include "tensorvk/control_layers.h"

#include "api/add_layer.hpp"
#include "api/attributes.hpp"

namespace tensorvk {

using api::add;
using api::only;
using graph::BoundaryAttributes;
using graph::Construct;

namespace {

BoundaryAttributes boundary(const std::shared_ptr<Construct>& construct) {
    return {construct, TripLimit::kCOUNT, LoopOutput::kLAST_VALUE, 0, false};
}

//! Whether the network has a boundary layer of that type, construct and kind.
bool exists(api::NetworkState& network, LayerType type, const std::shared_ptr<Construct>& construct, TripLimit limit) {
    return std::ranges::any_of(network.graph().layers(), [&](const auto& layer) {
        const auto* a = std::get_if<BoundaryAttributes>(&layer->attributes);
        return a != nullptr && layer->type == type && a->construct == construct && a->limit == limit;
    });
}

void rename(api::NetworkState& network, Construct& construct, const char* name) {
    api::succeeds(network.reporter(), [&] { construct.name = api::required(name, "name"); });
}

} // namespace

ILoop* ILoopBoundaryLayer::getLoop() const {
    return network_->object_of<ILoop>(api::attributes<BoundaryAttributes>(*this).construct);
}
TripLimit ITripLimitLayer::getTripLimit() const {
    return api::attributes<BoundaryAttributes>(*this).limit;
}
TENSORVK_ATTRIBUTE(IIteratorLayer, int32_t, Axis, BoundaryAttributes, axis)
TENSORVK_ATTRIBUTE(IIteratorLayer, bool, Reverse, BoundaryAttributes, reverse)
LoopOutput ILoopOutputLayer::getLoopOutput() const {
    return api::attributes<BoundaryAttributes>(*this).output;
}
TENSORVK_ATTRIBUTE(ILoopOutputLayer, int32_t, Axis, BoundaryAttributes, axis)

IRecurrenceLayer* ILoop::addRecurrence(ITensor& initialValue) {
    return add<IRecurrenceLayer>(*network_, LayerType::kRECURRENCE, {&initialValue}, only(boundary(construct_)));
}

ITripLimitLayer* ILoop::addTripLimit(ITensor& tensor, TripLimit limit) {
    return add<ITripLimitLayer>(*network_, LayerType::kTRIP_LIMIT, {&tensor}, [&] {
        if (exists(*network_, LayerType::kTRIP_LIMIT, construct_, limit)) {
            throw InvalidArgument(text("Loop '", construct_->name, "' has a trip limit of kind ",
                                       limit == TripLimit::kCOUNT ? "COUNT" : "WHILE", " already; one of each is possible."));
        }
        BoundaryAttributes attributes = boundary(construct_);
        attributes.limit = limit;
        return std::vector<graph::Attributes>{attributes};
    });
}

IIteratorLayer* ILoop::addIterator(ITensor& tensor, int32_t axis, bool reverse) {
    BoundaryAttributes attributes = boundary(construct_);
    attributes.axis = axis;
    attributes.reverse = reverse;
    return add<IIteratorLayer>(*network_, LayerType::kITERATOR, {&tensor}, only(attributes));
}

ILoopOutputLayer* ILoop::addLoopOutput(ITensor& tensor, LoopOutput kind, int32_t axis) {
    BoundaryAttributes attributes = boundary(construct_);
    attributes.output = kind;
    attributes.axis = axis;
    return add<ILoopOutputLayer>(*network_, LayerType::kLOOP_OUTPUT, {&tensor}, only(attributes));
}

void ILoop::setName(const char* name) {
    rename(*network_, *construct_, name);
}
const char* ILoop::getName() const {
    return construct_->name.c_str();
}

IIfConditional* IIfConditionalBoundaryLayer::getConditional() const {
    return network_->object_of<IIfConditional>(api::attributes<BoundaryAttributes>(*this).construct);
}

IConditionLayer* IIfConditional::setCondition(ITensor& condition) {
    return add<IConditionLayer>(*network_, LayerType::kCONDITION, {&condition}, [&] {
        if (exists(*network_, LayerType::kCONDITION, construct_, TripLimit::kCOUNT)) {
            throw InvalidArgument(text("Conditional '", construct_->name, "' has a condition already; call setInput(0) of its layer."));
        }
        return std::vector<graph::Attributes>{boundary(construct_)};
    });
}

IIfConditionalInputLayer* IIfConditional::addInput(ITensor& input) {
    return add<IIfConditionalInputLayer>(*network_, LayerType::kCONDITIONAL_INPUT, {&input}, only(boundary(construct_)));
}

IIfConditionalOutputLayer* IIfConditional::addOutput(ITensor& trueSubgraphOutput, ITensor& falseSubgraphOutput) {
    return add<IIfConditionalOutputLayer>(*network_, LayerType::kCONDITIONAL_OUTPUT, {&trueSubgraphOutput, &falseSubgraphOutput},
                                          only(boundary(construct_)));
}

void IIfConditional::setName(const char* name) {
    rename(*network_, *construct_, name);
}
const char* IIfConditional::getName() const {
    return construct_->name.c_str();
}

ILoop* INetworkDefinition::addLoop() {
    return state_->object_of<ILoop>(state_->new_construct(Construct::Kind::kLOOP, "ILoop"));
}
IIfConditional* INetworkDefinition::addIfConditional() {
    return state_->object_of<IIfConditional>(state_->new_construct(Construct::Kind::kCONDITIONAL, "IIfConditional"));
}

} // namespace tensorvk
