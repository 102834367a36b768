// Layers that treat each element on its own, and constants.
#include "api/attributes.hpp"
#include "tensorvk/layers.h"

namespace tensorvk {

using graph::ActivationAttributes;
using graph::CastAttributes;
using graph::ConstantAttributes;
using graph::ElementWiseAttributes;
using graph::ScaleAttributes;
using graph::UnaryAttributes;

TENSORVK_ATTRIBUTE(IActivationLayer, ActivationType, ActivationType, ActivationAttributes, op)
TENSORVK_ATTRIBUTE(IActivationLayer, float, Alpha, ActivationAttributes, alpha)
TENSORVK_ATTRIBUTE(IActivationLayer, float, Beta, ActivationAttributes, beta)

TENSORVK_ATTRIBUTE(IElementWiseLayer, ElementWiseOperation, Operation, ElementWiseAttributes, op)
TENSORVK_ATTRIBUTE(IUnaryLayer, UnaryOperation, Operation, UnaryAttributes, op)
TENSORVK_ATTRIBUTE(ICastLayer, DataType, ToType, CastAttributes, to)

TENSORVK_ATTRIBUTE(IScaleLayer, ScaleMode, Mode, ScaleAttributes, mode)
TENSORVK_ATTRIBUTE(IScaleLayer, int32_t, ChannelAxis, ScaleAttributes, channel_axis)
TENSORVK_WEIGHTS_ATTRIBUTE(IScaleLayer, Shift, ScaleAttributes, shift)
TENSORVK_WEIGHTS_ATTRIBUTE(IScaleLayer, Scale, ScaleAttributes, scale)
TENSORVK_WEIGHTS_ATTRIBUTE(IScaleLayer, Power, ScaleAttributes, power)

TENSORVK_WEIGHTS_ATTRIBUTE(IConstantLayer, Weights, ConstantAttributes, weights)

void IConstantLayer::setDimensions(const Dims& dimensions) {
    api::change_attributes<ConstantAttributes>(*this,
                                               [&](ConstantAttributes& a) { a.dims = api::to_vector(dimensions); });
}
Dims IConstantLayer::getDimensions() const {
    return api::to_dims(api::attributes<ConstantAttributes>(*this).dims);
}

} // namespace tensorvk
