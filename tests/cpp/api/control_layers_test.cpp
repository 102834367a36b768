// Loops, conditionals and output allocators through the C++ API alone.
#include <array>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "api/recording_logger.hpp"
#include "tensorvk/cudart.h"
#include "tensorvk/tensorvk.h"

namespace tensorvk {
namespace {

class Allocator : public IOutputAllocator {
  public:
    ~Allocator() override {
        for (const auto& [name, address] : memory) {
            (void)cudaFree(address);
        }
    }
    void* reallocateOutput(const char* name, void*, uint64_t size, uint64_t) override {
        (void)cudaFree(memory[name]);
        (void)cudaMalloc(&memory[name], size);
        return memory[name];
    }
    void notifyShape(const char* name, const Dims& dims) override { shapes[name] = dims; }

    std::map<std::string, void*> memory;
    std::map<std::string, Dims> shapes;
};

struct ControlLayers : testing::Test {
    test::RecordingLogger logger;
    std::unique_ptr<IBuilder> builder{createInferBuilder(logger)};
    std::unique_ptr<INetworkDefinition> network{builder->createNetworkV2(0)};
    std::unique_ptr<IRuntime> runtime{createInferRuntime(logger)};
    std::unique_ptr<ICudaEngine> engine;

    ITensor& number(const int32_t& value) {
        return *network->addConstant(Dims{}, Weights{DataType::kINT32, &value, 1})->getOutput(0);
    }
    void output(ITensor& tensor) {
        tensor.setName("y");
        network->markOutput(tensor);
    }
    //! y for x; nothing when building or running fails.
    std::vector<float> run(const std::vector<float>& x) {
        const std::unique_ptr<IBuilderConfig> config(builder->createBuilderConfig());
        config->setBuilderOptimizationLevel(0);
        const std::unique_ptr<IHostMemory> plan(builder->buildSerializedNetwork(*network, *config));
        if (plan == nullptr) {
            return {};
        }
        engine.reset(runtime->deserializeCudaEngine(plan->data(), plan->size()));
        const std::unique_ptr<IExecutionContext> context(engine->createExecutionContext());
        void* input = nullptr;
        (void)cudaMalloc(&input, x.size() * sizeof(float));
        (void)cudaMemcpy(input, x.data(), x.size() * sizeof(float), cudaMemcpyHostToDevice);
        Allocator allocator;
        EXPECT_TRUE(context->setTensorAddress("x", input));
        EXPECT_TRUE(context->setOutputAllocator("y", &allocator));
        EXPECT_EQ(context->getOutputAllocator("y"), &allocator);
        EXPECT_FALSE(context->setOutputAllocator("x", &allocator));
        EXPECT_TRUE(context->enqueueV3(nullptr)) << lastError();
        const Dims dims = allocator.shapes["y"];
        std::size_t count = 1;
        for (int32_t i = 0; i < dims.nbDims; ++i) {
            count *= static_cast<std::size_t>(dims.d[i]);
        }
        std::vector<float> y(count);
        (void)cudaMemcpy(y.data(), allocator.memory["y"], count * sizeof(float), cudaMemcpyDeviceToHost);
        (void)cudaFree(input);
        return y;
    }
};

TEST_F(ControlLayers, ALoopDoublesThreeTimes) {
    ITensor& x = *network->addInput("x", DataType::kFLOAT, Dims2(1, 3));
    ILoop* loop = network->addLoop();
    loop->setName("doubling");
    const int32_t three = 3;
    ITripLimitLayer* limit = loop->addTripLimit(number(three), TripLimit::kCOUNT);
    ASSERT_NE(limit, nullptr);
    EXPECT_EQ(limit->getTripLimit(), TripLimit::kCOUNT);
    EXPECT_EQ(limit->getLoop(), loop);
    IRecurrenceLayer* carried = loop->addRecurrence(x);
    ITensor& now = *carried->getOutput(0);
    carried->setInput(1, *network->addElementWise(now, now, ElementWiseOperation::kSUM)->getOutput(0));
    output(*loop->addLoopOutput(now, LoopOutput::kLAST_VALUE)->getOutput(0));
    EXPECT_EQ(run({1, -2, 3}), (std::vector<float>{8, -16, 24})) << lastError();
}

TEST_F(ControlLayers, ALoopWithoutAnEndIsRefusedByName) {
    ITensor& x = *network->addInput("x", DataType::kFLOAT, Dims2(1, 3));
    ILoop* loop = network->addLoop();
    loop->setName("endless");
    IRecurrenceLayer* carried = loop->addRecurrence(x);
    carried->setInput(1, *network->addElementWise(*carried->getOutput(0), x, ElementWiseOperation::kSUM)->getOutput(0));
    output(*loop->addLoopOutput(*carried->getOutput(0), LoopOutput::kLAST_VALUE)->getOutput(0));
    EXPECT_TRUE(run({1, 2, 3}).empty());
    EXPECT_STREQ(lastError(), "Loop 'endless' has no end; give it one with add_trip_limit.");
}

TEST_F(ControlLayers, AConditionalTakesTheBranchThatTheDataSays) {
    ITensor& x = *network->addInput("x", DataType::kFLOAT, Dims2(1, 3));
    const float zero = 0;
    ITensor& sum = *network->addReduce(x, ReduceOperation::kSUM, 3, false)->getOutput(0);
    ITensor& nothing = *network->addConstant(Dims{}, Weights{DataType::kFLOAT, &zero, 1})->getOutput(0);
    IIfConditional* conditional = network->addIfConditional();
    ASSERT_NE(conditional->setCondition(*network->addElementWise(sum, nothing, ElementWiseOperation::kGREATER)->getOutput(0)), nullptr);
    EXPECT_EQ(conditional->setCondition(sum), nullptr);
    ITensor& inside = *conditional->addInput(x)->getOutput(0);
    ITensor& yes = *network->addUnary(inside, UnaryOperation::kABS)->getOutput(0);
    ITensor& no = *network->addUnary(inside, UnaryOperation::kNEG)->getOutput(0);
    IIfConditionalOutputLayer* end = conditional->addOutput(yes, no);
    EXPECT_EQ(end->getConditional(), conditional);
    output(*end->getOutput(0));
    EXPECT_EQ(run({3, -1, 1}), (std::vector<float>{3, 1, 1})) << lastError();
    EXPECT_EQ(run({-3, 1, 1}), (std::vector<float>{3, -1, -1})) << lastError();
}

TEST_F(ControlLayers, AnOutputAllocatorIsToldHowManyWereFound) {
    ITensor& x = *network->addInput("x", DataType::kFLOAT, Dims2(2, 3));
    INonZeroLayer* found = network->addNonZero(x);
    EXPECT_EQ(found->getOutput(0)->getType(), DataType::kINT32);
    output(*network->addCast(*found->getOutput(0), DataType::kFLOAT)->getOutput(0));
    EXPECT_EQ(run({0, 1, 0, 0, 0, 2}), (std::vector<float>{0, 1, 1, 2})) << lastError();
}

TEST_F(ControlLayers, LayersThatAreNotOfferedSaySo) {
    ITensor& x = *network->addInput("x", DataType::kFLOAT, Dims2(2, 3));
    EXPECT_EQ(network->addMoE(x, x, x), nullptr);
    EXPECT_NE(std::string(lastError()).find("MoE"), std::string::npos);
    EXPECT_EQ(network->addDynamicQuantize(x, 0, 16, DataType::kFP8, DataType::kFLOAT), nullptr);
    EXPECT_NE(std::string(lastError()).find("add_quantize"), std::string::npos);
}

} // namespace
} // namespace tensorvk
