// How an engine is built: optimization profiles, timing cache, configuration.
#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "tensorvk/interfaces.h"
#include "tensorvk/layer.h"

namespace tensorvk {

namespace builder {
class TimingCache;
}
namespace api {
class Reporter;
struct BuilderAccess;
} // namespace api

//! For every network input with a dynamic dimension: the smallest, the usual and the largest shape. Tactics are chosen
//! for the usual one.
class IOptimizationProfile : public std::enable_shared_from_this<IOptimizationProfile> {
  public:
    explicit IOptimizationProfile(std::shared_ptr<api::Reporter> reporter) : reporter_(std::move(reporter)) {}
    virtual ~IOptimizationProfile() = default;

    //! False, after logging why, for negative sizes, more than eight dimensions, ranks that differ or min <= opt <= max
    //! broken.
    bool setDimensions(const char* inputName, OptProfileSelector select, const Dims& dimensions);
    [[nodiscard]] Dims getDimensions(const char* inputName,
                                     OptProfileSelector select) const; //!< nbDims -1 when not set
    //! Values of a shape tensor input; kept and returned.
    bool setShapeValuesV2(const char* inputName, OptProfileSelector select, const int64_t* values, int32_t count);
    [[nodiscard]] int32_t getNbShapeValues(const char* inputName) const; //!< -1 when not set
    [[nodiscard]] const int64_t* getShapeValuesV2(const char* inputName, OptProfileSelector select) const;
    bool setExtraMemoryTarget(float target); //!< 0 .. 1
    [[nodiscard]] float getExtraMemoryTarget() const { return extra_memory_target_; }
    //! All three shapes of every named input are set and ordered.
    [[nodiscard]] bool isValid() const;

  private:
    friend struct api::BuilderAccess;
    using Range = std::array<Dims, 3>;
    std::shared_ptr<api::Reporter> reporter_;
    std::map<std::string, Range> shapes_;
    std::map<std::string, std::array<std::vector<int64_t>, 3>> values_;
    float extra_memory_target_ = 1.0F;
};

//! Measured times of tactics. Builds with the same cache make the same plan.
class ITimingCache {
  public:
    ITimingCache(std::shared_ptr<builder::TimingCache> cache, std::shared_ptr<api::Reporter> reporter)
        : cache_(std::move(cache)), reporter_(std::move(reporter)) {}
    virtual ~ITimingCache() = default;
    [[nodiscard]] IHostMemory* serialize() const; //!< the caller owns the result
    //! Not in TensorRT: the timings of the current device for other drivers of the same device (the cache must hold no other device's). A build with them
    //! times nothing that is in it, and compares its winners with the reference on its own driver.
    [[nodiscard]] IHostMemory* serializeForAnyDriver() const;
    //! Adds the entries of another cache; false, after logging, when it is of another device and mismatches are not
    //! ignored.
    bool combine(const ITimingCache& other, bool ignoreMismatch);
    bool reset();
    void destroy() { delete this; }

  private:
    friend struct api::BuilderAccess;
    std::shared_ptr<builder::TimingCache> cache_;
    std::shared_ptr<api::Reporter> reporter_;
};

//! Everything that steers a build. All properties can be read and written at any time; those without a meaning on
//! Vulkan are kept and returned.
class IBuilderConfig {
  public:
    explicit IBuilderConfig(std::shared_ptr<api::Reporter> reporter);
    IBuilderConfig(const IBuilderConfig&) = delete;
    IBuilderConfig& operator=(const IBuilderConfig&) = delete;
    virtual ~IBuilderConfig() = default;
    void destroy() { delete this; }
    void reset();

    void setFlags(BuilderFlags flags) { values_.flags = flags; }
    [[nodiscard]] BuilderFlags getFlags() const { return values_.flags; }
    void setFlag(BuilderFlag flag) { values_.flags |= bit(flag); }
    void clearFlag(BuilderFlag flag) { values_.flags &= ~bit(flag); }
    [[nodiscard]] bool getFlag(BuilderFlag flag) const { return (values_.flags & bit(flag)) != 0; }
    void setQuantizationFlags(uint32_t flags) { values_.quantization_flags = flags; }
    [[nodiscard]] uint32_t getQuantizationFlags() const { return values_.quantization_flags; }

