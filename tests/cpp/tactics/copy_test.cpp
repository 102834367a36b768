// Copies (transpose, slice, pad, expand, concatenation, change of layout) and gathers, byte for byte against the host's reference.
#include <gtest/gtest.h>

#include "kernels/host/copy.hpp"
#include "tactics/check.hpp"

namespace tensorvk::test {
namespace {

using kernels::host::CopyRegion;
using kernels::host::Tensor;
using tactics::Layout;

constexpr Layout kLast = Layout::kCHANNELS_LAST;

struct Case {
    std::string name;
    std::vector<std::int64_t> source;
    CopyRegion region;
    Layout from = Layout::kLINEAR, to = Layout::kLINEAR;
    std::vector<std::string> ran = {"copy/generic"};
};

CopyRegion identity(const std::vector<std::int64_t>& dims) {
    CopyRegion region;
    for (std::size_t a = 0; a < dims.size(); ++a) {
        region.axis_of.push_back(static_cast<std::int32_t>(a));
    }
    region.start.assign(dims.size(), 0);
    region.stride.assign(dims.size(), 1);
    region.extent = dims;
    return region;
}

CopyRegion transpose(const std::vector<std::int64_t>& dims, std::vector<std::int32_t> order) {
    CopyRegion region = identity(dims);
    for (std::size_t a = 0; a < dims.size(); ++a) {
        region.extent[a] = dims[static_cast<std::size_t>(order[a])];
    }
    region.axis_of = std::move(order);
    return region;
}

CopyRegion slice(std::vector<std::int64_t> start, std::vector<std::int64_t> extent, std::vector<std::int64_t> stride,
                 SampleMode outside = SampleMode::kSTRICT_BOUNDS, double fill = 0.0) {
    CopyRegion region = identity(extent);
    region.start = std::move(start);
    region.stride = std::move(stride);
    region.outside = outside;
    region.fill = fill;
    return region;
}

//! The operation that says the same; `offset` along one axis of the output, each position `apart` from the one before. Symbols are for the harness to
//! make.
OperationCase make(const Tensor& source, Layout from, const CopyRegion& region, Tensor target, Layout to, std::int32_t axis = -1,
                   std::int64_t offset = 0, std::int64_t apart = 1) {
    tactics::Operation operation;
    operation.name = "copy";
    operation.kind = tactics::Copy{};
    OperationCase test(operation);
    test.add_input(source, from, false);
    test.set_output(target.dtype, target.dims, to);
    test.change([&](tactics::Operation& op, shape::ExprPool& exprs) {
        const auto all = [&](const std::vector<std::int64_t>& values) {
            shape::Exprs out;
            for (const std::int64_t value : values) {
                out.push_back(exprs.constant(value));
            }
            return out;
        };
        op.kind = tactics::Copy{.axis_of = region.axis_of, .start = all(region.start), .stride = all(region.stride), .region = all(region.extent),
                                .destination_axis = axis, .destination_offset = exprs.constant(offset), .destination_stride = apart, .outside = region.outside, .fill = region.fill};
    });
    return test;
}

Tensor numbered(DataType type, const std::vector<std::int64_t>& dims) {
    Tensor tensor(type, dims);
    for (std::int64_t i = 0; i < tensor.volume(); ++i) {
        tensor.set(i, type == DataType::kBOOL ? static_cast<double>(i % 3 == 0) : static_cast<double>(i % 100));
    }
    return tensor;
}

class Copies : public testing::TestWithParam<Case> {};

TEST_P(Copies, MoveEveryElementType) {
    const Case& c = GetParam();
    for (const DataType type : {DataType::kFLOAT, DataType::kHALF, DataType::kINT64, DataType::kBOOL}) {
        SCOPED_TRACE(dtype_name(type));
        const Tensor source = numbered(type, c.source);
        const Tensor expected = kernels::host::copy_region(source, c.region);
        const auto ran = check_all(make(source, c.from, c.region, expected, c.to), {expected}, 0.0);
        if (type == DataType::kFLOAT) {
            EXPECT_EQ(ran, c.ran);
        }
        const bool small = type == DataType::kHALF || type == DataType::kBOOL;
        EXPECT_EQ(check_packed(make(source, c.from, c.region, expected, c.to), expected), small && vulkan::Device::current()->caps().shaders ? 1 : 0);
    }
}

const std::vector<std::string> kBlocks = {"copy/transpose", "copy/generic"};
const std::vector<std::string> kBoth = {"copy/vec4", "copy/generic"};
constexpr SampleMode kFill = SampleMode::kFILL;
INSTANTIATE_TEST_SUITE_P(
    Regions, Copies,
    testing::Values(
        Case{"scalar", {}, identity({})}, Case{"line", {17}, identity({17})}, Case{"whole", {3, 4, 16}, identity({3, 4, 16}), {}, {}, kBoth},
        Case{"matrix_transpose", {3, 17}, transpose({3, 17}, {1, 0}), {}, {}, kBlocks},
        Case{"whole_blocks", {8, 16}, transpose({8, 16}, {1, 0}), {}, {}, kBlocks}, Case{"one_block", {1, 2, 3}, transpose({1, 2, 3}, {2, 1, 0}), {}, {}, kBlocks}, Case{"nchw_to_nhwc", {2, 3, 5, 7}, transpose({2, 3, 5, 7}, {0, 2, 3, 1}), {}, {}, kBlocks},
        Case{"keeps_the_innermost", {3, 5, 16}, transpose({3, 5, 16}, {1, 0, 2}), {}, {}, kBoth},
        Case{"eight_axes", {2, 1, 3, 2, 1, 2, 3, 2}, transpose({2, 1, 3, 2, 1, 2, 3, 2}, {7, 6, 5, 4, 3, 2, 1, 0}), {}, {}, kBlocks},
        Case{"layout_to_last", {2, 5, 3, 4}, identity({2, 5, 3, 4}), Layout::kLINEAR, kLast, kBlocks},
        Case{"layout_to_linear", {2, 5, 3, 4}, identity({2, 5, 3, 4}), kLast, Layout::kLINEAR, kBlocks},
        Case{"last_to_last", {2, 16, 3, 4}, identity({2, 16, 3, 4}), kLast, kLast, kBoth},
        Case{"slice", {5, 33}, slice({1, 4}, {3, 16}, {1, 1})},
        Case{"slice_of_pairs", {5, 34}, slice({1, 2}, {3, 6}, {1, 1}), {}, {}, {"copy/vec2", "copy/generic"}},
        Case{"shuffle", {2, 3, 4, 5}, transpose({2, 3, 4, 5}, {0, 2, 1, 3})},
        Case{"vectors_on_one_side", {1, 8, 3, 3}, identity({1, 8, 3, 3}), kLast, Layout::kLINEAR, kBlocks}, Case{"aligned_slice", {5, 32}, slice({1, 16}, {3, 16}, {1, 1}), {}, {}, kBoth},
        Case{"steps", {9, 33}, slice({8, 32}, {3, 11}, {-3, -3})}, Case{"every_second", {1, 3, 8, 8}, slice({0, 0, 1, 0}, {1, 3, 4, 4}, {1, 1, 2, 2})},
        Case{"channels_of_last", {1, 32, 3, 3}, slice({0, 16, 0, 0}, {1, 16, 3, 3}, {1, 1, 1, 1}), kLast, kLast, kBoth},
        Case{"expand", {3, 1, 4}, CopyRegion{{0, -1, 2}, {0, 0, 0}, {1, 0, 1}, {3, 5, 4}}, {}, {}, kBoth},
        Case{"new_axis", {4}, CopyRegion{{-1, 0}, {0}, {0, 1}, {3, 4}}, {}, {}, kBoth},
        Case{"index", {3, 5, 4}, CopyRegion{{0, 2}, {0, 2, 0}, {1, 1}, {3, 4}}, {}, {}, kBoth},
        Case{"diagonal", {4, 4}, CopyRegion{{0}, {0, 0}, {1}, {4}}}, Case{"empty", {0, 5}, identity({0, 5}), {}, {}, kBoth},
        Case{"pad", {2, 3, 3, 5}, slice({0, 0, -1, -2}, {2, 3, 5, 9}, {1, 1, 1, 1}, kFill, 7.0)},
        Case{"pad_last", {2, 16, 3, 5}, slice({0, 0, -1, -2}, {2, 16, 5, 9}, {1, 1, 1, 1}, kFill, 1.0), kLast, kLast, kBoth},
        Case{"pad_channels", {2, 3, 4, 5}, slice({0, -2, 0, 0}, {2, 7, 4, 5}, {1, 1, 1, 1}, kFill, 0.0), kLast, kLast},
        Case{"crop_and_pad", {6, 6}, slice({2, -1}, {7, 4}, {1, 1}, kFill, 2.0)},
        Case{"edge", {1, 2, 3, 4}, slice({0, 0, -3, -2}, {1, 2, 9, 8}, {1, 1, 1, 1}, SampleMode::kCLAMP)},
        Case{"reflect", {1, 2, 3, 4}, slice({0, 0, -2, -3}, {1, 2, 7, 10}, {1, 1, 1, 1}, SampleMode::kREFLECT)},
        Case{"wrap", {3, 4}, slice({-4, -9}, {11, 20}, {1, 1}, SampleMode::kWRAP)}),
    [](const auto& test) { return test.param.name; });

struct Part {
    std::int64_t offset;
    std::vector<std::int64_t> dims;
};

class Concatenation : public testing::TestWithParam<Layout> {};

TEST_P(Concatenation, PartsLandBesideEachOtherAndTouchNothingElse) {
    for (const std::int64_t channels : {4, 3}) {
        for (const DataType type : {DataType::kFLOAT, DataType::kHALF, DataType::kBOOL}) {
            const Tensor part = numbered(type, {2, channels, 3, 5});
            Tensor target(type, {2, 12, 3, 5});
            std::ranges::fill(target.data, std::byte{0xFF}); // what the harness fills memory with
            Tensor expected = target;
            kernels::host::copy_region(part, identity(part.dims), expected, {0, 4, 0, 0});
            check_all(make(part, GetParam(), identity(part.dims), target, GetParam(), 1, 4), {expected}, 0.0);
        }
    }
}

TEST_P(Concatenation, PartsAreWrittenBetweenOthers) {
    for (const std::int64_t apart : {2, 3}) {
        for (const DataType type : {DataType::kFLOAT, DataType::kHALF, DataType::kBOOL}) {
            const Tensor part = numbered(type, {2, 4, 3, 5});
            Tensor target(type, {2, 12, 3, 5});
            std::ranges::fill(target.data, std::byte{0xFF});
            Tensor expected = target;
            for (std::int64_t channel = 0; channel < 4; ++channel) {
                const Tensor one = kernels::host::copy_region(part, slice({0, channel, 0, 0}, {2, 1, 3, 5}, {1, 1, 1, 1}));
                kernels::host::copy_region(one, identity(one.dims), expected, {0, 1 + apart * channel, 0, 0});
            }
            check_all(make(part, GetParam(), identity(part.dims), target, GetParam(), 1, 1, apart), {expected}, 0.0);
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Layouts, Concatenation, testing::Values(Layout::kLINEAR, kLast));

TEST(Copy, WithDynamicBatch) {
    const Tensor source = numbered(DataType::kFLOAT, {5, 3, 7});
    const CopyRegion region = transpose(source.dims, {0, 2, 1});
    const Tensor expected = kernels::host::copy_region(source, region);
    OperationCase test = make(source, Layout::kLINEAR, region, expected, Layout::kLINEAR);
    test.make_dynamic(0);
    test.change([&](tactics::Operation& op, shape::ExprPool&) { std::get<tactics::Copy>(op.kind).region[0] = test.input_dim(0); });
    check_all(test, {expected}, 0.0);
}

class Gathers : public testing::TestWithParam<DataType> {};

TEST_P(Gathers, AlongEveryAxisWithNegativeIndices) {
    for (const std::vector<std::int64_t>& dims : {std::vector<std::int64_t>{5, 3, 16}, std::vector<std::int64_t>{4, 5, 3}}) {
        for (const std::int64_t axis : {0, 1, 2}) {
            for (const DataType index_type : {DataType::kINT32, DataType::kINT64}) {
                const Tensor data = numbered(GetParam(), dims);
                Tensor indices(index_type, {2, 3});
                for (std::int64_t i = 0; i < 6; ++i) {
                    indices.set_integer(i, i % 2 == 0 ? i % dims[static_cast<std::size_t>(axis)] : -1 - i % 3);
                }
                const Tensor expected = kernels::host::gather(data, indices, axis);
                tactics::Operation operation;
                operation.name = "gather";
                operation.kind = tactics::Gather{axis};
                OperationCase test(operation);
                test.add_input(data, Layout::kLINEAR, false);
                test.add_input(indices, Layout::kLINEAR, false);
                test.set_output(expected.dtype, expected.dims, Layout::kLINEAR);
                check_all(test, {expected}, 0.0);
                const bool small = GetParam() == DataType::kHALF || GetParam() == DataType::kBOOL;
                EXPECT_EQ(check_packed(test, expected), small && vulkan::Device::current()->caps().shaders ? 1 : 0);
            }
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Types, Gathers, testing::Values(DataType::kFLOAT, DataType::kHALF, DataType::kINT64, DataType::kBOOL),
                         [](const auto& test) { return std::string(dtype_name(test.param)); });

TEST(Gather, AnIndexOutsideReadsNoForeignMemory) {
    const Tensor data = numbered(DataType::kFLOAT, {3, 4});
    Tensor indices(DataType::kINT32, {2});
    indices.set_integer(0, 1'000'000'000);
    indices.set_integer(1, -1'000'000'000);
    Tensor nearest(DataType::kINT32, {2});
    nearest.set_integer(0, 2);
    EXPECT_THROW(static_cast<void>(kernels::host::gather(data, indices, 0)), InvalidArgument);
    const Tensor expected = kernels::host::gather(data, nearest, 0);
    tactics::Operation operation;
    operation.name = "gather";
    operation.kind = tactics::Gather{0};
    OperationCase test(operation);
    test.add_input(data, Layout::kLINEAR, false);
    test.add_input(indices, Layout::kLINEAR, false);
    test.set_output(expected.dtype, expected.dims, Layout::kLINEAR);
    check_all(test, {expected}, 0.0);
}

TEST(ShapeValues, AreWrittenInBothIntegerTypesAlsoWhenTheyAreMany) {
    for (const DataType type : {DataType::kINT32, DataType::kINT64}) {
        for (const std::int64_t count : {1, 28, 29, 67}) {
            Tensor expected(type, {count});
            tactics::Operation operation;
            operation.name = "shape";
            operation.kind = tactics::ShapeValues{};
            OperationCase test(operation);
            test.set_output(type, {count}, Layout::kLINEAR);
            test.change([&](tactics::Operation& op, shape::ExprPool& exprs) {
                for (std::int64_t i = 0; i < count; ++i) {
                    std::get<tactics::ShapeValues>(op.kind).values.push_back(exprs.constant(7 - 3 * i));
                    expected.set_integer(i, 7 - 3 * i);
                }
            });
            check_all(test, {expected}, 0.0);
        }
    }
}

} // namespace
} // namespace tensorvk::test
