// Attention with rows and keys of odd numbers, every order of axes, masks that broadcast, causal, of heads that share keys, against the formula in double precision.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <optional>

#include "tactics/check.hpp"
#include "tactics/played_units.hpp"

namespace tensorvk::test {
namespace {

using kernels::host::Tensor;
using tactics::Layout;
using Axes = std::array<std::int32_t, 4>;

constexpr Axes kHeadsFirst{0, 1, 2, 3}, kRowsFirst{0, 2, 1, 3}, kNoHeads{0, -1, 1, 2};

struct Case {
    std::string name;
    std::int64_t batch, heads, rows, keys, depth, width;
    Axes axes = kRowsFirst;             // of q, k and v; the result's as well
    std::vector<std::int64_t> mask{};   // dims; none: no mask
    float scale = 0.25f;
    bool dynamic = false;               // the batch
    std::int64_t group = 1;             // of q's heads that share a head of k and v
    std::optional<std::int64_t> causal{}; // row r sees keys up to r + this
    DataType mask_type = DataType::kFLOAT;
    float softcap = 0.0f;
    bool hides = false;
    float hidden = -std::numeric_limits<float>::infinity();
    std::int64_t behind = 0; // columns of NaN behind each row of q, k and v, which are parts of larger values
};

std::ostream& operator<<(std::ostream& out, const Case& c) { return out << c.name; }

std::vector<std::int64_t> dims_of(const Case& c, std::int64_t heads, std::int64_t rows, std::int64_t columns) {
    const std::array<std::int64_t, 4> extents{c.batch, heads, rows, columns};
    std::vector<std::int64_t> dims(c.axes[1] < 0 ? 3 : 4);
    for (std::size_t axis = 0; axis < 4; ++axis) {
        if (c.axes[axis] >= 0) dims[static_cast<std::size_t>(c.axes[axis])] = extents[axis];
    }
    return dims;
}

//! Element of a tensor by batch, head, row and column.
std::int64_t index_of(const Tensor& tensor, const Axes& axes, const std::array<std::int64_t, 4>& place) {
    std::int64_t index = 0;
    for (std::size_t at = 0; at < tensor.dims.size(); ++at) {
        const auto axis = static_cast<std::size_t>(std::ranges::find(axes, static_cast<std::int32_t>(at)) - axes.begin());
        index = index * tensor.dims[at] + place[axis];
    }
    return index;
}

double mask_at(const Tensor& mask, const std::array<std::int64_t, 4>& place, std::size_t rank) {
    std::int64_t index = 0;
    const std::size_t first = rank - mask.dims.size();
    for (std::size_t at = 0; at < mask.dims.size(); ++at) {
        const std::size_t axis = at + first + (rank == 3 && at + first > 0 ? 1 : 0); // three axes have no heads
        index = index * mask.dims[at] + (mask.dims[at] == 1 ? 0 : place[axis]);
    }
    return mask.get(index);
}

//! Of a key for a row: minus infinity where the row does not see it.
double score_of(const Case& c, const Tensor& q, const Tensor& k, const Tensor* mask, const std::array<std::int64_t, 4>& place) {
    const auto& [batch, head, row, key] = place;
    const double hidden = -std::numeric_limits<double>::infinity(), cap = static_cast<double>(c.softcap);
    if (c.causal && key > row + *c.causal) return hidden;
    double score = 0.0;
    for (std::int64_t d = 0; d < c.depth; ++d) score += q.get(index_of(q, c.axes, {batch, head, row, d})) * k.get(index_of(k, c.axes, {batch, head / c.group, key, d}));
    score *= static_cast<double>(c.scale);
    if (cap > 0.0) score = cap * std::tanh(score / cap);
    if (mask == nullptr) return score;
    const double given = mask_at(*mask, place, q.dims.size());
    return mask->dtype == DataType::kBOOL ? ((given != 0.0) != c.hides ? score : static_cast<double>(c.hidden)) : score + given;
}

//! A row that sees no key is 0.
Tensor reference(const Case& c, const Tensor& q, const Tensor& k, const Tensor& v, const Tensor* mask) {
    Tensor y(DataType::kFLOAT, dims_of(c, c.heads, c.rows, c.width));
    for (std::int64_t at = 0; at < c.batch * c.heads * c.rows; ++at) {
        const std::int64_t batch = at / c.rows / c.heads, head = at / c.rows % c.heads, row = at % c.rows;
        std::vector<double> weights;
        for (std::int64_t key = 0; key < c.keys; ++key) weights.push_back(score_of(c, q, k, mask, {batch, head, row, key}));
        const double largest = weights.empty() ? 0.0 : std::max(*std::ranges::max_element(weights), std::numeric_limits<double>::lowest());
        double sum = 0.0;
        for (double& weight : weights) sum += weight = std::exp(weight - largest);
        for (std::int64_t d = 0; d < c.width; ++d) {
            double value = 0.0;
            for (std::int64_t key = 0; key < c.keys; ++key) value += weights[static_cast<std::size_t>(key)] * v.get(index_of(v, c.axes, {batch, head / c.group, key, d}));
            y.set(index_of(y, c.axes, {batch, head, row, d}), sum > 0.0 ? value / sum : 0.0);
        }
    }
    return y;
}

//! Floats hide every third key with a large number, or all keys of every fifth row with infinity; booleans hide both.
Tensor mask_of(const Case& c) {
    Tensor mask(c.mask_type, c.mask);
    const std::int64_t width = c.mask.empty() ? 1 : std::max<std::int64_t>(c.mask.back(), 1);
    for (std::int64_t i = 0; i < mask.volume(); ++i) {
        const bool third = i % 3 == 1, fifth = i / width % 5 == 3;
        if (c.mask_type == DataType::kBOOL) {
            mask.set(i, third || fifth ? 0.0 : 1.0);
        } else {
            mask.set(i, fifth ? -std::numeric_limits<double>::infinity() : third ? -10000.0 : 0.0);
        }
    }
    return mask;
}

constexpr std::string_view kTiles[] = {"16x64", "16x128_twice", "32x64", "32x64_twice"};

class Attentions : public testing::TestWithParam<Case> {};

TEST_P(Attentions, AgreeWithTheFormula) {
    const Case& c = GetParam();
    const bool halves = vulkan::Device::current()->caps().fp16_storage;
    if (c.mask_type == DataType::kHALF && !halves) GTEST_SKIP() << "no fp16 storage";
    for (const DataType type : {DataType::kFLOAT, DataType::kHALF}) {
        if (type == DataType::kHALF && !halves) continue;
        SCOPED_TRACE(dtype_name(type));
        tactics::Operation operation;
        operation.name = c.name;
        operation.kind = tactics::Attention{c.scale, {c.axes, c.axes, c.axes, c.axes}, static_cast<std::int32_t>(c.group), c.softcap, {}, c.hides, c.hidden, true};
        OperationCase test(operation);
        if (c.causal) test.change([&](tactics::Operation& op, shape::ExprPool& exprs) { std::get<tactics::Attention>(op.kind).causal = exprs.constant(*c.causal); });
        const Tensor q = random_tensor(type, dims_of(c, c.heads, c.rows, c.depth), 1), k = random_tensor(type, dims_of(c, c.heads / c.group, c.keys, c.depth), 2),
                     v = random_tensor(type, dims_of(c, c.heads / c.group, c.keys, c.width), 3);
        for (const Tensor* each : {&q, &k, &v}) test.add_input(*each, Layout::kLINEAR, false);
        const Tensor mask = mask_of(c);
        if (!c.mask.empty()) test.add_input(mask, Layout::kLINEAR, false);
        const Tensor expected = reference(c, q, k, v, c.mask.empty() ? nullptr : &mask);
        test.set_output(type, expected.dims, Layout::kLINEAR);
        for (std::size_t i = 0; i < 3 && c.behind > 0; ++i) test.leave_gaps(i, q.dims.size() - 1, c.behind * static_cast<std::int64_t>(i + 1));
        if (c.dynamic) test.make_dynamic(0);
        // Halves: weights are rounded to 11 bits before they are multiplied, and so is the result.
        check_all(test, {expected}, type == DataType::kFLOAT ? 1e-5 : 2e-3, true);
        if (type == DataType::kHALF && can_play_units()) {
            const bool fits = c.depth % 16 == 0 && c.width % 16 == 0 && c.width <= 64; // wider ones want more shared memory than CPU drivers have
            EXPECT_TRUE(check_on_units(test, expected, 2e-3, kTiles) > 0 || !fits);
        }
    }
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, Attentions,
    testing::Values(Case{"one", 1, 1, 1, 1, 16, 16}, Case{"odd", 2, 3, 17, 33, 16, 32}, Case{"bert", 1, 2, 128, 128, 64, 64, kRowsFirst, {1, 1, 1, 128}, 0.125f},
                    Case{"vit", 1, 1, 197, 197, 64, 64}, Case{"heads_first", 2, 2, 33, 65, 16, 32, kHeadsFirst}, Case{"no_heads", 3, 1, 17, 19, 16, 32, kNoHeads},
                    Case{"no_keys", 1, 2, 3, 0, 16, 16}, Case{"no_rows", 1, 2, 0, 5, 16, 16}, Case{"no_heads_masked", 3, 1, 17, 19, 16, 32, kNoHeads, {3, 17, 19}}, Case{"wide", 1, 1, 5, 70, 128, 128}, Case{"mixed_widths", 1, 2, 3, 65, 80, 112},
                    Case{"full_mask", 2, 2, 17, 31, 16, 16, kRowsFirst, {2, 2, 17, 31}}, Case{"mask_of_rows", 2, 2, 17, 31, 16, 16, kHeadsFirst, {17, 31}},
                    Case{"mask_of_heads", 2, 3, 4, 64, 16, 16, kRowsFirst, {3, 1, 64}}, Case{"long", 1, 1, 19, 700, 16, 16}, Case{"large_scores", 1, 1, 9, 70, 64, 64, kRowsFirst, {}, 30.0f},
                    Case{"odd_columns", 2, 2, 17, 33, 7, 6}, Case{"widest", 1, 1, 17, 33, 5, 255, kHeadsFirst}, Case{"one_row", 2, 3, 1, 197, 64, 64},
                    Case{"dynamic_batch", 3, 2, 17, 33, 16, 16, kRowsFirst, {3, 1, 1, 33}, 0.25f, true}),
    [](const auto& test) { return test.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Causal, Attentions,
    testing::Values(Case{.name = "square", .batch = 1, .heads = 3, .rows = 64, .keys = 64, .depth = 16, .width = 16, .causal = 0},
                    Case{.name = "fewer_keys", .batch = 1, .heads = 1, .rows = 65, .keys = 33, .depth = 16, .width = 16, .causal = 0},
                    Case{.name = "more_keys", .batch = 1, .heads = 1, .rows = 17, .keys = 197, .depth = 16, .width = 32, .causal = 0},
                    Case{.name = "past", .batch = 2, .heads = 1, .rows = 17, .keys = 197, .depth = 16, .width = 32, .causal = 180},
                    Case{.name = "one_row_of_a_past", .batch = 1, .heads = 3, .rows = 1, .keys = 64, .depth = 64, .width = 64, .causal = 63},
                    Case{.name = "first_rows_see_nothing", .batch = 1, .heads = 1, .rows = 64, .keys = 30, .depth = 16, .width = 16, .causal = -34},
                    Case{.name = "dynamic", .batch = 3, .heads = 1, .rows = 17, .keys = 17, .depth = 16, .width = 16, .dynamic = true, .causal = 0},
                    Case{.name = "masked", .batch = 1, .heads = 3, .rows = 17, .keys = 33, .depth = 16, .width = 16, .mask = {3, 1, 33}, .causal = 16}),
    [](const auto& test) { return test.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Parts, Attentions,
    testing::Values(Case{.name = "of_eights", .batch = 2, .heads = 2, .rows = 17, .keys = 33, .depth = 16, .width = 32, .behind = 8},
                    Case{.name = "of_fours", .batch = 1, .heads = 3, .rows = 17, .keys = 33, .depth = 16, .width = 16, .behind = 4},
                    Case{.name = "odd", .batch = 1, .heads = 2, .rows = 3, .keys = 17, .depth = 16, .width = 16, .axes = kHeadsFirst, .behind = 3},
                    Case{.name = "odd_columns", .batch = 1, .heads = 2, .rows = 17, .keys = 5, .depth = 7, .width = 6, .behind = 5},
                    Case{.name = "shared_keys", .batch = 1, .heads = 12, .rows = 5, .keys = 33, .depth = 16, .width = 16, .group = 4, .behind = 16}),
    [](const auto& test) { return test.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Groups, Attentions,
    testing::Values(Case{.name = "four_of_twelve", .batch = 2, .heads = 12, .rows = 17, .keys = 33, .depth = 16, .width = 32, .group = 4},
                    Case{.name = "all_share", .batch = 1, .heads = 3, .rows = 33, .keys = 17, .depth = 16, .width = 16, .axes = kHeadsFirst, .group = 3},
                    Case{.name = "causal", .batch = 1, .heads = 12, .rows = 3, .keys = 64, .depth = 64, .width = 64, .group = 6, .causal = 61}),
    [](const auto& test) { return test.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Masks, Attentions,
    testing::Values(Case{.name = "booleans_of_keys", .batch = 2, .heads = 2, .rows = 17, .keys = 33, .depth = 16, .width = 16, .mask = {2, 1, 1, 33}, .mask_type = DataType::kBOOL},
                    Case{.name = "booleans_of_rows", .batch = 2, .heads = 2, .rows = 17, .keys = 33, .depth = 16, .width = 16, .mask = {17, 33}, .mask_type = DataType::kBOOL},
                    Case{.name = "booleans_of_a_column", .batch = 2, .heads = 2, .rows = 17, .keys = 5, .depth = 16, .width = 16, .mask = {17, 1}, .mask_type = DataType::kBOOL},
                    Case{.name = "booleans_of_scores", .batch = 2, .heads = 3, .rows = 3, .keys = 197, .depth = 16, .width = 16, .mask = {2, 3, 3, 197}, .mask_type = DataType::kBOOL},
                    Case{.name = "booleans_that_hide", .batch = 2, .heads = 2, .rows = 17, .keys = 33, .depth = 16, .width = 16, .mask = {1, 2, 17, 33}, .mask_type = DataType::kBOOL, .hides = true},
                    Case{.name = "booleans_with_a_number", .batch = 1, .heads = 2, .rows = 17, .keys = 33, .depth = 16, .width = 16, .mask = {17, 33}, .mask_type = DataType::kBOOL, .hidden = -3.4e38f},
                    Case{.name = "one_boolean", .batch = 1, .heads = 1, .rows = 3, .keys = 3, .depth = 16, .width = 16, .mask = {1}, .mask_type = DataType::kBOOL},
                    Case{.name = "half_of_keys", .batch = 1, .heads = 2, .rows = 5, .keys = 64, .depth = 16, .width = 16, .mask = {1, 2, 5, 64}, .mask_type = DataType::kHALF},
                    Case{.name = "softcap", .batch = 1, .heads = 2, .rows = 17, .keys = 33, .depth = 16, .width = 16, .mask = {17, 33}, .scale = 30.0f, .softcap = 5.0f}),
    [](const auto& test) { return test.param.name; });

TEST(AttentionRows, ARowThatSeesNoKeyIsNoNumberWhereNobodyAsksForZeros) {
    tactics::Operation operation;
    operation.kind = tactics::Attention{.axes = {kHeadsFirst, kHeadsFirst, kHeadsFirst, kHeadsFirst}};
    OperationCase test(operation);
    for (unsigned seed = 1; seed < 4; ++seed) test.add_input(random_tensor(DataType::kFLOAT, {1, 1, 3, 16}, seed), Layout::kLINEAR, false);
    Tensor mask(DataType::kFLOAT, {3, 1});
    mask.set(1, -std::numeric_limits<double>::infinity());
    test.add_input(mask, Layout::kLINEAR, false);
    test.set_output(DataType::kFLOAT, {1, 1, 3, 16}, Layout::kLINEAR);
    const auto device = vulkan::Device::current();
    for (const tactics::Candidate& candidate : test.candidates(device->caps())) {
        if (!candidate.applicable()) continue;
        const Tensor y = test.run(device, candidate);
        for (std::int64_t i = 0; i < y.volume(); ++i) EXPECT_EQ(std::isnan(y.get(i)), i / 16 == 1) << candidate.name << " at " << i;
    }
}

TEST(AttentionCandidates, OfMatrixUnitsSayWhatTheyLack) {
    tactics::Operation operation;
    operation.kind = tactics::Attention{.scale = 1.0f, .axes = {kNoHeads, kNoHeads, kNoHeads, kNoHeads}};
    OperationCase test(operation);
    for (unsigned seed = 1; seed < 4; ++seed) test.add_input(random_tensor(DataType::kFLOAT, {1, 5, 20}, seed), Layout::kLINEAR, false);
    test.set_output(DataType::kFLOAT, {1, 5, 20}, Layout::kLINEAR);
    vulkan::DeviceCaps gpu;
    EXPECT_EQ(test.candidates(gpu).front().refusal, "the device has no cooperative matrices");
    using enum vulkan::MatrixType;
    gpu.fp16_storage = gpu.fp16_arithmetic = gpu.cooperative_matrix = gpu.vulkan_memory_model = gpu.subgroup_shuffle = true;
    gpu.subgroup_size = 32;
    gpu.matrix_shapes = {{16, 16, 16, kFloat16, kFloat16, kFloat32, kFloat32, false, true}};
    EXPECT_EQ(test.candidates(gpu).front().refusal, "'value0' has 20 columns, not a multiple of 16");
    EXPECT_TRUE(test.candidates(gpu).back().applicable());
    for (const tactics::Candidate& candidate : test.candidates({})) {
        const bool shared = candidate.name.starts_with("attention/shared");
        EXPECT_TRUE(!shared || candidate.refusal.starts_with("the tile takes ")) << candidate.refusal;
    }
}

TEST(AttentionCandidates, TheGenericOneIsNotTriedWhereItWouldTakeTenthsOfASecond) {
    vulkan::DeviceCaps gpu;
    using enum vulkan::MatrixType;
    gpu.fp16_storage = gpu.fp16_arithmetic = gpu.cooperative_matrix = gpu.vulkan_memory_model = gpu.subgroup_shuffle = true;
    gpu.subgroup_size = 32;
    gpu.limits.max_shared_memory = 49152;
    gpu.matrix_shapes = {{16, 16, 16, kFloat16, kFloat16, kFloat32, kFloat32, false, true}};
    for (const std::int64_t rows : {128, 4096}) { // 12 heads: 0.2 and 206 thousand million products
        tactics::Operation operation;
        operation.kind = tactics::Attention{.scale = 1.0f, .axes = {kRowsFirst, kRowsFirst, kRowsFirst, kRowsFirst}};
        OperationCase test(operation);
        for (int i = 0; i < 3; ++i) test.add_input(Tensor(DataType::kHALF, {1, rows, 12, 64}), Layout::kLINEAR, false);
        test.set_output(DataType::kHALF, {1, rows, 12, 64}, Layout::kLINEAR);
        EXPECT_TRUE(test.candidates(gpu).front().applicable() || rows > 128) << test.candidates(gpu).front().refusal;
        EXPECT_TRUE(test.candidates(gpu)[1].applicable()) << test.candidates(gpu)[1].refusal;
        EXPECT_EQ(test.candidates(gpu).back().applicable(), rows == 128) << test.candidates(gpu).back().refusal;
    }
}

} // namespace
} // namespace tensorvk::test
