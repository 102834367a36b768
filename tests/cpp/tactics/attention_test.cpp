// Attention with rows and keys of odd numbers, every order of axes, masks that broadcast, against the formula in double precision.
#include <gtest/gtest.h>

#include <cmath>

#include "tactics/check.hpp"

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
};

std::ostream& operator<<(std::ostream& out, const Case& c) { return out << c.name; }

std::vector<std::int64_t> dims_of(const Case& c, std::int64_t rows, std::int64_t columns) {
    const std::array<std::int64_t, 4> extents{c.batch, c.heads, rows, columns};
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

Tensor reference(const Case& c, const Tensor& q, const Tensor& k, const Tensor& v, const Tensor* mask) {
    Tensor y(DataType::kFLOAT, dims_of(c, c.rows, c.width));
    for (std::int64_t at = 0; at < c.batch * c.heads * c.rows; ++at) {
        const std::int64_t batch = at / c.rows / c.heads, head = at / c.rows % c.heads, row = at % c.rows;
        std::vector<double> weights;
        for (std::int64_t key = 0; key < c.keys; ++key) {
            double score = 0.0;
            for (std::int64_t d = 0; d < c.depth; ++d) score += q.get(index_of(q, c.axes, {batch, head, row, d})) * k.get(index_of(k, c.axes, {batch, head, key, d}));
            weights.push_back(score * static_cast<double>(c.scale) + (mask != nullptr ? mask_at(*mask, {batch, head, row, key}, q.dims.size()) : 0.0));
        }
        const double largest = weights.empty() ? 0.0 : *std::ranges::max_element(weights);
        double sum = 0.0;
        for (double& weight : weights) sum += weight = std::exp(weight - largest);
        for (std::int64_t d = 0; d < c.width; ++d) {
            double value = 0.0;
            for (std::int64_t key = 0; key < c.keys; ++key) value += weights[static_cast<std::size_t>(key)] * v.get(index_of(v, c.axes, {batch, head, key, d}));
            y.set(index_of(y, c.axes, {batch, head, row, d}), c.keys > 0 ? value / sum : 0.0);
        }
    }
    return y;
}

class Attentions : public testing::TestWithParam<Case> {};

TEST_P(Attentions, AgreeWithTheFormula) {
    const Case& c = GetParam();
    for (const DataType type : {DataType::kFLOAT, DataType::kHALF}) {
        if (type == DataType::kHALF && !vulkan::Device::current()->caps().fp16_storage) continue;
        SCOPED_TRACE(dtype_name(type));
        tactics::Operation operation;
        operation.name = c.name;
        operation.kind = tactics::Attention{c.scale, {c.axes, c.axes, c.axes, c.axes}};
        OperationCase test(operation);
        const Tensor q = random_tensor(type, dims_of(c, c.rows, c.depth), 1), k = random_tensor(type, dims_of(c, c.keys, c.depth), 2),
                     v = random_tensor(type, dims_of(c, c.keys, c.width), 3);
        for (const Tensor* each : {&q, &k, &v}) test.add_input(*each, Layout::kLINEAR, false);
        Tensor mask(DataType::kFLOAT, c.mask);
        if (!c.mask.empty()) {
            for (std::int64_t i = 0; i < mask.volume(); ++i) mask.set(i, i % 3 == 1 ? -10000.0 : 0.0); // never all of a row's keys
            test.add_input(mask, Layout::kLINEAR, false);
        }
        const Tensor expected = reference(c, q, k, v, c.mask.empty() ? nullptr : &mask);
        test.set_output(type, expected.dims, Layout::kLINEAR);
        if (c.dynamic) test.make_dynamic(0);
        // Halves: weights are rounded to 11 bits before they are multiplied, and so is the result.
        check_all(test, {expected}, type == DataType::kFLOAT ? 1e-5 : 2e-3, true);
    }
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, Attentions,
    testing::Values(Case{"one", 1, 1, 1, 1, 16, 16}, Case{"odd", 2, 3, 17, 33, 16, 32}, Case{"bert", 1, 2, 128, 128, 64, 64, kRowsFirst, {1, 1, 1, 128}, 0.125f},
                    Case{"vit", 1, 1, 197, 197, 64, 64}, Case{"heads_first", 2, 2, 33, 65, 32, 16, kHeadsFirst}, Case{"no_heads", 3, 1, 17, 19, 16, 48, kNoHeads},
                    Case{"no_keys", 1, 2, 3, 0, 16, 16}, Case{"no_rows", 1, 2, 0, 5, 16, 16}, Case{"no_heads_masked", 3, 1, 17, 19, 16, 48, kNoHeads, {3, 17, 19}}, Case{"wide", 1, 1, 5, 70, 128, 128}, Case{"mixed_widths", 1, 2, 3, 65, 80, 112},
                    Case{"full_mask", 2, 2, 17, 31, 16, 16, kRowsFirst, {2, 2, 17, 31}}, Case{"mask_of_rows", 2, 2, 17, 31, 16, 16, kHeadsFirst, {17, 31}},
                    Case{"mask_of_heads", 2, 3, 4, 64, 16, 16, kRowsFirst, {3, 1, 64}}, Case{"long", 1, 1, 19, 700, 16, 16}, Case{"large_scores", 1, 1, 9, 70, 64, 16, kRowsFirst, {}, 30.0f},
                    Case{"one_column", 1, 2, 3, 5, 1, 1}, Case{"odd_columns", 2, 2, 17, 33, 7, 6}, Case{"widest", 1, 1, 17, 33, 5, 255, kHeadsFirst}, Case{"one_row", 2, 3, 1, 197, 64, 64},
                    Case{"dynamic_batch", 3, 2, 17, 33, 16, 16, kRowsFirst, {3, 1, 1, 33}, 0.25f, true}),
    [](const auto& test) { return test.param.name; });

TEST(AttentionCandidates, OfMatrixUnitsSayWhatTheyLack) {
    tactics::Operation operation;
    operation.kind = tactics::Attention{1.0f, {kNoHeads, kNoHeads, kNoHeads, kNoHeads}};
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
        operation.kind = tactics::Attention{1.0f, {kRowsFirst, kRowsFirst, kRowsFirst, kRowsFirst}};
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
