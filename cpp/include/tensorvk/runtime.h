// The runtime: plans become engines, engines run through execution contexts. All of this is in the lean library as
// well.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "tensorvk/interfaces.h"

namespace tensorvk {

namespace api {
class Reporter;
struct RuntimeAccess;
struct EngineState;
struct ContextState;
} // namespace api

class IExecutionContext;
class IEngineInspector;

//! A network on a device, ready to run; may be shared by threads. Inputs come first, then outputs, each in the
//! network's order. `name` is a tensor's name; functions for unknown names log one sentence and return the neutral
//! value. Bindings are TensorRT <= 9's way: profile p has the indices p * getNbIOTensors() onwards, with the names "
//! [profile p]" added from profile 1 on.
class ICudaEngine {
  public:
    explicit ICudaEngine(std::shared_ptr<api::EngineState> state) : state_(std::move(state)) {}
    ICudaEngine(const ICudaEngine&) = delete;
    ICudaEngine& operator=(const ICudaEngine&) = delete;
    virtual ~ICudaEngine() = default;
    void destroy() { delete this; }

    [[nodiscard]] const char* getName() const;
    [[nodiscard]] int32_t getNbIOTensors() const;
    [[nodiscard]] const char* getIOTensorName(int32_t index) const;
    [[nodiscard]] Dims getTensorShape(const char* name) const; //!< -1 where dynamic
    [[nodiscard]] DataType getTensorDataType(const char* name) const;
    [[nodiscard]] TensorIOMode getTensorIOMode(const char* name) const;
    [[nodiscard]] TensorLocation getTensorLocation(const char* name) const;
    [[nodiscard]] bool isShapeInferenceIO(const char* name) const;
    [[nodiscard]] int32_t getTensorBytesPerComponent(const char* name, int32_t profile = 0) const;
    [[nodiscard]] int32_t getTensorComponentsPerElement(const char* name, int32_t profile = 0) const;
    [[nodiscard]] TensorFormat getTensorFormat(const char* name, int32_t profile = 0) const;
    [[nodiscard]] const char* getTensorFormatDesc(const char* name, int32_t profile = 0) const;
    [[nodiscard]] int32_t getTensorVectorizedDim(const char* name, int32_t profile = 0) const;
    [[nodiscard]] int32_t getNbOptimizationProfiles() const;
    [[nodiscard]] Dims getProfileShape(const char* name, int32_t profile,
                                       OptProfileSelector select) const; //!< of an output: for inputs of that shape

    [[nodiscard]] int32_t getNbBindings() const;
    [[nodiscard]] int32_t getBindingIndex(const char* name) const; //!< -1 when there is none
    [[nodiscard]] const char* getBindingName(int32_t binding) const;
    [[nodiscard]] bool bindingIsInput(int32_t binding) const;
    [[nodiscard]] Dims getBindingDimensions(int32_t binding) const;
    [[nodiscard]] DataType getBindingDataType(int32_t binding) const;
    [[nodiscard]] TensorLocation getLocation(int32_t binding) const;
    [[nodiscard]] Dims getProfileDimensions(int32_t binding, int32_t profile, OptProfileSelector select) const;
    [[nodiscard]] int32_t getMaxBatchSize() const { return 1; }

    [[nodiscard]] int32_t getNbLayers() const;             //!< dispatches of the program, after fusion
    [[nodiscard]] std::size_t getDeviceMemorySize() const; //!< bytes of activations that a context needs at most
    [[nodiscard]] int64_t getDeviceMemorySizeV2() const { return static_cast<int64_t>(getDeviceMemorySize()); }
    [[nodiscard]] std::size_t getDeviceMemorySizeForProfile(int32_t profile) const;
    [[nodiscard]] ProfilingVerbosity getProfilingVerbosity() const;
    [[nodiscard]] bool hasImplicitBatchDimension() const { return false; }
    [[nodiscard]] bool isRefittable() const { return false; }
    [[nodiscard]] EngineCapability getEngineCapability() const { return EngineCapability::kSTANDARD; }
    [[nodiscard]] TacticSources getTacticSources() const { return kDefaultTacticSources; }
    [[nodiscard]] HardwareCompatibilityLevel getHardwareCompatibilityLevel() const {
        return HardwareCompatibilityLevel::kNONE;
    }
    [[nodiscard]] int32_t getNbAuxStreams() const { return 0; }

