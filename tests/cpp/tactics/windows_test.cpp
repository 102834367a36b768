// Pooling and resizing over odd shapes, layouts and rules, against the host's reference.
#include <gtest/gtest.h>

#include "kernels/host/pooling.hpp"
#include "kernels/host/resize.hpp"
#include "tactics/check.hpp"

namespace tensorvk::test {
namespace {

using kernels::PoolGeometry;
using kernels::host::ResizeRules;
using kernels::host::Tensor;
using tactics::Layout;

constexpr Layout kLast = Layout::kCHANNELS_LAST;

std::vector<std::string> check(tactics::Kind kind, const Tensor& x, Layout from, const Tensor& expected, Layout to, double tolerance,
                               bool dynamic = false) {
    tactics::Operation operation;
    operation.name = "window";
    operation.kind = std::move(kind);
    OperationCase test(operation);
    test.add_input(x, from, false);
    test.set_output(x.dtype, expected.dims, to);
    if (dynamic) {
        test.make_dynamic(0);
    }
    return check_all(test, {expected}, tolerance);
}

struct Pool {
    std::string name;
    std::vector<std::int64_t> x, window, stride, pre, post;
    std::vector<std::int64_t> dilation{};
    bool ceil = false;
};

class Pools : public testing::TestWithParam<Pool> {};

TEST_P(Pools, MatchInEveryLayoutRuleAndType) {
    const Pool& c = GetParam();
    PoolGeometry g{.op = PoolGeometry::Op::kMAX, .window = c.window, .stride = c.stride, .dilation = c.dilation, .pre = c.pre, .post = c.post,
                   .ceil = c.ceil, .exclude_padding = true};
    g.dilation.resize(c.window.size(), 1);
    for (const DataType type : float_types()) {
        const Tensor x = random_tensor(type, c.x, 3);
        for (const auto op : {PoolGeometry::Op::kMAX, PoolGeometry::Op::kAVERAGE}) {
            for (const bool exclude : {true, false}) {
                g.op = op;
                g.exclude_padding = exclude;
                if (op == PoolGeometry::Op::kMAX && !exclude) continue;
                const Tensor expected = kernels::host::pooling(unrounded(x), g);
                const double tolerance = float_tolerance(op == PoolGeometry::Op::kMAX ? 0 : checked_volume(c.window), type);
                const auto ran = check(tactics::Pooling{g}, x, kLast, expected, kLast, tolerance);
                const bool wide = type == DataType::kHALF && op == PoolGeometry::Op::kMAX && c.x[1] % 8 == 0;
                EXPECT_EQ(ran.size(), type == DataType::kBF16 ? 0u : wide ? 3u : c.x[1] % 4 == 0 ? 2u : 1u);
                check(tactics::Pooling{g}, x, Layout::kLINEAR, expected, Layout::kLINEAR, tolerance, true);
                check(tactics::Pooling{g}, x, Layout::kLINEAR, expected, kLast, tolerance);
            }
        }
    }
}

TEST_P(Pools, MaximaOfBytesInEveryLayout) {
    const Pool& c = GetParam();
    PoolGeometry g{.op = PoolGeometry::Op::kMAX, .window = c.window, .stride = c.stride, .dilation = c.dilation, .pre = c.pre, .post = c.post,
                   .ceil = c.ceil, .exclude_padding = true};
    g.dilation.resize(c.window.size(), 1);
    for (const DataType type : {DataType::kINT8, DataType::kUINT8}) {
        Tensor x(type, c.x);
        std::mt19937 random(3);
        for (auto& byte : x.data) byte = static_cast<std::remove_reference_t<decltype(byte)>>(random() >> 24); // all of their numbers
        const Tensor expected = kernels::host::pooling(x, g);
        const auto ran = check(tactics::Pooling{g}, x, kLast, expected, kLast, 0.0);
        EXPECT_EQ(ran.size(), c.x[1] % 16 == 0 ? 3u : c.x[1] % 4 == 0 ? 2u : 1u);
        check(tactics::Pooling{g}, x, Layout::kLINEAR, expected, Layout::kLINEAR, 0.0, true);
        check(tactics::Pooling{g}, x, Layout::kLINEAR, expected, kLast, 0.0);
    }
}

//! Channels of a larger value, with `behind` others after those of each pixel.
TEST_P(Pools, OfAPartOfTheChannelsReadNothingBesideThem) {
    const Pool& c = GetParam();
    PoolGeometry g{.op = PoolGeometry::Op::kMAX, .window = c.window, .stride = c.stride, .dilation = c.dilation, .pre = c.pre, .post = c.post,
                   .ceil = c.ceil, .exclude_padding = true};
    g.dilation.resize(c.window.size(), 1);
    for (const DataType type : {DataType::kFLOAT, DataType::kHALF}) {
        if (type == DataType::kHALF && !vulkan::Device::current()->caps().fp16_storage) continue;
        const Tensor x = random_tensor(type, c.x, 3);
        for (const std::int64_t behind : {3, 8}) {
            for (const auto op : {PoolGeometry::Op::kMAX, PoolGeometry::Op::kAVERAGE}) {
                g.op = op;
                tactics::Operation operation{.name = "part", .kind = tactics::Pooling{g}, .inputs = {}, .outputs = {}, .epilogue = {}, .operands = {}};
                OperationCase test(operation);
                test.add_input(x, kLast, false);
                test.set_output(type, kernels::host::pooling(unrounded(x), g).dims, kLast);
                test.leave_gaps(0, 1, behind);
                const Tensor expected = kernels::host::pooling(unrounded(x), g);
                const auto ran = check_all(test, {expected}, float_tolerance(op == PoolGeometry::Op::kMAX ? 0 : checked_volume(c.window), type));
                EXPECT_FALSE(ran.empty() && vulkan::Device::current()->caps().shaders);
            }
        }
    }
}

INSTANTIATE_TEST_SUITE_P(
    Windows, Pools,
    testing::Values(Pool{"halves", {2, 8, 6, 10}, {2, 2}, {2, 2}, {0, 0}, {0, 0}}, Pool{"odd", {1, 3, 7, 5}, {2, 2}, {2, 2}, {0, 0}, {0, 0}},
                    Pool{"odd_ceil", {1, 4, 7, 5}, {2, 2}, {2, 2}, {0, 0}, {0, 0}, {}, true},
                    Pool{"resnet", {1, 4, 17, 33}, {3, 3}, {2, 2}, {1, 1}, {1, 1}},
                    Pool{"squeezenet", {1, 4, 13, 13}, {3, 3}, {2, 2}, {0, 0}, {0, 0}, {}, true},
                    Pool{"beyond_the_padding", {1, 1, 3, 3}, {3, 3}, {2, 2}, {1, 1}, {0, 0}, {}, true},
                    Pool{"uneven", {1, 5, 9, 4}, {3, 2}, {1, 2}, {0, 1}, {2, 0}}, Pool{"dilated", {1, 4, 9, 9}, {3, 2}, {1, 1}, {1, 0}, {1, 0}, {2, 3}},
                    Pool{"units_of_halves", {2, 24, 9, 17}, {3, 3}, {2, 2}, {1, 1}, {1, 1}}, Pool{"units_volume", {1, 16, 3, 5, 4}, {2, 3, 2}, {1, 2, 2}, {1, 1, 0}, {0, 1, 1}},
                    Pool{"units_of_bytes", {3, 48, 5, 7}, {2, 3}, {1, 2}, {1, 0}, {0, 1}},
                    Pool{"line", {2, 3, 17}, {4}, {3}, {1}, {2}}, Pool{"volume", {1, 4, 5, 3, 7}, {2, 3, 2}, {2, 1, 2}, {0, 1, 0}, {1, 1, 1}},
                    Pool{"many_channels", {2, 17, 9, 7}, {3, 3}, {1, 1}, {1, 1}, {1, 1}}, Pool{"many_channels_apart", {1, 33, 17, 9}, {3, 3}, {2, 2}, {1, 1}, {1, 1}},
                    Pool{"many_channels_dilated", {1, 9, 9, 11}, {3, 3}, {1, 1}, {2, 2}, {2, 2}, {2, 2}},
                    Pool{"larger_than_the_picture", {1, 8, 5, 6}, {13, 13}, {1, 1}, {6, 6}, {6, 6}},
                    Pool{"many_channels_volume", {1, 9, 4, 3, 7}, {2, 3, 3}, {2, 1, 1}, {0, 1, 1}, {1, 1, 1}},
                    Pool{"one", {1, 1, 1, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 0}}, Pool{"everything", {1, 8, 5, 5}, {5, 5}, {5, 5}, {0, 0}, {0, 0}}),
    [](const auto& test) { return test.param.name; });

struct Size {
    std::string name;
    std::vector<std::int64_t> x, y;
    std::vector<float> scales{};
};

class Resizes : public testing::TestWithParam<Size> {};

tactics::Resize kind_of(const ResizeRules& r) {
    return {r.mode, r.coordinates, r.selector, r.rounding, r.exclude_outside, r.cubic_coeff, r.scales};
}

void check_layouts(const ResizeRules& rules, const Size& c, DataType type, double tolerance) {
    const Tensor x = random_tensor(type, c.x, 5);
    const Tensor expected = kernels::host::resize(unrounded(x), c.y, rules);
    check(kind_of(rules), x, Layout::kLINEAR, expected, Layout::kLINEAR, tolerance);
    if (c.x.size() >= 3 && c.x[0] == c.y[0] && c.x[1] == c.y[1]) {
        const auto ran = check(kind_of(rules), x, kLast, expected, kLast, tolerance, true);
        EXPECT_EQ(ran.size(), type == DataType::kBF16 ? 0u : c.x[1] % 4 == 0 ? 2u : 1u);
        check(kind_of(rules), x, Layout::kLINEAR, expected, kLast, tolerance);
    }
}

TEST_P(Resizes, NearestInEveryRounding) {
    const Size& c = GetParam();
    for (const auto coordinates : {ResizeCoordinateTransformation::kALIGN_CORNERS, ResizeCoordinateTransformation::kASYMMETRIC,
                                   ResizeCoordinateTransformation::kHALF_PIXEL}) {
        for (const auto rounding : {ResizeRoundMode::kHALF_UP, ResizeRoundMode::kHALF_DOWN, ResizeRoundMode::kFLOOR, ResizeRoundMode::kCEIL}) {
            SCOPED_TRACE(text("coordinates ", static_cast<int>(coordinates), ", rounding ", static_cast<int>(rounding)));
            check_layouts({.coordinates = coordinates, .rounding = rounding, .scales = c.scales}, c, DataType::kFLOAT, 1e-9);
        }
    }
}

TEST_P(Resizes, LinearAndCubicInEveryCoordinateRule) {
    const Size& c = GetParam();
    for (const auto coordinates : {ResizeCoordinateTransformation::kALIGN_CORNERS, ResizeCoordinateTransformation::kASYMMETRIC,
                                   ResizeCoordinateTransformation::kHALF_PIXEL}) {
        for (const auto selector : {ResizeSelector::kFORMULA, ResizeSelector::kUPPER}) {
            for (const bool exclude : {false, true}) {
                ResizeRules rules{.mode = InterpolationMode::kCUBIC, .coordinates = coordinates, .selector = selector, .exclude_outside = exclude,
                                  .scales = c.scales};
                // Positions are floats of up to 40: their rounding, 2e-6, moves a weight by as much.
                for (const DataType type : {DataType::kFLOAT, DataType::kBF16}) {
                    if (std::ranges::count(float_types(), type) == 0) continue;
                    const double tolerance = type == DataType::kFLOAT ? 2e-5 : kBfloatTolerance;
                    rules.mode = InterpolationMode::kCUBIC;
                    check_layouts(rules, c, type, tolerance);
                    rules.mode = InterpolationMode::kLINEAR;
                    if (!exclude) check_layouts(rules, c, type, tolerance);
                }
            }
        }
    }
}

INSTANTIATE_TEST_SUITE_P(
    Sizes, Resizes,
    testing::Values(Size{"twice", {1, 4, 5, 7}, {1, 4, 10, 14}}, Size{"by_scales", {2, 3, 5, 7}, {2, 3, 10, 14}, {1.0f, 1.0f, 2.0f, 2.0f}},
                    Size{"by_odd_scales", {1, 4, 5, 7}, {1, 4, 13, 11}, {1.0f, 1.0f, 2.7f, 1.6f}}, Size{"thirds", {1, 4, 3, 33}, {1, 4, 9, 11}},
                    Size{"to_one", {1, 4, 5, 3}, {1, 4, 1, 1}}, Size{"from_one", {1, 4, 1, 1}, {1, 4, 3, 17}}, Size{"line", {1, 3, 17}, {1, 3, 40}},
                    Size{"volume", {1, 4, 3, 2, 5}, {1, 4, 5, 4, 3}}, Size{"matrix", {3, 5}, {7, 4}}, Size{"channels_too", {1, 3, 4, 5}, {1, 6, 4, 10}}),
    [](const auto& test) { return test.param.name; });

TEST(Resize, HalvesAreInterpolatedInFloat) {
    if (!vulkan::Device::current()->caps().fp16_storage) GTEST_SKIP() << "no fp16 storage";
    check_layouts({.mode = InterpolationMode::kLINEAR, .coordinates = ResizeCoordinateTransformation::kHALF_PIXEL, .scales = {}},
                  {"half", {1, 8, 3, 5}, {1, 8, 6, 10}},
                  DataType::kHALF, float_tolerance(4, DataType::kHALF));
}

} // namespace
} // namespace tensorvk::test
