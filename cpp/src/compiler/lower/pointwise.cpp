// Layers that work element by element: each becomes one Pointwise operation with a short program.
#include <map>

#include "compiler/lower/context.hpp"
#include "kernels/pointwise_program.hpp"
#include "support/error.hpp"

namespace tensorvk::compiler {

namespace {

using kernels::PointwiseArg;
using kernels::PointwiseOp;
using kernels::PointwiseProgram;

//! Builds programs in which each operation works on the result of the one before.
class Chain {
public:
    Chain& then(PointwiseOp op) {
        program_.slots.push_back({op, last(), {}, {}, 0.0f});
        return *this;
    }
    Chain& then(PointwiseOp op, float immediate) {
        program_.slots.push_back({op, last(), {PointwiseArg::Kind::kIMMEDIATE, 0}, {}, immediate});
        return *this;
    }
    Chain& with_operand(PointwiseOp op, std::uint8_t operand) {
        program_.slots.push_back({op, last(), {PointwiseArg::Kind::kOPERAND, operand}, {}, 0.0f});
        return *this;
    }
    operator PointwiseProgram() const { return program_; } // NOLINT: a chain is its program

private:
    [[nodiscard]] PointwiseArg last() const { return {PointwiseArg::Kind::kVALUE, static_cast<std::uint8_t>(program_.slots.size())}; }
    PointwiseProgram program_;
};

PointwiseProgram activation(const graph::ActivationAttributes& a) {
    Chain chain;
    switch (a.op) {
    case ActivationType::kRELU: return chain.then(PointwiseOp::kRELU);
    case ActivationType::kSIGMOID: return chain.then(PointwiseOp::kSIGMOID);
    case ActivationType::kTANH: return chain.then(PointwiseOp::kTANH);
    case ActivationType::kLEAKY_RELU: return chain.then(PointwiseOp::kLEAKY_RELU, a.alpha);
    case ActivationType::kELU: return chain.then(PointwiseOp::kELU, a.alpha);
    case ActivationType::kSELU: return chain.then(PointwiseOp::kELU, a.alpha).then(PointwiseOp::kMUL, a.beta);
    case ActivationType::kSOFTSIGN: return chain.then(PointwiseOp::kSOFTSIGN);
    case ActivationType::kSOFTPLUS: return chain.then(PointwiseOp::kMUL, a.beta).then(PointwiseOp::kSOFTPLUS).then(PointwiseOp::kMUL, a.alpha);
    case ActivationType::kCLIP: return chain.then(PointwiseOp::kMAX, a.alpha).then(PointwiseOp::kMIN, a.beta);
    case ActivationType::kHARD_SIGMOID:
        return chain.then(PointwiseOp::kMUL, a.alpha).then(PointwiseOp::kADD, a.beta).then(PointwiseOp::kMAX, 0.0f).then(PointwiseOp::kMIN, 1.0f);
    case ActivationType::kSCALED_TANH: return chain.then(PointwiseOp::kMUL, a.beta).then(PointwiseOp::kTANH).then(PointwiseOp::kMUL, a.alpha);
    case ActivationType::kTHRESHOLDED_RELU: return chain.then(PointwiseOp::kTHRESHOLDED_RELU, a.alpha);
    case ActivationType::kGELU_ERF: return chain.then(PointwiseOp::kGELU_ERF);
    case ActivationType::kGELU_TANH: return chain.then(PointwiseOp::kGELU_TANH);
    }
    throw InternalError(text("Activation type ", static_cast<int>(a.op), " has no pointwise program."));
}

PointwiseOp binary(ElementWiseOperation op) {
    static const std::map<ElementWiseOperation, PointwiseOp> table = {
        {ElementWiseOperation::kSUM, PointwiseOp::kADD},       {ElementWiseOperation::kPROD, PointwiseOp::kMUL},
        {ElementWiseOperation::kMAX, PointwiseOp::kMAX},       {ElementWiseOperation::kMIN, PointwiseOp::kMIN},
        {ElementWiseOperation::kSUB, PointwiseOp::kSUB},       {ElementWiseOperation::kDIV, PointwiseOp::kDIV},
        {ElementWiseOperation::kPOW, PointwiseOp::kPOW},       {ElementWiseOperation::kFLOOR_DIV, PointwiseOp::kFLOOR_DIV},
        {ElementWiseOperation::kAND, PointwiseOp::kAND},       {ElementWiseOperation::kOR, PointwiseOp::kOR},
        {ElementWiseOperation::kXOR, PointwiseOp::kXOR},       {ElementWiseOperation::kEQUAL, PointwiseOp::kEQUAL},
        {ElementWiseOperation::kGREATER, PointwiseOp::kGREATER}, {ElementWiseOperation::kLESS, PointwiseOp::kLESS},
    };
    return table.at(op);
}

PointwiseOp unary(UnaryOperation op) {
    static const std::map<UnaryOperation, PointwiseOp> table = {
        {UnaryOperation::kEXP, PointwiseOp::kEXP},     {UnaryOperation::kLOG, PointwiseOp::kLOG},     {UnaryOperation::kSQRT, PointwiseOp::kSQRT},
        {UnaryOperation::kRECIP, PointwiseOp::kRECIP}, {UnaryOperation::kABS, PointwiseOp::kABS},     {UnaryOperation::kNEG, PointwiseOp::kNEG},
        {UnaryOperation::kSIN, PointwiseOp::kSIN},     {UnaryOperation::kCOS, PointwiseOp::kCOS},     {UnaryOperation::kTAN, PointwiseOp::kTAN},
        {UnaryOperation::kSINH, PointwiseOp::kSINH},   {UnaryOperation::kCOSH, PointwiseOp::kCOSH},   {UnaryOperation::kASIN, PointwiseOp::kASIN},
        {UnaryOperation::kACOS, PointwiseOp::kACOS},   {UnaryOperation::kATAN, PointwiseOp::kATAN},   {UnaryOperation::kASINH, PointwiseOp::kASINH},
        {UnaryOperation::kACOSH, PointwiseOp::kACOSH}, {UnaryOperation::kATANH, PointwiseOp::kATANH}, {UnaryOperation::kCEIL, PointwiseOp::kCEIL},
        {UnaryOperation::kFLOOR, PointwiseOp::kFLOOR}, {UnaryOperation::kERF, PointwiseOp::kERF},     {UnaryOperation::kNOT, PointwiseOp::kNOT},
        {UnaryOperation::kSIGN, PointwiseOp::kSIGN},   {UnaryOperation::kROUND, PointwiseOp::kROUND}, {UnaryOperation::kISINF, PointwiseOp::kISINF},
        {UnaryOperation::kISNAN, PointwiseOp::kISNAN},
    };
    return table.at(op);
}

void add_pointwise(LayerContext& context, const graph::Layer& layer, PointwiseProgram program, std::vector<ValueId> operands = {}) {
    const ValueId in = context.input(layer, 0);
    auto& op = context.ir().add_op(layer.name, tactics::Pointwise{}, {in}, {context.output(layer, 0)});
    op.epilogue = std::move(program);
    op.operands = std::move(operands);
}

//! The kernel converts where it stores, but a fused chain keeps the value in a float register: what a float would not lose
//! there is lost in the program.
void convert(LayerContext& context, const graph::Layer& layer) {
    const DataType from = layer.inputs[0]->dtype;
    const DataType to = layer.outputs[0]->dtype;
    PointwiseProgram program;
    if (to == DataType::kBOOL && from != DataType::kBOOL) { // x or x: 1 for everything but 0
        program.slots.push_back({PointwiseOp::kOR, {}, {}, {}, 0.0f});
    } else if (to == DataType::kHALF && from != DataType::kHALF) {
        program.slots.push_back({PointwiseOp::kROUND_HALF, {}, {}, {}, 0.0f});
    }
    add_pointwise(context, layer, std::move(program));
}

} // namespace

void lower_activation(LayerContext& context, const graph::Layer& layer) {
    add_pointwise(context, layer, activation(std::get<graph::ActivationAttributes>(layer.attributes)));
}

void lower_elementwise(LayerContext& context, const graph::Layer& layer) {
    const auto op = std::get<graph::ElementWiseAttributes>(layer.attributes).op;
    add_pointwise(context, layer, Chain().with_operand(binary(op), 0), {context.input(layer, 1)});
}

void lower_unary(LayerContext& context, const graph::Layer& layer) {
    add_pointwise(context, layer, Chain().then(unary(std::get<graph::UnaryAttributes>(layer.attributes).op)));
}

//! (x * scale + shift) ^ power; weights broadcast from the channel axis, or have the shape of the input without its batch.
void lower_scale(LayerContext& context, const graph::Layer& layer) {
    const auto& a = std::get<graph::ScaleAttributes>(layer.attributes);
    const graph::Tensor& x = *layer.inputs[0];
    const std::size_t rank = x.dims.size();
    std::vector<std::int64_t> dims(rank, 1);
    if (a.mode == ScaleMode::kCHANNEL) {
        const auto axis = static_cast<std::size_t>(a.channel_axis);
        dims.at(axis) = context.extent(layer, *layer.outputs[0], axis); // weights tell it where the input does not
    } else if (a.mode == ScaleMode::kELEMENTWISE) {
        for (std::size_t axis = static_cast<std::size_t>(a.channel_axis); axis < rank; ++axis) {
            dims[axis] = context.extent(layer, x, axis);
        }
    }
    Chain chain;
    std::vector<ValueId> operands;
    const auto apply = [&](PointwiseOp op, const graph::Weights& weights, const char* role) {
        if (!weights.empty()) {
            operands.push_back(context.float_constant(layer.name + "/" + role, weights, dims));
            chain.with_operand(op, static_cast<std::uint8_t>(operands.size() - 1));
        }
    };
    apply(PointwiseOp::kMUL, a.scale, "scale");
    apply(PointwiseOp::kADD, a.shift, "shift");
    apply(PointwiseOp::kPOW, a.power, "power");
    add_pointwise(context, layer, chain, std::move(operands));
}

void lower_parametric_relu(LayerContext& context, const graph::Layer& layer) {
    add_pointwise(context, layer, Chain().with_operand(PointwiseOp::kLEAKY_RELU, 0), {context.input(layer, 1)});
}

void lower_select(LayerContext& context, const graph::Layer& layer) {
    PointwiseProgram program;
    program.slots.push_back({PointwiseOp::kSELECT,
                             {PointwiseArg::Kind::kVALUE, 0},
                             {PointwiseArg::Kind::kOPERAND, 0},
                             {PointwiseArg::Kind::kOPERAND, 1},
                             0.0f});
    add_pointwise(context, layer, std::move(program), {context.input(layer, 1), context.input(layer, 2)});
}

void lower_cast(LayerContext& context, const graph::Layer& layer) { convert(context, layer); }

//! An identity is another name, unless its output has another type.
void lower_identity(LayerContext& context, const graph::Layer& layer) {
    if (layer.outputs[0]->dtype != layer.inputs[0]->dtype) {
        convert(context, layer);
        return;
    }
    context.alias(*layer.outputs[0], context.input(layer, 0));
}

} // namespace tensorvk::compiler