    [[nodiscard]] IHostMemory* serialize() const; //!< the plan that it came from; the caller owns the result
    //! The caller owns the results. Null after logging why.
    [[nodiscard]] IExecutionContext* createExecutionContext(
        ExecutionContextAllocationStrategy strategy = ExecutionContextAllocationStrategy::kSTATIC);
    [[nodiscard]] IExecutionContext* createExecutionContextWithoutDeviceMemory();
    [[nodiscard]] IEngineInspector* createEngineInspector() const;

    void setErrorRecorder(IErrorRecorder* recorder);
    [[nodiscard]] IErrorRecorder* getErrorRecorder() const;

  private:
    friend struct api::RuntimeAccess;
    std::shared_ptr<api::EngineState> state_;
};

//! One inference at a time: shapes, addresses and activations. Use by two threads at once is refused. Addresses are
//! device or pinned memory. Functions that return bool return false after logging one sentence.
class IExecutionContext {
  public:
    IExecutionContext(const ICudaEngine& engine, std::unique_ptr<api::ContextState> state);
    IExecutionContext(const IExecutionContext&) = delete;
    IExecutionContext& operator=(const IExecutionContext&) = delete;
    virtual ~IExecutionContext();
    void destroy() { delete this; }

    bool setInputShape(const char* name, const Dims& shape);     //!< within the active profile
    [[nodiscard]] Dims getTensorShape(const char* name) const;   //!< -1 where inputs are not set yet
    [[nodiscard]] Dims getTensorStrides(const char* name) const; //!< in elements
    bool setTensorAddress(const char* name, void* address);
    bool setInputTensorAddress(const char* name, const void* address) {
        return setTensorAddress(name, const_cast<void*>(address));
    }
    bool setOutputTensorAddress(const char* name, void* address) { return setTensorAddress(name, address); }
    [[nodiscard]] const void* getTensorAddress(const char* name) const; //!< null when not set
    [[nodiscard]] void* getOutputTensorAddress(const char* name) const {
        return const_cast<void*>(getTensorAddress(name));
    }
    [[nodiscard]] int64_t getMaxOutputSize(const char* name) const; //!< bytes; -1 for no output
    //! From now on enqueueV3 asks it for the output's memory; null takes it back. False for a tensor that is no output.
    bool setOutputAllocator(const char* name, IOutputAllocator* allocator);
    [[nodiscard]] IOutputAllocator* getOutputAllocator(const char* name) const; //!< null when there is none
    //! Number of inputs whose shape is missing; their names go to `names`, at most `count`. -1 when all are set but contradict each other.
    int32_t inferShapes(int32_t count, const char** names);

    bool enqueueV3(void* stream);
    bool executeV2(void* const* bindings); //!< addresses in binding order; waits
    bool enqueueV2(void* const* bindings, void* stream, void* inputConsumed = nullptr);

    bool setBindingDimensions(int32_t binding, const Dims& shape);
    [[nodiscard]] Dims getBindingDimensions(int32_t binding) const;
    [[nodiscard]] Dims getStrides(int32_t binding) const;
    [[nodiscard]] bool allInputDimensionsSpecified() const;
    [[nodiscard]] bool allInputShapesSpecified() const { return true; }

    bool setOptimizationProfile(int32_t profile);
    bool setOptimizationProfileAsync(int32_t profile, void* stream);
    [[nodiscard]] int32_t getOptimizationProfile() const;

    void setProfiler(IProfiler* profiler); //!< from now on runs are timed layer by layer, which is slower
    [[nodiscard]] IProfiler* getProfiler() const;
    void setEnqueueEmitsProfile(bool emit);
    [[nodiscard]] bool getEnqueueEmitsProfile() const;
    bool reportToProfiler();      //!< times one run and tells the profiler
    void setDebugSync(bool sync); //!< every enqueue waits and reports failures itself
    [[nodiscard]] bool getDebugSync() const;
    void setName(const char* name);
    [[nodiscard]] const char* getName() const;
    void setDeviceMemory(void* memory);
    void setDeviceMemoryV2(void* memory, int64_t bytes);
    std::size_t updateDeviceMemorySizeForShapes(); //!< bytes of activations for the shapes set
    bool setInputConsumedEvent(void* event);
    [[nodiscard]] void* getInputConsumedEvent() const;
    void setNvtxVerbosity(ProfilingVerbosity verbosity);
    [[nodiscard]] ProfilingVerbosity getNvtxVerbosity() const;
    void setPersistentCacheLimit(std::size_t bytes);
    [[nodiscard]] std::size_t getPersistentCacheLimit() const;
    void setErrorRecorder(IErrorRecorder* recorder);
    [[nodiscard]] IErrorRecorder* getErrorRecorder() const;
    [[nodiscard]] const ICudaEngine& getEngine() const { return *engine_; }

