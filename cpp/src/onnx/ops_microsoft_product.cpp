// Operators of ONNX Runtime's domain com.microsoft: convolutions and matrix products with what follows them.
#include <algorithm>
#include <limits>

#include "graph/operators.hpp"
#include "onnx/import_by_rule.hpp"
#include "onnx/operators.hpp"

namespace tensorvk::onnx {

namespace {

using graph::Tensor;
using Ints = Build::Ints;
using Op = ElementWiseOperation;

//! The activation that a fused node names; its numbers are a list or attributes of their own.
Tensor* fused_activation(NodeContext& node, Tensor* x) {
    struct Named {
        const char* name;
        ActivationType type;
        float alpha, beta;
    };
    constexpr float kLargest = std::numeric_limits<float>::max();
    static constexpr Named kActivations[] = {
        {"Relu", ActivationType::kRELU, 0.0f, 0.0f},           {"Tanh", ActivationType::kTANH, 0.0f, 0.0f},
        {"Sigmoid", ActivationType::kSIGMOID, 0.0f, 0.0f},     {"LeakyRelu", ActivationType::kLEAKY_RELU, 0.01f, 0.0f},
        {"Clip", ActivationType::kCLIP, -kLargest, kLargest}, {"HardSigmoid", ActivationType::kHARD_SIGMOID, 0.2f, 0.5f},
    };
    const std::string name = node.string("activation", "");
    if (name.empty()) {
        return x;
    }
    const auto* it = std::find_if(std::begin(kActivations), std::end(kActivations), [&](const Named& a) { return name == a.name; });
    if (it == std::end(kActivations)) {
        fail(NodeErrorCode::kUNSUPPORTED_NODE_ATTR, "Attribute 'activation' is '", name,
             "'; Relu, Tanh, Sigmoid, LeakyRelu, Clip and HardSigmoid are offered.");
    }
    const std::vector<float> numbers = node.reals("activation_params");
    const float alpha = numbers.empty() ? node.real("activation_alpha", it->alpha) : numbers[0];
    const float beta = numbers.size() < 2 ? node.real("activation_beta", it->beta) : numbers[1];
    return node.build.activation(it->type, x, alpha, beta, "activation");
}

//! The operator of the default domain does the work; what is left is done to its result.
Tensor* result_of(NodeContext& node, std::string_view op) {
    import_as(node, std::string(op));
    return node.results().at(0).tensor;
}

//! Conv, plus input 3 where there is one, and an activation.
void fused_convolution(NodeContext& node) {
    Tensor* addend = node.optional_input(3);
    node.drop_inputs(3);
    Tensor* y = result_of(node, "Conv");
    if (addend != nullptr) {
        y = node.build.elementwise(Op::kSUM, y, addend, "sum");
    }
    node.output(fused_activation(node, y));
}

void fused_gemm(NodeContext& node) {
    node.output(fused_activation(node, result_of(node, "Gemm")));
}

//! Dimensions 0 and the last stay a matrix, those between become its batch: [M, ..., K] -> [..., M, K].
Tensor* first_dimension_moved(Build& b, Tensor* x) {
    const auto rank = static_cast<std::int64_t>(x->dims.size());
    Ints order;
    for (std::int64_t axis = 1; axis + 1 < rank; ++axis) {
        order.push_back(axis);
    }
    order.insert(order.end(), {0, rank - 1});
    return b.transpose(x, order, "batch_first");
}

//! alpha * a' * b', where transposing swaps the last two axes of matrices and leaves vectors.
Tensor* product(NodeContext& node) {
    Build& b = node.build;
    for (std::size_t i = 0; i < 2; ++i) {
        if (node.integer(i == 0 ? "transBatchA" : "transBatchB", 0) != 0 && node.input(i)->dims.size() > 2) {
            node.set_input(i, first_dimension_moved(b, node.input(i)));
        }
    }
    Tensor* left = node.input(0);
    Tensor* right = node.input(1);
    Tensor* y = nullptr;
    if (left->dims.size() < 2 || right->dims.size() < 2) {
        y = result_of(node, "MatMul");
    } else {
        const auto operation = [&](const char* name) {
            return node.integer(name, 0) != 0 ? MatrixOperation::kTRANSPOSE : MatrixOperation::kNONE;
        };
        const std::size_t rank = std::max(left->dims.size(), right->dims.size());
        const graph::MatrixMultiplyAttributes attributes{operation("transA"), operation("transB")};
        y = b.add(LayerType::kMATRIX_MULTIPLY, {b.with_rank(left, rank), b.with_rank(right, rank)}, attributes, "product");
    }
    const float alpha = node.real("alpha", 1.0f);
    return alpha == 1.0f ? y : b.elementwise(Op::kPROD, y, b.number(y, static_cast<double>(alpha)), "scaled");
}

void fused_matmul(NodeContext& node) {
    node.output(product(node));
}

void fused_matmul_activation(NodeContext& node) {
    node.output(fused_activation(node, product(node)));
}

//! GELU (by tanh) of x * w + bias.
void gemm_fast_gelu(NodeContext& node) {
    Build& b = node.build;
    Tensor* y = result_of(node, "MatMul");
    if (node.has_input(2)) {
        y = b.elementwise(Op::kSUM, y, node.input(2), "biased");
    }
    node.output(b.activation(ActivationType::kGELU_TANH, y, 0.0f, 0.0f, "gelu"));
}

//! a * w' + bias for weights of few bits: an operator makes floats [N, K] of them, when the plan is made where they are constants.
void product_with_few_bits(NodeContext& node, std::string_view unpack_operator) {
    Build& b = node.build;
    Tensor* a = node.input(0);
    if (a->dims.empty()) {
        fail(NodeErrorCode::kINVALID_NODE, "It multiplies matrices; '", a->name, "' is a scalar.");
    }
    graph::OperatorAttributes unpack{std::string(unpack_operator), {}};
    for (const auto& [name, attribute] : node.attributes()) {
        unpack.attributes.set(name, attribute_value(*attribute));
    }
    std::vector<Tensor*> inputs;
    for (std::size_t i = 1; i < std::min<std::size_t>(node.input_count(), 5); ++i) {
        inputs.push_back(node.optional_input(i));
    }
    Tensor* weights = b.cast(b.add(LayerType::kOPERATOR, std::move(inputs), std::move(unpack), "weights"), a->dtype, "weights_as_input");
    const graph::MatrixMultiplyAttributes attributes{a->dims.size() == 1 ? MatrixOperation::kVECTOR : MatrixOperation::kNONE, MatrixOperation::kTRANSPOSE};
    const bool biased = node.has_input(5);
    Tensor* y = b.add(LayerType::kMATRIX_MULTIPLY, {a, b.with_rank(weights, std::max<std::size_t>(a->dims.size(), 2))}, attributes, biased ? "product" : "");
    node.output(biased ? b.elementwise(Op::kSUM, y, node.input(5), "") : y);
}

void matmul_n_bits(NodeContext& node) { product_with_few_bits(node, graph::kUnpackNBits); }
void matmul_bnb4(NodeContext& node) { product_with_few_bits(node, graph::kUnpackBnb4); }

constexpr Operator kOperators[] = {
    {"com.microsoft.FusedConv", fused_convolution},
    {"com.microsoft.FusedGemm", fused_gemm},
    {"com.microsoft.FusedMatMul", fused_matmul},
    {"com.microsoft.FusedMatMulActivation", fused_matmul_activation},
    {"com.microsoft.GemmFastGelu", gemm_fast_gelu},
    {"com.microsoft.MatMulBnb4", matmul_bnb4},
    {"com.microsoft.MatMulNBits", matmul_n_bits},
    {"com.microsoft.TransposeMatMul", fused_matmul},
};

} // namespace

std::span<const Operator> microsoft_product_operators() {
    return kOperators;
}

} // namespace tensorvk::onnx
