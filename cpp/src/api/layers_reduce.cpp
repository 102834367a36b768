// Layers that combine elements along axes: softmax, reduce, top-k, matrix product.
#include "api/attributes.hpp"
#include "tensorvk/layers.h"

namespace tensorvk {

using graph::MatrixMultiplyAttributes;
using graph::ReduceAttributes;
using graph::SoftMaxAttributes;
using graph::TopKAttributes;

TENSORVK_ATTRIBUTE(ISoftMaxLayer, uint32_t, Axes, SoftMaxAttributes, axes)

TENSORVK_ATTRIBUTE(IReduceLayer, ReduceOperation, Operation, ReduceAttributes, op)
TENSORVK_ATTRIBUTE(IReduceLayer, uint32_t, ReduceAxes, ReduceAttributes, axes)
TENSORVK_ATTRIBUTE(IReduceLayer, bool, KeepDimensions, ReduceAttributes, keep_dims)

TENSORVK_ATTRIBUTE(ITopKLayer, TopKOperation, Operation, TopKAttributes, op)
TENSORVK_ATTRIBUTE(ITopKLayer, int32_t, K, TopKAttributes, k)
TENSORVK_ATTRIBUTE(ITopKLayer, uint32_t, ReduceAxes, TopKAttributes, axes)

bool ITopKLayer::setIndicesType(DataType type) {
    return api::succeeds(network_->reporter(), [&] {
        if (type != DataType::kINT32 && type != DataType::kINT64) {
            throw InvalidArgument(text("Layer '", layer_->name, "' can give its indices as int32 or int64 only."));
        }
        api::change_attributes<TopKAttributes>(*this, [&](TopKAttributes& a) { a.indices = type; });
    });
}
DataType ITopKLayer::getIndicesType() const {
    return api::attributes<TopKAttributes>(*this).indices;
}

void IMatrixMultiplyLayer::setOperation(int32_t input, MatrixOperation op) {
    api::change_attributes<MatrixMultiplyAttributes>(
        *this, [&](MatrixMultiplyAttributes& a) { (input == 0 ? a.op0 : a.op1) = op; });
}
MatrixOperation IMatrixMultiplyLayer::getOperation(int32_t input) const {
    const auto& attributes = api::attributes<MatrixMultiplyAttributes>(*this);
    return input == 0 ? attributes.op0 : attributes.op1;
}

} // namespace tensorvk