    void setMemoryPoolLimit(MemoryPoolType pool, std::size_t bytes);
    [[nodiscard]] std::size_t getMemoryPoolLimit(MemoryPoolType pool) const;
    void setMaxWorkspaceSize(std::size_t bytes) {
        setMemoryPoolLimit(MemoryPoolType::kWORKSPACE, bytes);
    } //!< TensorRT <= 9
    [[nodiscard]] std::size_t getMaxWorkspaceSize() const { return getMemoryPoolLimit(MemoryPoolType::kWORKSPACE); }

    //! Returns the profile's index, or -1 after logging why it is not valid. The configuration keeps the profile alive.
    int32_t addOptimizationProfile(const IOptimizationProfile* profile);
    [[nodiscard]] int32_t getNbOptimizationProfiles() const { return static_cast<int32_t>(values_.profiles.size()); }
    bool setCalibrationProfile(const IOptimizationProfile* profile);
    [[nodiscard]] const IOptimizationProfile* getCalibrationProfile() const {
        return values_.calibration_profile.get();
    }

    //! From the bytes of ITimingCache::serialize; size 0 makes an empty one. Null, after logging, for damaged bytes.
    //! The caller owns the result.
    [[nodiscard]] ITimingCache* createTimingCache(const void* bytes, std::size_t size) const;
    bool setTimingCache(const ITimingCache& cache, bool ignoreMismatch);
    [[nodiscard]] const ITimingCache* getTimingCache() const { return values_.timing_cache.get(); }

    //! Not in TensorRT: a file of timings that processes share. A build takes from it what the configuration's timing cache does not know, and adds what it
    //! times, under a lock; its bytes are those of ITimingCache::serialize. Empty: the one that the environment variable TENSORVK_TIMING_CACHE names, if any.
    void setTimingCachePath(std::string path) { values_.timing_cache_path = std::move(path); }
    [[nodiscard]] const std::string& getTimingCachePath() const { return values_.timing_cache_path; }

    bool setTacticSources(TacticSources sources);
    [[nodiscard]] TacticSources getTacticSources() const { return values_.tactic_sources; }
    void setProfileStream(void* stream) { values_.profile_stream = stream; } //!< a cudaStream_t that timing runs on
    [[nodiscard]] void* getProfileStream() const { return values_.profile_stream; }
    void setProfilingVerbosity(ProfilingVerbosity verbosity) { values_.verbosity = verbosity; }
    [[nodiscard]] ProfilingVerbosity getProfilingVerbosity() const { return values_.verbosity; }
    void setBuilderOptimizationLevel(int32_t level); //!< 0 (no search) .. 5; default 3
    [[nodiscard]] int32_t getBuilderOptimizationLevel() const { return values_.optimization_level; }
    void setAvgTimingIterations(int32_t count);
    [[nodiscard]] int32_t getAvgTimingIterations() const { return values_.avg_timing_iterations; }
    //! Not in TensorRT: seconds for making and timing kernels; 0 (the default): as many as it takes. Where most of the network's time goes is timed first, the
    //! best by estimate before others. Operations without a winner when it is over run what is fastest by estimate; a warning says how many.
    void setTacticTimeBudget(double seconds);
    [[nodiscard]] double getTacticTimeBudget() const { return values_.tactic_time_budget; }
    void setMinTimingIterations(int32_t count) { values_.min_timing_iterations = count; }
    [[nodiscard]] int32_t getMinTimingIterations() const { return values_.min_timing_iterations; }
    void setProgressMonitor(IProgressMonitor* monitor);
    [[nodiscard]] IProgressMonitor* getProgressMonitor() const { return values_.progress_monitor.get(); }

