// The estimate by which builders choose the tiles that they try.
#include "tactics/tile_cost.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "builder/candidates.hpp"
#include "tactics/large_gpu.hpp"

namespace tensorvk::builder {
namespace {

using namespace tactics; // NOLINT: what is tried is theirs

//! Of halves; `rows` 0: dynamic.
std::vector<Candidate> candidates_of(std::int64_t rows, std::int64_t columns, std::int64_t depth) {
    shape::ExprPool exprs;
    const auto number = [&](std::int64_t value) { return value > 0 ? exprs.constant(value) : exprs.symbol("rows"); };
    const shape::Expr m = number(rows), n = number(columns), k = number(depth);
    std::vector<Value> values(3);
    values[0].dtype = values[2].dtype = DataType::kHALF;
    values[0].dims = {m, k};
    values[1].dims = {k, n};
    values[2].dims = {m, n};
    Operation operation;
    operation.name = "product";
    operation.kind = MatrixProduct{};
    operation.inputs = {0, 1};
    operation.outputs = {2};
    return tactics::candidates(operation, values, test::large_gpu(), exprs);
}

struct Measured {
    std::int64_t rows, columns, depth;
    const char* fastest; // or within 6 % of it
};

// The layers of ResNet-50 at batch 1 and 32, a U-Net and BERT on an H200, as products of the same size.
constexpr Measured kMeasured[] = {
    {65536, 32, 288, "128x32x32"},        {16384, 64, 288, "64x64x64_w8"},      {16384, 64, 576, "128x64x64_w16"},    {4096, 128, 576, "64x32x64_w8"},
    {4096, 128, 1152, "64x64x128_w8"},    {1024, 256, 1152, "32x64x128_w8"},    {1024, 256, 2304, "64x128x64_w8_k4"}, {256, 512, 2304, "32x32x256_w16"},
    {256, 512, 4608, "64x64x64_w8_k8"},   {1024, 256, 4608, "64x128x64_w8_k8"}, {4096, 128, 2304, "64x64x128_w8"}, {16384, 64, 1152, "128x64x64_w16"},
    {65536, 32, 576, "128x32x64_w8"},        {3136, 64, 64, "64x32x64_w8"},        {3136, 64, 576, "32x64x128_w8"},      {3136, 256, 64, "32x128x64_w8"},
    {3136, 64, 256, "32x64x128_w8"},      {3136, 128, 256, "64x64x64_w16"},     {784, 128, 1152, "32x64x128_w8"},     {784, 512, 128, "64x64x64_w16"},
    {784, 512, 256, "64x64x64_w16"},      {784, 128, 512, "32x32x128"},         {784, 256, 512, "32x64x128_w8"},      {196, 256, 2304, "32x128x128_w8_k9"},
    {196, 1024, 256, "32x64x128_w8"},     {196, 1024, 512, "32x64x128_w8"},     {196, 256, 1024, "32x32x256"},  {196, 512, 1024, "32x32x256_w8"},
    {49, 512, 4608, "64x64x128_w16_k12"},   {49, 2048, 512, "32x32x128_p2"},      {49, 2048, 1024, "32x32x128_p2"},     {49, 512, 2048, "32x64x128_w8_k8"},
    {128, 768, 768, "32x32x256_w16"},        {128, 3072, 768, "64x64x128_w8"},     {128, 768, 3072, "64x64x128_w8_k5"},     {100352, 64, 64, "128x64x64_w8"},
    {100352, 64, 576, "128x64x64_w8"},    {100352, 256, 64, "64x128x32"},       {100352, 64, 256, "128x64x64_w8"},    {100352, 128, 256, "64x128x64_w8"},
    {25088, 128, 1152, "64x128x32"},      {25088, 512, 128, "128x128x32"},      {25088, 512, 256, "64x128x64_w8"},    {25088, 128, 512, "64x128x32"},
    {25088, 256, 512, "64x128x64_w8"},    {6272, 256, 2304, "64x64x64"},        {6272, 1024, 256, "64x128x32"},       {6272, 1024, 512, "64x128x64_w8"},
    {6272, 256, 1024, "64x64x64"},        {6272, 512, 1024, "64x128x32"},       {1568, 512, 4608, "128x128x32_k5"},   {1568, 2048, 512, "128x128x32"},
    {1568, 2048, 1024, "128x128x32"},     {1568, 512, 2048, "128x128x32_k5"},   {32, 1000, 2048, "32x64x128_w8_k8"},  {128, 2304, 768, "64x64x128_w8"},
    {197, 2304, 768, "32x128x128_w8"},    {1568, 1024, 256, "128x128x64_w8"},
};

//! Of halves, 3 x 3, as large as its input: `in` channels of `side` x `side` to `out`.
std::vector<Candidate> convolution_candidates(std::int64_t batch, std::int64_t side, std::int64_t in, std::int64_t out) {
    shape::ExprPool exprs;
    const auto numbers = [&](std::initializer_list<std::int64_t> values) {
        shape::Exprs dims;
        for (const std::int64_t value : values) dims.push_back(exprs.constant(value));
        return dims;
    };
    std::vector<Value> values(3);
    values[0].dtype = values[2].dtype = DataType::kHALF;
    values[0].layout = values[2].layout = Layout::kCHANNELS_LAST;
    values[0].dims = numbers({batch, in, side, side});
    values[1].dims = numbers({out, in, 3, 3});
    values[2].dims = numbers({batch, out, side, side});
    for (Value& value : values) value.buffer = 0;
    Operation operation;
    operation.name = "convolution";
    operation.kind = Convolution{kernels::ConvGeometry{{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 1}, false, {}};
    operation.inputs = {0, 1};
    operation.outputs = {2};
    vulkan::DeviceCaps caps = test::large_gpu();
    caps.limits.max_storage_range = std::uint64_t{1} << 31; // convolutions through points ask for it
    return tactics::candidates(operation, values, caps, exprs);
}

struct MeasuredConvolution {
    std::int64_t batch, side, in, out;
    const char* fastest; // or within 3 % of it
    double us;
};

// Of 3 x 3, the layers of ResNet-50 at batch 1 and 32 and of a U-Net at batch 1 and 4 on an H200.
constexpr MeasuredConvolution kMeasuredConvolutions[] = {
    {1, 256, 32, 32, "halo_16x32x32", 11.4},      {1, 128, 64, 64, "halo_8x64x16_w8", 10.7},        {1, 64, 128, 128, "coopmat_64x64x128_w8", 12.6},
    {1, 64, 128, 128, "halo_8x32x32_w8_s2", 12.9}, {1, 32, 256, 256, "halo_8x64x16_w8_k4", 15.4},   {1, 16, 512, 512, "halo_4x64x16_k8", 16.1},
    {1, 32, 512, 256, "halo_8x64x16_k8", 19.9},   {1, 64, 256, 128, "halo_8x64x16_k4", 19.8},       {1, 128, 128, 64, "halo_8x64x16_w8", 16.3},
    {1, 256, 64, 32, "halo_16x32x32", 15.2},      {1, 56, 64, 64, "halo_4x32x32_w8_s2", 7.3},       {1, 56, 64, 64, "coopmat_32x64x128_w16", 7.5},
    {1, 28, 128, 128, "coopmat_32x32x256_w16", 9.3}, {1, 14, 256, 256, "halo_4x64x16_w8_k8", 10.9}, {1, 7, 512, 512, "coopmat_64x64x128_w8_k12", 12.0},
    {32, 56, 64, 64, "halo_14x64x16", 35.9},      {32, 28, 128, 128, "halo_14x64x16", 31.7},        {32, 14, 256, 256, "halo_8x128x16_w8", 34.7},
    {4, 256, 32, 32, "halo_16x32x32", 30.2},      {4, 128, 64, 64, "halo_16x64x16", 22.5},          {4, 64, 128, 128, "halo_8x128x16_w8", 20.8},
    {4, 32, 256, 256, "halo_8x128x16_w8_k2", 26.9}, {4, 256, 64, 32, "halo_16x32x32", 53.3},
};

bool tried(std::vector<Candidate> candidates, const std::string& name, int optimization_level) {
    leave_out_slow(candidates, optimization_level);
    const auto found = std::ranges::find(candidates, name, &Candidate::name);
    return found != candidates.end() && found->applicable();
}

TEST(TileCost, TheFastestOnAnH200IsTriedAtTheDefaultLevel) {
    constexpr int kDefaultLevel = 3;
    for (const Measured& product : kMeasured) {
        const std::vector<Candidate> all = candidates_of(product.rows, product.columns, product.depth);
        EXPECT_TRUE(tried(all, std::string("matrix/coopmat_") + product.fastest, kDefaultLevel)) << product.rows << " x " << product.columns << " x " << product.depth << ": " << product.fastest;
    }
}

TEST(TileCost, TheFastestOfOverlappingWindowsIsTriedAtTheDefaultLevelAndIsExpectedToTakeAboutAsLong) {
    constexpr int kDefaultLevel = 3;
    constexpr double kMostOff = 0.25;
    for (const MeasuredConvolution& layer : kMeasuredConvolutions) {
        const std::string what = layer.fastest + std::string(" of ") + std::to_string(layer.batch) + " x " + std::to_string(layer.in) + " at " + std::to_string(layer.side);
        const std::vector<Candidate> all = convolution_candidates(layer.batch, layer.side, layer.in, layer.out);
        const std::string name = std::string("conv/") + layer.fastest;
        EXPECT_TRUE(tried(all, name, kDefaultLevel)) << what;
        const auto found = std::ranges::find(all, name, &Candidate::name);
        ASSERT_NE(found, all.end()) << what;
        EXPECT_NEAR(found->estimate, layer.us, kMostOff * layer.us) << what;
    }
}

TEST(TileCost, FloatsAreNotEstimatedWhereMatrixUnitsDoNotTakeTheProduct) {
    for (const Candidate& candidate : candidates_of(784, 500, 260)) EXPECT_EQ(candidate.estimate, 0.0) << candidate.name << ": 260 is no multiple of 8";
}

TEST(TileCost, MatrixUnitsComeBeforeFloats) {
    const std::vector<Candidate> all = candidates_of(6272, 256, 2304);
    double slowest_matrix = 0.0, fastest_float = 1e9;
    for (const Candidate& candidate : all) {
        if (candidate.name.starts_with("matrix/coopmat_128x64")) slowest_matrix = std::max(slowest_matrix, candidate.estimate);
        if (candidate.name.starts_with("matrix/shared_")) fastest_float = std::min(fastest_float, candidate.estimate);
    }
    EXPECT_GT(slowest_matrix, 0.0);
    EXPECT_LT(slowest_matrix, fastest_float);
}

TEST(TileCost, ThereIsNoEstimateWhereRowsAreDynamic) {
    for (const Candidate& candidate : candidates_of(0, 256, 256)) EXPECT_EQ(candidate.estimate, 0.0) << candidate.name;
}

} // namespace
} // namespace tensorvk::builder
