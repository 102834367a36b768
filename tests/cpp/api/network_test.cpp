// The C++ API's own part: ownership, the graph behind it, and failures as null or false with one sentence. What layers
// compute is tested from Python.
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "api/recording_logger.hpp"
#include "tensorvk/tensorvk.h"

namespace tensorvk {
namespace {

struct Network : testing::Test {
    test::RecordingLogger logger;
    std::unique_ptr<IBuilder> builder{createInferBuilder(logger)};
    std::unique_ptr<INetworkDefinition> network{builder->createNetworkV2(0)};
};

TEST_F(Network, WrapsEachNodeOnce) {
    ITensor* x = network->addInput("x", DataType::kFLOAT, Dims4(1, 3, 8, 8));
    ILayer* relu = network->addActivation(*x, ActivationType::kRELU);
    EXPECT_EQ(network->getInput(0), x);
    EXPECT_EQ(relu->getInput(0), x);
    EXPECT_EQ(network->getLayer(0), relu);
    EXPECT_NE(dynamic_cast<IActivationLayer*>(network->getLayer(0)), nullptr);
    EXPECT_EQ(network->getLayer(1), nullptr);
}

TEST_F(Network, InfersShapesWithEachSetter) {
    ITensor* x = network->addInput("x", DataType::kFLOAT, Dims4(-1, 3, 17, 33));
    const std::vector<float> kernel(8 * 3 * 3 * 3);
    auto* conv = network->addConvolutionNd(*x, 8, DimsHW(3, 3), Weights{DataType::kFLOAT, kernel.data(), 216});
    ASSERT_NE(conv, nullptr);
    conv->setStrideNd(DimsHW(2, 2));
    conv->setPaddingNd(DimsHW(1, 1));
    const Dims dims = conv->getOutput(0)->getDimensions();
    EXPECT_EQ(dims.nbDims, 4);
    EXPECT_EQ(dims.d[0], -1);
    EXPECT_EQ(dims.d[2], 9);
    EXPECT_EQ(dims.d[3], 17);
}

TEST_F(Network, AnswersNullAndOneSentence) {
    ITensor* a = network->addInput("a", DataType::kFLOAT, Dims2(2, 3));
    ITensor* b = network->addInput("b", DataType::kFLOAT, Dims3(1, 2, 3));
    EXPECT_EQ(network->addElementWise(*a, *b, ElementWiseOperation::kSUM), nullptr);
    ASSERT_EQ(logger.errors.size(), 1U);
    EXPECT_EQ(logger.errors[0], lastError());
    EXPECT_EQ(network->getNbLayers(), 0);
    EXPECT_EQ(network->addInput(nullptr, DataType::kFLOAT, Dims2(1, 1)), nullptr);
}

TEST_F(Network, ThrowsWhenAskedTo) {
    setRaiseOnError(true);
    EXPECT_THROW(network->addConcatenation(nullptr, 0), std::runtime_error);
    setRaiseOnError(false);
    EXPECT_EQ(network->addConcatenation(nullptr, 0), nullptr);
}

TEST_F(Network, WeightsKeepTheirOwner) {
    auto owner = std::make_shared<std::vector<float>>(4, 2.0F);
    const std::weak_ptr<std::vector<float>> alive = owner;
    network->addConstant(Dims2(2, 2), Weights{DataType::kFLOAT, owner->data(), 4, owner});
    owner.reset();
    EXPECT_FALSE(alive.expired());
    network.reset();
    EXPECT_TRUE(alive.expired());
}

TEST_F(Network, ProfilesRefuseRangesOutOfOrder) {
    IOptimizationProfile* profile = builder->createOptimizationProfile();
    EXPECT_TRUE(profile->setDimensions("x", OptProfileSelector::kMIN, Dims2(1, 4)));
    EXPECT_FALSE(profile->isValid());
    EXPECT_FALSE(profile->setDimensions("x", OptProfileSelector::kMAX, Dims2(0, 4)));
    EXPECT_TRUE(profile->setDimensions("x", OptProfileSelector::kMAX, Dims2(9, 4)));
    EXPECT_TRUE(profile->setDimensions("x", OptProfileSelector::kOPT, Dims2(4, 4)));
    EXPECT_TRUE(profile->isValid());
    const std::unique_ptr<IBuilderConfig> config(builder->createBuilderConfig());
    EXPECT_EQ(config->addOptimizationProfile(profile), 0);
    EXPECT_EQ(config->addOptimizationProfile(nullptr), -1);
}

TEST_F(Network, ParserReportsBytesThatAreNoModel) {
    const std::unique_ptr<onnxparser::IParser> parser(onnxparser::createParser(*network, logger));
    EXPECT_FALSE(parser->parse("junk", 4));
    ASSERT_EQ(parser->getNbErrors(), 1);
    EXPECT_EQ(parser->getError(0)->code(), onnxparser::ErrorCode::kMODEL_DESERIALIZE_FAILED);
    EXPECT_EQ(parser->getError(1), nullptr);
    EXPECT_FALSE(parser->parseFromFile("/no/such/file.onnx", 0));
    EXPECT_TRUE(parser->supportsOperator("Conv"));
    EXPECT_FALSE(parser->supportsOperator("NoSuchOperator"));
}

} // namespace
} // namespace tensorvk
