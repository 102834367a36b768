// Attention: an input and an output layer, and the object that holds both.
#include "api/add_layer.hpp"
#include "api/attributes.hpp"
#include "tensorvk/control_layers.h"

namespace tensorvk {

using api::succeeds;
using graph::AttentionAttributes;
using graph::BoundaryAttributes;
using graph::Construct;

namespace {

constexpr std::size_t kMask = 3;

} // namespace

IAttention* IAttentionBoundaryLayer::getAttention() const {
    const bool input = getType() == LayerType::kATTENTION_INPUT;
    return network_->object_of<IAttention>(input ? api::attributes<AttentionAttributes>(*this).construct
                                                 : api::attributes<BoundaryAttributes>(*this).construct);
}

ILayer& IAttention::output_layer() const {
    for (const auto& layer : network_->graph().layers()) {
        const auto* a = std::get_if<BoundaryAttributes>(&layer->attributes);
        if (a != nullptr && a->construct == construct_) {
            return *network_->wrap(layer.get());
        }
    }
    throw InternalError(text("Attention '", construct_->name, "' has lost its layers."));
}
ILayer& IAttention::input_layer() const {
    return *network_->wrap(api::Access::node(output_layer()).inputs[0]->producer);
}

bool IAttention::setNormalizationOperation(AttentionNormalizationOp op) {
    return api::change_or_keep<AttentionAttributes>(input_layer(), [&](AttentionAttributes& a) { a.normalization = op; });
}
AttentionNormalizationOp IAttention::getNormalizationOperation() const {
    return api::attributes<AttentionAttributes>(input_layer()).normalization;
}
bool IAttention::setCausal(bool causal) {
    return setCausalKind(causal ? CausalMaskKind::kUPPER_LEFT : CausalMaskKind::kNONE);
}
bool IAttention::getCausal() const {
    return getCausalKind() != CausalMaskKind::kNONE;
}
bool IAttention::setCausalKind(CausalMaskKind kind) {
    return api::change_or_keep<AttentionAttributes>(input_layer(), [&](AttentionAttributes& a) { a.causal = kind; });
}
CausalMaskKind IAttention::getCausalKind() const {
    return api::attributes<AttentionAttributes>(input_layer()).causal;
}
bool IAttention::setDecomposable(bool decomposable) {
    return api::change_or_keep<AttentionAttributes>(input_layer(), [&](AttentionAttributes& a) { a.decomposable = decomposable; });
}
bool IAttention::getDecomposable() const {
    return api::attributes<AttentionAttributes>(input_layer()).decomposable;
}

bool IAttention::setInput(int32_t index, ITensor& input) {
    return succeeds(network_->reporter(), [&] {
        if (index < 0 || index > static_cast<int32_t>(kMask)) {
            throw InvalidArgument(text("Attention '", construct_->name, "' has the inputs 0 to 3 (query, key, value, mask); there is no input ",
                                       index, "."));
        }
        if (&api::Access::state(input) != network_) {
            throw InvalidArgument(text("Attention '", construct_->name, "' cannot take tensor '", input.getName(),
                                       "', which belongs to another network."));
        }
        network_->set_input(api::Access::node(input_layer()), static_cast<std::size_t>(index), api::Access::node(input));
    });
}
bool IAttention::setMask(ITensor& mask) {
    return setInput(static_cast<int32_t>(kMask), mask);
}
ITensor* IAttention::getMask() const {
    return getInput(static_cast<int32_t>(kMask));
}
int32_t IAttention::getNbInputs() const {
    return input_layer().getNbInputs();
}
ITensor* IAttention::getInput(int32_t index) const {
    return input_layer().getInput(index);
}
ITensor* IAttention::getOutput(int32_t index) const {
    return output_layer().getOutput(index);
}

bool IAttention::setName(const char* name) {
    return succeeds(network_->reporter(), [&] {
        construct_->name = api::required(name, "name");
        output_layer().setName(name);
        api::Access::node(input_layer()).name = construct_->name + "/input";
    });
}
const char* IAttention::getName() const {
    return construct_->name.c_str();
}
bool IAttention::setMetadata(const char* metadata) {
    return succeeds(network_->reporter(), [&] {
        const std::string& given = api::required(metadata, "metadata");
        api::Access::node(input_layer()).metadata = given;
        api::Access::node(output_layer()).metadata = given;
    });
}
const char* IAttention::getMetadata() const {
    return output_layer().getMetadata();
}

IAttention* INetworkDefinition::addAttention(ITensor& query, ITensor& key, ITensor& value, AttentionNormalizationOp normOp, bool causal) {
    return addAttentionV2(query, key, value, normOp, causal ? CausalMaskKind::kUPPER_LEFT : CausalMaskKind::kNONE);
}

IAttention* INetworkDefinition::addAttentionV2(ITensor& query, ITensor& key, ITensor& value, AttentionNormalizationOp normOp,
                                               CausalMaskKind causalKind) {
    return api::guarded(state_->reporter(), static_cast<IAttention*>(nullptr), [&] {
        const auto construct = state_->new_construct(Construct::Kind::kATTENTION, "IAttention");
        const graph::Layer* input = state_->add(LayerType::kATTENTION_INPUT,
                                                {api::Access::node(query), api::Access::node(key), api::Access::node(value)},
                                                {AttentionAttributes{construct, normOp, causalKind, false}});
        (void)state_->add(LayerType::kATTENTION_OUTPUT, {input->outputs[0]},
                          {BoundaryAttributes{construct, TripLimit::kCOUNT, LoopOutput::kLAST_VALUE, 0, false}});
        return state_->object_of<IAttention>(construct);
    });
}

} // namespace tensorvk
