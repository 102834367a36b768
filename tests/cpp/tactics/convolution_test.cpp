// Every convolution tactic that this device has, over odd shapes, against the host's reference.
#include "kernels/host/convolution.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include "tactics/check.hpp"
#include "tactics/tensor_bytes.hpp"

namespace tensorvk::test {
namespace {

using kernels::PointwiseArg;
using kernels::PointwiseOp;
using kernels::host::Tensor;
using tactics::Layout;

enum class Operands { kNONE, kRELU, kSQUARE, kRESIDUAL, kPER_CHANNEL, kSCALAR, kOTHER_LAYOUT, kROW };

struct Case {
    std::string name;
    std::vector<std::int64_t> x; // N, C, spatial...
    std::int64_t out = 1;
    std::vector<std::int64_t> kernel, stride, dilation, pre, post;
    std::int64_t groups = 1;
    bool transposed = false;
    std::vector<std::int64_t> output_padding{};
    Layout in_layout = Layout::kCHANNELS_LAST, out_layout = Layout::kCHANNELS_LAST;
    DataType in_type = DataType::kFLOAT, out_type = DataType::kFLOAT;
    Operands operands = Operands::kRELU;
    bool bias = true;
    bool dynamic = false;
    bool constant_weights = true;
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
    return out << c.name;
}

Case conv2d(std::string name, std::vector<std::int64_t> x, std::int64_t out, std::int64_t kernel, std::int64_t stride,
            std::int64_t pad) {
    return {.name = std::move(name),
            .x = std::move(x),
            .out = out,
            .kernel = {kernel, kernel},
            .stride = {stride, stride},
            .dilation = {1, 1},
            .pre = {pad, pad},
            .post = {pad, pad}};
}

template <typename Change>
Case with(Case c, const Change& change) {
    change(c);
    return c;
}

kernels::PointwiseProgram program(Operands operands) {
    const PointwiseArg value{}, slot1{PointwiseArg::Kind::kVALUE, 1}, operand{PointwiseArg::Kind::kOPERAND, 0};
    switch (operands) {
        case Operands::kNONE:
            return {};
        case Operands::kRELU:
            return {{{.op = PointwiseOp::kRELU, .a = value}}};
        case Operands::kSQUARE: // no chain: what comes before is read twice
            return {{{.op = PointwiseOp::kMUL, .a = value, .b = value}}};
        default:
            return {{{.op = PointwiseOp::kADD, .a = value, .b = operand}, {.op = PointwiseOp::kRELU, .a = slot1}}};
    }
}

struct Built {
    OperationCase operation;
    Tensor expected;
    std::int64_t terms; // of one sum
};

void add_operand(OperationCase& operation, const Case& c, const std::vector<std::int64_t>& y) {
    const DataType type = c.out_type;
    std::vector<std::int64_t> channel(y.size(), 1), row(y.size(), 1);
    channel[1] = y[1];
    row[2] = y[2];
    const Layout other = c.out_layout == Layout::kLINEAR ? Layout::kCHANNELS_LAST : Layout::kLINEAR;
    switch (c.operands) {
        case Operands::kRESIDUAL:
            operation.add_operand(random_tensor(type, y, 4), c.out_layout);
            break;
        case Operands::kOTHER_LAYOUT:
            operation.add_operand(random_tensor(type, y, 4), other);
            break;
        case Operands::kPER_CHANNEL:
            operation.add_operand(random_tensor(DataType::kFLOAT, channel, 4), Layout::kLINEAR);
            break;
        case Operands::kROW:
            operation.add_operand(random_tensor(DataType::kFLOAT, row, 4), Layout::kLINEAR);
            break;
        case Operands::kSCALAR:
            operation.add_operand(random_tensor(DataType::kFLOAT, {}, 4), Layout::kLINEAR);
            break;
        default:
            break;
    }
}

Built build(const Case& c) {
    const kernels::ConvGeometry geometry{c.kernel, c.stride, c.dilation, c.pre, c.post, c.groups};
    tactics::Operation op;
    op.name = c.name;
    op.kind = tactics::Convolution{geometry, c.transposed, c.output_padding};
    op.has_bias = c.bias;
    op.epilogue = program(c.operands);
    OperationCase operation(std::move(op));
    std::vector<std::int64_t> weight_dims = c.transposed ? std::vector<std::int64_t>{c.x[1], c.out / c.groups}
                                                         : std::vector<std::int64_t>{c.out, c.x[1] / c.groups};
    weight_dims.insert(weight_dims.end(), c.kernel.begin(), c.kernel.end());
    const Tensor x = random_tensor(c.in_type, c.x, 1);
    const Tensor weights = random_tensor(DataType::kFLOAT, weight_dims, 2);
    const Tensor bias = random_tensor(DataType::kFLOAT, {c.out}, 3);
    Tensor wide(DataType::kFLOAT, x.dims); // the reference keeps its result in float
    for (std::int64_t i = 0; i < x.volume(); ++i) wide.set(i, x.get(i));
    const Tensor* b = c.bias ? &bias : nullptr;
    const Tensor y = c.transposed ? kernels::host::deconvolution(wide, weights, b, geometry, c.output_padding)
                                  : kernels::host::convolution(wide, weights, b, geometry);
    operation.add_input(x, c.in_layout, false);
    operation.add_input(weights, Layout::kLINEAR, c.constant_weights);
    if (c.bias) operation.add_input(bias, Layout::kLINEAR, true);
    add_operand(operation, c, y.dims);
    operation.set_output(c.out_type, y.dims, c.out_layout);
    if (c.dynamic) operation.make_dynamic(0);
    const Tensor expected = operation.finish(y);
    return {std::move(operation), expected, weights.volume() / weights.dims[0]};
}

class ConvolutionTactics : public testing::TestWithParam<Case> {};

// fp32: each of the K terms of a sum rounds once, errors grow like sqrt(K) half-ulps of a partial sum; 1e-6 * sqrt(K)
// of the largest output leaves a factor of ten. Half storage adds one rounding of inputs that halves hold exactly, of
// the weights (2^-11 each) and of the result.
double tolerance(const Case& c, std::int64_t terms) {
    if (c.in_type == DataType::kBF16 || c.out_type == DataType::kBF16) return kBfloatTolerance;
    const bool half = c.in_type == DataType::kHALF || c.out_type == DataType::kHALF;
    return half ? 2e-3 : 1e-6 * std::sqrt(static_cast<double>(terms)) + 1e-7;
}

TEST_P(ConvolutionTactics, AgreeWithTheHostReference) {
    const Case& c = GetParam();
    const auto device = vulkan::Device::by_index(0);
    if ((c.in_type == DataType::kHALF || c.out_type == DataType::kHALF) && !device->caps().fp16_storage)
        GTEST_SKIP() << "no fp16 storage";
    if ((c.in_type == DataType::kBF16 || c.out_type == DataType::kBF16) && !device->caps().host_kernels)
        GTEST_SKIP() << "only the host computes with bfloat16";
    const Built built = build(c);
    int applicable = 0;
    RunsAnywhere anywhere(device->caps());
    for (const tactics::Candidate& candidate : built.operation.candidates(device->caps())) {
        if (!candidate.applicable()) continue;
        ++applicable;
        OperationCase::Prepared prepared = built.operation.prepare(device, candidate);
        anywhere.note(prepared);
        prepared.runner->run();
        const Tensor y = built.operation.output(prepared);
        EXPECT_LT(relative_error(y, built.expected), tolerance(c, built.terms)) << candidate.name;
    }
    anywhere.expect();
    EXPECT_GE(applicable, 1) << "the generic candidate always applies";
}

// Tactics for GPUs run on any device, only not fast: two tiles through shared memory, with K whole and cut, and one of registers alone, so that
// CPU drivers test them too.
class ProductsForGpus : public ConvolutionTactics {};

TEST_P(ProductsForGpus, AgreeWithTheHostReference) {
    const Case& c = GetParam();
    const auto device = vulkan::Device::by_index(0);
    if (c.in_type == DataType::kHALF && !device->caps().fp16_storage) GTEST_SKIP() << "no fp16 storage";
    const Built built = build(c);
    vulkan::DeviceCaps caps = device->caps();
    caps.is_cpu = false;
    int applicable = 0;
    for (const tactics::Candidate& candidate : built.operation.candidates(caps)) {
        const bool chosen = candidate.name.find("/shared_32x32") != std::string::npos ||
                            candidate.name.find("/shared_64x16") != std::string::npos ||
                            candidate.name.find("/tile_4x16") != std::string::npos;
        if (!candidate.applicable() || !chosen) continue;
        ++applicable;
        const Tensor y = built.operation.run(device, candidate);
        EXPECT_LT(relative_error(y, built.expected), tolerance(c, built.terms)) << candidate.name;
    }
    EXPECT_GE(applicable, 1);
}

std::vector<Case> cases() {
    const auto linear = [](Case& c) { c.in_layout = c.out_layout = Layout::kLINEAR; };
    const auto half = [](Case& c) { c.in_type = c.out_type = DataType::kHALF; };
    return {
        conv2d("one_pixel", {1, 1, 1, 1}, 1, 1, 1, 0),
        conv2d("c3_to_c17", {1, 3, 17, 33}, 17, 3, 1, 1),
        with(conv2d("first_layer_linear_in", {3, 3, 17, 33}, 32, 3, 1, 1),
             [](Case& c) { c.in_layout = Layout::kLINEAR; }),
        with(conv2d("first_layer_linear_in_c1_to_c8_s2", {1, 1, 33, 17}, 8, 5, 2, 2),
             [](Case& c) { c.in_layout = Layout::kLINEAR; }),
        with(conv2d("last_layer_one_channel_linear_out", {1, 32, 17, 33}, 1, 1, 1, 0),
             [](Case& c) { c.out_layout = Layout::kLINEAR; }),
        conv2d("c16_to_c8", {1, 16, 9, 13}, 8, 3, 1, 1),
        with(conv2d("squared", {1, 17, 9, 13}, 33, 3, 1, 1), [](Case& c) { c.operands = Operands::kSQUARE; }),
        with(conv2d("squared_linear_out", {2, 16, 5, 3}, 8, 1, 1, 0),
             [](Case& c) { c.operands = Operands::kSQUARE, c.out_layout = Layout::kLINEAR; }),
        with(conv2d("transposed_squared", {1, 8, 5, 7}, 17, 2, 2, 0), [](Case& c) { c.transposed = true, c.operands = Operands::kSQUARE; }),
        conv2d("c64_to_c64", {1, 64, 14, 14}, 64, 3, 1, 1),
        conv2d("c64_to_c64_batch3", {3, 64, 7, 9}, 64, 3, 1, 1),
        conv2d("c128_to_c96_stride2", {1, 128, 17, 15}, 96, 3, 2, 1),
        conv2d("c33_to_c17_stride3", {1, 33, 17, 17}, 17, 3, 3, 0),
        conv2d("c256_to_c128_4x4_small_m", {1, 256, 4, 4}, 128, 3, 1, 1),
        conv2d("pointwise_c40_to_c24", {1, 40, 11, 5}, 24, 1, 1, 0),
        conv2d("pointwise_stride2", {3, 32, 9, 9}, 64, 1, 2, 0),
        conv2d("one_pixel_all_taps", {1, 33, 1, 1}, 3, 3, 1, 1),
        conv2d("linear_step_of_three_channels", {2, 6, 3, 17}, 33, 3, 2, 1),
        with(conv2d("groups_of_three_linear_in", {1, 9, 17, 3}, 12, 3, 1, 1),
             [](Case& c) { c.groups = 3, c.in_layout = Layout::kLINEAR; }),
        // Enough channels that Winograd's transforms pay: whole and cut tiles, more pictures, padding on one side or none.
        with(conv2d("winograd_residual_batch3", {3, 64, 33, 17}, 64, 3, 1, 1), [](Case& c) { c.operands = Operands::kRESIDUAL; }),
        with(conv2d("winograd_uneven_pads_odd_channels_linear_out", {1, 72, 19, 30}, 33, 3, 1, 0),
             [](Case& c) {
                 c.pre = {0, 2}, c.post = {2, 0}, c.out_layout = Layout::kLINEAR, c.operands = Operands::kPER_CHANNEL;
             }),
        with(conv2d("winograd_no_pads_dynamic_weights", {1, 64, 18, 19}, 64, 3, 1, 0),
             [](Case& c) { c.constant_weights = false, c.bias = false, c.operands = Operands::kNONE; }),
        with(conv2d("dilation2", {1, 12, 17, 17}, 20, 3, 1, 2),
             [](Case& c) {
                 c.dilation = {2, 2};
             }),
        with(conv2d("asymmetric_pads", {1, 8, 10, 9}, 12, 3, 2, 0),
             [](Case& c) {
                 c.pre = {0, 1}, c.post = {1, 2};
             }),
        with(conv2d("rectangular_kernel", {1, 16, 10, 9}, 16, 3, 1, 0),
             [](Case& c) {
                 c.kernel = {1, 5}, c.pre = {0, 2}, c.post = {0, 2};
             }),
        with(conv2d("groups2", {1, 16, 9, 9}, 24, 3, 1, 1), [](Case& c) { c.groups = 2; }),
        with(conv2d("groups3_odd", {1, 15, 9, 9}, 21, 3, 1, 1), [](Case& c) { c.groups = 3; }),
        with(conv2d("depthwise3x3", {1, 32, 17, 13}, 32, 3, 1, 1), [](Case& c) { c.groups = 32; }),
        with(conv2d("depthwise3x3_stride2", {3, 24, 17, 13}, 24, 3, 2, 1), [](Case& c) { c.groups = 24; }),
        with(conv2d("depthwise5x5_odd_channels", {1, 17, 9, 13}, 17, 5, 1, 2), [](Case& c) { c.groups = 17; }),
        with(conv2d("depthwise_dilated", {1, 8, 15, 13}, 8, 3, 1, 2),
             [](Case& c) {
                 c.groups = 8, c.dilation = {2, 2};
             }),
        with(conv2d("depthwise_multiplier2", {1, 8, 9, 9}, 16, 3, 1, 1), [](Case& c) { c.groups = 8; }),
        with(conv2d("linear_both", {3, 5, 9, 7}, 6, 3, 1, 1), linear),
        with(conv2d("no_bias_no_epilogue", {1, 16, 9, 9}, 16, 3, 1, 1),
             [](Case& c) { c.bias = false, c.operands = Operands::kNONE; }),
        with(conv2d("residual", {1, 16, 9, 9}, 16, 3, 1, 1), [](Case& c) { c.operands = Operands::kRESIDUAL; }),
        with(conv2d("residual_odd", {3, 7, 9, 9}, 17, 3, 1, 1), [](Case& c) { c.operands = Operands::kRESIDUAL; }),
        with(conv2d("residual_other_layout", {3, 7, 9, 9}, 17, 3, 1, 1),
             [](Case& c) { c.operands = Operands::kOTHER_LAYOUT; }),
        with(conv2d("per_channel_operand", {1, 16, 9, 9}, 16, 3, 1, 1),
             [](Case& c) { c.operands = Operands::kPER_CHANNEL; }),
        with(conv2d("scalar_operand", {1, 16, 9, 9}, 16, 3, 1, 1), [](Case& c) { c.operands = Operands::kSCALAR; }),
        with(conv2d("row_operand", {1, 16, 9, 9}, 16, 3, 1, 1), [](Case& c) { c.operands = Operands::kROW; }),
        with(conv2d("row_operand_linear", {3, 5, 9, 7}, 6, 3, 1, 1), [&](Case& c) { linear(c), c.operands = Operands::kROW; }),
        with(conv2d("dynamic_weights", {1, 16, 9, 9}, 33, 3, 1, 1), [](Case& c) { c.constant_weights = false; }),
        with(conv2d("dynamic_weights_depthwise", {1, 9, 9, 9}, 9, 3, 1, 1), [](Case& c) { c.constant_weights = false, c.groups = 9; }),
        with(conv2d("more_channels_than_a_piece", {1, 8, 5, 5}, 600, 1, 1, 0), [](Case& c) { c.operands = Operands::kPER_CHANNEL; }),
        with(conv2d("many_blocks", {1, 32, 40, 41}, 40, 3, 1, 1), [](Case& c) { c.operands = Operands::kRESIDUAL; }),
        with(conv2d("depthwise_linear", {1, 9, 9, 13}, 9, 3, 1, 1), [&](Case& c) { linear(c), c.groups = 9; }),
        with(conv2d("depthwise_more_taps_than_at_once", {1, 20, 13, 13}, 20, 9, 1, 4), [](Case& c) { c.groups = 20; }),
        with(conv2d("padding_alone", {1, 4, 1, 1}, 4, 3, 1, 3), [](Case& c) { c.dilation = {2, 2}; }),
        with(conv2d("dynamic_batch", {3, 16, 9, 9}, 16, 3, 1, 1),
             [](Case& c) { c.dynamic = true, c.operands = Operands::kRESIDUAL; }),
        with(conv2d("half_c16_to_c24", {1, 16, 9, 11}, 24, 3, 1, 1), half),
        with(conv2d("half_c32_to_c64_batch3", {3, 32, 17, 9}, 64, 3, 1, 1), half),
        with(conv2d("half_residual", {1, 64, 9, 9}, 64, 3, 1, 1),
             [](Case& c) { c.in_type = c.out_type = DataType::kHALF, c.operands = Operands::kRESIDUAL; }),
        with(conv2d("half_odd", {1, 17, 9, 9}, 33, 3, 2, 1), half),
        with(conv2d("half_first_layer", {1, 3, 17, 17}, 32, 3, 1, 1),
             [](Case& c) { c.in_layout = Layout::kLINEAR, c.out_type = DataType::kHALF; }),
        with(conv2d("half_last_layer", {1, 32, 17, 17}, 1, 1, 1, 0),
             [](Case& c) { c.out_layout = Layout::kLINEAR, c.in_type = DataType::kHALF; }),
        with(conv2d("half_depthwise", {1, 16, 9, 9}, 16, 3, 1, 1),
             [](Case& c) { c.in_type = c.out_type = DataType::kHALF, c.groups = 16; }),
        {.name = "conv1d",
         .x = {3, 6, 33},
         .out = 10,
         .kernel = {7},
         .stride = {2},
         .dilation = {1},
         .pre = {3},
         .post = {3}},
        {.name = "conv1d_linear",
         .x = {1, 1, 65},
         .out = 12,
         .kernel = {16},
         .stride = {8},
         .dilation = {1},
         .pre = {0},
         .post = {0},
         .in_layout = Layout::kLINEAR,
         .out_layout = Layout::kLINEAR},
        {.name = "conv3d",
         .x = {1, 4, 5, 6, 7},
         .out = 8,
         .kernel = {3, 3, 3},
         .stride = {1, 2, 1},
         .dilation = {1, 1, 1},
         .pre = {1, 1, 1},
         .post = {1, 1, 1}},
        with(conv2d("transposed_2x2", {1, 16, 5, 7}, 8, 2, 2, 0), [](Case& c) { c.transposed = true; }),
        with(conv2d("transposed_2x2_batch3_odd", {3, 17, 5, 7}, 9, 2, 2, 0), [](Case& c) { c.transposed = true; }),
        with(conv2d("transposed_2x2_c64", {1, 64, 8, 8}, 32, 2, 2, 0), [](Case& c) { c.transposed = true; }),
        with(conv2d("transposed_3x3_output_padding", {1, 8, 5, 7}, 6, 3, 2, 1),
             [](Case& c) {
                 c.transposed = true, c.output_padding = {1, 1};
             }),
        with(conv2d("transposed_groups", {1, 8, 5, 7}, 6, 4, 2, 1), [](Case& c) { c.transposed = true, c.groups = 2; }),
        with(conv2d("transposed_linear", {1, 8, 5, 7}, 6, 3, 3, 0),
             [](Case& c) { c.transposed = true, c.in_layout = c.out_layout = Layout::kLINEAR; }),
        with(conv2d("transposed_stride1", {2, 17, 6, 5}, 9, 3, 1, 1), [](Case& c) { c.transposed = true; }),
        with(conv2d("transposed_stride1_groups", {1, 8, 5, 7}, 6, 3, 1, 0), [](Case& c) { c.transposed = true, c.groups = 2; }),
        with(conv2d("transposed_4x4_padded", {2, 8, 5, 7}, 6, 4, 2, 1), [](Case& c) { c.transposed = true; }),
        with(conv2d("transposed_5x5_stride3", {1, 3, 5, 7}, 4, 5, 3, 1), [](Case& c) { c.transposed = true; }),
        with(conv2d("transposed_2x2_linear", {3, 5, 1, 4}, 3, 2, 2, 0),
             [](Case& c) { c.transposed = true, c.in_layout = c.out_layout = Layout::kLINEAR; }),
        {.name = "transposed_volume",
         .x = {1, 4, 3, 2, 5},
         .out = 6,
         .kernel = {2, 3, 4},
         .stride = {2, 1, 2},
         .dilation = {1, 1, 1},
         .pre = {0, 1, 1},
         .post = {0, 1, 1},
         .transposed = true},
        with(conv2d("transposed_gaps", {1, 8, 5, 7}, 6, 2, 3, 0), [](Case& c) { c.transposed = true, c.output_padding = {1, 1}; }),
        with(conv2d("transposed_dilated", {1, 8, 5, 7}, 6, 3, 2, 1),
             [](Case& c) { c.transposed = true, c.dilation = {2, 3}, c.operands = Operands::kOTHER_LAYOUT; }),
        with(conv2d("transposed_depthwise_linear_out", {3, 8, 5, 7}, 8, 4, 2, 1),
             [](Case& c) { c.transposed = true, c.groups = 8, c.out_layout = Layout::kLINEAR, c.operands = Operands::kRESIDUAL; }),
        with(conv2d("transposed_2x2_half", {1, 32, 5, 7}, 16, 2, 2, 0),
             [](Case& c) { c.transposed = true, c.in_type = c.out_type = DataType::kHALF; }),
    };
}

INSTANTIATE_TEST_SUITE_P(Shapes, ConvolutionTactics, testing::ValuesIn(cases()),
                         [](const auto& shape) { return shape.param.name; });

//! Every case again in bfloat16, with results of that and of float32.
std::vector<Case> bfloat_cases() {
    std::vector<Case> out;
    for (Case c : cases()) {
        if (c.in_type == DataType::kHALF || c.out_type == DataType::kHALF) continue;
        c.in_type = c.out_type = DataType::kBF16;
        out.push_back(c);
        if (out.size() % 3 != 0) continue; // there are many
        c.name += "_float_out";
        c.out_type = DataType::kFLOAT;
        out.push_back(c);
        c.name += "_not_in";
        std::swap(c.in_type, c.out_type);
        out.push_back(c);
    }
    return out;
}
INSTANTIATE_TEST_SUITE_P(Bfloats, ConvolutionTactics, testing::ValuesIn(bfloat_cases()),
                         [](const auto& shape) { return shape.param.name; });

const tactics::Candidate* find(const std::vector<tactics::Candidate>& candidates, const std::string& begin) {
    for (const tactics::Candidate& candidate : candidates) {
        if (candidate.name.starts_with(begin)) return &candidate;
    }
    return nullptr;
}

vulkan::DeviceCaps large_gpu() {
    vulkan::DeviceCaps caps;
    caps.fp16_storage = caps.fp16_arithmetic = caps.cooperative_matrix = caps.vulkan_memory_model = true;
    caps.subgroup_size = 32;
    caps.limits.max_shared_memory = 49152;
    caps.limits.max_workgroup_invocations = 1024;
    using enum vulkan::MatrixType;
    caps.matrix_shapes = {{16, 16, 16, kFloat16, kFloat16, kFloat32, kFloat32, false, true}};
    return caps;
}

TEST(ConvolutionCandidates, OfAGpuUseSharedMemoryAndMatrixUnitsOfHalves) {
    Case c = conv2d("halves", {1, 8, 16, 16}, 64, 3, 1, 1);
    c.in_type = c.out_type = DataType::kHALF;
    const auto candidates = build(c).operation.candidates(large_gpu());
    ASSERT_NE(find(candidates, "conv/shared_"), nullptr);
    ASSERT_NE(find(candidates, "conv/coopmat_32x32x64"), nullptr);
    EXPECT_TRUE(find(candidates, "conv/coopmat_32x32x64")->applicable());
}

TEST(ConvolutionCandidates, RefuseWithTheValueThatDecided) {
    vulkan::DeviceCaps cpu;
    cpu.is_cpu = true;
    const Built linear =
        build(with(conv2d("floats", {1, 16, 9, 9}, 16, 3, 1, 1), [](Case& c) { c.operands = Operands::kROW; }));
    EXPECT_NE(find(linear.operation.candidates(cpu), "conv/tile")
                  ->refusal.find("'value3' is neither laid out like the output"),
              std::string::npos);
    EXPECT_EQ(find(linear.operation.candidates(cpu), "conv/generic")->refusal, "");
    const Built floats = build(conv2d("floats", {1, 16, 9, 9}, 16, 3, 1, 1));
    EXPECT_EQ(find(floats.operation.candidates(cpu), "conv/shared")->refusal,
              "shared memory and barriers cost 10x on CPU drivers");
    EXPECT_EQ(find(floats.operation.candidates(cpu), "conv/coopmat")->refusal,
              "the device has no cooperative matrices");
    EXPECT_EQ(find(floats.operation.candidates(large_gpu()), "conv/coopmat")->refusal,
              "the input 'value0' is float32, matrix units take float16");
    EXPECT_EQ(find(floats.operation.candidates(cpu), "conv/depthwise")->refusal,
              "there are 1 groups, 16 input and 16 output channels; depthwise means as many of each");
}

TEST(ConvolutionCandidates, AreOfTheHostAloneWhereThereAreNoShaders) {
    vulkan::DeviceCaps host;
    host.is_cpu = host.host_kernels = true;
    host.shaders = false;
    for (const tactics::Candidate& candidate : build(conv2d("floats", {1, 16, 9, 9}, 16, 3, 1, 1)).operation.candidates(host)) {
        if (candidate.host) continue; // oneDNN's, where it is built
        EXPECT_EQ(candidate.refusal, "the device runs no shaders") << candidate.name;
        EXPECT_FALSE(candidate.lower) << candidate.name;
    }
}

TEST(ConvolutionCandidates, CutTheDepthWherePositionsAreFew) {
    const auto names = [](std::vector<std::int64_t> x) {
        std::string all;
        for (const auto& candidate : build(conv2d("cut", std::move(x), 16, 3, 1, 1)).operation.candidates(large_gpu()))
            all += candidate.name + " ";
        return all;
    };
    EXPECT_NE(names({1, 128, 4, 4}).find("_k16 "), std::string::npos);
    EXPECT_EQ(names({1, 4, 160, 160}).find("_k"), std::string::npos);
}

TEST(ConvolutionCandidates, OfACpuDriverReadTexelsAndComeByTheirEstimate) {
    vulkan::DeviceCaps cpu;
    cpu.is_cpu = true;
    cpu.limits.max_storage_range = std::uint64_t{1} << 27;
    const auto first = [&](const Case& c) {
        for (const tactics::Candidate& candidate : build(c).operation.candidates(cpu)) {
            if (candidate.applicable() && candidate.portable && candidate.name != "conv/generic") return candidate.name;
        }
        return std::string();
    };
    EXPECT_EQ(first(conv2d("wide_picture_few_channels", {1, 3, 64, 64}, 16, 3, 1, 1)), "conv/texel_8x16");
    EXPECT_EQ(first(conv2d("small_picture_many_channels", {1, 256, 7, 7}, 1024, 1, 1, 0)), "conv/texel_columns_8x16");
    EXPECT_EQ(first(conv2d("many_channels", {1, 64, 64, 64}, 64, 3, 1, 1)), "conv/texel_winograd");
    EXPECT_EQ(first(conv2d("stride", {1, 64, 64, 64}, 64, 3, 2, 1)), "conv/texel_8x16");
}

TEST(ConvolutionCandidates, WinogradRefusesWhatItCannotDo) {
    vulkan::DeviceCaps cpu;
    cpu.is_cpu = true;
    const auto refusal = [&](const Case& c) { return find(build(c).operation.candidates(cpu), "conv/texel_winograd")->refusal; };
    const Case whole = conv2d("whole", {1, 64, 16, 16}, 64, 3, 1, 1);
    cpu.limits.max_storage_range = 36 * 16 * 64 * 4;
    EXPECT_EQ(refusal(whole), "");
    cpu.limits.max_storage_range -= 1;
    EXPECT_EQ(refusal(whole), "the transformed tiles take 147456 bytes, this device binds 147455");
    EXPECT_EQ(refusal(with(whole, [](Case& c) { c.dynamic = true; })), "the number of tiles is dynamic");
    EXPECT_EQ(refusal(conv2d("stride", {1, 64, 16, 16}, 64, 3, 2, 1)), "only for one group, a window of 3 x 3, stride and dilation 1");
    EXPECT_EQ(refusal(conv2d("odd", {1, 63, 16, 16}, 64, 3, 1, 1)), "the input's channels do not lie together in fours");
    cpu.is_cpu = false;
    EXPECT_EQ(refusal(whole), "texels as factors are for CPU drivers");
}

std::vector<Case> shared_cases() {
    std::vector<Case> out;
    for (const Case& c : cases()) {
        for (const char* name : {"first_layer_linear_in", "c64_to_c64_batch3", "c256_to_c128_4x4_small_m", "groups2",
                                 "residual_odd", "half_residual", "transposed_2x2_c64"}) {
            if (c.name == name) out.push_back(c);
        }
    }
    return out;
}

INSTANTIATE_TEST_SUITE_P(Shapes, ProductsForGpus, testing::ValuesIn(shared_cases()),
                         [](const auto& shape) { return shape.param.name; });

} // namespace
} // namespace tensorvk::test
