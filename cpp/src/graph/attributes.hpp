// What each kind of layer knows beside its inputs: one struct per layer type, with TensorRT's meaning and defaults.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "kernels/geometry.hpp"
#include "support/attributes.hpp"
#include "tensorvk/layer_enums.h"
#include "tensorvk/types.h"

namespace tensorvk::graph {

class Network;

//! Constant data, row-major. `owner` keeps the bytes alive (a numpy array, a file mapping, a vector); null data means
//! absent.
struct Weights {
    DataType type = DataType::kFLOAT;
    const std::byte* data = nullptr;
    std::int64_t count = 0;
    std::shared_ptr<const void> owner;

    [[nodiscard]] bool empty() const noexcept { return count == 0; }
};

//! Bound of strides, paddings and the like: no real window comes near, and products stay far from overflow.
inline constexpr std::int64_t kLargestWindowNumber = 1 << 20;

struct ConvolutionAttributes { // also Deconvolution; inputs: x [, kernel [, bias]]
    std::int64_t maps = 0;     // output channels
    kernels::ConvGeometry geometry;
    PaddingMode padding_mode = PaddingMode::kEXPLICIT_ROUND_DOWN; // SAME_* overrides geometry.pre/post
    Weights kernel, bias;
    std::vector<std::int64_t> output_padding; // Deconvolution only; empty = zeros
};
struct ActivationAttributes {
    ActivationType op = ActivationType::kRELU;
    float alpha = 0.0f, beta = 0.0f;
};
struct PoolingAttributes {
    PoolingType op = PoolingType::kMAX;
    kernels::PoolGeometry geometry; // .op and .ceil are derived from `op` and `padding_mode`
    PaddingMode padding_mode = PaddingMode::kEXPLICIT_ROUND_DOWN;
    float blend_factor = 0.0f;
};
struct ElementWiseAttributes {
    ElementWiseOperation op = ElementWiseOperation::kSUM;
};
struct UnaryAttributes {
    UnaryOperation op = UnaryOperation::kEXP;
};
struct MatrixMultiplyAttributes {
    MatrixOperation op0 = MatrixOperation::kNONE, op1 = MatrixOperation::kNONE;
};
struct SoftMaxAttributes {
    std::uint32_t axes = 0;
    bool log = false;
}; // bitmask of one or more axes
struct ReduceAttributes {
    ReduceOperation op = ReduceOperation::kSUM;
    std::uint32_t axes = 0;
    bool keep_dims = false;
};
struct ShuffleAttributes { // inputs: x [, reshape dims (shape tensor)]
    std::optional<Permutation> first_transpose, second_transpose;
    std::optional<std::vector<std::int64_t>> reshape; // 0 = copy (when zero_is_placeholder), -1 = infer
    bool zero_is_placeholder = true;
};
struct ConcatenationAttributes {
    std::int64_t axis = 0;
};
struct SliceAttributes { // inputs: x [, start [, size [, stride [, fill [, axes]]]]] (null where the attribute serves)
    std::vector<std::int64_t> start, size, stride; // a stride of 0 repeats (Expand)
    std::vector<std::int64_t> axes;                // empty = all
    SampleMode mode = SampleMode::kSTRICT_BOUNDS;
    double fill = 0.0; // for kFILL without a fill input (padding)
};
struct ResizeAttributes { // inputs: x [, output shape (shape tensor)]
    InterpolationMode mode = InterpolationMode::kNEAREST;
    std::vector<std::int64_t> shape;
    std::vector<float> scales; // one per dimension; used when `shape` and input 1 are absent. ONNX: coordinates use
                               // these scales as given
    ResizeCoordinateTransformation coordinates = ResizeCoordinateTransformation::kASYMMETRIC;
    ResizeSelector selector =
        ResizeSelector::kFORMULA; // kUPPER: pytorch_half_pixel (single output pixel reads source 0)
    ResizeRoundMode rounding = ResizeRoundMode::kFLOOR;
    bool exclude_outside = false;
    float cubic_coeff = -0.75f;
};
struct ScaleAttributes { // (x * scale + shift) ^ power
    ScaleMode mode = ScaleMode::kUNIFORM;
    Weights shift, scale, power;
    std::int64_t channel_axis = 1;
};
struct GatherAttributes {
    std::int64_t axis = 0;
    GatherMode mode = GatherMode::kDEFAULT;
    std::int64_t elementwise_dims = 0;
};
struct CastAttributes {
    DataType to = DataType::kFLOAT;
};
struct ConstantAttributes {
    std::vector<std::int64_t> dims;
    Weights weights;
};
struct TopKAttributes {
    TopKOperation op = TopKOperation::kMAX;
    std::int64_t k = 1;
    std::uint32_t axes = 0;
    DataType indices = DataType::kINT32;
    bool select_last = false;
    bool nan_first = false; // of the smallest: NaN is the largest number, but ArgMin finds it
};
//! An operator of the table in graph/operators.hpp: every layer without an attribute struct of its own.
struct OperatorAttributes {
    std::string op; // ONNX's name
    AttributeSet attributes;
};
//! Networks that a layer runs: branches of a condition, the body of a loop. Inputs and outputs as graph/operators/control.cpp says.
struct ControlAttributes {
    std::string op; // "If", "Loop", "Scan"
    std::vector<std::shared_ptr<Network>> bodies;
    AttributeSet attributes;
};
//! A loop, a conditional or an attention: what TensorRT marks in one network by boundary layers. Rooms above this one turn it into layers
//! that run networks (layers/expand.hpp).
struct Construct {
    enum class Kind { kLOOP, kCONDITIONAL, kATTENTION };
    Kind kind;
    std::string name;
};
struct BoundaryAttributes { // TripLimit, Recurrence, Iterator, LoopOutput, Condition, ConditionalInput, ConditionalOutput, AttentionOutput
    std::shared_ptr<Construct> construct;
    TripLimit limit = TripLimit::kCOUNT;
    LoopOutput output = LoopOutput::kLAST_VALUE;
    std::int64_t axis = 0; // of Iterator and LoopOutput
    bool reverse = false;  // of Iterator
};
struct AttentionAttributes { // AttentionInput; inputs: query, key, value [, mask]
    std::shared_ptr<Construct> construct;
    AttentionNormalizationOp normalization = AttentionNormalizationOp::kSOFTMAX;
    CausalMaskKind causal = CausalMaskKind::kNONE;
    bool decomposable = false;
};
struct FullyConnectedAttributes {
    std::int64_t maps = 0;
    Weights kernel, bias;
};
struct RecurrentAttributes { // RNNv2; inputs: x [, sequence lengths [, hidden state [, cell state]]]
    struct Gate {
        std::int32_t layer = 0;
        RNNGateType gate{};
        bool is_input = true; // weights of the input; of the hidden state otherwise
        auto operator<=>(const Gate&) const = default;
    };
    RNNOperation op = RNNOperation::kRELU;
    std::int64_t layers = 1, hidden = 1, max_length = 1;
    RNNInputMode input_mode = RNNInputMode::kLINEAR;
    RNNDirection direction = RNNDirection::kUNIDIRECTION;
    std::map<Gate, Weights> weights, bias;

