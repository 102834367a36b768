#include "compiler/evaluate.hpp"

#include <vector>

#include "kernels/pointwise_program.hpp"

namespace tensorvk::compiler {

namespace {

using kernels::host::Tensor;

//! Reads a constant as if it had the output's shape: numpy's broadcasting.
class Broadcast {
public:
    Broadcast(const Tensor& tensor, const std::vector<std::int64_t>& dims) : tensor_(&tensor), strides_(dims.size(), 0) {
        std::int64_t stride = 1;
        const std::size_t shift = dims.size() - tensor.dims.size();
        for (std::size_t axis = tensor.dims.size(); axis-- > 0;) {
            strides_[axis + shift] = tensor.dims[axis] == 1 ? 0 : stride;
            stride *= tensor.dims[axis];
        }
    }
    [[nodiscard]] double at(const std::vector<std::int64_t>& index) const {
        std::int64_t offset = 0;
        for (std::size_t axis = 0; axis < index.size(); ++axis) {
            offset += index[axis] * strides_[axis];
        }
        return tensor_->get(offset);
    }

private:
    const Tensor* tensor_;
    std::vector<std::int64_t> strides_;
};

void advance(std::vector<std::int64_t>& index, const std::vector<std::int64_t>& dims) {
    for (std::size_t axis = dims.size(); axis-- > 0;) {
        if (++index[axis] < dims[axis]) {
            return;
        }
        index[axis] = 0;
    }
}

Tensor pointwise(const Ir& ir, const Op& op) {
    const Value& result = ir.value(op.outputs[0]);
    Tensor out(result.dtype, ir.extents(result.dims));
    const Broadcast base(*ir.value(op.inputs[0]).constant, out.dims);
    std::vector<Broadcast> operands;
    for (const ValueId id : op.operands) {
        operands.emplace_back(*ir.value(id).constant, out.dims);
    }
    std::vector<double> values(operands.size());
    std::vector<std::int64_t> index(out.dims.size(), 0);
    for (std::int64_t i = 0; i < out.volume(); ++i, advance(index, out.dims)) {
        for (std::size_t k = 0; k < operands.size(); ++k) {
            values[k] = operands[k].at(index);
        }
        out.set(i, kernels::evaluate(op.epilogue, base.at(index), values.data()));
    }
    return out;
}

} // namespace

std::optional<Tensor> evaluate(const Ir& ir, const Op& op) {
    if (std::holds_alternative<tactics::Pointwise>(op.kind)) {
        return pointwise(ir, op);
    }
    return std::nullopt;
}

} // namespace tensorvk::compiler