    void setEngineCapability(EngineCapability capability) { values_.capability = capability; }
    [[nodiscard]] EngineCapability getEngineCapability() const { return values_.capability; }
    void setHardwareCompatibilityLevel(HardwareCompatibilityLevel level) { values_.hardware_compatibility = level; }
    [[nodiscard]] HardwareCompatibilityLevel getHardwareCompatibilityLevel() const {
        return values_.hardware_compatibility;
    }
    void setRuntimePlatform(RuntimePlatform platform) { values_.platform = platform; }
    [[nodiscard]] RuntimePlatform getRuntimePlatform() const { return values_.platform; }
    void setTilingOptimizationLevel(TilingOptimizationLevel level) { values_.tiling = level; }
    [[nodiscard]] TilingOptimizationLevel getTilingOptimizationLevel() const { return values_.tiling; }
    void setL2LimitForTiling(int64_t bytes) { values_.l2_limit = bytes; }
    [[nodiscard]] int64_t getL2LimitForTiling() const { return values_.l2_limit; }
    void setMaxAuxStreams(int32_t count) { values_.max_aux_streams = count; }
    [[nodiscard]] int32_t getMaxAuxStreams() const { return values_.max_aux_streams; }
    //! Of a layer's tactics at most so many of those whose time can be estimated are tried, and so many of the others, beside the one that numbers are
    //! compared with; -1: as many as the optimization level says.
    void setMaxNbTactics(int32_t count) { values_.max_tactics = count; }
    [[nodiscard]] int32_t getMaxNbTactics() const { return values_.max_tactics; }
    void setPreviewFeature(PreviewFeature feature, bool enable);
    [[nodiscard]] bool getPreviewFeature(PreviewFeature feature) const;
    void setDefaultDeviceType(DeviceType type) { values_.default_device = type; }
    [[nodiscard]] DeviceType getDefaultDeviceType() const { return values_.default_device; }
    void setDLACore(int32_t core) { values_.dla_core = core; }
    [[nodiscard]] int32_t getDLACore() const { return values_.dla_core; }
    void setDeviceType(const ILayer* layer, DeviceType type) { values_.layer_devices[layer] = type; }
    [[nodiscard]] DeviceType getDeviceType(const ILayer* layer) const;
    [[nodiscard]] bool isDeviceTypeSet(const ILayer* layer) const { return values_.layer_devices.count(layer) != 0; }
    void resetDeviceType(const ILayer* layer) { values_.layer_devices.erase(layer); }
    [[nodiscard]] bool canRunOnDLA(const ILayer*) const { return false; }
    void setPluginsToSerialize(std::vector<std::string> paths) { values_.plugins = std::move(paths); }
    [[nodiscard]] const std::vector<std::string>& getPluginsToSerialize() const { return values_.plugins; }
    void setRemoteAutoTuningConfig(std::string config) { values_.remote_tuning = std::move(config); }
    [[nodiscard]] const std::string& getRemoteAutoTuningConfig() const { return values_.remote_tuning; }

  private:
    friend struct api::BuilderAccess;
    static BuilderFlags bit(BuilderFlag flag) { return BuilderFlags{1} << static_cast<uint32_t>(flag); }

    struct Values {
        BuilderFlags flags = BuilderFlags{1} << static_cast<uint32_t>(
                                 BuilderFlag::kTF32); // TensorRT's default; TF32 changes nothing here
        uint32_t quantization_flags = 0;
        std::array<std::size_t, kMemoryPoolTypeCount> pools{};
        std::vector<std::shared_ptr<const IOptimizationProfile>> profiles;
        std::shared_ptr<const IOptimizationProfile> calibration_profile;
        std::shared_ptr<ITimingCache> timing_cache;
        std::string timing_cache_path;
        std::shared_ptr<IProgressMonitor> progress_monitor;
        TacticSources tactic_sources = kDefaultTacticSources;
        void* profile_stream = nullptr;
        ProfilingVerbosity verbosity = ProfilingVerbosity::kLAYER_NAMES_ONLY;
        int32_t optimization_level = 3;
        int32_t avg_timing_iterations = 1;
        double tactic_time_budget = 0.0;
        int32_t min_timing_iterations = 1;
        EngineCapability capability = EngineCapability::kSTANDARD;
        HardwareCompatibilityLevel hardware_compatibility = HardwareCompatibilityLevel::kNONE;
        RuntimePlatform platform = RuntimePlatform::kSAME_AS_BUILD;
        TilingOptimizationLevel tiling = TilingOptimizationLevel::kNONE;
        int64_t l2_limit = -1;
        int32_t max_aux_streams = -1;
        int32_t max_tactics = -1;
        uint32_t preview_features = 1U << static_cast<uint32_t>(PreviewFeature::kPROFILE_SHARING_0806);
        DeviceType default_device = DeviceType::kGPU;
        int32_t dla_core = -1;
        std::map<const ILayer*, DeviceType> layer_devices;
        std::vector<std::string> plugins;
        std::string remote_tuning;
    };
    std::shared_ptr<api::Reporter> reporter_;
    Values values_;
};

} // namespace tensorvk
