// What importing promises beyond single operators: names, errors of all bad nodes, functions, odd but legal files.
#include "onnx/importer.hpp"

#include <stdexcept>

#include "onnx/failure.hpp"
#include "onnx/models.hpp"

namespace tensorvk::onnx {
namespace {

#define EXPECT_PART(whole, part) EXPECT_NE((whole).find(part), std::string::npos) << (whole)

ModelWriter relu_model() {
    ModelWriter model;
    model.input("x", {1, 3}).node("Relu", {"x"}, {"y"}, {}, "act").output("y");
    return model;
}

TEST(Importer, KeepsTheModelsNames) {
    const Imported imported(relu_model());
    ASSERT_TRUE(imported.result.ok());
    const graph::Tensor* y = imported.network.find("y");
    ASSERT_NE(y, nullptr);
    EXPECT_TRUE(y->is_output);
    EXPECT_EQ(y->producer->name, "act");
    EXPECT_EQ(y->producer->metadata, "[ONNX Layer: act]");
    EXPECT_EQ(imported.result.node_count, 1u);
}

TEST(Importer, NodesWithoutNamesAreNamedAfterOperatorAndIndex) {
    ModelWriter model;
    model.input("x", {3}).node("Relu", {"x"}, {"h"}).node("Tanh", {"h"}, {"y"}).output("y");
    EXPECT_EQ(Imported(model).network.find("y")->producer->name, "Tanh_1");
}

TEST(Importer, ReportsAllBadNodesAtOnceAndBlamesNoOthers) {
    ModelWriter model;
    model.input("x", {1, 3}).weights("w", {4, 4}).output("y");
    model.node("Softmaxx", {"x"}, {"a"}, {}, "typo").node("Relu", {"a"}, {"b"}, {}, "innocent");
    model.node("MatMul", {"x", "w"}, {"c"}, {}, "misfit").node("Relu", {"x"}, {"y"}, {}, "fine");
    const Imported imported(model);
    ASSERT_EQ(imported.result.errors.size(), 2u);
    const NodeError& unknown = imported.result.errors[0];
    EXPECT_EQ(unknown.node, 0);
    EXPECT_EQ(unknown.node_name, "typo");
    EXPECT_EQ(unknown.op_type, "Softmaxx");
    EXPECT_EQ(unknown.opset, 17);
    EXPECT_EQ(unknown.code, NodeErrorCode::kUNSUPPORTED_NODE);
    EXPECT_PART(unknown.reason, "did you mean 'Softmax'?");
    EXPECT_EQ(imported.result.errors[1].node, 2);
    EXPECT_EQ(imported.result.errors[1].code, NodeErrorCode::kINVALID_NODE);
    EXPECT_PART(describe(imported.result.errors[1]),
                "Node 2 'misfit' (MatMul, opset 17; inputs: float32 [1, 3], float32 [4, 4]): Layer 'misfit' (MatrixMultiply)");
}

TEST(Importer, UnknownDomainsAreNamed) {
    ModelWriter model = relu_model();
    model.model.mutable_graph()->mutable_node(0)->set_domain("com.example");
    EXPECT_PART(Imported(model).error(), "operator 'com.example.Relu'");
}

TEST(Importer, NodesMayComeInAnyOrder) {
    ModelWriter model;
    model.input("x", {3}).node("Tanh", {"h"}, {"y"}, {}, "second").node("Relu", {"x"}, {"h"}, {}, "first").output("y");
    EXPECT_EQ(Imported(model).dims("y"), "[3]");
}

TEST(Importer, CyclesAndMissingInputsAreNamed) {
    ModelWriter model;
    model.input("x", {3}).node("Add", {"x", "z"}, {"y"}).node("Relu", {"y"}, {"z"}).output("y");
    EXPECT_PART(Imported(model).error(), "Its input 'z' is made by no node");
}

TEST(Importer, InitializersAmongTheInputsAreConstants) {
    ModelWriter model;
    model.input("x", {3}).input("w", {3}).weights("w", {3}).node("Add", {"x", "w"}, {"y"}).output("y");
    const Imported imported(model);
    EXPECT_EQ(imported.dims("y"), "[3]");
    EXPECT_EQ(imported.network.inputs().size(), 1u);
}

TEST(Importer, DimensionsOfOneNameShareASymbolUnlessTheNameSaysNothing) {
    ModelWriter model;
    model.named_input("a", {"batch", "?"}).named_input("b", {"batch", "?"}).node("Add", {"a", "b"}, {"y"}).output("y");
    EXPECT_EQ(Imported(model).dims("y"), "[a:0, a:1]");
    EXPECT_EQ(Imported(model).network.find("y")->producer->constraints.size(), 1u);
}

TEST(Importer, AnInputMayBeAnOutputAndATensorMayBeTwo) {
    ModelWriter model;
    model.input("x", {3}).node("Identity", {"x"}, {"y"}).output("x").output("y");
    const Imported imported(model);
    ASSERT_TRUE(imported.result.ok()) << imported.error();
    EXPECT_EQ(imported.network.outputs().size(), 2u);
}

TEST(Importer, AConstantMayBeAnOutput) {
    ModelWriter model;
    model.input("x", {3}).weights("w", {2}).node("Identity", {"w"}, {"y"}).output("y");
    EXPECT_EQ(Imported(model).dims("y"), "[2]");
}

TEST(Importer, LocalFunctionsAreExpandedWithTheirAttributes) {
    ModelWriter model;
    model.input("x", {2, 3}).output("y");
    model.node("Twice", {"x"}, {"y"}, {{"slope", 0.25f}}, "call");
    model.model.mutable_graph()->mutable_node(0)->set_domain("local");
    auto* function = model.model.add_functions();
    function->set_name("Twice");
    function->set_domain("local");
    function->add_opset_import()->set_version(17);
    function->add_input("in");
    function->add_output("out");
    ModelWriter::fill(*function->add_node(), "LeakyRelu", {"in"}, {"h"});
    auto* reference = function->mutable_node(0)->add_attribute();
    reference->set_name("alpha");
    reference->set_ref_attr_name("slope");
    ModelWriter::fill(*function->add_node(), "Add", {"h", "h"}, {"out"});
    const Imported imported(model);
    EXPECT_EQ(imported.dims("y"), "[2, 3]");
    EXPECT_EQ(imported.attributes<graph::ActivationAttributes>("call/h").alpha, 0.25f);
}

TEST(Importer, ErrorsInFunctionsShowTheirStackOnce) {
    ModelWriter model;
    model.input("x", {2}).output("y").node("F", {"x"}, {"y"}, {}, "call");
    auto* function = model.model.add_functions();
    function->set_name("F");
    function->add_opset_import()->set_version(17);
    function->add_input("in");
    function->add_output("out");
    ModelWriter::fill(*function->add_node(), "Nonsense", {"in"}, {"out"}, {}, "inner");
    const Imported imported(model);
    ASSERT_EQ(imported.result.errors.size(), 1u);
    EXPECT_EQ(imported.result.errors[0].function_stack, Names{"F"});
    EXPECT_EQ(imported.result.errors[0].node_name, "inner");
    EXPECT_EQ(imported.result.errors[0].node, 0);
}

TEST(Importer, AFunctionThatCallsItselfIsRefused) {
    ModelWriter model;
    model.input("x", {2}).output("y").node("F", {"x"}, {"y"});
    auto* function = model.model.add_functions();
    function->set_name("F");
    function->add_opset_import()->set_version(17);
    function->add_input("in");
    function->add_output("out");
    ModelWriter::fill(*function->add_node(), "F", {"in"}, {"out"});
    EXPECT_PART(Imported(model).error(), "levels deep");
}

TEST(Importer, NothingThatIsNoModelGetsThrough) {
    EXPECT_PART(Imported(std::string()).error(), "0 bytes");
    EXPECT_PART(Imported(std::string("\x89garbage that is no message")).error(), "no ONNX model");
    EXPECT_PART(Imported(std::string("PK\x03\x04 rest of an archive")).error(), "ZIP archive");
    EXPECT_PART(Imported(std::string("version https://git-lfs.github.com/spec/v1")).error(), "git lfs pull");
    const std::string whole = relu_model().bytes();
    const Imported truncated(whole.substr(0, whole.size() - 3));
    ASSERT_EQ(truncated.result.errors.size(), 1u);
    EXPECT_EQ(truncated.result.errors[0].code, NodeErrorCode::kMODEL_DESERIALIZE_FAILED);
    EXPECT_EQ(truncated.result.errors[0].node, -1);
}

TEST(Importer, DeepNestingDoesNotExhaustTheStack) {
    ModelWriter model = relu_model();
    auto* graph = model.model.mutable_graph();
    for (int level = 0; level < 100; ++level) {
        auto* attribute = graph->add_node()->add_attribute();
        attribute->set_name("then_branch");
        graph = attribute->mutable_g();
    }
    const Imported imported(model);
    ASSERT_EQ(imported.result.errors.size(), 1u);
    EXPECT_EQ(imported.result.errors[0].code, NodeErrorCode::kMODEL_DESERIALIZE_FAILED);
}

TEST(Importer, EveryTruncationEndsWithASentence) {
    const std::string whole = relu_model().bytes();
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const Imported imported(whole.substr(0, size));
        if (imported.result.ok()) continue; // the output's name may end early and still be a model
        EXPECT_EQ(imported.error().back(), '.') << size;
    }
}

TEST(Importer, AFileThatDoesNotExistIsNamed) {
    graph::Network network;
    const ImportResult result = import_file("no/such/model.onnx", network);
    ASSERT_EQ(result.errors.size(), 1u);
    EXPECT_PART(result.errors[0].reason, "There is no file 'no/such/model.onnx'");
}

TEST(Importer, WhatIsNoRegularFileIsCalledSo) {
    graph::Network network;
    EXPECT_PART(import_file("/dev/null", network).errors.at(0).reason, "'/dev/null' is no regular file");
}

TEST(Importer, ANameIsDefinedOnce) {
    ModelWriter model;
    model.input("x", {4}).input("x", {5}).weights("w", {3}).output("y");
    model.node("Relu", {"x"}, {"m"}).node("Neg", {"x"}, {"m"}, {}, "again").node("Abs", {"m"}, {"y"});
    model.node("Neg", {"x"}, {"x"}).node("Neg", {"x"}, {"w"}).node("Split", {"x"}, {"s", "s"});
    const Imported imported(model);
    std::vector<std::pair<int, std::string>> errors;
    for (const NodeError& error : imported.result.errors) {
        errors.emplace_back(error.node, describe(error));
    }
    ASSERT_EQ(errors.size(), 5u);
    EXPECT_EQ(errors[0].first, -1);
    EXPECT_PART(errors[0].second, "two inputs 'x'");
    EXPECT_EQ(errors[1].first, 1);
    EXPECT_PART(errors[1].second, "Node 1 'again' (Neg, opset 17): Its output 'm' is made by node 0 (Relu) already");
    EXPECT_EQ(errors[2].first, 3);
    EXPECT_PART(errors[2].second, "'x' has the name of an input of the graph");
    EXPECT_PART(errors[3].second, "'w' has the name of an initializer");
    EXPECT_PART(errors[4].second, "'s' is made by node 5 (Split) already");
}

TEST(Importer, ANameIsDefinedOnceInAFunctionToo) {
    ModelWriter model = relu_model();
    auto* function = model.model.add_functions();
    function->set_name("F");
    function->add_input("in");
    ModelWriter::fill(*function->add_node(), "Relu", {"in"}, {"h"});
    ModelWriter::fill(*function->add_node(), "Neg", {"h"}, {"in"});
    EXPECT_PART(Imported(model).error(), "In function 'F': Node 1 (Neg): Its output 'in' has the name of an input");
}

TEST(Importer, OfTwoInitializersOfOneNameTheLastCountsAndOfTwoEqualOutputsOneIsOffered) {
    ModelWriter model;
    model.input("x", {1}).floats("w", {1}, {1.0f}).floats("w", {1}, {100.0f}).output("y").output("y");
    model.node("Add", {"x", "w"}, {"y"});
    const Imported imported(model);
    ASSERT_TRUE(imported.result.ok()) << imported.error();
    ASSERT_EQ(imported.network.outputs().size(), 1u);
    EXPECT_EQ(imported.network.outputs()[0]->name, "y");
    ASSERT_EQ(imported.result.warnings.size(), 2u);
    EXPECT_PART(imported.result.warnings[0], "two initializers 'w'");
    EXPECT_PART(imported.result.warnings[1], "output 'y' twice");
}

TEST(Importer, NamesThatNothingCanHoldAreRefusedAndShownShort) {
    for (const std::string& name : {std::string(70'000, 'n'), std::string("a\0b", 3)}) {
        ModelWriter input;
        input.input(name, {1}).node("Relu", {name}, {"y"}).output("y");
        ModelWriter node;
        node.input("x", {1}).node("Relu", {"x"}, {"y"}, {}, name).output("y");
        ModelWriter output;
        output.input("x", {1}).node("Relu", {"x"}, {name}).output(name);
        for (const ModelWriter& model : {input, node, output}) {
            const Imported imported(model);
            ASSERT_FALSE(imported.result.ok());
            EXPECT_LT(imported.error().size(), 500u);
            EXPECT_EQ(imported.error().find('\0'), std::string::npos);
            EXPECT_PART(imported.error(), name.size() > 3 ? "has 70000 bytes; at most 4096" : "has a zero byte");
        }
    }
}

TEST(Importer, LongNamesAreCutInSentences) {
    ModelWriter model;
    model.input("x", {1}).node("Nonsense", {"x"}, {"y"}, {}, std::string(4000, 'n')).output("y");
    EXPECT_LT(Imported(model).error().size(), 500u);
}

TEST(Importer, NegativeExtentsOfInputsAreRefusedButForMinusOne) {
    ModelWriter dynamic = relu_model();
    auto* dim = dynamic.model.mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type()->mutable_shape();
    dim->mutable_dim(0)->set_dim_value(-1);
    EXPECT_EQ(Imported(dynamic).dims("y"), "[x:0, 3]");
    dim->mutable_dim(0)->set_dim_value(-5);
    EXPECT_PART(Imported(dynamic).error(), "Input 'x' was given the dimension -5 on axis 0");
}

TEST(Importer, ADeclarationThatTheNodesContradictIsWarnedOf) {
    const auto warnings = [](int type, const Numbers& dims) {
        ModelWriter model = relu_model();
        auto* declared = model.model.mutable_graph()->mutable_output(0)->mutable_type()->mutable_tensor_type();
        declared->set_elem_type(type);
        for (const std::int64_t dim : dims) {
            auto* added = declared->mutable_shape()->add_dim();
            if (dim >= 0) {
                added->set_dim_value(dim);
            }
        }
        const Imported imported(model);
        EXPECT_TRUE(imported.result.ok());
        return imported.result.warnings;
    };
    constexpr int kDouble = 11;
    EXPECT_EQ(warnings(kFloat, {1, 3}).size(), 0u);
    EXPECT_EQ(warnings(kFloat, {-1, 3}).size(), 0u);
    EXPECT_EQ(warnings(kDouble, {1, 3}).size(), 0u) << "the network narrows float64 itself";
    ASSERT_EQ(warnings(kInt64, {1, 3}).size(), 1u);
    EXPECT_PART(warnings(kInt64, {1, 3})[0], "declared as int64 [1, 3], but its node makes float32 [1, 3]");
    EXPECT_EQ(warnings(kFloat, {1, 4}).size(), 1u);
    EXPECT_EQ(warnings(kFloat, {3}).size(), 1u);
}

TEST(Importer, ANegativeExtentOfAConstantIsOneErrorAmongOthers) {
    ModelWriter model;
    model.input("x", {1}).ints("s", {-3}).node("ConstantOfShape", {"s"}, {"z"}, {}, "negative");
    model.node("Add", {"x", "z"}, {"y"}).node("Bogus", {"x"}, {"q"}).output("y");
    const Imported imported(model);
    ASSERT_EQ(imported.result.errors.size(), 2u);
    EXPECT_PART(describe(imported.result.errors[0]), "'negative'");
    EXPECT_PART(imported.result.errors[0].reason, "has the dimension -3");
}

TEST(Importer, AComputedKernelIsAnInputOfTheLayer) {
    ModelWriter model;
    model.input("x", {1, 3, 8, 8}).input("w", {3, 3, 3, 3}).output("a").output("b");
    model.node("Conv", {"x", "w"}, {"a"}).node("Relu", {"w"}, {"v"}).node("ConvTranspose", {"x", "v"}, {"b"});
    const Imported imported(model);
    ASSERT_TRUE(imported.result.ok());
    std::vector<LayerType> with_kernel;
    for (const auto& layer : imported.network.layers()) {
        if (layer->inputs.size() == 2) {
            with_kernel.push_back(layer->type);
        }
    }
    EXPECT_EQ(with_kernel, (std::vector<LayerType>{LayerType::kCONVOLUTION, LayerType::kDECONVOLUTION}));
    EXPECT_EQ(imported.network.describe_dims(*imported.network.outputs()[0]), "[1, 3, 6, 6]");
    EXPECT_EQ(imported.network.describe_dims(*imported.network.outputs()[1]), "[1, 3, 10, 10]");
}

TEST(Importer, SqueezeWithoutAxesKeepsWhatIsDynamicAndChecksIt) {
    ModelWriter model;
    model.input("x", {-1, 1, 5}).output("y").node("Squeeze", {"x"}, {"y"});
    const Imported imported(model);
    ASSERT_TRUE(imported.result.ok());
    EXPECT_EQ(imported.network.dims(*imported.network.outputs()[0]).nbDims, 2);
    const auto& layers = imported.network.layers();
    EXPECT_TRUE(std::any_of(layers.begin(), layers.end(), [](const auto& layer) { return layer->type == LayerType::kASSERTION; }));
}

TEST(Importer, ForeignExceptionsBecomeErrors) {
    try {
        throw std::length_error("too long");
    } catch (...) {
        const Failure failure = current_failure(NodeErrorCode::kINVALID_NODE);
        EXPECT_EQ(failure.code, NodeErrorCode::kINTERNAL_ERROR);
        EXPECT_PART(failure.reason, "too long");
    }
    try {
        throw OutOfMemory("no room.");
    } catch (...) {
        EXPECT_EQ(current_failure(NodeErrorCode::kINVALID_NODE).code, NodeErrorCode::kMEM_ALLOC_FAILED);
    }
}

TEST(Importer, OperatorSetsBelowTheFirstAreRefusedAndNewOnesWarnedOf) {
    ModelWriter old(0);
    old.input("x", {3}).node("Relu", {"x"}, {"y"}).output("y");
    EXPECT_PART(Imported(old).error(), "operator set 0");
    ModelWriter recent(99);
    recent.input("x", {3}).node("Relu", {"x"}, {"y"}).output("y");
    const Imported imported(recent);
    EXPECT_TRUE(imported.result.ok());
    EXPECT_EQ(imported.result.warnings.size(), 1u);
}

struct Mistake {
    const char *name, *op;
    Names inputs;
    AttributeList attributes;
    const char* reason;
};

class Mistakes : public testing::TestWithParam<Mistake> {};

TEST_P(Mistakes, AreOneSentence) {
    ModelWriter model;
    model.input("x", {1, 3, 8, 8})
        .input("data", {2}, kInt64)
        .weights("w", {4, 3, 3, 3})
        .weights("short", {4, 2, 3, 3})
        .output("y");
    model.node(GetParam().op, GetParam().inputs, {"y"}, GetParam().attributes, "bad");
    const Imported imported(model);
    ASSERT_EQ(imported.result.errors.size(), 1u);
    EXPECT_PART(imported.error(), GetParam().reason);
    EXPECT_EQ(imported.error().back(), '.');
    EXPECT_PART(imported.error(), "'bad'");
}

INSTANTIATE_TEST_SUITE_P(
    All, Mistakes,
    testing::ValuesIn(std::vector<Mistake>{
        {"missing_input", "Conv", {"x"}, {}, "Input 1 is missing"},
        {"wrong_channels", "Conv", {"x", "short"}, {}, "= 108 values; 72 were given"},
        {"wrong_kernel_shape",
         "Conv",
         {"x", "w"},
         {{"kernel_shape", Numbers{5, 5}}},
         "differs from the shape of the kernel"},
        {"wrong_attribute_kind", "Conv", {"x", "w"}, {{"group", "two"}}, "Attribute 'group' must be an integer"},
        {"wrong_padding_mode", "Conv", {"x", "w"}, {{"auto_pad", "SOME"}}, "NOTSET, VALID, SAME_UPPER and SAME_LOWER"},
        {"wrong_pad_count", "Conv", {"x", "w"}, {{"pads", Numbers{1, 1}}}, "has 2 numbers; it needs 4"},
        {"no_window", "MaxPool", {"x"}, {}, "'kernel_shape' is missing"},
        {"wrong_axis", "Concat", {"x", "x"}, {{"axis", std::int64_t{4}}}, "allowed are -4 to 3"},
        {"no_axis", "Concat", {"x", "x"}, {}, "Attribute 'axis' is missing"},
        {"shape_of_floats", "Reshape", {"x", "x"}, {}, "must be a vector of int32 or int64"},
        {"wrong_perm", "Transpose", {"x"}, {{"perm", Numbers{1, 0}}}, "has 2 entries"},
        {"mixed_types", "Add", {"x", "data"}, {}, "insert a Cast"},
        {"unknown_resize",
         "Resize",
         {"x", "", "w"},
         {{"coordinate_transformation_mode", "diagonal"}},
         "The coordinate transformation 'diagonal' is none of ONNX's"},
        {"cast_to_string", "Cast", {"x"}, {{"to", std::int64_t{8}}}, "casts to string"},
        {"squeeze_large", "Squeeze", {"x"}, {{"axes", Numbers{1}}}, "only extents of 1"},
        {"training",
         "BatchNormalization",
         {"x", "w", "w", "w", "w"},
         {{"training_mode", std::int64_t{1}}},
         "must be a vector"},
        {"einsum", "Einsum", {"x"}, {{"equation", "ij->i"}}, "has 2 letters for input 0, which has 4 dimensions"},
        {"no_operator", "NoSuchOperator", {"x"}, {}, "There is no importer for the operator 'NoSuchOperator'"},
    }),
    [](const auto& test) { return test.param.name; });

} // namespace
} // namespace tensorvk::onnx
