// Which matrix products normalise their rows themselves, and what becomes of scale and shift.
#include <gtest/gtest.h>

#include <functional>

#include "compiler/built.hpp"
#include "compiler/networks.hpp"
#include "compiler/normalizations.hpp"

namespace tensorvk::compiler {
namespace {

using namespace test; // NOLINT: the vocabulary of these tests

constexpr Target kMatrixUnits{.internal = DataType::kHALF, .normalizations = true, .normalized_products = true};
constexpr std::int64_t kRows = 256, kDepth = 64, kColumns = 256;

std::vector<float> numbers(std::int64_t count, const std::function<float(std::int64_t)>& number) {
    std::vector<float> out;
    for (std::int64_t i = 0; i < count; ++i) out.push_back(number(i));
    return out;
}

struct Shape {
    std::int64_t rows = kRows, depth = kDepth, columns = kColumns;
    bool output_too = false;    // the normalised rows are the network's as well
    bool input_itself = false;  // nothing is in front of the normalisation
    bool activated = false;     // behind the shift
    bool pinned = false;        // the product's layer is to compute in float32
    float scale = 1.0f;         // of the normalised rows, times 1, 2 or 3
    bool halves = false;        // in the network itself, which normalises in float32
};

float weight(std::int64_t k, std::int64_t n) { return static_cast<float>((k * 3 + n * 5) % 7 - 3); }

graph::Tensor* normalized(graph::Network& network, graph::Tensor* x, const Shape& shape) {
    auto* scale = network.add_constant({1, shape.depth}, floats(numbers(shape.depth, [&](std::int64_t k) { return shape.scale * static_cast<float>(k % 3 + 1); })));
    auto* shift = network.add_constant({1, shape.depth}, floats(numbers(shape.depth, [](std::int64_t k) { return static_cast<float>(k % 2); })));
    auto* scaled = elementwise(network, normalize(network, x).quotient, scale, ElementWiseOperation::kPROD);
    return elementwise(network, scaled, shift, ElementWiseOperation::kSUM);
}

graph::Tensor* cast(graph::Network& network, graph::Tensor* x, DataType type) { return network.add_layer(LayerType::kCAST, {x}, graph::CastAttributes{type})->outputs[0]; }

Built build(const Shape& shape, const Target& target = kMatrixUnits) {
    graph::Network network;
    auto* x = input(network, {shape.rows, shape.depth});
    auto* y = normalized(network, shape.input_itself ? x : relu(network, x), shape);
    if (shape.activated) y = relu(network, y);
    if (shape.halves) y = cast(network, y, DataType::kHALF);
    if (shape.output_too) network.mark_output(y);
    const auto typed = [&](graph::Tensor* tensor) { return shape.halves ? cast(network, tensor, DataType::kHALF) : tensor; };
    auto* b = network.add_constant({shape.depth, shape.columns}, floats(numbers(shape.depth * shape.columns, [&](std::int64_t i) { return weight(i / shape.columns, i % shape.columns); })));
    auto* product = network.add_layer(LayerType::kMATRIX_MULTIPLY, {y, typed(b)}, graph::MatrixMultiplyAttributes{})->outputs[0];
    auto* bias = network.add_constant({1, shape.columns}, floats(std::vector<float>(static_cast<std::size_t>(shape.columns), 10.0f)));
    network.mark_output(elementwise(network, product, typed(bias), ElementWiseOperation::kSUM));
    if (shape.pinned) network.layers().back()->precision = DataType::kFLOAT;
    return build_for(network, target);
}

const tactics::Operation& product_of(const Built& built) {
    for (const auto& op : built.compiled.operations) {
        if (std::holds_alternative<tactics::MatrixProduct>(op.kind)) return op;
    }
    throw std::logic_error("there is no product");
}

bool normalizes(const Built& built) { return std::get<tactics::MatrixProduct>(product_of(built).kind).normalized.has_value(); }

std::size_t normalizations(const Built& built) {
    return static_cast<std::size_t>(std::ranges::count_if(built.compiled.operations, [](const auto& op) { return std::holds_alternative<tactics::Normalization>(op.kind); }));
}

TEST(NormalizedProducts, ScaleAndShiftAreInWeightsAndBias) {
    const Built built = build({});
    const auto& op = product_of(built);
    ASSERT_EQ(std::get<tactics::MatrixProduct>(op.kind).normalized, (tactics::RowNormalization{1e-5f, true}));
    EXPECT_EQ(normalizations(built), 0u) << "nobody else reads the normalised rows";
    const auto weights = constant(built, op.inputs[1]), bias = constant(built, op.inputs[2]), sums = constant(built, op.inputs[3]);
    ASSERT_EQ(bias.size(), static_cast<std::size_t>(kColumns));
    for (std::int64_t n = 0; n < kColumns; ++n) {
        float shifted = 10.0f, sum = 0.0f;
        for (std::int64_t k = 0; k < kDepth; ++k) {
            shifted += static_cast<float>(k % 2) * weight(k, n);
            sum += static_cast<float>(k % 3 + 1) * weight(k, n);
            ASSERT_EQ(weights[static_cast<std::size_t>(k * kColumns + n)], static_cast<float>(k % 3 + 1) * weight(k, n));
        }
        ASSERT_EQ(bias[static_cast<std::size_t>(n)], shifted);
        ASSERT_EQ(sums[static_cast<std::size_t>(n)], sum);
    }
}

TEST(NormalizedProducts, ANormalisationThatOthersReadStaysBesideTheProduct) {
    const Built built = build({.output_too = true});
    EXPECT_TRUE(normalizes(built));
    EXPECT_EQ(normalizations(built), 1u);
}

TEST(NormalizedProducts, RoundedRowsAreMultipliedAsTheyAre) { EXPECT_TRUE(normalizes(build({.halves = true}))); }

TEST(NormalizedProducts, OnlyWhereKernelsTakeWholeRows) {
    EXPECT_TRUE(normalizes(build({})));
    EXPECT_FALSE(normalizes(build({.rows = 32}))) << "few tiles: their depth is cut";
    EXPECT_FALSE(normalizes(build({.depth = 72}))) << "no whole number of steps";
    EXPECT_FALSE(normalizes(build({.columns = 252}))) << "matrix units take columns in eights";
    EXPECT_FALSE(normalizes(build({.depth = 2112}))) << "long rows";
    EXPECT_FALSE(normalizes(build({.input_itself = true}))) << "which is float32 in memory";
    EXPECT_FALSE(normalizes(build({.activated = true}))) << "more than scale and shift";
    EXPECT_FALSE(normalizes(build({.pinned = true}))) << "weights of float32";
    EXPECT_TRUE(normalizes(build({.scale = 0.001f})));
    EXPECT_FALSE(normalizes(build({.scale = 1e-7f}))) << "the scale would leave few digits of the weights";
    EXPECT_FALSE(normalizes(build({}, {.internal = DataType::kHALF, .normalizations = true}))) << "no matrix units";
}

//! Two products with a normalisation between them.
struct Between {
    bool added = false;    // a residual, before the rows are normalised
    bool output = false;   // these rows are the network's as well
    bool reshaped = false; // to other rows of the same length
    bool joined = false;   // with others, of which they are a part
};

Built build_pair(const Between& between, const Target& target) {
    graph::Network network;
    auto* x = input(network, {kRows, kDepth});
    const auto product = [&](graph::Tensor* a, std::int64_t depth, std::int64_t columns, std::int64_t first = 0) {
        std::vector<std::int64_t> dims{depth, columns};
        if (a->dims.size() > 2) dims.insert(dims.begin(), 1);
        auto* b = network.add_constant(dims, floats(numbers(depth * columns, [&](std::int64_t i) { return weight(first + i / columns, i % columns); })));
        return network.add_layer(LayerType::kMATRIX_MULTIPLY, {a, b}, graph::MatrixMultiplyAttributes{})->outputs[0];
    };
    auto* rows = product(x, kDepth, kDepth);
    if (between.added) rows = elementwise(network, rows, input(network, {kRows, kDepth}, "residual"), ElementWiseOperation::kSUM);
    if (between.output) network.mark_output(rows);
    if (between.joined) network.mark_output(relu(network, network.add_layer(LayerType::kCONCATENATION, {rows, product(x, kDepth, kDepth, 2)}, graph::ConcatenationAttributes{.axis = 1})->outputs[0]));
    if (between.reshaped) rows = reshape(network, rows, {2, kRows / 2, kDepth});
    auto* normal = normalize(network, rows).quotient;
    for (const std::int64_t first : {0, 1}) network.mark_output(product(normal, kDepth, kColumns, first));
    return build_for(network, target);
}

//! How many products tell moments, and how many are told.
std::pair<int, int> told(const Between& between, bool wanted = true) {
    Target target = kMatrixUnits;
    target.row_moments = wanted;
    target.placements = true;
    target.views = {.alignment = 16, .gaps = true};
    std::pair<int, int> out;
    tactics::ValueId moments = -1;
    for (const auto& op : build_pair(between, target).compiled.operations) {
        const auto* product = std::get_if<tactics::MatrixProduct>(&op.kind);
        const bool tells = op.companion && std::holds_alternative<tactics::RowMoments>(*op.companion);
        if (tells) moments = op.outputs.back();
        out.first += tells ? 1 : 0;
        const bool given = product != nullptr && product->normalized && product->normalized->given;
        out.second += given ? 1 : 0;
        if (given) {
            EXPECT_EQ(op.inputs.back(), moments) << "each is told by the one that wrote the rows";
        }
    }
    return out;
}

TEST(RowMoments, AreToldOnceByTheProductThatWritesTheRows) {
    EXPECT_EQ(told({}), std::pair(1, 2));
    EXPECT_EQ(told({.added = true}), std::pair(1, 2));
    EXPECT_EQ(told({.reshaped = true}), std::pair(1, 2)) << "the same rows";
    EXPECT_EQ(told({.joined = true}), std::pair(0, 0)) << "who writes them writes into the larger value";
    EXPECT_EQ(told({}, false), std::pair(0, 0)) << "a device that binds fewer buffers";
    EXPECT_EQ(told({.output = true}), std::pair(0, 0)) << "the user's memory holds float32";
}

} // namespace
} // namespace tensorvk::compiler
