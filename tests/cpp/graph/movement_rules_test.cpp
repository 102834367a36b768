// Shuffle, concatenation, slice and gather.
#include "graph/fixture.hpp"

namespace tensorvk::graph {
namespace {

using MovementRules = NetworkTest;

ShuffleAttributes reshape(Numbers to) {
    ShuffleAttributes a;
    a.reshape = std::move(to);
    return a;
}

TEST_F(MovementRules, ReshapeInfersOneExtent) {
    struct Row {
        Numbers from, to;
        const char* output;
    };
    for (const Row& row :
         {Row{{2, 3, 4}, {6, 4}, "[6, 4]"}, Row{{2, 3, 4}, {-1, 4}, "[6, 4]"}, Row{{2, 3, 4}, {0, -1}, "[2, 12]"},
          Row{{2, 3, 4}, {-1}, "[24]"}, Row{{-1, 3, 4}, {0, 12}, "[x:0, 12]"}, Row{{-1, 3, 4}, {-1, 12}, "[x:0, 12]"},
          Row{{-1, 3, 4}, {-1, 6}, "[(x:0 * 2), 6]"}, Row{{-1, 3, -1, -1}, {0, 3, -1}, "[x:0, 3, (x:2 * x:3)]"},
          Row{{-1, 8, -1}, {-1, 8}, "[(x:0 * x:2), 8]"}, Row{{1}, {}, "[]"}, Row{{}, {1, 1}, "[1, 1]"}}) {
        Network n;
        Tensor* x = n.add_input("x", DataType::kFLOAT, row.from);
        EXPECT_EQ(n.describe_dims(*n.add_layer(LayerType::kSHUFFLE, {x}, reshape(row.to))->outputs[0]), row.output);
    }
}

TEST_F(MovementRules, ReshapeRefusesWhatDoesNotFit) {
    Tensor* x = in({2, 3, 4});
    EXPECT_REFUSED(refusal(LayerType::kSHUFFLE, {x}, reshape({5, 5})), "cannot reshape [2, 3, 4] to [5, 5]");
    EXPECT_REFUSED(refusal(LayerType::kSHUFFLE, {x}, reshape({-1, 7})), "no multiple of [7]");
    EXPECT_REFUSED(refusal(LayerType::kSHUFFLE, {x}, reshape({-1, -1})), "more than one -1");
    EXPECT_REFUSED(refusal(LayerType::kSHUFFLE, {x}, reshape({-2, 12})), "dimension -2");
    EXPECT_REFUSED(refusal(LayerType::kSHUFFLE, {x}, reshape({2, 3, 4, 0})), "copies dimension 3");
}

TEST_F(MovementRules, AReshapeThatOnlyTheRunTimeCanCheckIsNoted) {
    const Layer* layer = network.add_layer(LayerType::kSHUFFLE, {in({-1, 6})}, reshape({4, -1}));
    EXPECT_EQ(dims(layer->outputs[0]), "[4, ((x:0 * 6) // 4)]");
    EXPECT_EQ(layer->constraints.size(), 1u);
}

TEST_F(MovementRules, ZeroCanMeanZero) {
    ShuffleAttributes a = reshape({0, 5});
    a.zero_is_placeholder = false;
    EXPECT_EQ(dims(add(LayerType::kSHUFFLE, {in({3, 0})}, a)), "[0, 5]");
}

TEST_F(MovementRules, TransposesBeforeAndAfterTheReshape) {
    ShuffleAttributes a = reshape({0, -1});
    a.first_transpose = Permutation{{2, 0, 1}};
    a.second_transpose = Permutation{{1, 0}};
    EXPECT_EQ(dims(add(LayerType::kSHUFFLE, {in({-1, 3, 17})}, a)), "[(x:0 * 3), 17]");
    ShuffleAttributes wrong;
    wrong.first_transpose = Permutation{{0, 0, 1}};
    EXPECT_REFUSED(refusal(LayerType::kSHUFFLE, {in({1, 2, 3}, "y")}, wrong), "no permutation of 3 axes");
}

TEST_F(MovementRules, ConcatenationAddsUpItsAxis) {
    Tensor* a = in({-1, 3, 5}, "a");
    Tensor* b = in({-1, 4, 5}, "b");
    const Layer* layer = network.add_layer(LayerType::kCONCATENATION, {a, b, a}, ConcatenationAttributes{-2});
    EXPECT_EQ(dims(layer->outputs[0]), "[a:0, 10, 5]");
    EXPECT_EQ(layer->constraints.size(), 1u) << "the batches must agree when the network runs";
    EXPECT_EQ(std::get<ConcatenationAttributes>(layer->attributes).axis, 1);
    EXPECT_EQ(dims(add(LayerType::kCONCATENATION, {a, b}, ConcatenationAttributes{1})), "[a:0, 7, 5]");
    EXPECT_REFUSED(refusal(LayerType::kCONCATENATION, {a, in({1, 3, 6}, "c")}, ConcatenationAttributes{1}), "axis 2");
    EXPECT_REFUSED(refusal(LayerType::kCONCATENATION, {a, b}, ConcatenationAttributes{3}), "allowed are -3 to 2");
}

SliceAttributes slice(Numbers start, Numbers size, Numbers stride, SampleMode mode = SampleMode::kSTRICT_BOUNDS) {
    SliceAttributes a;
    a.start = std::move(start);
    a.size = std::move(size);
    a.stride = std::move(stride);
    a.mode = mode;
    return a;
}

TEST_F(MovementRules, SliceReadsOnlyWhatIsThere) {
    Tensor* x = in({4, 10});
    EXPECT_EQ(dims(add(LayerType::kSLICE, {x}, slice({1, 2}, {3, 4}, {1, 2}))), "[3, 4]");
    EXPECT_EQ(dims(add(LayerType::kSLICE, {x}, slice({3, 9}, {4, 10}, {-1, -1}))), "[4, 10]");
    EXPECT_EQ(dims(add(LayerType::kSLICE, {x}, slice({3, 9}, {0, 10}, {1, 0}))), "[0, 10]");
    EXPECT_REFUSED(refusal(LayerType::kSLICE, {x}, slice({0, 5}, {4, 6}, {1, 1})), "reads elements 5 to 10 of axis 1");
    EXPECT_REFUSED(refusal(LayerType::kSLICE, {x}, slice({-1, 0}, {4, 6}, {1, 1})), "allowed are 0 to 3");
    EXPECT_REFUSED(refusal(LayerType::kSLICE, {x}, slice({0}, {4, 6}, {1, 1})), "start of 1 numbers for 2 sliced axes");
}

TEST_F(MovementRules, PaddingIsASliceThatFills) {
    EXPECT_EQ(dims(add(LayerType::kSLICE, {in({4, 10})}, slice({-1, -2}, {6, 14}, {1, 1}, SampleMode::kFILL))),
              "[6, 14]");
}

TEST_F(MovementRules, SliceOfSomeAxesLeavesTheOthers) {
    SliceAttributes a = slice({1}, {2}, {1});
    a.axes = {-1};
    EXPECT_EQ(dims(add(LayerType::kSLICE, {in({-1, 3, 5})}, a)), "[x:0, 3, 2]");
    a = slice({1, 1}, {2, 2}, {1, 1});
    a.axes = {1, -2};
    EXPECT_REFUSED(refusal(LayerType::kSLICE, {in({1, 3, 5}, "y")}, a), "axis 1 twice");
}

TEST_F(MovementRules, SizesMayBeShapeTensors) {
    Tensor* x = in({-1, 5});
    Tensor* shape = add(LayerType::kSHAPE, {x}, NoAttributes{});
    EXPECT_EQ(dims(add(LayerType::kSLICE, {in({1, 5}, "row"), ints({0, 0}), shape, ints({0, 1})}, SliceAttributes{})),
              "[x:0, 5]");
}

TEST_F(MovementRules, SizesMayBeData) {
    Tensor* x = in({3, 5});
    Tensor* sizes = in({2}, "sizes", DataType::kINT64);
    EXPECT_EQ(dims(add(LayerType::kSLICE, {x, ints({0, 0}), sizes, ints({1, 1})}, SliceAttributes{})), "[sizes[0], sizes[1]]");
    EXPECT_EQ(dims(add(LayerType::kSHUFFLE, {x, sizes}, ShuffleAttributes{})), "[sizes[0], sizes[1]]");
}

TEST_F(MovementRules, GatherPutsTheIndicesInPlaceOfTheAxis) {
    Tensor* x = in({-1, 3, 5});
    Tensor* indices = in({2, 7}, "i", DataType::kINT64);
    EXPECT_EQ(dims(add(LayerType::kGATHER, {x, indices}, GatherAttributes{1})), "[x:0, 2, 7, 5]");
    EXPECT_EQ(dims(add(LayerType::kGATHER, {x, in({}, "s", DataType::kINT32)}, GatherAttributes{-1})), "[x:0, 3]");
    EXPECT_REFUSED(refusal(LayerType::kGATHER, {x, x}, GatherAttributes{0}), "int32 or int64 indices");
    EXPECT_EQ(dims(add(LayerType::kGATHER, {x, in({4, 2}, "pairs", DataType::kINT32)}, GatherAttributes{0, GatherMode::kND})), "[4, 5]");
    EXPECT_REFUSED(refusal(LayerType::kGATHER, {x, indices}, GatherAttributes{0, GatherMode::kND}),
                   "names no more dimensions than there are");
}

TEST_F(MovementRules, GatherRefusesKnownIndicesThatDoNotExist) {
    Tensor* x = in({-1, 3, 5});
    EXPECT_EQ(dims(add(LayerType::kGATHER, {x, ints({-3, 2})}, GatherAttributes{1})), "[x:0, 2, 5]");
    EXPECT_EQ(dims(add(LayerType::kGATHER, {x, ints({99})}, GatherAttributes{0})), "[1, 3, 5]")
        << "nobody knows yet how long axis 0 is";
    EXPECT_REFUSED(refusal(LayerType::kGATHER, {x, ints({0, 3})}, GatherAttributes{1}), "picks element 3 of axis 1");
    EXPECT_REFUSED(refusal(LayerType::kGATHER, {x, ints({-4})}, GatherAttributes{1}), "picks element -4 of axis 1");
    // More indices than are tracked as a shape tensor, and of the narrow type.
    Weights many = weights_of(DataType::kINT32, std::vector<std::int32_t>(2000, 2));
    EXPECT_EQ(dims(add(LayerType::kGATHER, {x, network.add_constant({2000}, many)}, GatherAttributes{1})),
              "[x:0, 2000, 5]");
    many = weights_of(DataType::kINT32, std::vector<std::int32_t>(2000, 3));
    EXPECT_REFUSED(refusal(LayerType::kGATHER, {x, network.add_constant({2000}, many)}, GatherAttributes{1}),
                   "which has 3 there");
}

TEST_F(MovementRules, AnEmptyAxisHasNothingToRepeat) {
    Tensor* x = in({0, 4});
    for (const SampleMode mode : {SampleMode::kCLAMP, SampleMode::kWRAP, SampleMode::kREFLECT}) {
        EXPECT_REFUSED(refusal(LayerType::kSLICE, {x}, slice({-1, 0}, {1, 4}, {1, 1}, mode)),
                       "repeats elements of axis 0");
        EXPECT_EQ(dims(add(LayerType::kSLICE, {x}, slice({0, -1}, {0, 6}, {1, 1}, mode))), "[0, 6]");
    }
    EXPECT_EQ(dims(add(LayerType::kSLICE, {x}, slice({-1, 0}, {1, 4}, {1, 1}, SampleMode::kFILL))), "[1, 4]");
}

} // namespace
} // namespace tensorvk::graph
