// Matrix products.
#include <algorithm>
#include <cmath>

#include "onnx/einsum.hpp"
#include "onnx/operators.hpp"
#include "support/dtype.hpp"

namespace tensorvk::onnx {

namespace {

using graph::Tensor;

//! Integers are multiplied on the host.
Tensor* integer_product(Build& build, Tensor* a, Tensor* b, std::string_view role) {
    return build.add(LayerType::kOPERATOR, {a, b}, graph::OperatorAttributes{"MatMul", {}}, role);
}

//! numpy's matmul: vectors are vectors, leading dimensions broadcast.
void matmul(NodeContext& node) {
    Tensor* a = node.input(0);
    Tensor* b = node.input(1);
    if (a->dims.empty() || b->dims.empty()) {
        fail(NodeErrorCode::kINVALID_NODE, "MatMul needs inputs of one dimension or more, not scalars.");
    }
    if (!is_floating(a->dtype)) {
        return node.output(integer_product(node.build, a, b, ""));
    }
    const bool left_vector = a->dims.size() == 1;
    const bool right_vector = b->dims.size() == 1;
    const std::size_t batch = std::max(left_vector ? 0 : a->dims.size() - 2, right_vector ? 0 : b->dims.size() - 2);
    a = node.build.with_rank(a, batch + (left_vector ? 1 : 2));
    b = node.build.with_rank(b, batch + (right_vector ? 1 : 2));
    const graph::MatrixMultiplyAttributes attributes{left_vector ? MatrixOperation::kVECTOR : MatrixOperation::kNONE,
                                                     right_vector ? MatrixOperation::kVECTOR : MatrixOperation::kNONE};
    node.output(node.build.add(LayerType::kMATRIX_MULTIPLY, {a, b}, attributes));
}

bool is_whole(float factor) { return factor == std::trunc(factor); }

Tensor* scaled(NodeContext& node, Tensor* x, float factor, const char* role) {
    return factor == 1.0f ? x
                          : node.build.elementwise(ElementWiseOperation::kPROD, x,
                                                   node.build.number(x, static_cast<double>(factor)), role);
}

//! alpha * a' * b' + beta * c
void gemm(NodeContext& node) {
    const auto operation = [&](const char* name) {
        return node.integer(name, 0) != 0 ? MatrixOperation::kTRANSPOSE : MatrixOperation::kNONE;
    };
    Tensor* a = node.input(0);
    Tensor* b = node.input(1);
    if (a->dims.size() != 2 || b->dims.size() != 2) {
        fail(NodeErrorCode::kINVALID_NODE, "Gemm needs matrices; '", a->name, "' has ", a->dims.size(),
             " dimensions and '", b->name, "' has ", b->dims.size(), ".");
    }
    const graph::MatrixMultiplyAttributes attributes{operation("transA"), operation("transB")};
    const float alpha = node.real("alpha", 1.0f);
    const float beta = node.real("beta", 1.0f);
    const bool plain = !node.has_input(2);
    // Of integers, only the result loses its fraction.
    const bool real = !is_floating(a->dtype) && (!is_whole(alpha) || (!plain && !is_whole(beta)));
    const auto number = [&](Tensor* x) { return real ? node.build.cast(x, DataType::kFLOAT, "real") : x; };
    const std::string_view role = plain && alpha == 1.0f ? "" : "product";
    const auto transposed = [&](Tensor* x, MatrixOperation how) {
        return how == MatrixOperation::kTRANSPOSE ? node.build.transpose(x, {1, 0}) : x;
    };
    Tensor* product = is_floating(a->dtype)
                          ? node.build.add(LayerType::kMATRIX_MULTIPLY, {a, b}, attributes, role)
                          : integer_product(node.build, transposed(a, attributes.op0), transposed(b, attributes.op1), role);
    Tensor* y = scaled(node, number(product), alpha, plain && !real ? "" : "alpha");
    if (!plain) {
        y = node.build.elementwise(ElementWiseOperation::kSUM, y, scaled(node, number(node.input(2)), beta, "beta"), real ? "sum" : "");
    }
    node.output(node.build.cast(y, a->dtype, ""));
}

//! Products are matrix products; the rest is the operator's.
void einsum(NodeContext& node) {
    if (!node.has_input(1)) {
        fail(NodeErrorCode::kUNSUPPORTED_NODE_DYNAMIC, "Einsum of one tensor is for the host function.");
    }
    std::vector<Tensor*> operands;
    for (std::size_t i = 0; node.has_input(i); ++i) {
        operands.push_back(node.input(i));
    }
    Tensor* y = einsum_by_products(node.build, node.string("equation", ""), operands);
    if (y == nullptr) {
        fail(NodeErrorCode::kUNSUPPORTED_NODE_DYNAMIC, "This equation is no matrix product.");
    }
    node.output(y);
}

constexpr Operator kOperators[] = {
    {"Einsum", einsum},
    {"Gemm", gemm, 3},
    {"MatMul", matmul, 2},
};

} // namespace

std::span<const Operator> matrix_operators() {
    return kOperators;
}

} // namespace tensorvk::onnx
