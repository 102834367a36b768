// Shape tensors: integers that are computed from shapes are known as expressions, whatever they are computed with.
#include "graph/fixture.hpp"

namespace tensorvk::graph {
namespace {

class ShapeValues : public NetworkTest {
  protected:
    Tensor* shape_of(Tensor* tensor) { return add(LayerType::kSHAPE, {tensor}, NoAttributes{}); }
    Tensor* pick(Tensor* tensor, Numbers indices) {
        return add(LayerType::kGATHER, {tensor, ints(std::move(indices))}, GatherAttributes{0});
    }
    Tensor* binary(ElementWiseOperation op, Tensor* a, Tensor* b) {
        return add(LayerType::kELEMENTWISE, {a, b}, ElementWiseAttributes{op});
    }

    Tensor* x = in({-1, 3, -1, 20});
    Tensor* shape = shape_of(x);
};

TEST_F(ShapeValues, ShapeIsTheDimensions) {
    EXPECT_EQ(values(shape), "[x:0, 3, x:2, 20]");
    EXPECT_EQ(shape->dtype, DataType::kINT64);
    EXPECT_EQ(dims(shape), "[4]");
}

TEST_F(ShapeValues, GatherConcatReshapeGivesASymbolicTarget) {
    Tensor* target = add(LayerType::kCONCATENATION, {pick(shape, {0}), ints({-1})}, ConcatenationAttributes{0});
    EXPECT_EQ(values(target), "[x:0, -1]");
    EXPECT_EQ(dims(add(LayerType::kSHUFFLE, {x, target}, ShuffleAttributes{})), "[x:0, (x:2 * 60)]");
}

TEST_F(ShapeValues, ScalarsComeBackThroughAShuffle) {
    Tensor* scalar_index = network.add_constant({}, weights_of(DataType::kINT64, Numbers{2}));
    Tensor* scalar = add(LayerType::kGATHER, {shape, scalar_index}, GatherAttributes{0});
    EXPECT_EQ(dims(scalar), "[]");
    ShuffleAttributes unsqueeze;
    unsqueeze.reshape = Numbers{1};
    EXPECT_EQ(values(add(LayerType::kSHUFFLE, {scalar}, unsqueeze)), "[x:2]");
}

TEST_F(ShapeValues, ArithmeticStaysSymbolic) {
    struct Row {
        ElementWiseOperation op;
        const char* result;
    };
    for (const Row& row : {Row{ElementWiseOperation::kSUM, "[(x:0 + 2), 5, (x:2 + 2), 22]"},
                           Row{ElementWiseOperation::kSUB, "[(x:0 + -2), 1, (x:2 + -2), 18]"},
                           Row{ElementWiseOperation::kPROD, "[(x:0 * 2), 6, (x:2 * 2), 40]"},
                           Row{ElementWiseOperation::kDIV, "[(x:0 // 2), 1, (x:2 // 2), 10]"},
                           Row{ElementWiseOperation::kMAX, "[(x:0 max 2), 3, (x:2 max 2), 20]"},
                           Row{ElementWiseOperation::kEQUAL, "[(x:0 == 2), 0, (x:2 == 2), 0]"},
                           Row{ElementWiseOperation::kGREATER, "[(2 < x:0), 1, (2 < x:2), 1]"}}) {
        EXPECT_EQ(values(binary(row.op, shape, ints({2}))), row.result);
    }
}

TEST_F(ShapeValues, IntegerDivisionRoundsTowardsZero) {
    EXPECT_EQ(values(binary(ElementWiseOperation::kDIV, ints({-7, 7}), ints({2, -2}))), "[-3, -3]");
    EXPECT_EQ(values(binary(ElementWiseOperation::kFLOOR_DIV, ints({-7, 7}), ints({2, -2}))), "[-4, -4]");
    EXPECT_EQ(values(binary(ElementWiseOperation::kDIV, ints({1}), ints({0}))), "unknown");
}

TEST_F(ShapeValues, SelectTakesTheKnownBranch) {
    Tensor* condition = binary(ElementWiseOperation::kEQUAL, ints({-1, 5}), ints({-1}));
    EXPECT_EQ(values(add(LayerType::kSELECT, {condition, pick(shape, {0, 2}), ints({7, 8})}, NoAttributes{})),
              "[x:0, 8]");
    Tensor* open = binary(ElementWiseOperation::kEQUAL, pick(shape, {0}), ints({1}));
    EXPECT_EQ(values(add(LayerType::kSELECT, {open, ints({4}), ints({4})}, NoAttributes{})), "[4]");
}

TEST_F(ShapeValues, ReduceSliceCastAndUnary) {
    EXPECT_EQ(values(add(LayerType::kREDUCE, {pick(shape, {0, 3})}, ReduceAttributes{ReduceOperation::kPROD, 1, true})),
              "[(x:0 * 20)]");
    SliceAttributes backwards;
    backwards.start = {3};
    backwards.size = {4};
    backwards.stride = {-1};
    EXPECT_EQ(values(add(LayerType::kSLICE, {shape}, backwards)), "[20, x:2, 3, x:0]");
    EXPECT_EQ(values(add(LayerType::kCAST, {shape}, CastAttributes{DataType::kINT32})), "[x:0, 3, x:2, 20]");
    EXPECT_EQ(values(add(LayerType::kCAST, {ints({0, 7})}, CastAttributes{DataType::kBOOL})), "[0, 1]");
    EXPECT_EQ(values(add(LayerType::kCAST, {shape}, CastAttributes{DataType::kFLOAT})), "unknown");
    EXPECT_EQ(values(add(LayerType::kUNARY, {ints({-3, 0, 4})}, UnaryAttributes{UnaryOperation::kSIGN})), "[-1, 0, 1]");
    EXPECT_EQ(values(add(LayerType::kUNARY, {ints({-3, 4})}, UnaryAttributes{UnaryOperation::kABS})), "[3, 4]");
}

TEST_F(ShapeValues, MatricesAreTransposedToo) {
    Tensor* pads = network.add_constant({2, 3}, weights_of(DataType::kINT64, Numbers{1, 2, 3, 4, 5, 6}));
    ShuffleAttributes a;
    a.first_transpose = Permutation{{1, 0}};
    a.reshape = Numbers{-1};
    EXPECT_EQ(values(add(LayerType::kSHUFFLE, {pads}, a)), "[1, 4, 2, 5, 3, 6]");
}

TEST_F(ShapeValues, DataHasNoValues) {
    Tensor* data = in({2}, "data", DataType::kINT64);
    EXPECT_EQ(values(binary(ElementWiseOperation::kSUM, data, ints({1, 1}))), "unknown");
}

TEST_F(ShapeValues, AnIndexOutsideTheShapeIsRefused) {
    EXPECT_REFUSED(refusal(LayerType::kGATHER, {shape, ints({4})}, GatherAttributes{0}), "picks element 4");
    EXPECT_EQ(values(pick(shape, {-1})), "[20]");
}

TEST_F(ShapeValues, LargeTensorsAreNotTracked) {
    const auto many = static_cast<std::int64_t>(kMaxShapeValues) + 1;
    EXPECT_EQ(ints(Numbers(static_cast<std::size_t>(many), 1))->values, std::nullopt);
}

} // namespace
} // namespace tensorvk::graph
