#include "engine.hpp"

#include <fstream>
#include <iostream>
#include <iterator>
#include <span>
#include <stdexcept>
#include <vector>

#include "tensorvk/onnx_parser.h"

namespace segment {
namespace trt = tensorvk;
namespace {

std::unique_ptr<trt::ICudaEngine> deserialize(std::span<const char> plan, trt::ILogger& logger) {
    const std::unique_ptr<trt::IRuntime> runtime(trt::createInferRuntime(logger));
    return std::unique_ptr<trt::ICudaEngine>(runtime->deserializeCudaEngine(plan.data(), plan.size()));
}

// Any batch from one to options.maxBatch; the file decides the other dimensions.
void addProfile(trt::IBuilder& builder, trt::IBuilderConfig& config, const trt::ITensor& input, int64_t maxBatch) {
    trt::Dims dims = input.getDimensions();
    if (dims.nbDims != 4) throw std::runtime_error("the model's input must have four dimensions");
    trt::IOptimizationProfile* profile = builder.createOptimizationProfile();
    dims.d[0] = 1;
    profile->setDimensions(input.getName(), trt::OptProfileSelector::kMIN, dims);
    profile->setDimensions(input.getName(), trt::OptProfileSelector::kOPT, dims);
    dims.d[0] = maxBatch;
    profile->setDimensions(input.getName(), trt::OptProfileSelector::kMAX, dims);
    if (config.addOptimizationProfile(profile) < 0) throw std::runtime_error("the optimization profile was refused");
}

std::unique_ptr<trt::IHostMemory> build(const EngineOptions& options, trt::ILogger& logger) {
    const std::unique_ptr<trt::IBuilder> builder(trt::createInferBuilder(logger));
    const auto explicitBatch = 1U << static_cast<uint32_t>(trt::NetworkDefinitionCreationFlag::kEXPLICIT_BATCH);
    const std::unique_ptr<trt::INetworkDefinition> network(builder->createNetworkV2(explicitBatch));
    const std::unique_ptr<trt::onnxparser::IParser> parser(trt::onnxparser::createParser(*network, logger));
    if (!parser->parseFromFile(options.model.c_str(), static_cast<int32_t>(trt::Severity::kWARNING))) {
        throw std::runtime_error("cannot read the model " + options.model.string());
    }
    const std::unique_ptr<trt::IBuilderConfig> config(builder->createBuilderConfig());
    config->setMemoryPoolLimit(trt::MemoryPoolType::kWORKSPACE, std::size_t{1} << 30U);
    if (options.fp16) config->setFlag(trt::BuilderFlag::kFP16);
    addProfile(*builder, *config, *network->getInput(0), options.maxBatch);
    std::unique_ptr<trt::IHostMemory> plan(builder->buildSerializedNetwork(*network, *config));
    if (!plan) throw std::runtime_error("cannot build an engine for " + options.model.string());
    return plan;
}

}  // namespace

std::unique_ptr<trt::ICudaEngine> loadOrBuild(const EngineOptions& options, trt::ILogger& logger) {
    if (std::ifstream file(options.engine, std::ios::binary); file) {
        const std::vector<char> plan{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
        if (auto engine = deserialize(plan, logger)) {
            std::cout << "Engine read from " << options.engine.string() << '\n';
            return engine;
        }
        std::cout << "The engine in " << options.engine.string() << " does not fit: it is built again\n";
    }
    const auto plan = build(options, logger);
    const std::span<const char> bytes(static_cast<const char*>(plan->data()), plan->size());
    if (!options.engine.empty()) {
        std::ofstream file(options.engine, std::ios::binary);
        file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
        if (!file.flush()) throw std::runtime_error("cannot write the engine file " + options.engine.string());
    }
    std::cout << "Engine built from " << options.model.string() << '\n';
    auto engine = deserialize(bytes, logger);
    if (!engine) throw std::runtime_error("the engine that was just built cannot be loaded");
    return engine;
}

}  // namespace segment