  private:
    friend struct api::RuntimeAccess;
    const ICudaEngine* engine_;
    std::unique_ptr<api::ContextState> state_;
};

//! Texts about an engine. JSON: {"Layers": [...], "Bindings": [...]} with the build report of each layer.
class IEngineInspector {
  public:
    explicit IEngineInspector(std::shared_ptr<api::EngineState> state) : state_(std::move(state)) {}
    virtual ~IEngineInspector() = default;
    void destroy() { delete this; }
    [[nodiscard]] const char* getEngineInformation(LayerInformationFormat format) const;
    [[nodiscard]] const char* getLayerInformation(int32_t layer, LayerInformationFormat format) const;
    bool setExecutionContext(const IExecutionContext* context);
    [[nodiscard]] const IExecutionContext* getExecutionContext() const { return context_; }
    void setErrorRecorder(IErrorRecorder* recorder);
    [[nodiscard]] IErrorRecorder* getErrorRecorder() const;

  private:
    friend struct api::RuntimeAccess;
    std::shared_ptr<api::EngineState> state_;
    const IExecutionContext* context_ = nullptr;
    mutable std::string text_;
};

class IRuntime {
  public:
    explicit IRuntime(std::shared_ptr<ILogger> logger);
    IRuntime(const IRuntime&) = delete;
    IRuntime& operator=(const IRuntime&) = delete;
    virtual ~IRuntime() = default;
    void destroy() { delete this; }

    //! Loads a plan on the device that TENSORVK_DEVICE (or cudaSetDevice) chooses. Null, after logging why, for damaged
    //! plans, plans of another version, and when there is no device. A plan without a section for this device runs on
    //! generic kernels and the log says so. The caller owns the result. The third argument is TensorRT 7's plugin
    //! factory and must be null.
    [[nodiscard]] ICudaEngine* deserializeCudaEngine(const void* plan, std::size_t bytes,
                                                     void* pluginFactory = nullptr);

    void setDLACore(int32_t core) { dla_core_ = core; }
    [[nodiscard]] int32_t getDLACore() const { return dla_core_; }
    [[nodiscard]] int32_t getNbDLACores() const { return 0; }
    bool setMaxThreads(int32_t threads);
    [[nodiscard]] int32_t getMaxThreads() const { return max_threads_; }
    void setTemporaryDirectory(const char* path) { temporary_directory_ = path == nullptr ? "" : path; }
    [[nodiscard]] const char* getTemporaryDirectory() const { return temporary_directory_.c_str(); }
    void setTempfileControlFlags(uint32_t flags) { tempfile_flags_ = flags; }
    [[nodiscard]] uint32_t getTempfileControlFlags() const { return tempfile_flags_; }
    void setEngineHostCodeAllowed(bool allowed) {
        host_code_allowed_ = allowed;
    } //!< plans hold no code; kept and returned
    [[nodiscard]] bool getEngineHostCodeAllowed() const { return host_code_allowed_; }
    void setErrorRecorder(IErrorRecorder* recorder);
    [[nodiscard]] IErrorRecorder* getErrorRecorder() const;
    [[nodiscard]] ILogger* getLogger() const;

  private:
    friend struct api::RuntimeAccess;
    std::shared_ptr<api::Reporter> reporter_;
    int32_t dla_core_ = -1;
    int32_t max_threads_ = 1;
    uint32_t tempfile_flags_ = 3;
    bool host_code_allowed_ = false;
    std::string temporary_directory_;
};

//! The logger must outlive the runtime and all that it makes. The caller owns the result.
[[nodiscard]] IRuntime* createInferRuntime(ILogger& logger);

} // namespace tensorvk
