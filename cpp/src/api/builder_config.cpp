#include "tensorvk/builder_config.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "api/convert.hpp"
#include "api/host_memory.hpp"
#include "api/reporter.hpp"
#include "builder/timing_cache.hpp"
#include "builder/timing_key.hpp"
#include "vulkan/device.hpp"

namespace tensorvk {

using api::guarded;
using api::succeeds;

IBuilderConfig::IBuilderConfig(std::shared_ptr<api::Reporter> reporter) : reporter_(std::move(reporter)) {
    reset();
}

void IBuilderConfig::reset() {
    values_ = {};
    // TensorRT's limits without a setting: everything there is, and its documented numbers for the pools that no Vulkan
    // device has.
    values_.pools = {SIZE_MAX, 0, std::size_t{1} << 30, std::size_t{1} << 29, SIZE_MAX, SIZE_MAX};
}

void IBuilderConfig::setMemoryPoolLimit(MemoryPoolType pool, std::size_t bytes) {
    succeeds(*reporter_, [&] {
        const auto index = static_cast<std::size_t>(pool);
        if (index >= values_.pools.size()) {
            throw InvalidArgument(text("There is no memory pool of type number ", index, "."));
        }
        values_.pools[index] = bytes;
    });
}

std::size_t IBuilderConfig::getMemoryPoolLimit(MemoryPoolType pool) const {
    const auto index = static_cast<std::size_t>(pool);
    return index < values_.pools.size() ? values_.pools[index] : 0;
}

int32_t IBuilderConfig::addOptimizationProfile(const IOptimizationProfile* profile) {
    return guarded(*reporter_, -1, [&] {
        if (profile == nullptr || !profile->isValid()) {
            throw InvalidArgument(
                "The optimization profile is not valid: set min, opt and max shape, with min <= opt <= max, of every "
                "input that it names.");
        }
        values_.profiles.push_back(profile->shared_from_this());
        return static_cast<int32_t>(values_.profiles.size()) - 1;
    });
}

bool IBuilderConfig::setCalibrationProfile(const IOptimizationProfile* profile) {
    values_.calibration_profile = profile == nullptr ? nullptr : profile->shared_from_this();
    return true;
}

ITimingCache* IBuilderConfig::createTimingCache(const void* bytes, std::size_t size) const {
    return guarded(*reporter_, static_cast<ITimingCache*>(nullptr), [&] {
        return new ITimingCache(
            builder::TimingCache::from_bytes({static_cast<const std::byte*>(bytes), bytes == nullptr ? 0 : size}),
            reporter_);
    });
}

bool IBuilderConfig::setTimingCache(const ITimingCache& cache, bool) {
    values_.timing_cache = std::make_shared<ITimingCache>(cache); // shares the entries
    return true;
}

bool IBuilderConfig::setTacticSources(TacticSources sources) {
    values_.tactic_sources = sources;
    return true;
}

void IBuilderConfig::setBuilderOptimizationLevel(int32_t level) {
    succeeds(*reporter_, [&] {
        if (level < 0 || level > 5) {
            throw InvalidArgument(
                text("Builder optimization level ", level, " is not one of 0 (no search) to 5 (longest search)."));
        }
        values_.optimization_level = level;
    });
}

void IBuilderConfig::setAvgTimingIterations(int32_t count) {
    succeeds(*reporter_, [&] {
        if (count < 1) {
            throw InvalidArgument(text("The number of timing iterations was ", count, "; it must be 1 or more."));
        }
        values_.avg_timing_iterations = count;
    });
}

void IBuilderConfig::setTacticTimeBudget(double seconds) {
    succeeds(*reporter_, [&] {
        if (!std::isfinite(seconds) || seconds < 0.0) {
            throw InvalidArgument(text("The tactic time budget was ", seconds, " seconds; it must be 0 (no limit) or more."));
        }
        values_.tactic_time_budget = seconds;
    });
}

void IBuilderConfig::setProgressMonitor(IProgressMonitor* monitor) {
    values_.progress_monitor = api::unowned(monitor);
}

void IBuilderConfig::setPreviewFeature(PreviewFeature feature, bool enable) {
    const uint32_t bit = 1U << static_cast<uint32_t>(feature);
    values_.preview_features = enable ? values_.preview_features | bit : values_.preview_features & ~bit;
}
bool IBuilderConfig::getPreviewFeature(PreviewFeature feature) const {
    return (values_.preview_features >> static_cast<uint32_t>(feature) & 1U) != 0;
}

DeviceType IBuilderConfig::getDeviceType(const ILayer* layer) const {
    const auto entry = values_.layer_devices.find(layer);
    return entry == values_.layer_devices.end() ? values_.default_device : entry->second;
}

IHostMemory* ITimingCache::serialize() const {
    return guarded(*reporter_, static_cast<IHostMemory*>(nullptr),
                   [&] { return new api::HostMemory(cache_->bytes()); });
}

IHostMemory* ITimingCache::serializeForAnyDriver() const {
    return guarded(*reporter_, static_cast<IHostMemory*>(nullptr), [&] {
        return new api::HostMemory(builder::TimingKeys(*vulkan::Device::current()).for_any_driver(*cache_).bytes());
    });
}

bool ITimingCache::combine(const ITimingCache& other, bool) {
    return succeeds(*reporter_, [&] { cache_->combine(*other.cache_); });
}

bool ITimingCache::reset() {
    cache_->clear();
    return true;
}

} // namespace tensorvk
