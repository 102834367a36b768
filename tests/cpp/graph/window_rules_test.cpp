// Extents after convolution, transposed convolution, pooling and resize.
#include "graph/fixture.hpp"

namespace tensorvk::graph {
namespace {

using WindowRules = NetworkTest;

ConvolutionAttributes conv(std::int64_t maps, Numbers kernel, std::int64_t weights) {
    ConvolutionAttributes a;
    a.maps = maps;
    a.geometry.kernel = std::move(kernel);
    a.kernel = floats(weights);
    return a;
}

TEST_F(WindowRules, ConvolutionExtents) {
    struct Row {
        std::int64_t kernel, stride, dilation, pre, post;
        const char* output;
    };
    // Extent 17: floor((17 + pre + post - ((kernel - 1) * dilation + 1)) / stride) + 1
    for (const Row& row :
         {Row{3, 1, 1, 0, 0, "[2, 4, 15]"}, Row{3, 1, 1, 1, 1, "[2, 4, 17]"}, Row{3, 2, 1, 1, 1, "[2, 4, 9]"},
          Row{3, 1, 2, 0, 0, "[2, 4, 13]"}, Row{5, 3, 2, 0, 1, "[2, 4, 4]"}, Row{1, 1, 1, 0, 0, "[2, 4, 17]"},
          Row{17, 1, 1, 0, 0, "[2, 4, 1]"}, Row{1, 17, 1, 0, 0, "[2, 4, 1]"}}) {
        Network n;
        Tensor* x = n.add_input("x", DataType::kFLOAT, Numbers{2, 3, 17});
        ConvolutionAttributes a = conv(4, {row.kernel}, 12 * row.kernel);
        a.geometry.stride = {row.stride};
        a.geometry.dilation = {row.dilation};
        a.geometry.pre = {row.pre};
        a.geometry.post = {row.post};
        EXPECT_EQ(n.describe_dims(*n.add_layer(LayerType::kCONVOLUTION, {x}, a)->outputs[0]), row.output)
            << row.kernel << " " << row.stride;
    }
}

TEST_F(WindowRules, ConvolutionOfTwoAndThreeSpatialAxes) {
    EXPECT_EQ(dims(add(LayerType::kCONVOLUTION, {in({1, 3, 33, 17})}, conv(8, {3, 1}, 72))), "[1, 8, 31, 17]");
    EXPECT_EQ(dims(add(LayerType::kCONVOLUTION, {in({1, 1, 5, 6, 7}, "y")}, conv(2, {2, 3, 4}, 48))),
              "[1, 2, 4, 4, 4]");
}

TEST_F(WindowRules, ConvolutionKeepsDynamicExtentsSymbolic) {
    ConvolutionAttributes a = conv(8, {3, 3}, 216);
    a.geometry.pre = a.geometry.post = {1, 1};
    Tensor* x = in({-1, 3, -1, -1});
    EXPECT_EQ(dims(add(LayerType::kCONVOLUTION, {x}, a)), "[x:0, 8, x:2, x:3]");
    a.geometry.stride = {2, 2};
    EXPECT_EQ(dims(add(LayerType::kCONVOLUTION, {x}, a)), "[x:0, 8, (((x:2 + -1) // 2) + 1), (((x:3 + -1) // 2) + 1)]");
}

TEST_F(WindowRules, SamePaddingRoundsUpAndIsWrittenToTheGeometry) {
    for (const auto& [mode, pre, post] :
         {std::tuple{PaddingMode::kSAME_UPPER, 0, 1}, std::tuple{PaddingMode::kSAME_LOWER, 1, 0}}) {
        Network n;
        Tensor* x = n.add_input("x", DataType::kFLOAT, Numbers{1, 1, 10});
        ConvolutionAttributes a = conv(1, {3}, 3);
        a.geometry.stride = {2};
        a.padding_mode = mode;
        const Layer* layer = n.add_layer(LayerType::kCONVOLUTION, {x}, a);
        EXPECT_EQ(n.describe_dims(*layer->outputs[0]), "[1, 1, 5]");
        EXPECT_EQ(std::get<ConvolutionAttributes>(layer->attributes).geometry.pre, Numbers{pre});
        EXPECT_EQ(std::get<ConvolutionAttributes>(layer->attributes).geometry.post, Numbers{post});
    }
}

TEST_F(WindowRules, SamePaddingOfADynamicExtentNeedsStrideOne) {
    Tensor* x = in({1, 1, -1});
    ConvolutionAttributes a = conv(1, {3}, 3);
    a.padding_mode = PaddingMode::kSAME_UPPER;
    EXPECT_EQ(dims(add(LayerType::kCONVOLUTION, {x}, a)), "[1, 1, x:2]");
    a.geometry.stride = {2};
    EXPECT_REFUSED(refusal(LayerType::kCONVOLUTION, {x}, a), "give explicit padding");
}

TEST_F(WindowRules, ConvolutionRefusesWhatDoesNotFit) {
    Tensor* x = in({1, 6, 8, 8});
    EXPECT_REFUSED(refusal(LayerType::kCONVOLUTION, {x}, conv(4, {3, 3}, 7)), "= 216 values; 7 were given");
    EXPECT_REFUSED(refusal(LayerType::kCONVOLUTION, {x}, conv(4, {9, 9}, 4 * 6 * 81)), "has only 8 there");
    EXPECT_REFUSED(refusal(LayerType::kCONVOLUTION, {x}, conv(4, {3}, 72)), "needs an input of 3 dimensions");
    ConvolutionAttributes groups = conv(4, {1, 1}, 24);
    groups.geometry.groups = 4;
    EXPECT_REFUSED(refusal(LayerType::kCONVOLUTION, {x}, groups), "6 input channels, 4 output maps and 4 groups");
    ConvolutionAttributes stride = conv(4, {1, 1}, 24);
    stride.geometry.stride = {0, 1};
    EXPECT_REFUSED(refusal(LayerType::kCONVOLUTION, {x}, stride), "stride 0");
    EXPECT_REFUSED(refusal(LayerType::kCONVOLUTION, {in({1, -1, 8, 8}, "y")}, conv(4, {1, 1}, 24)),
                   "fixed number of channels");
    EXPECT_REFUSED(refusal(LayerType::kCONVOLUTION, {in({1, 6, 8, 8}, "z", DataType::kINT32)}, conv(4, {1, 1}, 24)),
                   "insert a Cast");
}

TEST_F(WindowRules, GroupedConvolutionHasFewerWeights) {
    ConvolutionAttributes a = conv(6, {3, 3}, 6 * 9);
    a.geometry.groups = 6;
    EXPECT_EQ(dims(add(LayerType::kCONVOLUTION, {in({1, 6, 8, 8})}, a)), "[1, 6, 6, 6]");
}

TEST_F(WindowRules, KernelAndBiasMayBeInputs) {
    ConvolutionAttributes a = conv(4, {1, 1}, 0);
    Tensor* x = in({1, 2, 3, 3});
    Tensor* kernel = network.add_constant({4, 2, 1, 1}, floats(8));
    Tensor* bias = network.add_constant({4}, floats(4));
    EXPECT_EQ(dims(add(LayerType::kCONVOLUTION, {x, kernel, bias}, a)), "[1, 4, 3, 3]");
    EXPECT_REFUSED(refusal(LayerType::kCONVOLUTION, {x, bias}, a), "needs a kernel of shape [4, 2, 1, 1]");
    EXPECT_REFUSED(refusal(LayerType::kCONVOLUTION, {x, kernel, network.add_constant({3}, floats(3))}, a),
                   "needs a bias of 4 values");
}

TEST_F(WindowRules, DeconvolutionExtents) {
    struct Row {
        std::int64_t kernel, stride, dilation, padding, output_padding;
        const char* output;
    };
    // Extent 5: (5 - 1) * stride + (kernel - 1) * dilation + 1 - 2 * padding + output_padding
    for (const Row& row :
         {Row{2, 2, 1, 0, 0, "[1, 4, 10]"}, Row{3, 2, 1, 1, 0, "[1, 4, 9]"}, Row{3, 2, 1, 1, 1, "[1, 4, 10]"},
          Row{3, 1, 2, 0, 0, "[1, 4, 9]"}, Row{1, 3, 1, 0, 2, "[1, 4, 15]"}}) {
        Network n;
        Tensor* x = n.add_input("x", DataType::kFLOAT, Numbers{1, 3, 5});
        ConvolutionAttributes a = conv(4, {row.kernel}, 12 * row.kernel);
        a.geometry.stride = {row.stride};
        a.geometry.dilation = {row.dilation};
        a.geometry.pre = a.geometry.post = {row.padding};
        a.output_padding = {row.output_padding};
        EXPECT_EQ(n.describe_dims(*n.add_layer(LayerType::kDECONVOLUTION, {x}, a)->outputs[0]), row.output);
    }
}

TEST_F(WindowRules, UpsamplingDeconvolutionScalesADynamicExtent) {
    ConvolutionAttributes a = conv(4, {2, 2}, 48);
    a.geometry.stride = {2, 2};
    EXPECT_EQ(dims(add(LayerType::kDECONVOLUTION, {in({-1, 3, -1, 8})}, a)), "[x:0, 4, (x:2 * 2), 16]");
}

TEST_F(WindowRules, PoolingExtents) {
    struct Row {
        std::int64_t window, stride, pre, post;
        bool up;
        const char* output;
    };
    for (const Row& row :
         {Row{2, 2, 0, 0, false, "[1, 3, 8]"}, Row{2, 2, 0, 0, true, "[1, 3, 9]"}, Row{3, 2, 1, 1, false, "[1, 3, 9]"},
          Row{3, 3, 0, 0, true, "[1, 3, 6]"},
          Row{2, 3, 1, 1, true, "[1, 3, 6]"}, // a seventh window would begin in the padding behind the data
          Row{17, 1, 0, 0, false, "[1, 3, 1]"}}) {
        Network n;
        Tensor* x = n.add_input("x", DataType::kFLOAT, Numbers{1, 3, 17});
        PoolingAttributes a;
        a.geometry.window = {row.window};
        a.geometry.stride = {row.stride};
        a.geometry.pre = {row.pre};
        a.geometry.post = {row.post};
        a.padding_mode = row.up ? PaddingMode::kEXPLICIT_ROUND_UP : PaddingMode::kEXPLICIT_ROUND_DOWN;
        const Layer* layer = n.add_layer(LayerType::kPOOLING, {x}, a);
        EXPECT_EQ(n.describe_dims(*layer->outputs[0]), row.output) << row.window << " " << row.stride;
        EXPECT_EQ(std::get<PoolingAttributes>(layer->attributes).geometry.ceil, row.up);
    }
}

TEST_F(WindowRules, PoolingRefusesPaddingThatAWindowCouldLieIn) {
    PoolingAttributes a;
    a.geometry.window = {2, 2};
    a.geometry.pre = {2, 0};
    EXPECT_REFUSED(refusal(LayerType::kPOOLING, {in({1, 1, 4, 4})}, a), "padding must be smaller");
}

TEST_F(WindowRules, ResizeByScalesAndByShape) {
    ResizeAttributes scales;
    scales.scales = {1.0f, 1.0f, 2.0f, 1.5f};
    EXPECT_EQ(dims(add(LayerType::kRESIZE, {in({1, 3, 17, 5})}, scales)), "[1, 3, 34, 7]");
    EXPECT_EQ(dims(add(LayerType::kRESIZE, {in({-1, 3, -1, -1}, "y")}, scales)),
              "[y:0, 3, (y:2 * 2), ((y:3 * 3) // 2)]");
    ResizeAttributes shape;
    shape.shape = {1, 3, 8, 9};
    EXPECT_EQ(dims(add(LayerType::kRESIZE, {in({1, 3, 17, 5}, "z")}, shape)), "[1, 3, 8, 9]");
    scales.scales = {1.0f, 2.0f};
    EXPECT_REFUSED(refusal(LayerType::kRESIZE, {in({1, 3, 17, 5}, "w")}, scales),
                   "one scale for each of the 4 dimensions");
    scales.scales = {1.0f, 1.0f, 0.0f, 1.0f};
    EXPECT_REFUSED(refusal(LayerType::kRESIZE, {in({1, 3, 17, 5}, "v")}, scales), "scales must be positive");
}

TEST_F(WindowRules, AnEmptyAxisCannotBeResizedToElements) {
    ResizeAttributes shape;
    shape.shape = {1, 1, 3, 4};
    EXPECT_REFUSED(refusal(LayerType::kRESIZE, {in({1, 1, 0, 4})}, shape), "axis 2 of 'x'");
    shape.shape = {1, 1, 0, 8};
    EXPECT_EQ(dims(add(LayerType::kRESIZE, {in({1, 1, 0, 4}, "y")}, shape)), "[1, 1, 0, 8]");
}

TEST_F(WindowRules, OutputPaddingIsNotNegative) {
    ConvolutionAttributes a = conv(4, {2}, 24);
    a.output_padding = {-1};
    EXPECT_REFUSED(refusal(LayerType::kDECONVOLUTION, {in({1, 3, 5})}, a),
                   "output padding -1; allowed are 0 to 1048576");
}

} // namespace
} // namespace tensorvk::graph
