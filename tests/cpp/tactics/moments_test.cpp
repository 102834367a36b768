// Rows that one product writes and another one normalises: what the first tells of them, and that the second believes it.
#include <gtest/gtest.h>

#include "tactics/matrix_case.hpp"
#include "tactics/played_units.hpp"

namespace tensorvk::test::matrix {
namespace {

//! Of each sixteen neighbours the mean, and the sum of squared differences from it, in double precision.
Tensor moments_of(const Tensor& rows) {
    constexpr std::int64_t kColumns = tactics::kMomentColumns;
    Dims dims = rows.dims;
    dims.back() /= kColumns;
    dims.push_back(2);
    Tensor out(DataType::kFLOAT, dims);
    for (std::int64_t part = 0; part < rows.volume() / kColumns; ++part) {
        double mean = 0.0, squares = 0.0;
        for (std::int64_t i = 0; i < kColumns; ++i) mean += rows.get(part * kColumns + i) / static_cast<double>(kColumns);
        for (std::int64_t i = 0; i < kColumns; ++i) squares += std::pow(rows.get(part * kColumns + i) - mean, 2.0);
        out.set(2 * part, mean);
        out.set(2 * part + 1, squares);
    }
    return out;
}

//! Of each kind of tile one, as far as they are on matrix units.
bool is_tried(const tactics::Candidate& candidate) {
    constexpr std::string_view kTiles[] = {"32x32x64", "64x64x64_w8", "128x64x32", "32x64x128_w8", "32x64x64_w8_p2", "32x32x128_w8", "32x32x128_w16"};
    return candidate.applicable() && (candidate.name.find("/coopmat_") == std::string::npos || is_on_units(candidate, kTiles));
}

//! The device, a GPU of its other abilities, and one with matrix units.
std::vector<vulkan::DeviceCaps> players() {
    std::vector<vulkan::DeviceCaps> out{vulkan::Device::by_index(0)->caps()};
    out.push_back(out[0]);
    out[1].is_cpu = false;
    if (can_play_units()) out.push_back(with_units(out[0]));
    return out;
}

Case halves(Case c) {
    c.a_type = c.out_type = DataType::kHALF;
    return c;
}

class WrittenRows : public testing::TestWithParam<Case> {};

TEST_P(WrittenRows, ComeWithTheirMoments) {
    const auto device = vulkan::Device::by_index(0);
    if (!device->caps().shaders || !device->caps().fp16_storage) GTEST_SKIP() << "no shaders, or no storage of float16";
    Built built = build(halves(GetParam()));
    built.operation.change([](tactics::Operation& operation, shape::ExprPool&) { operation.companion = tactics::RowMoments{}; });
    built.operation.set_output(DataType::kFLOAT, moments_of(built.expected).dims, Layout::kLINEAR);
    int accompanied = 0, followed = 0;
    for (const vulkan::DeviceCaps& caps : players()) {
        for (const tactics::Candidate& candidate : built.operation.candidates(caps)) {
            if (!is_tried(candidate)) continue;
            ++(candidate.accompanied ? accompanied : followed);
            OperationCase::Prepared prepared = built.operation.prepare(device, candidate, caps);
            prepared.runner->run();
            const Tensor rows = built.operation.output(prepared);
            expect_near(rows, built.expected, tolerance_of(GetParam(), built) * 2e3, candidate.name);
            expect_near(built.operation.output(prepared, 1), moments_of(rows), 1e-5, candidate.name + ", of what it has stored");
        }
    }
    EXPECT_GE(followed, 1) << "kernels that know nothing of moments have a step behind";
    EXPECT_EQ(accompanied > 0, can_play_units());
}

const Case kWritten[] = {
    {.name = "odd_rows", .a = {33, 64}, .b = {64, 48}, .bias = true, .operand = {33, 48}},
    {.name = "one_row", .a = {1, 72}, .b = {72, 16}},
    {.name = "whole_tiles", .a = {128, 256}, .b = {256, 128}, .bias = true, .operand = {128, 128}},
    {.name = "cut_depth", .a = {17, 3072}, .b = {3072, 80}, .bias = true, .operand = {17, 80}},
    {.name = "cut_depth_one_row", .a = {1, 2048}, .b = {2048, 16}},
    {.name = "batch", .a = {3, 17, 48}, .b = {48, 112}, .operand = {112}},
    {.name = "dynamic_rows", .a = {3, 17, 32}, .b = {32, 32}, .bias = true, .operand = {3, 17, 32}, .dynamic = true},
    {.name = "by_rows_of_weights", .a = {20, 40}, .b = {64, 40}, .transpose_b = true, .bias = true},
};
INSTANTIATE_TEST_SUITE_P(Shapes, WrittenRows, testing::ValuesIn(kWritten), [](const auto& shape) { return shape.param.name; });

TEST(RowsWithoutMoments, AreToldApart) {
    const auto refusal = [](DataType type, std::int64_t columns) {
        OperationCase rows(tactics::Operation{.name = "rows", .kind = tactics::RowMoments{}, .inputs = {}, .outputs = {}, .epilogue = {}, .operands = {}});
        rows.add_input(Tensor(type, {3, columns}), Layout::kLINEAR, false);
        rows.set_output(DataType::kFLOAT, {3, columns / tactics::kMomentColumns, 2}, Layout::kLINEAR);
        return rows.candidates(large_gpu()).front().refusal;
    };
    EXPECT_EQ(refusal(DataType::kHALF, 32), "");
    EXPECT_EQ(refusal(DataType::kFLOAT, 32), "'value0' is not float16");
    EXPECT_EQ(refusal(DataType::kHALF, 24), "the length of a row, 24, is not known to be a multiple of 16");
}

class GivenMoments : public testing::TestWithParam<Case> {};

//! They are those of other rows, so that who looks for them itself is found out.
TEST_P(GivenMoments, AreBelieved) {
    const auto device = vulkan::Device::by_index(0);
    if (!device->caps().shaders || !device->caps().fp16_storage) GTEST_SKIP() << "no shaders, or no storage of float16";
    const Case c = halves(GetParam());
    Case alike = c;
    alike.mean = 0.0f;
    Built built = build(alike);
    const Tensor a = random_tensor(c.a_type, c.a, 1), b = random_tensor(c.b_type, c.b, 2), bias = random_tensor(DataType::kFLOAT, {c.b.back()}, 3);
    Tensor others = a;
    for (std::int64_t i = 0; i < a.volume(); ++i) others.set(i, 3.0 * a.get(i) + static_cast<double>(c.mean + static_cast<float>(i / c.a.back() % 5)));
    built.operation.change([](tactics::Operation& operation, shape::ExprPool&) { std::get<tactics::MatrixProduct>(operation.kind).normalized->given = true; });
    built.operation.add_input(moments_of(others), Layout::kLINEAR, false);
    const Tensor expected = built.operation.finish(kernels::host::matrix_product(normalized(a, *c.normalized, others), widened(b), false, false, &bias));
    int tried = 0;
    for (const vulkan::DeviceCaps& caps : players()) {
        for (const tactics::Candidate& candidate : built.operation.candidates(caps)) {
            if (!is_tried(candidate)) continue;
            ++tried;
            OperationCase::Prepared prepared = built.operation.prepare(device, candidate, caps);
            prepared.runner->run();
            EXPECT_LT(relative_error(built.operation.output(prepared), expected), 2e-3) << candidate.name;
        }
    }
    EXPECT_GE(tried, can_play_units() ? 3 : 1);
}

const Case kGiven[] = {
    {.name = "odd_rows", .a = {70, 128}, .b = {128, 72}, .bias = true, .operand = {70, 72}, .normalized = {{1e-5f, true}}},
    {.name = "one_row", .a = {1, 256}, .b = {256, 8}, .bias = true, .normalized = {{1e-5f, true}}},
    {.name = "batch_uncentred", .a = {3, 17, 256}, .b = {256, 128}, .bias = true, .normalized = {{1e-3f, false}}},
    {.name = "far_from_zero", .a = {33, 256}, .b = {256, 64}, .bias = true, .normalized = {{1e-5f, true}}, .mean = 5.0f},
    {.name = "long_rows", .a = {5, 1536}, .b = {1536, 40}, .bias = true, .normalized = {{1e-5f, true}}},
};
INSTANTIATE_TEST_SUITE_P(Shapes, GivenMoments, testing::ValuesIn(kGiven), [](const auto& shape) { return shape.param.name; });

} // namespace
} // namespace tensorvk::test::matrix
