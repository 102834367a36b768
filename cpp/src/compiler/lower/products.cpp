// Layers that combine whole axes: matrix multiply, reduce, softmax, top-k.
#include <bit>

#include "compiler/lower/context.hpp"
#include "support/error.hpp"

namespace tensorvk::compiler {

namespace {

std::int64_t single_axis(const graph::Layer& layer, std::uint32_t axes, const char* what) {
    if (std::popcount(axes) != 1) {
        throw Unsupported(text("Layer '", layer.name, "' asks for ", what, " over ", std::popcount(axes),
                               " axes at once (bitmask ", axes, "); exactly one is offered, reshape the others away."));
    }
    return std::countr_zero(axes);
}

//! A vector operand becomes a matrix with one row (left) or one column (right).
ValueId as_matrix(LayerContext& context, const graph::Layer& layer, std::size_t index, MatrixOperation op) {
    const ValueId in = context.input(layer, index);
    if (op != MatrixOperation::kVECTOR) {
        return in;
    }
    shape::Exprs dims = context.ir().value(in).dims;
    dims.insert(index == 0 ? dims.end() - 1 : dims.end(), context.ir().exprs.constant(1));
    const ValueId out = context.temporary(layer, index == 0 ? "row" : "column", context.ir().value(in).dtype, dims);
    context.ir().add_reshape(layer.name, in, out);
    return out;
}

} // namespace

void lower_matrix_multiply(LayerContext& context, const graph::Layer& layer) {
    const auto& a = std::get<graph::MatrixMultiplyAttributes>(layer.attributes);
    const ValueId left = as_matrix(context, layer, 0, a.op0);
    const ValueId right = as_matrix(context, layer, 1, a.op1);
    const tactics::MatrixProduct kind{a.op0 == MatrixOperation::kTRANSPOSE, a.op1 == MatrixOperation::kTRANSPOSE};
    const bool vectors = a.op0 == MatrixOperation::kVECTOR || a.op1 == MatrixOperation::kVECTOR;
    if (!vectors) {
        context.ir().add_op(layer.name, kind, {left, right}, {context.output(layer, 0)});
        return;
    }
    const graph::Tensor& result = *layer.outputs[0];
    shape::Exprs dims = result.dims;
    if (a.op1 == MatrixOperation::kVECTOR) {
        dims.push_back(context.ir().exprs.constant(1));
    }
    if (a.op0 == MatrixOperation::kVECTOR) {
        dims.insert(dims.end() - 1, context.ir().exprs.constant(1));
    }
    const ValueId product = context.temporary(layer, "product", result.dtype, dims);
    context.ir().add_op(layer.name, kind, {left, right}, {product});
    context.ir().add_reshape(layer.name, product, context.output(layer, 0));
}

void lower_reduce(LayerContext& context, const graph::Layer& layer) {
    const auto& a = std::get<graph::ReduceAttributes>(layer.attributes);
    const ValueId in = context.input(layer, 0);
    context.ir().add_op(layer.name, tactics::Reduce{a.op, a.axes}, {in}, {context.output(layer, 0)});
}

void lower_softmax(LayerContext& context, const graph::Layer& layer) {
    const auto& a = std::get<graph::SoftMaxAttributes>(layer.attributes);
    const ValueId in = context.input(layer, 0);
    context.ir().add_op(layer.name, tactics::SoftMax{single_axis(layer, a.axes, "a softmax"), a.log}, {in}, {context.output(layer, 0)});
}

void lower_topk(LayerContext& context, const graph::Layer& layer) {
    const auto& a = std::get<graph::TopKAttributes>(layer.attributes);
    const std::int64_t axis = single_axis(layer, a.axes, "the largest elements");
    const shape::Exprs k = context.shape_input(layer, 1, {a.k});
    const auto count = context.ir().exprs.value(k.at(0));
    if (!count) {
        throw Unsupported(text("Layer '", layer.name, "' has a K that depends on the input's shape; it has to be a constant."));
    }
    const ValueId in = context.input(layer, 0);
    const ValueId values = context.output(layer, 0);
    const ValueId indices = context.output(layer, 1);
    context.ir().add_op(layer.name, tactics::TopK{a.op, axis, *count, a.select_last, a.nan_first}, {in}, {values, indices});
}

} // namespace tensorvk::compiler
