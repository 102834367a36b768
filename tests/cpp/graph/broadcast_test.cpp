// Element-wise layers, selection, matrix products: which dimensions go together.
#include "graph/fixture.hpp"

namespace tensorvk::graph {
namespace {

using Broadcast = NetworkTest;
const ElementWiseAttributes kSum{ElementWiseOperation::kSUM};

TEST_F(Broadcast, ExtentsOfOneStretch) {
    EXPECT_EQ(dims(add(LayerType::kELEMENTWISE, {in({2, 1, 5}), in({1, 3, 5}, "y")}, kSum)), "[2, 3, 5]");
    EXPECT_EQ(dims(add(LayerType::kELEMENTWISE, {in({-1, 3}, "a"), in({1, 3}, "b")}, kSum)), "[a:0, 3]");
    EXPECT_EQ(dims(add(LayerType::kELEMENTWISE, {in({}, "s"), in({}, "t")}, kSum)), "[]");
}

TEST_F(Broadcast, DifferentExtentsRanksAndTypesAreRefused) {
    Tensor* x = in({2, 3});
    EXPECT_REFUSED(refusal(LayerType::kELEMENTWISE, {x, in({2, 4}, "y")}, kSum), "3 and 4 differ and neither is 1");
    EXPECT_REFUSED(refusal(LayerType::kELEMENTWISE, {x, in({3}, "z")}, kSum), "reshape one of them with a Shuffle");
    EXPECT_REFUSED(refusal(LayerType::kELEMENTWISE, {x, in({2, 3}, "h", DataType::kHALF)}, kSum), "'h' is float16");
    EXPECT_REFUSED(refusal(LayerType::kELEMENTWISE, {x, nullptr}, kSum), "needs input 1, which is missing");
    EXPECT_REFUSED(refusal(LayerType::kELEMENTWISE, {x, x}, ElementWiseAttributes{ElementWiseOperation::kAND}),
                   "needs bool inputs");
}

TEST_F(Broadcast, IndependentDynamicExtentsMustBeEqualWhenTheNetworkRuns) {
    Tensor* x = in({-1, 3});
    Tensor* y = in({-1, 3}, "y");
    const Layer* layer = network.add_layer(LayerType::kELEMENTWISE, {x, y}, kSum);
    EXPECT_EQ(dims(layer->outputs[0]), "[x:0, 3]");
    ASSERT_EQ(layer->constraints.size(), 1u);
    EXPECT_EQ(layer->constraints[0].a, x->dims[0]);
    EXPECT_EQ(layer->constraints[0].b, y->dims[0]);
}

TEST_F(Broadcast, ExtentsThatDifferByRoundingAreTakenAsEqual) {
    Tensor* x = in({1, 3, -1});
    PoolingAttributes halve;
    halve.geometry.window = {2};
    halve.geometry.stride = {2};
    ResizeAttributes twice;
    twice.scales = {1.0f, 1.0f, 2.0f};
    Tensor* again = add(LayerType::kRESIZE, {add(LayerType::kPOOLING, {x}, halve)}, twice);
    ASSERT_NE(again->dims[2], x->dims[2]) << "an odd extent loses one";
    const Layer* layer = network.add_layer(LayerType::kELEMENTWISE, {x, again}, kSum);
    EXPECT_EQ(layer->outputs[0]->dims, x->dims);
    EXPECT_EQ(layer->constraints.size(), 1u) << "they must be equal when the network runs";
}

TEST_F(Broadcast, AKnownExtentWinsOverADynamicOne) {
    const Layer* layer = network.add_layer(LayerType::kELEMENTWISE, {in({-1}), in({7}, "y")}, kSum);
    EXPECT_EQ(dims(layer->outputs[0]), "[7]");
    EXPECT_EQ(layer->constraints.size(), 1u);
}

TEST_F(Broadcast, ComparisonsGiveBool) {
    Tensor* x = in({3});
    for (const auto op : {ElementWiseOperation::kEQUAL, ElementWiseOperation::kGREATER, ElementWiseOperation::kLESS}) {
        EXPECT_EQ(add(LayerType::kELEMENTWISE, {x, x}, ElementWiseAttributes{op})->dtype, DataType::kBOOL);
    }
}

TEST_F(Broadcast, SelectJoinsAllThree) {
    Tensor* condition = in({1, 3, 1}, "c", DataType::kBOOL);
    Tensor* yes = in({2, 1, 1}, "y");
    Tensor* no = in({1, 1, 5}, "n");
    EXPECT_EQ(dims(add(LayerType::kSELECT, {condition, yes, no}, NoAttributes{})), "[2, 3, 5]");
    EXPECT_REFUSED(refusal(LayerType::kSELECT, {yes, yes, no}, NoAttributes{}), "needs a bool condition");
}

TEST_F(Broadcast, MatrixProducts) {
    using Op = MatrixOperation;
    struct Row {
        Numbers a;
        Op op_a;
        Numbers b;
        Op op_b;
        const char* output;
    };
    for (const Row& row :
         {Row{{3, 4}, Op::kNONE, {4, 5}, Op::kNONE, "[3, 5]"},
          Row{{4, 3}, Op::kTRANSPOSE, {5, 4}, Op::kTRANSPOSE, "[3, 5]"},
          Row{{2, 1, 3, 4}, Op::kNONE, {1, 7, 4, 5}, Op::kNONE, "[2, 7, 3, 5]"},
          Row{{4}, Op::kVECTOR, {4, 5}, Op::kNONE, "[5]"}, Row{{2, 3, 4}, Op::kNONE, {2, 4}, Op::kVECTOR, "[2, 3]"},
          Row{{4}, Op::kVECTOR, {4}, Op::kVECTOR, "[]"}}) {
        Network n;
        Tensor* a = n.add_input("a", DataType::kFLOAT, row.a);
        Tensor* b = n.add_input("b", DataType::kFLOAT, row.b);
        const Layer* layer =
            n.add_layer(LayerType::kMATRIX_MULTIPLY, {a, b}, MatrixMultiplyAttributes{row.op_a, row.op_b});
        EXPECT_EQ(n.describe_dims(*layer->outputs[0]), row.output);
    }
    Tensor* x = in({3, 4});
    EXPECT_REFUSED(refusal(LayerType::kMATRIX_MULTIPLY, {x, x}, MatrixMultiplyAttributes{}), "4 and 3");
    EXPECT_REFUSED(refusal(LayerType::kMATRIX_MULTIPLY, {x, in({1, 4, 5}, "y")}, MatrixMultiplyAttributes{}),
                   "equally many batch dimensions");
}

TEST_F(Broadcast, ReduceSoftMaxAndTopK) {
    Tensor* x = in({-1, 3, 17});
    EXPECT_EQ(dims(add(LayerType::kREDUCE, {x}, ReduceAttributes{ReduceOperation::kSUM, 0b110, false})), "[x:0]");
    EXPECT_EQ(dims(add(LayerType::kREDUCE, {x}, ReduceAttributes{ReduceOperation::kMAX, 0b101, true})), "[1, 3, 1]");
    EXPECT_EQ(dims(add(LayerType::kSOFTMAX, {x}, SoftMaxAttributes{0b100, false})), "[x:0, 3, 17]");
    const Layer* top = network.add_layer(LayerType::kTOPK, {x},
                                         TopKAttributes{TopKOperation::kMAX, 5, 0b100, DataType::kINT32, false});
    EXPECT_EQ(dims(top->outputs[0]), "[x:0, 3, 5]");
    EXPECT_EQ(dims(top->outputs[1]), "[x:0, 3, 5]");
    EXPECT_EQ(top->outputs[1]->dtype, DataType::kINT32);
    EXPECT_REFUSED(refusal(LayerType::kREDUCE, {x}, ReduceAttributes{ReduceOperation::kSUM, 0b1000, false}),
                   "lowest 3 bits");
    EXPECT_REFUSED(refusal(LayerType::kREDUCE, {x}, ReduceAttributes{ReduceOperation::kSUM, 0, false}), "bitmask 0");
    EXPECT_REFUSED(refusal(LayerType::kTOPK, {x}, TopKAttributes{TopKOperation::kMAX, 18, 0b100}),
                   "18; at most 17 is allowed");
}

TEST_F(Broadcast, ScaleChecksItsWeights) {
    Tensor* x = in({-1, 3, -1, -1});
    ScaleAttributes a;
    a.mode = ScaleMode::kCHANNEL;
    a.scale = floats(3);
    EXPECT_EQ(dims(add(LayerType::kSCALE, {x}, a)), "[x:0, 3, x:2, x:3]");
    a.shift = floats(4);
    EXPECT_REFUSED(refusal(LayerType::kSCALE, {x}, a), "needs 3 shift weights");
    a.mode = ScaleMode::kELEMENTWISE;
    EXPECT_REFUSED(refusal(LayerType::kSCALE, {x}, a), "fixed extent of axis 2");
}

} // namespace
} // namespace tensorvk::graph
