// An operation: what is left of one or several layers after the compiler's passes, fused, typed and laid out. Tactics turn it into steps.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "kernels/blocks.hpp"
#include "kernels/geometry.hpp"
#include "kernels/pointwise_program.hpp"
#include "shape/expr.hpp"
#include "support/attributes.hpp"
#include "tensorvk/types.h"

namespace tensorvk::tactics {

enum class Layout : std::uint8_t {
    kLINEAR = 0,        // row-major in logical order (N, C, H, W)
    kCHANNELS_LAST = 1, // rank >= 3: N, spatial..., C; channels are not padded
};

//! An edge between operations. Its memory is `buffer` of the program.
struct Value {
    std::string name;
    DataType dtype = DataType::kFLOAT; // type in memory
    shape::Exprs dims;                 // logical order
    Layout layout = Layout::kLINEAR;
    std::int32_t buffer = -1;
    shape::Exprs strides{}; // of its axes in elements where it is a part of a larger value and has gaps; else its memory is dense
    bool known = false; // its numbers are the plan's
};
using ValueId = std::int32_t;

//! Of the two factors of a product of 8-bit integers: what stands for 0.
struct ZeroPoints {
    std::int32_t x = 0, weights = 0;
    bool operator==(const ZeroPoints&) const = default;
};
//! Sums of more products of two 8-bit integers less zero points, which lie in their range, may not fit into 32 bits.
inline constexpr std::int64_t kLongestByteSum = 2147483647 / (255 * 255);
//! y = conv(x, w) + bias, then the epilogue. w: inputs[1], bias: inputs[2] when has_bias, both float32 in ONNX's order. Where x is int8 or
//! uint8, so is w, the bias is int32, the sum is exact, and the epilogue turns it into numbers, or into 8 bits again.
struct Convolution {
    kernels::ConvGeometry geometry;
    bool transposed = false;
    std::vector<std::int64_t> output_padding;
    ZeroPoints zero{};
    bool operator==(const Convolution&) const = default;
};
//! y = (x - mean) / sqrt(variance + epsilon) of each row; not centred: y = x / sqrt(mean square + epsilon).
struct RowNormalization {
    float epsilon = 0.0f;
    bool centred = true;
    bool given = false; // what RowMoments makes of the rows is the product's inputs[4]
    bool operator==(const RowNormalization&) const = default;
};
//! a [.., m, k] (or [.., k, m]) times b [.., k, n] (or [.., n, k]), leading dimensions broadcast; bias (inputs[2], length n) when has_bias.
//! Of 8-bit integers as for Convolution. With `normalized`, what a's rows become first; then inputs[2] is there, and inputs[3] has the sums of b's columns.
struct MatrixProduct {
    bool transpose_a = false, transpose_b = false;
    ZeroPoints zero{};
    std::optional<RowNormalization> normalized{};
    //! inputs[1] is one constant matrix in blocks of few bits: words of int32. Where it is widened, it becomes [n, k] with transpose_b, else [k, n].
    std::optional<kernels::BlockFormat> blocks{};
    bool operator==(const MatrixProduct&) const = default;
};
struct Pooling {
    kernels::PoolGeometry geometry;
    bool operator==(const Pooling&) const = default;
};
//! out = epilogue(inputs[0]; inputs[1..]) element by element with numpy broadcasting to the output's shape. Also casts: memory types may differ.
struct Pointwise {
    bool operator==(const Pointwise&) const = default;
};
//! out[i] = x[index(i)] for each output index, or `fill` where the index lies outside. Source index along input axis a:
//! start[a] + sum over output axes o with axis_of[o] == a of stride[o] * i[o]. Transpose, slice, pad, expand, reformat, one part of a concat.
//! `destination_axis/offset/stride`: writes into a part of the output (concat): positions offset, offset + stride ... along that axis of the output.
struct Copy {
    std::vector<std::int32_t> axis_of; // per axis of the copied region: input axis, or -1 (does not move the source: expand, new axis)
    shape::Exprs start;                // per input axis
    shape::Exprs stride;               // per axis of the copied region
    shape::Exprs region;               // extent of the copied region per output axis (the output's dims unless part of a concat)
    std::int32_t destination_axis = -1;
    shape::Expr destination_offset{};
    std::int64_t destination_stride = 1; // along that axis
    SampleMode outside = SampleMode::kSTRICT_BOUNDS; // kFILL, kCLAMP, kWRAP, kREFLECT
    double fill = 0.0;
    bool operator==(const Copy&) const = default;
};
//! Inputs: data, indices (int32 or int64); negative indices count from the end.
struct Gather {
    std::int64_t axis = 0;
    bool operator==(const Gather&) const = default;
};
struct Resize {
    InterpolationMode mode = InterpolationMode::kNEAREST;
    ResizeCoordinateTransformation coordinates = ResizeCoordinateTransformation::kASYMMETRIC;
    ResizeSelector selector = ResizeSelector::kFORMULA;
    ResizeRoundMode rounding = ResizeRoundMode::kFLOOR;
    bool exclude_outside = false;
    float cubic_coeff = -0.75f;
    std::vector<float> scales; // per dimension; empty: output / input
    bool operator==(const Resize&) const = default;
};
//! The output keeps or drops axes: the same elements either way.
struct Reduce {
    ReduceOperation op = ReduceOperation::kSUM;
    std::uint32_t axes = 0;
    bool operator==(const Reduce&) const = default;
};
struct SoftMax {
    std::int64_t axis = 0;
    bool log = false;
    bool operator==(const SoftMax&) const = default;
};
//! y = (x - mean) / sqrt(variance + epsilon) along the last axis, then the epilogue; not centred: y = x / sqrt(mean square + epsilon). Computed in
//! float32. Both in row-major order. With `groups`, those that axis 1, the channels, is cut into: over a group's channels and all axes behind, in
//! either layout.
struct Normalization {
    float epsilon = 0.0f;
    bool centred = true;
    std::int64_t groups = 0;
    bool operator==(const Normalization&) const = default;
};
//! Of each kMomentColumns neighbouring elements of a row [..., n]: their mean, and the sum of their squared differences from it. [..., n / kMomentColumns, 2], float32.
struct RowMoments {
    bool operator==(const RowMoments&) const = default;
};
inline constexpr std::int64_t kMomentColumns = 16;
//! y = softmax(scale * q k^T + mask) v for each batch and head, in float32. Inputs: q, k, v, and the mask where there is one, of floats or of booleans, which
//! choose between the score and `hidden`; it broadcasts to the scores [batch, head, row of q, row of k].
struct Attention {
    float scale = 1.0f;
    std::array<std::array<std::int32_t, 4>, 4> axes{}; // of q, k, v and y: which axis of the value is batch, head (-1: there is one), row and column, the last
    std::int32_t group = 1;            // neighbouring heads of q that share one of k and v
    float softcap = 0.0f;              // c * tanh(scaled score / c) before the mask; 0: none
    std::optional<shape::Expr> causal{}; // row r sees keys 0 .. r + this, which may be below 0
    bool hides = false;                // a boolean hides a key where it is true; else where it is false
    float hidden = -std::numeric_limits<float>::infinity(); // the score of a key that a boolean hides
    bool zeros = false;                // are the result of a row that sees no key; else it is NaN, as of a softmax of minus infinity
    bool operator==(const Attention&) const = default;
};
//! Outputs: values, indices (either may be -1).
struct TopK {
    TopKOperation op = TopKOperation::kMAX;
    std::int64_t axis = 0, k = 1;
    bool select_last = false;
    bool nan_first = false; // of the smallest; among the largest NaN is first anyway
    [[nodiscard]] bool nan_last() const { return op == TopKOperation::kMIN && !nan_first; }
    bool operator==(const TopK&) const = default;
};

//! Writes integers that are known once the shapes are (a shape tensor that computation or the user needs in memory). No inputs.
struct ShapeValues {
    shape::Exprs values;
    bool operator==(const ShapeValues&) const = default;
};

//! A function of the host catalogue (kernels/host/functions.hpp), or one of the runtime's own that runs networks. Absent inputs are -1.
struct HostCall {
    std::string function;
    AttributeSet attributes;
    struct Definition { // see plan::Definition
        shape::Expr symbol, most;
        std::int32_t output = 0, axis = 0;
        bool operator==(const Definition&) const = default;
    };
    std::vector<Definition> definitions;
    std::vector<std::int32_t> bodies; // of the compiled network
    bool operator==(const HostCall&) const = default;
};

using Kind = std::variant<Convolution, MatrixProduct, Pooling, Pointwise, Copy, Gather, Resize, Reduce, SoftMax, TopK, ShapeValues, HostCall, Normalization, Attention, RowMoments>;

//! A product's result goes straight into its part of a larger value, outputs[0] of the operation, as `copy` would put it there. `part`: the result alone;
//! `read_there`: other operations read it where it lies.
struct Placement {
    ValueId part = -1;
    Copy copy;
    bool read_there = false;
    bool operator==(const Placement&) const = default;
};

struct Operation {
    std::string name; // "conv1 + relu1": the layers in it
    Kind kind;
    std::vector<ValueId> inputs;   // without the epilogue's operands
    std::vector<ValueId> outputs;
    bool has_bias = false;
    kernels::PointwiseProgram epilogue; // applied before the store; external operand k is operands[k]
    std::vector<ValueId> operands;      // broadcastable to output 0, or to the part of it that is computed here
    std::optional<Placement> placement{};
    std::optional<Kind> companion{};    // what else becomes of the result, as outputs.back(): an operation of its own, which kernels may do on the way. Not of a placed one
    bool operator==(const Operation&) const = default;
};

} // namespace tensorvk::tactics
