// From a network to results through the C++ API alone.
#include <array>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "api/recording_logger.hpp"
#include "tensorvk/cudart.h"
#include "tensorvk/tensorvk.h"

namespace tensorvk {
namespace {

//! y = relu(x) for x of (-1, 3).
struct Engine : testing::Test {
    test::RecordingLogger logger;
    std::unique_ptr<IBuilder> builder{createInferBuilder(logger)};
    std::unique_ptr<IRuntime> runtime{createInferRuntime(logger)};
    std::unique_ptr<ICudaEngine> engine;

    void SetUp() override {
        const std::unique_ptr<INetworkDefinition> network(builder->createNetworkV2(0));
        ITensor* y =
            network->addActivation(*network->addInput("x", DataType::kFLOAT, Dims2(-1, 3)), ActivationType::kRELU)
                ->getOutput(0);
        y->setName("y");
        network->markOutput(*y);
        const std::unique_ptr<IBuilderConfig> config(builder->createBuilderConfig());
        IOptimizationProfile* profile = builder->createOptimizationProfile();
        profile->setDimensions("x", OptProfileSelector::kMIN, Dims2(1, 3));
        profile->setDimensions("x", OptProfileSelector::kOPT, Dims2(2, 3));
        profile->setDimensions("x", OptProfileSelector::kMAX, Dims2(5, 3));
        config->addOptimizationProfile(profile);
        const std::unique_ptr<IHostMemory> plan(builder->buildSerializedNetwork(*network, *config));
        ASSERT_NE(plan, nullptr) << lastError();
        engine.reset(runtime->deserializeCudaEngine(plan->data(), plan->size()));
        ASSERT_NE(engine, nullptr) << lastError();
    }
};

TEST_F(Engine, DescribesItselfByNameAndByIndex) {
    EXPECT_EQ(engine->getNbIOTensors(), 2);
    EXPECT_STREQ(engine->getIOTensorName(1), "y");
    EXPECT_EQ(engine->getTensorIOMode("x"), TensorIOMode::kINPUT);
    EXPECT_EQ(engine->getTensorShape("y").d[0], -1);
    EXPECT_EQ(engine->getProfileShape("x", 0, OptProfileSelector::kMAX).d[0], 5);
    EXPECT_EQ(engine->getNbBindings(), 2);
    EXPECT_EQ(engine->getBindingIndex("y"), 1);
    EXPECT_TRUE(engine->bindingIsInput(0));
    EXPECT_EQ(engine->getBindingIndex("z"), -1);
    EXPECT_EQ(engine->getTensorShape("z").nbDims, -1);
    EXPECT_NE(std::string(lastError()).find("'z'"), std::string::npos);
}

TEST_F(Engine, RunsOnAStreamAndInBindingOrder) {
    const std::unique_ptr<IExecutionContext> context(engine->createExecutionContext());
    EXPECT_FALSE(context->allInputDimensionsSpecified());
    EXPECT_FALSE(context->setInputShape("x", Dims2(6, 3))); // above the profile
    ASSERT_TRUE(context->setBindingDimensions(0, Dims2(2, 3)));
    EXPECT_EQ(context->getTensorShape("y").d[0], 2);

    const std::array<float, 6> x{-1, 2, -3, 4, -5, 6};
    const std::array<float, 6> expected{0, 2, 0, 4, 0, 6};
    std::array<void*, 2> memory{};
    for (void*& address : memory) {
        ASSERT_EQ(cudaMalloc(&address, sizeof x), cudaSuccess);
    }
    ASSERT_EQ(cudaMemcpy(memory[0], x.data(), sizeof x, cudaMemcpyHostToDevice), cudaSuccess);
    std::array<float, 6> y{};
    ASSERT_TRUE(context->executeV2(memory.data())) << lastError();
    ASSERT_EQ(cudaMemcpy(y.data(), memory[1], sizeof y, cudaMemcpyDeviceToHost), cudaSuccess);
    EXPECT_EQ(y, expected);

    cudaStream_t stream{};
    ASSERT_EQ(cudaStreamCreate(&stream), cudaSuccess);
    y = {};
    ASSERT_EQ(cudaMemset(memory[1], 0, sizeof y), cudaSuccess);
    ASSERT_TRUE(context->setTensorAddress("x", memory[0]));
    ASSERT_TRUE(context->setTensorAddress("y", memory[1]));
    ASSERT_TRUE(context->enqueueV3(stream)) << lastError();
    ASSERT_EQ(cudaMemcpyAsync(y.data(), memory[1], sizeof y, cudaMemcpyDeviceToHost, stream), cudaSuccess);
    ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
    EXPECT_EQ(y, expected);
    EXPECT_TRUE(context->enqueueV2(memory.data(), stream, nullptr));
    cudaStreamDestroy(stream);
    for (void* address : memory) {
        cudaFree(address);
    }
}

TEST_F(Engine, RefusesBadPlans) {
    EXPECT_EQ(runtime->deserializeCudaEngine(nullptr, 0), nullptr);
    EXPECT_EQ(runtime->deserializeCudaEngine("not a plan", 10, nullptr), nullptr);
    EXPECT_EQ(logger.errors.size(), 2U);
}

} // namespace
} // namespace tensorvk
