// The builder: turns a network into a plan for the device.
#pragma once

#include "tensorvk/builder_config.h"
#include "tensorvk/network.h"

namespace tensorvk {

class ICudaEngine;

class IBuilder {
  public:
    explicit IBuilder(std::shared_ptr<ILogger> logger);
    IBuilder(const IBuilder&) = delete;
    IBuilder& operator=(const IBuilder&) = delete;
    virtual ~IBuilder() = default;
    void destroy() { delete this; }

    //! Batch is always explicit. `flags`: bitmask of 1 << NetworkDefinitionCreationFlag. The caller owns the result.
    [[nodiscard]] INetworkDefinition* createNetworkV2(uint32_t flags);
    [[nodiscard]] IBuilderConfig* createBuilderConfig();             //!< the caller owns the result
    [[nodiscard]] IOptimizationProfile* createOptimizationProfile(); //!< the builder owns the result

    //! The plan's bytes, or null after logging why. The caller owns the result. The network is not changed.
    [[nodiscard]] IHostMemory* buildSerializedNetwork(INetworkDefinition& network, IBuilderConfig& config);
    //! The same, loaded on the device.
    [[nodiscard]] ICudaEngine* buildEngineWithConfig(INetworkDefinition& network, IBuilderConfig& config);
    //! True when the network's layers are all valid; says why not in the log.
    [[nodiscard]] bool isNetworkSupported(INetworkDefinition const& network, IBuilderConfig const& config) const;

    //! Whether the device stores float16, so that BuilderFlag::kFP16 halves what it reads and writes; sums are in float32 everywhere.
    [[nodiscard]] bool platformHasFastFp16() const;
    //! Whether the device multiplies 8-bit integers several at once: by matrix units, dot products, or functions of the host.
    [[nodiscard]] bool platformHasFastInt8() const;
    [[nodiscard]] bool platformHasTf32() const { return false; }
    [[nodiscard]] int32_t getNbDLACores() const { return 0; }
    [[nodiscard]] int32_t getMaxDLABatchSize() const { return 0; }
    bool setMaxThreads(int32_t threads);
    [[nodiscard]] int32_t getMaxThreads() const { return max_threads_; }
    void setErrorRecorder(IErrorRecorder* recorder);
    [[nodiscard]] IErrorRecorder* getErrorRecorder() const;
    [[nodiscard]] ILogger* getLogger() const;
    void reset();

    // TensorRT 7: the builder itself is the configuration
    void setMaxBatchSize(int32_t size) { max_batch_size_ = size; }
    [[nodiscard]] int32_t getMaxBatchSize() const { return max_batch_size_; }
    void setMaxWorkspaceSize(std::size_t bytes) { legacy_.setMaxWorkspaceSize(bytes); }
    [[nodiscard]] std::size_t getMaxWorkspaceSize() const { return legacy_.getMaxWorkspaceSize(); }
    void setFp16Mode(bool enable) { setLegacyFlag(BuilderFlag::kFP16, enable); }
    [[nodiscard]] bool getFp16Mode() const { return legacy_.getFlag(BuilderFlag::kFP16); }
    void setInt8Mode(bool enable) { setLegacyFlag(BuilderFlag::kINT8, enable); }
    [[nodiscard]] bool getInt8Mode() const { return legacy_.getFlag(BuilderFlag::kINT8); }
    void setStrictTypeConstraints(bool enable) { setLegacyFlag(BuilderFlag::kSTRICT_TYPES, enable); }
    [[nodiscard]] bool getStrictTypeConstraints() const { return legacy_.getFlag(BuilderFlag::kSTRICT_TYPES); }
    [[nodiscard]] ICudaEngine* buildCudaEngine(INetworkDefinition& network) {
        return buildEngineWithConfig(network, legacy_);
    }

  private:
    friend struct api::BuilderAccess;
    void setLegacyFlag(BuilderFlag flag, bool enable) { enable ? legacy_.setFlag(flag) : legacy_.clearFlag(flag); }

    std::shared_ptr<api::Reporter> reporter_;
    std::vector<std::shared_ptr<IOptimizationProfile>> profiles_;
    IBuilderConfig legacy_;
    int32_t max_threads_ = 1;
    int32_t max_batch_size_ = 1;
};

//! The logger must outlive the builder and all that it makes. The caller owns the result.
[[nodiscard]] IBuilder* createInferBuilder(ILogger& logger);

} // namespace tensorvk
