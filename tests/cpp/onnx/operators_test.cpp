// Operators one by one: the shapes they give, over the operator sets that changed them.
#include "onnx/operators.hpp"

#include "onnx/models.hpp"

namespace tensorvk::onnx {
namespace {

//! One node with the input x; further inputs are constants.
struct Case {
    std::string name, op;
    std::int64_t opset;
    Numbers x;
    std::vector<Numbers> ints; // further inputs; an empty list is an input left out
    AttributeList attributes;
    std::string output;
};

class OneInput : public testing::TestWithParam<Case> {};

TEST_P(OneInput, HasTheOutputShapeThatOnnxDefines) {
    const Case& c = GetParam();
    ModelWriter model(c.opset);
    model.input("x", c.x).output("y");
    Names inputs = {"x"};
    for (std::size_t i = 0; i < c.ints.size(); ++i) {
        inputs.push_back(c.ints[i].empty() ? "" : "i" + std::to_string(i));
        if (!c.ints[i].empty()) model.ints(inputs.back(), c.ints[i]);
    }
    model.node(c.op, inputs, {"y"}, c.attributes);
    EXPECT_EQ(Imported(model).dims("y"), c.output);
}

constexpr std::int64_t kEnd = INT64_MAX;

INSTANTIATE_TEST_SUITE_P(
    Shapes, OneInput,
    testing::ValuesIn(std::vector<Case>{
        {"slice_attributes",
         "Slice",
         9,
         {4, 10},
         {},
         {{"starts", Numbers{1, -3}}, {"ends", Numbers{100, -1}}},
         "[3, 2]"},
        {"slice_inputs", "Slice", 13, {4, 10}, {{1}, {kEnd}, {1}, {3}}, {}, "[4, 3]"},
        {"slice_backwards", "Slice", 13, {4, 10}, {{-1}, {-kEnd}, {1}, {-1}}, {}, "[4, 10]"},
        {"slice_empty", "Slice", 13, {4, 10}, {{7}, {3}, {1}, {1}}, {}, "[4, 0]"},
        {"slice_other_axis_dynamic", "Slice", 13, {-1, 10}, {{2}, {5}, {1}}, {}, "[x:0, 3]"},
        {"slice_dynamic_tail", "Slice", 13, {-1, 3}, {{1}, {kEnd}, {-2}}, {}, "[((x:0 - (x:0 min 1)) max 0), 3]"},
        {"slice_dynamic_all", "Slice", 13, {-1, 3}, {{0}, {kEnd}, {0}}, {}, "[x:0, 3]"},
        {"slice_dynamic_but_last", "Slice", 13, {-1, 3}, {{0}, {-1}, {0}}, {}, "[((x:0 + -1) max 0), 3]"},
        {"reshape", "Reshape", 13, {2, 3, 4}, {{0, -1}}, {}, "[2, 12]"},
        {"reshape_dynamic", "Reshape", 13, {-1, 3, 4}, {{-1, 12}}, {}, "[x:0, 12]"},
        {"flatten", "Flatten", 13, {-1, 3, 4}, {}, {}, "[x:0, 12]"},
        {"flatten_front", "Flatten", 13, {2, 3, 4}, {}, {{"axis", std::int64_t{0}}}, "[1, 24]"},
        {"flatten_end", "Flatten", 13, {2, 3, 4}, {}, {{"axis", std::int64_t{3}}}, "[24, 1]"},
        {"flatten_dynamic",
         "Flatten",
         13,
         {-1, -1, 4, -1},
         {},
         {{"axis", std::int64_t{2}}},
         "[(x:0 * x:1), (x:3 * 4)]"},
        {"squeeze_attribute", "Squeeze", 11, {1, 3, 1}, {}, {{"axes", Numbers{-1}}}, "[1, 3]"},
        {"squeeze_input", "Squeeze", 13, {-1, 3, 1}, {{2}}, {}, "[x:0, 3]"},
        {"squeeze_all", "Squeeze", 13, {1, 3, 1}, {}, {}, "[3]"},
        {"unsqueeze_attribute", "Unsqueeze", 11, {3, 4}, {}, {{"axes", Numbers{0, 3}}}, "[1, 3, 4, 1]"},
        {"unsqueeze_dynamic", "Unsqueeze", 13, {-1, 4, -1}, {{-1, 0}}, {}, "[1, x:0, 4, x:2, 1]"},
        {"transpose_default", "Transpose", 13, {2, 3, -1}, {}, {}, "[x:2, 3, 2]"},
        {"transpose", "Transpose", 13, {2, 3, 4}, {}, {{"perm", Numbers{0, 2, 1}}}, "[2, 4, 3]"},
        {"expand", "Expand", 13, {3, 1}, {{2, 1, 6}}, {}, "[2, 3, 6]"},
        {"expand_dynamic", "Expand", 13, {-1, 1}, {{1, 6}}, {}, "[x:0, 6]"},
        {"tile", "Tile", 13, {2, -1}, {{3, 2}}, {}, "[6, (x:1 * 2)]"},
        {"pad_attribute", "Pad", 10, {1, 5}, {}, {{"pads", Numbers{0, 2, 0, 1}}}, "[1, 8]"},
        {"pad_input", "Pad", 13, {-1, -1}, {{0, 2, 0, 1}}, {{"mode", "edge"}}, "[x:0, (x:1 + 3)]"},
        {"pad_axes", "Pad", 18, {4, 5, 6}, {{1, 2}, {}, {-1}}, {{"mode", "reflect"}}, "[4, 5, 9]"},
        {"pad_crops", "Pad", 13, {4, 5}, {{-1, 0, 0, 0}}, {}, "[3, 5]"},
        {"reduce_attribute",
         "ReduceSum",
         11,
         {2, 3, 4},
         {},
         {{"axes", Numbers{1}}, {"keepdims", std::int64_t{0}}},
         "[2, 4]"},
        {"reduce_input", "ReduceSum", 13, {2, 3, 4}, {{-1}}, {}, "[2, 3, 1]"},
        {"reduce_all", "ReduceMean", 13, {2, 3, 4}, {}, {{"keepdims", std::int64_t{0}}}, "[]"},
        {"reduce_nothing", "ReduceMax", 18, {2, 3}, {}, {{"noop_with_empty_axes", std::int64_t{1}}}, "[2, 3]"},
        {"reduce_l2", "ReduceL2", 18, {2, 3}, {{1}}, {}, "[2, 1]"},
        {"reduce_log_sum_exp", "ReduceLogSumExp", 18, {2, 3}, {{1}}, {{"keepdims", std::int64_t{0}}}, "[2]"},
        {"argmax", "ArgMax", 11, {-1, 4}, {}, {{"axis", std::int64_t{1}}, {"keepdims", std::int64_t{0}}}, "[x:0]"},
        {"argmin_keeps", "ArgMin", 13, {3, 4}, {}, {}, "[1, 4]"},
        {"softmax_flattens", "Softmax", 11, {2, 3, 4}, {}, {}, "[2, 3, 4]"},
        {"softmax_last", "Softmax", 13, {2, 3, 4}, {}, {}, "[2, 3, 4]"},
        {"topk", "TopK", 11, {2, 9}, {{4}}, {}, "[2, 4]"},
        {"depth_to_space",
         "DepthToSpace",
         13,
         {-1, 8, 3, -1},
         {},
         {{"blocksize", std::int64_t{2}}},
         "[x:0, 2, 6, (x:3 * 2)]"},
        {"space_to_depth", "SpaceToDepth", 13, {1, 2, 6, 4}, {}, {{"blocksize", std::int64_t{2}}}, "[1, 8, 3, 2]"},
        {"global_average", "GlobalAveragePool", 13, {-1, 8, -1, 7}, {}, {}, "[x:0, 8, 1, 1]"},
        {"max_pool_ceil",
         "MaxPool",
         12,
         {1, 2, 8, 8},
         {},
         {{"kernel_shape", Numbers{3, 3}}, {"strides", Numbers{2, 2}}, {"ceil_mode", std::int64_t{1}}},
         "[1, 2, 4, 4]"},
        {"average_pool_same",
         "AveragePool",
         12,
         {1, 2, 7},
         {},
         {{"kernel_shape", Numbers{3}}, {"strides", Numbers{2}}, {"auto_pad", "SAME_UPPER"}},
         "[1, 2, 4]"},
        {"upsample_attribute",
         "Upsample",
         7,
         {1, 2, 3, 3},
         {},
         {{"mode", "nearest"}},
         "Node 0 (Upsample, opset 7; inputs: float32 [1, 2, 3, 3]): Input 1 is missing; Upsample needs it."},
        {"shape_part", "Shape", 15, {2, -1, 4}, {}, {{"start", std::int64_t{-2}}}, "[2]"},
        {"size", "Size", 13, {2, -1, 4}, {}, {}, "[]"},
        {"hard_swish", "HardSwish", 14, {3}, {}, {}, "[3]"},
        {"mish", "Mish", 18, {3}, {}, {}, "[3]"},
        {"clip_attributes", "Clip", 6 + 1, {3}, {}, {{"min", 0.0f}, {"max", 6.0f}}, "[3]"},
        {"lrn", "LRN", 13, {1, 5, 3, 3}, {}, {{"size", std::int64_t{3}}}, "[1, 5, 3, 3]"},
    }),
    [](const auto& test) { return test.param.name; });

TEST(Operators, ConvolutionReadsAllItsAttributes) {
    ModelWriter model;
    model.input("x", {1, 4, 17, 17}).weights("w", {6, 2, 3, 3}).weights("b", {6}).output("y");
    model.node("Conv", {"x", "w", "b"}, {"y"},
               {{"strides", Numbers{2, 1}},
                {"dilations", Numbers{1, 2}},
                {"pads", Numbers{1, 2, 3, 4}},
                {"group", std::int64_t{2}}});
    const Imported imported(model);
    EXPECT_EQ(imported.dims("y"), "[1, 6, 10, 19]");
    const auto& a = imported.attributes<graph::ConvolutionAttributes>("y");
    EXPECT_EQ(a.geometry.pre, (Numbers{1, 2}));
    EXPECT_EQ(a.geometry.post, (Numbers{3, 4}));
    EXPECT_EQ(a.geometry.groups, 2);
    EXPECT_EQ(a.bias.count, 6);
    EXPECT_EQ(imported.network.layers().size(), 1u) << "constant weights need no layers of their own";
}

TEST(Operators, ConvolutionTransposeReachesTheAskedOutput) {
    struct Row {
        AttributeList attributes;
        const char* output;
    };
    const AttributeList twice = {{"strides", Numbers{2}}};
    for (const Row& row : std::vector<Row>{
             {twice, "[1, 4, 11]"},
             {{{"strides", Numbers{2}}, {"pads", Numbers{1, 1}}, {"output_padding", Numbers{1}}}, "[1, 4, 10]"},
             {{{"strides", Numbers{2}}, {"output_shape", Numbers{10}}}, "[1, 4, 10]"},
             {{{"strides", Numbers{2}}, {"output_shape", Numbers{13}}}, "[1, 4, 13]"},
             {{{"strides", Numbers{2}}, {"auto_pad", "SAME_LOWER"}}, "[1, 4, 10]"}}) {
        ModelWriter model;
        model.input("x", {1, 2, 5}).weights("w", {2, 2, 3}).output("y");
        AttributeList attributes = row.attributes;
        attributes.emplace_back("group", std::int64_t{2});
        model.node("ConvTranspose", {"x", "w"}, {"y"}, attributes);
        EXPECT_EQ(Imported(model).dims("y"), row.output);
    }
}

TEST(Operators, MatMulHasNumpysRanks) {
    struct Row {
        Numbers a, b;
        const char* output;
    };
    for (const Row& row : {Row{{3, 4}, {4, 5}, "[3, 5]"}, Row{{4}, {4, 5}, "[5]"}, Row{{3, 4}, {4}, "[3]"},
                           Row{{4}, {4}, "[]"}, Row{{2, 3, 4}, {4, 5}, "[2, 3, 5]"}, Row{{4}, {2, 4, 5}, "[2, 5]"},
                           Row{{2, 1, 3, 4}, {7, 4, 5}, "[2, 7, 3, 5]"}}) {
        ModelWriter model;
        model.input("a", row.a).input("b", row.b).node("MatMul", {"a", "b"}, {"y"}).output("y");
        EXPECT_EQ(Imported(model).dims("y"), row.output);
    }
}

TEST(Operators, GemmTransposesScalesAndAdds) {
    ModelWriter model;
    model.input("a", {-1, 3}).weights("b", {5, 3}).weights("c", {5}).output("y");
    model.node("Gemm", {"a", "b", "c"}, {"y"}, {{"transB", std::int64_t{1}}, {"alpha", 0.5f}, {"beta", 2.0f}}, "fc");
    const Imported imported(model);
    EXPECT_EQ(imported.dims("y"), "[a:0, 5]");
    EXPECT_EQ(imported.network.find("y")->producer->name, "fc");
}

TEST(Operators, ElementwiseAlignsRanks) {
    ModelWriter model;
    model.input("x", {-1, 3, 5}).weights("bias", {3, 1}).node("Add", {"x", "bias"}, {"y"}).output("y");
    EXPECT_EQ(Imported(model).dims("y"), "[x:0, 3, 5]");
}

TEST(Operators, BatchNormalizationBecomesAScale) {
    ModelWriter model;
    model.input("x", {-1, 2, 4, 4}).output("y");
    model.floats("scale", {2}, {2.0f, 3.0f})
        .floats("shift", {2}, {1.0f, 1.0f})
        .floats("mean", {2}, {0.5f, 0.0f})
        .floats("var", {2}, {4.0f, 9.0f});
    model.node("BatchNormalization", {"x", "scale", "shift", "mean", "var"}, {"y"}, {{"epsilon", 0.0f}});
    const Imported imported(model);
    ASSERT_EQ(imported.dims("y"), "[x:0, 2, 4, 4]");
    const auto& a = imported.attributes<graph::ScaleAttributes>("y");
    EXPECT_EQ(to_doubles(a.scale), (std::vector{1.0, 1.0}));
    EXPECT_EQ(to_doubles(a.shift), (std::vector{0.5, 1.0}));
}

TEST(Operators, NormalisationsKeepTheShape) {
    for (const auto& [op, size, attributes] :
         {std::tuple<const char*, std::int64_t, AttributeList>{"InstanceNormalization", 4, {}},
          {"LayerNormalization", 6, {}},
          {"GroupNormalization", 4, {{"num_groups", std::int64_t{2}}}}}) {
        ModelWriter model(21);
        model.input("x", {-1, 4, -1, 6}).weights("s", {size}).weights("b", {size}).output("y");
        model.node(op, {"x", "s", "b"}, {"y"}, attributes);
        EXPECT_EQ(Imported(model).dims("y"), "[x:0, 4, x:2, 6]") << op;
    }
}

TEST(Operators, SplitInEveryForm) {
    for (const auto& [opset, attributes, sizes, second] :
         {std::tuple<std::int64_t, AttributeList, Numbers, const char*>{11, {{"split", Numbers{2, 5}}}, {}, "[5, x:1]"},
          {13, {}, {3, 4}, "[4, x:1]"},
          {18, {{"num_outputs", std::int64_t{2}}}, {}, "[3, x:1]"}}) {
        ModelWriter model(opset);
        model.input("x", {7, -1}).output("b");
        Names inputs = {"x"};
        if (!sizes.empty()) {
            model.ints("sizes", sizes);
            inputs.push_back("sizes");
        }
        model.node("Split", inputs, {"a", "b"}, attributes);
        EXPECT_EQ(Imported(model).dims("b"), second) << opset;
    }
}

TEST(Operators, ResizeByScalesAndSizes) {
    ModelWriter scales;
    scales.input("x", {-1, 3, -1, 5}).floats("s", {4}, {1.0f, 1.0f, 2.0f, 0.5f}).output("y");
    scales.node("Resize", {"x", "", "s"}, {"y"},
                {{"mode", "linear"}, {"coordinate_transformation_mode", "pytorch_half_pixel"}});
    const Imported imported(scales);
    EXPECT_EQ(imported.dims("y"), "[x:0, 3, (x:2 * 2), 2]");
    EXPECT_EQ(imported.attributes<graph::ResizeAttributes>("y").selector, ResizeSelector::kUPPER);
    ModelWriter sizes;
    sizes.input("x", {1, 3, 4, 5}).ints("s", {1, 3, 8, 9}).output("y");
    sizes.node("Resize", {"x", "", "", "s"}, {"y"});
    EXPECT_EQ(Imported(sizes).dims("y"), "[1, 3, 8, 9]");
    ModelWriter old(10);
    old.input("x", {1, 3, 4, 5})
        .floats("s", {4}, {1.0f, 1.0f, 2.0f, 2.0f})
        .node("Resize", {"x", "s"}, {"y"})
        .output("y");
    EXPECT_EQ(Imported(old).dims("y"), "[1, 3, 8, 10]");
}

TEST(Operators, ShapeArithmeticReachesTheReshape) {
    ModelWriter model;
    model.input("x", {-1, 3, 4, 4}).ints("minus_one", {-1}).ints("axes", {0}).output("y");
    *model.model.mutable_graph()->add_initializer() = int_tensor("zero", {}, {0});
    model.node("Shape", {"x"}, {"s"}).node("Gather", {"s", "zero"}, {"n"}).node("Unsqueeze", {"n", "axes"}, {"n1"});
    model.node("Concat", {"n1", "minus_one"}, {"target"}, {{"axis", std::int64_t{0}}})
        .node("Reshape", {"x", "target"}, {"y"});
    EXPECT_EQ(Imported(model).dims("y"), "[x:0, 48]");
}

TEST(Operators, ConstantsInEveryForm) {
    ModelWriter model;
    model.input("x", {3}).output("y");
    model.node("Constant", {}, {"a"}, {{"value", tensor("", {3}, {1, 2, 3})}})
        .node("Constant", {}, {"b"}, {{"value_float", 2.0f}});
    model.node("Constant", {}, {"c"}, {{"value_ints", Numbers{3}}})
        .node("ConstantOfShape", {"c"}, {"d"}, {{"value", tensor("", {1}, {7})}});
    model.node("Sum", {"x", "a", "b", "d"}, {"y"});
    EXPECT_EQ(Imported(model).dims("y"), "[3]");
}

TEST(Operators, ComparisonsAndSelection) {
    ModelWriter model;
    model.input("x", {2, 3}).weights("z", {1}).output("y");
    model.node("GreaterOrEqual", {"x", "z"}, {"c"}).node("Not", {"c"}, {"n"}).node("Where", {"n", "x", "z"}, {"y"});
    EXPECT_EQ(Imported(model).dims("y"), "[2, 3]");
}

TEST(Operators, AbsurdNumbersAreRefusedNotComputedWith) {
    for (const auto& [op, ints, attributes] :
         {std::tuple<const char*, Numbers, AttributeList>{"Pad", {INT64_MIN, 0}, {}},
          {"Pad", {INT64_MAX, INT64_MAX}, {}},
          {"TopK", {1, 2}, {}},
          {"TopK", {INT64_MAX}, {}},
          {"Expand", {INT64_MAX, INT64_MAX, INT64_MAX, 2}, {}},
          {"Reshape", {INT64_MAX, INT64_MAX}, {}}}) {
        ModelWriter model;
        model.input("x", {3})
            .ints("i", ints)
            .node(op, {"x", "i"}, {"y"}, attributes)
            .node("Shape", {"y"}, {"s"})
            .node("ReduceProd", {"s"}, {"p"})
            .output("p");
        EXPECT_FALSE(Imported(model).result.ok()) << op;
    }
}

TEST(Operators, AStepBeyondTheAxisLeavesOneElement) {
    for (const std::int64_t step : {INT64_MAX, std::int64_t{4}, -INT64_MAX, INT64_MIN}) {
        for (const std::int64_t extent : {4, -1}) {
            ModelWriter model;
            model.input("x", {extent, 2}).ints("start", {step > 0 ? 0 : -1}).ints("axis", {0}).ints("step", {step});
            model.ints("end", {step > 0 ? INT64_MAX : INT64_MIN}).output("y");
            model.node("Slice", {"x", "start", "end", "axis", "step"}, {"y"});
            const Imported imported(model);
            ASSERT_TRUE(imported.result.ok()) << imported.error();
            if (extent > 0) {
                EXPECT_EQ(imported.dims("y"), "[1, 2]");
            }
        }
    }
}

TEST(Operators, TheTableKnowsItsOwn) {
    EXPECT_TRUE(supports_operator("Conv"));
    EXPECT_FALSE(supports_operator("conv"));
    EXPECT_EQ(nearest_operator("Convolution"), "");
    EXPECT_EQ(nearest_operator("Softmaxx"), "Softmax");
    const Names names = supported_operators();
    EXPECT_GT(names.size(), 110u);
    for (const std::string& name : names) {
        ASSERT_TRUE(supports_operator(name)) << name;
    }
}

} // namespace
} // namespace tensorvk::onnx
