// Fill: numbers in rows as sums of ranges, random ones by ONNX's operators.
#include <algorithm>

#include "layers/composites.hpp"
#include "onnx/failure.hpp"
#include "onnx/weights.hpp"

namespace tensorvk::layers {

namespace {

using graph::Tensor;
using onnx::Build;
using Ints = Build::Ints;
using Op = ElementWiseOperation;

//! The shape as a vector of int64.
Tensor* shape_of(Composite& c) {
    if (c.input(0) != nullptr) {
        return c.build.cast(c.input(0), DataType::kINT64, "shape");
    }
    return c.build.ints(c.attributes().integers("shape"));
}

//! Input `index` or the attribute as a number of the given type.
Tensor* number(Composite& c, std::size_t index, const char* attribute, Tensor* like) {
    Tensor* given = c.input(index);
    if (given == nullptr) {
        return c.build.number(like, c.attributes().real(attribute));
    }
    return given;
}

//! One number in every place.
Tensor* filled(Build& b, Tensor* zero, Tensor* shape, std::size_t rank) {
    if (rank == 0) {
        return zero;
    }
    Tensor* one = b.with_rank(zero, rank);
    graph::SliceAttributes repeat;
    Ints axes;
    for (std::size_t axis = 0; axis < rank; ++axis) {
        axes.push_back(static_cast<std::int64_t>(axis));
    }
    Tensor* zeros = b.ints(Ints(rank, 0));
    return b.slice(one, axes, zeros, shape, zeros, std::move(repeat), nullptr, "filled");
}

//! 0, 1, ... along one axis, times that axis' step.
Tensor* steps_along(Composite& c, Tensor* shape, Tensor* steps, std::size_t axis, std::size_t rank, DataType type) {
    Build& b = c.build;
    const auto at = static_cast<std::int64_t>(axis);
    Tensor* extent = b.squeeze(b.slice(shape, {0}, b.ints({at}), b.ints({1}), b.ints({1}), {}, nullptr, "extent"), {0}, "extent");
    Tensor* row = b.cast(operation(b, "Range", {b.number(extent, 0.0), extent, b.number(extent, 1.0)}, {}, "row"), type, "row");
    Tensor* step = steps;
    if (!steps->dims.empty()) {
        step = b.slice(steps, {0}, b.ints({at}), b.ints({1}), b.ints({1}), {}, nullptr, "step");
    }
    Ints others;
    for (std::size_t i = 0; i < rank; ++i) {
        if (i != axis) {
            others.push_back(static_cast<std::int64_t>(i));
        }
    }
    return b.unsqueeze(b.elementwise(Op::kPROD, row, step, "steps"), others, "along");
}

//! What set_input was still to bring when the shape was inferred.
void check_complete(Composite& c, FillOperation op, std::size_t rank) {
    const auto own = c.attributes().integers("shape");
    if (c.input(0) == nullptr && std::any_of(own.begin(), own.end(), [](std::int64_t extent) { return extent < 0; })) {
        onnx::fail(onnx::NodeErrorCode::kINVALID_NODE, "its shape has a negative extent; a shape that is known at run time comes as input 0.");
    }
    if ((c.input(1) == nullptr) != (c.input(2) == nullptr)) {
        onnx::fail(onnx::NodeErrorCode::kINVALID_NODE, "it has one of the inputs 1 and 2; give both or none.");
    }
    if (op == FillOperation::kLINSPACE && c.input(1) == nullptr && rank != 1) {
        onnx::fail(onnx::NodeErrorCode::kINVALID_NODE, "it counts along ", rank, " dimensions; give alpha and beta as inputs 1 and 2.");
    }
}

} // namespace

//! alpha + sum of beta[axis] * index[axis], or alpha and beta as bounds or as mean and deviation of random numbers.
std::vector<Tensor*> expand_fill(Composite& c) {
    Build& b = c.build;
    const auto op = static_cast<FillOperation>(c.attributes().integer("operation"));
    const DataType type = type_of(c, "type", DataType::kFLOAT);
    Tensor* shape = shape_of(c);
    const std::size_t rank = c.layer.outputs[0]->dims.size();
    check_complete(c, op, rank);
    Tensor* zero = b.constant({}, onnx::from_doubles(type, {0.0}), "zero");
    Tensor* alpha = number(c, 1, "alpha", zero);
    Tensor* beta = number(c, 2, "beta", zero);
    Tensor* y = filled(b, zero, shape, rank);
    if (op == FillOperation::kLINSPACE) {
        for (std::size_t axis = 0; axis < rank; ++axis) {
            y = b.elementwise(Op::kSUM, y, steps_along(c, shape, beta, axis, rank, type), "sum");
        }
    } else {
        const bool uniform = op == FillOperation::kRANDOM_UNIFORM;
        Tensor* random = b.cast(operation(b, uniform ? "RandomUniformLike" : "RandomNormalLike", {y}, {}, "random"), type);
        Tensor* width = uniform ? b.elementwise(Op::kSUB, beta, alpha, "width") : beta;
        y = b.elementwise(Op::kPROD, random, width, "scaled");
    }
    return {b.elementwise(Op::kSUM, y, alpha, "")};
}

} // namespace tensorvk::layers
