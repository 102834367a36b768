// Inputs that are parts of larger values: read with strides, or copied out first. What lies between their rows is NaN, which nobody may read.
#include <gtest/gtest.h>

#include "tactics/check.hpp"
#include "tactics/convolution_case.hpp"
#include "tactics/matrix_case.hpp"
#include "tactics/played_units.hpp"

namespace tensorvk::test {
namespace {

//! Runs every candidate; returns how many of the shaders' read the gaps' sides themselves.
int run_all(const OperationCase& operation, const Tensor& expected, double tolerance) {
    const auto device = vulkan::Device::current();
    vulkan::DeviceCaps caps = device->caps();
    caps.is_cpu = false; // kernels for GPUs run on any device that has shaders
    int strided = 0, ran = 0;
    for (const tactics::Candidate& candidate : operation.candidates(caps)) {
        if (!candidate.applicable()) continue;
        SCOPED_TRACE(candidate.name);
        strided += candidate.strided && !candidate.host ? 1 : 0;
        ++ran;
        OperationCase::Prepared prepared = operation.prepare(device, candidate, caps);
        prepared.runner->run();
        EXPECT_LE(relative_error(operation.output(prepared), expected), tolerance);
    }
    EXPECT_GT(ran, 0);
    return strided;
}

struct Viewed {
    Case convolution;
    std::size_t axis;
    std::int64_t behind;
};

std::ostream& operator<<(std::ostream& out, const Viewed& v) { return out << v.convolution.name; }

class ConvolutionsOfParts : public testing::TestWithParam<Viewed> {};

TEST_P(ConvolutionsOfParts, ReadNothingBesideThem) {
    const auto& [c, axis, behind] = GetParam();
    const auto device = vulkan::Device::current();
    if (c.in_type == DataType::kHALF && !device->caps().fp16_storage) GTEST_SKIP() << "no fp16 storage";
    Built built = build(c);
    built.operation.leave_gaps(0, axis, behind);
    const double tolerance = c.in_type == DataType::kHALF ? 4e-3 : 2e-5; // winograd adds in another order; halves round weights and result
    const int strided = run_all(built.operation, built.expected, tolerance);
    EXPECT_EQ(strided > 0, device->caps().shaders);
    constexpr std::array<std::string_view, 2> kTiles{"32x32x64", "4x32x16"};
    if (c.in_type == DataType::kHALF && axis == 1 && behind % 8 == 0 && can_play_units()) {
        EXPECT_GT(check_on_units(built.operation, built.expected, tolerance, kTiles), 0);
    }
}

Viewed viewed(std::string name, Case c, std::int64_t behind, std::size_t axis = 1) {
    c.name = std::move(name);
    return {std::move(c), axis, behind};
}

std::vector<Viewed> views() {
    const auto half = [](Case& c) { c.in_type = c.out_type = DataType::kHALF; };
    const Case three = conv2d("", {2, 16, 9, 7}, 24, 3, 1, 1), one = conv2d("", {1, 17, 5, 7}, 33, 1, 1, 0);
    Case volume = three;
    volume.x = {1, 8, 4, 5, 3}, volume.kernel = {3, 3, 3}, volume.stride = volume.dilation = volume.pre = volume.post = {1, 1, 1};
    return {
        viewed("channels", three, 16),
        viewed("channels_of_halves", with(three, half), 8),
        viewed("windows_of_halves", with(conv2d("", {1, 16, 5, 11}, 24, 3, 1, 1), half), 24),
        viewed("between_vectors", three, 3),
        viewed("halves_between_vectors", with(three, half), 4),
        viewed("odd", one, 15),
        viewed("odd_halves", with(one, half), 3),
        viewed("lines", three, 2, 2),
        viewed("positions", three, 5, 3),
        viewed("rows", with(three, [](Case& c) { c.in_layout = c.out_layout = Layout::kLINEAR; }), 8),
        viewed("groups", with(three, [](Case& c) { c.groups = 2; }), 8),
        viewed("depthwise", with(three, [](Case& c) { c.groups = 16, c.out = 16; }), 16),
        viewed("volume", volume, 8),
        viewed("residual", with(three, [](Case& c) { c.operands = Operands::kRESIDUAL; }), 8),
    };
}

INSTANTIATE_TEST_SUITE_P(Shapes, ConvolutionsOfParts, testing::ValuesIn(views()), [](const auto& test) { return test.param.convolution.name; });

TEST(ConvolutionsOfLines, OfAVolumeWhoseSlicesAreLongerCopyThem) {
    Case volume = conv2d("", {1, 8, 4, 5, 3}, 16, 3, 1, 1);
    volume.kernel = {3, 3, 3}, volume.stride = volume.dilation = volume.pre = volume.post = {1, 1, 1};
    Built built = build(volume);
    built.operation.leave_gaps(0, 3, 2);
    EXPECT_EQ(run_all(built.operation, built.expected, 2e-5), 0);
}

struct MatrixView {
    matrix::Case product;
    std::size_t which, axis; // factor
    std::int64_t behind;
};

std::ostream& operator<<(std::ostream& out, const MatrixView& v) { return out << v.product.name; }

class ProductsOfParts : public testing::TestWithParam<MatrixView> {};

TEST_P(ProductsOfParts, ReadNothingBesideThem) {
    const auto& [c, which, axis, behind] = GetParam();
    const auto device = vulkan::Device::current();
    if (c.a_type == DataType::kHALF && !device->caps().fp16_storage) GTEST_SKIP() << "no fp16 storage";
    matrix::Built built = matrix::build(c);
    built.operation.leave_gaps(which, axis, behind);
    EXPECT_EQ(run_all(built.operation, built.expected, c.a_type == DataType::kHALF ? 4e-3 : 2e-5) > 0, device->caps().shaders);
}

std::vector<MatrixView> matrix_views() {
    const matrix::Case constant{.name = "constant", .a = {2, 17, 16}, .b = {16, 24}};
    const auto named = [](matrix::Case c, const char* name) {
        c.name = name;
        return c;
    };
    matrix::Case halves = constant, rows = constant, batches = constant, computed = constant, second = constant, turned = constant, odd = constant;
    halves.a_type = halves.out_type = DataType::kHALF;
    computed.constant_b = second.constant_b = turned.constant_b = false;
    computed.b = second.b = {2, 16, 24};
    turned.b = {2, 24, 16}, turned.transpose_b = true;
    odd.a = {1, 3, 33}, odd.b = {33, 17};
    return {
        {constant, 0, 2, 32},
        {named(halves, "halves"), 0, 2, 16},
        {named(rows, "rows"), 0, 1, 3},
        {named(batches, "one_matrix"), 0, 0, 1},
        {named(computed, "computed"), 0, 2, 4},
        {named(second, "second"), 1, 2, 8},
        {named(turned, "turned"), 1, 2, 5},
        {named(odd, "odd"), 0, 2, 3},
    };
}

INSTANTIATE_TEST_SUITE_P(Shapes, ProductsOfParts, testing::ValuesIn(matrix_views()), [](const auto& test) { return test.param.product.name; });

//! Of a value of those dims, and the sum with an operand that has gaps too.
struct ChainView {
    const char* name;
    std::vector<std::int64_t> dims;
    std::size_t axis;
    Layout layout = Layout::kLINEAR;
    DataType type = DataType::kFLOAT;
};

std::ostream& operator<<(std::ostream& out, const ChainView& v) { return out << v.name; }

class ChainsOfParts : public testing::TestWithParam<ChainView> {};

TEST_P(ChainsOfParts, ReadNothingBesideThem) {
    const ChainView& c = GetParam();
    const auto device = vulkan::Device::current();
    if (c.type == DataType::kHALF && !device->caps().fp16_storage) GTEST_SKIP() << "no fp16 storage";
    tactics::Operation sum;
    sum.name = "sum";
    sum.kind = tactics::Pointwise{};
    sum.epilogue.slots = {{PointwiseOp::kADD, {PointwiseArg::Kind::kVALUE, 0}, {PointwiseArg::Kind::kOPERAND, 0}}};
    OperationCase operation(std::move(sum));
    const Tensor a = random_tensor(c.type, c.dims, 1), b = random_tensor(c.type, c.dims, 2);
    Tensor expected(c.type, c.dims);
    for (std::int64_t i = 0; i < expected.volume(); ++i) expected.set(i, a.get(i) + b.get(i));
    operation.add_input(a, c.layout, false);
    operation.add_operand(b, c.layout);
    operation.set_output(c.type, c.dims, c.layout);
    operation.leave_gaps(0, c.axis, 8);
    operation.leave_gaps(1, c.axis, 16);
    (void)run_all(operation, expected, c.type == DataType::kHALF ? 1e-3 : 1e-6);
}

const ChainView kChains[] = {
    {"columns", {5, 12}, 1},
    {"odd_columns", {3, 17}, 1},
    {"rows", {3, 5, 8}, 1},
    {"channels_last", {2, 8, 3, 5}, 1, Layout::kCHANNELS_LAST},
    {"lines_of_channels_last", {2, 8, 3, 5}, 2, Layout::kCHANNELS_LAST},
    {"halves", {7, 24}, 1, Layout::kLINEAR, DataType::kHALF},
    {"one_row", {1, 20}, 1},
};

INSTANTIATE_TEST_SUITE_P(Shapes, ChainsOfParts, testing::ValuesIn(kChains), [](const auto& test) { return test.param.name; });

} // namespace
} // namespace tensorvk::test
