// Batch normalisation: by constants (a Scale layer), by data, and by the batch's own statistics.
#include <cmath>

#include "onnx/normalization.hpp"
#include "onnx/operators.hpp"

namespace tensorvk::onnx {

namespace {

using graph::Tensor;
using Op = ElementWiseOperation;

//! One number per channel for (x - mean) / sqrt(variance + epsilon) * scale + shift.
struct ChannelParameters {
    Tensor *scale, *shift, *mean, *variance;
};

void require_vectors(NodeContext& node) {
    for (std::size_t i = 1; i <= 4; ++i) {
        require_vector(node.input(i), "parameter");
    }
}

Tensor* normalized_by(Build& b, Tensor* x, const ChannelParameters& p, double epsilon) {
    const auto channels = [&](Tensor* vector) { return along(b, vector, 1, x->dims.size()); };
    Tensor* padded = b.elementwise(Op::kSUM, p.variance, b.number(p.variance, epsilon), "epsilon");
    Tensor* y = b.elementwise(Op::kSUB, x, channels(p.mean), "centred");
    y = b.elementwise(Op::kDIV, y, channels(b.unary(UnaryOperation::kSQRT, padded, "deviation")), "normalized");
    y = b.elementwise(Op::kPROD, y, channels(p.scale), "scaled");
    return b.elementwise(Op::kSUM, y, channels(p.shift), "shifted");
}

//! running * momentum + current * (1 - momentum)
Tensor* running(NodeContext& node, std::size_t input, Tensor* current) {
    Build& b = node.build;
    const auto momentum = static_cast<double>(node.real("momentum", 0.9f));
    Tensor* before = as_float(b, node.input(input));
    Tensor* kept = b.elementwise(Op::kPROD, before, b.number(before, momentum), "kept");
    Tensor* added = b.elementwise(Op::kPROD, current, b.number(current, 1.0 - momentum), "added");
    return b.cast(b.elementwise(Op::kSUM, kept, added, "running"), node.input(input)->dtype, "running_type");
}

//! Statistics of the batch itself, and what the running ones become with it.
void batch_normalization_in_training(NodeContext& node) {
    Build& b = node.build;
    require_vectors(node);
    Tensor* x = as_float(b, node.input(0));
    const std::size_t rank = x->dims.size();
    const std::uint32_t others = axes_from(0, rank) & ~2u; // all axes but the channels
    Tensor* mean = b.reduce(ReduceOperation::kAVG, x, others, false, "mean");
    Tensor* centred = b.elementwise(Op::kSUB, x, along(b, mean, 1, rank), "centred");
    Tensor* square = b.elementwise(Op::kPROD, centred, centred, "square");
    Tensor* variance = b.reduce(ReduceOperation::kAVG, square, others, false, "variance");
    const ChannelParameters parameters{as_float(b, node.input(1)), as_float(b, node.input(2)), mean, variance};
    Tensor* y = normalized_by(b, x, parameters, static_cast<double>(node.real("epsilon", 1e-5f)));
    finish(node, y, node.input(0)->dtype);
    if (node.wants_output(1)) {
        node.output(running(node, 3, mean), 1);
    }
    if (node.wants_output(2)) {
        node.output(running(node, 4, variance), 2);
    }
}

void batch_normalization_by_data(NodeContext& node) {
    Build& b = node.build;
    require_vectors(node);
    const ChannelParameters parameters{as_float(b, node.input(1)), as_float(b, node.input(2)), as_float(b, node.input(3)),
                                       as_float(b, node.input(4))};
    Tensor* y = normalized_by(b, as_float(b, node.input(0)), parameters, static_cast<double>(node.real("epsilon", 1e-5f)));
    finish(node, y, node.input(0)->dtype);
}

//! The parameters of inference are constants as a rule: scale and shift per channel.
void batch_normalization(NodeContext& node) {
    Tensor* x = node.input(0);
    if (x->dims.size() < 2) {
        fail(NodeErrorCode::kINVALID_NODE, "It needs an input [N, C, ...]; '", x->name, "' has ", x->dims.size(), " dimensions.");
    }
    if (node.integer("training_mode", 0) != 0) {
        return batch_normalization_in_training(node);
    }
    for (std::size_t i = 1; i < node.output_count(); ++i) {
        if (node.wants_output(i) && node.opset() >= 14) {
            fail(NodeErrorCode::kINVALID_NODE, "Its running statistics are used, which only its training mode has.");
        }
    }
    std::vector<std::vector<double>> parameters;
    for (std::size_t i = 1; i <= 4; ++i) {
        const auto numbers = node.constant_doubles(i);
        if (!numbers) {
            return batch_normalization_by_data(node);
        }
        parameters.push_back(*numbers);
        if (parameters.back().size() != parameters.front().size()) {
            fail(NodeErrorCode::kINVALID_NODE, "Inputs 1 to 4 must have equally many elements; input 1 has ",
                 parameters.front().size(), " and input ", i, " has ", parameters.back().size(), ".");
        }
    }
    const auto epsilon = static_cast<double>(node.real("epsilon", 1e-5f));
    std::vector<double> scale;
    std::vector<double> shift;
    for (std::size_t c = 0; c < parameters[0].size(); ++c) {
        scale.push_back(parameters[0][c] / std::sqrt(parameters[3][c] + epsilon));
        shift.push_back(parameters[1][c] - parameters[2][c] * scale.back());
    }
    graph::ScaleAttributes a;
    a.mode = ScaleMode::kCHANNEL;
    a.scale = from_doubles(DataType::kFLOAT, scale);
    a.shift = from_doubles(DataType::kFLOAT, shift);
    a.channel_axis = 1;
    node.output(node.build.add(LayerType::kSCALE, {x}, std::move(a)));
}

constexpr Operator kOperators[] = {
    {"BatchNormalization", batch_normalization, 5},
};

} // namespace

std::span<const Operator> batch_normalization_operators() {
    return kOperators;
}

} // namespace tensorvk::onnx