    //! Those that the operation has, in ONNX's order.
    [[nodiscard]] std::vector<RNNGateType> gates() const {
        using G = RNNGateType;
        if (op == RNNOperation::kLSTM) {
            return {G::kINPUT, G::kOUTPUT, G::kFORGET, G::kCELL};
        }
        return op == RNNOperation::kGRU ? std::vector{G::kUPDATE, G::kRESET, G::kHIDDEN} : std::vector{G::kINPUT};
    }
};
//! Whether a number, cut to a whole one, is the integer that was meant: doubles have 53 bits for it. Not so for NaN.
[[nodiscard]] inline bool is_exact_integer(double value) noexcept {
    constexpr double kMost = 9007199254740992.0; // 2^53
    return -kMost <= value && value <= kMost;
}

struct NoAttributes {}; // Identity, Shape, Select, ParametricReLU

using Attributes =
    std::variant<NoAttributes, ConvolutionAttributes, ActivationAttributes, PoolingAttributes, ElementWiseAttributes,
                 UnaryAttributes, MatrixMultiplyAttributes, SoftMaxAttributes, ReduceAttributes, ShuffleAttributes,
                 ConcatenationAttributes, SliceAttributes, ResizeAttributes, ScaleAttributes, GatherAttributes,
                 CastAttributes, ConstantAttributes, TopKAttributes, OperatorAttributes, ControlAttributes,
                 BoundaryAttributes, AttentionAttributes, FullyConnectedAttributes, RecurrentAttributes>;

} // namespace tensorvk::graph
