// The private sides of configurations, profiles and timing caches, for the builder and the bindings.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tensorvk/builder.h"

namespace tensorvk::api {

struct BuilderAccess {
    static const auto& profiles(const IBuilderConfig& config) { return config.values_.profiles; }
    static const auto& shapes(const IOptimizationProfile& profile) { return profile.shapes_; }
    static std::shared_ptr<builder::TimingCache> cache(const ITimingCache* cache) {
        return cache == nullptr ? nullptr : cache->cache_;
    }
    static void set_progress_monitor(IBuilderConfig& config, std::shared_ptr<IProgressMonitor> monitor) {
        config.values_.progress_monitor = std::move(monitor);
    }
    static std::shared_ptr<ITimingCache> timing_cache(const IBuilderConfig& config) {
        return config.values_.timing_cache;
    }
    static const auto& calibration_profile(const IBuilderConfig& config) { return config.values_.calibration_profile; }
    static void set_shape(IOptimizationProfile& profile, const std::string& input, const std::array<Dims, 3>& range) {
        profile.shapes_[input] = range;
    }
    static std::shared_ptr<IOptimizationProfile> create_profile(IBuilder& builder) {
        return builder.createOptimizationProfile()->shared_from_this();
    }
    static const std::shared_ptr<Reporter>& reporter(const IOptimizationProfile& profile) { return profile.reporter_; }
    static const std::shared_ptr<Reporter>& reporter(const IBuilder& builder) { return builder.reporter_; }
};

} // namespace tensorvk::api
