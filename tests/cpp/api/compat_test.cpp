// Code as it is written for TensorRT 7 and 10 compiles and runs with nothing changed but the include path.
#include <algorithm>
#include <memory>

#include <gtest/gtest.h>

#include "tensorvk/compat/NvInfer.h"
#include "tensorvk/compat/NvOnnxParser.h"

namespace {

class Logger : public nvinfer1::ILogger {
  public:
    void log(Severity severity, const char*) override { worst = std::min(worst, severity); } // TensorRT 7: not noexcept
    Severity worst = Severity::kVERBOSE;
};

struct Destroy {
    template <typename T>
    void operator()(T* object) const {
        object->destroy();
    }
};

TEST(Compat, ObjectsAreDestroyedAsInTensorRt7) {
    Logger logger;
    std::unique_ptr<nvinfer1::IBuilder, Destroy> builder{nvinfer1::createInferBuilder(logger)};
    builder->setMaxBatchSize(1);
    const auto flags = 1U << static_cast<uint32_t>(nvinfer1::NetworkDefinitionCreationFlag::kEXPLICIT_BATCH);
    std::unique_ptr<nvinfer1::INetworkDefinition, Destroy> network{builder->createNetworkV2(flags)};
    std::unique_ptr<nvonnxparser::IParser, Destroy> parser{nvonnxparser::createParser(*network, logger)};
    EXPECT_FALSE(parser->parseFromFile("missing.onnx", static_cast<int>(nvinfer1::ILogger::Severity::kINFO)));
    EXPECT_EQ(logger.worst, nvinfer1::ILogger::Severity::kERROR);
    std::unique_ptr<nvinfer1::IBuilderConfig, Destroy> config{builder->createBuilderConfig()};
    config->setMaxWorkspaceSize(size_t{1} << 30);
    config->setFlag(nvinfer1::BuilderFlag::kFP16);
    EXPECT_EQ(config->getMemoryPoolLimit(nvinfer1::MemoryPoolType::kWORKSPACE), size_t{1} << 30);
    auto* profile = builder->createOptimizationProfile();
    EXPECT_TRUE(profile->setDimensions("x", nvinfer1::OptProfileSelector::kMIN, nvinfer1::Dims4{1, 3, 256, 256}));
}

} // namespace
