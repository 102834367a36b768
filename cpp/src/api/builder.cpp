#include "tensorvk/builder.h"

#include <algorithm>
#include <cstdlib>

#include "api/builder_access.hpp"
#include "api/convert.hpp"
#include "api/host_memory.hpp"
#include "api/network_state.hpp"
#include "api/progress.hpp"
#include "api/runtime_state.hpp"
#include "builder/builder.hpp"
#include "builder/shipped_timings.hpp"
#include "layers/expand.hpp"
#include "tactics/matrix_units.hpp"
#include "vulkan/device.hpp"

namespace tensorvk {

using api::guarded;

namespace {

std::vector<builder::ProfileShapes> profile_shapes(const IBuilderConfig& config) {
    std::vector<builder::ProfileShapes> all;
    for (const auto& profile : api::BuilderAccess::profiles(config)) {
        builder::ProfileShapes& shapes = all.emplace_back();
        for (const auto& [name, range] : api::BuilderAccess::shapes(*profile)) {
            shapes.shapes[name] = {api::to_vector(range[0]), api::to_vector(range[1]), api::to_vector(range[2])};
        }
    }
    return all;
}

struct IdleFlag {
    BuilderFlag flag;
    const char* name;
    const char* why = "TensorVK does not offer it yet";
};

//! Flags that promise something in TensorRT and do nothing here: asking for one is worth a warning.
constexpr IdleFlag kIdleFlags[] = {
    {BuilderFlag::kINT8, "INT8", "networks with QuantizeLinear and DequantizeLinear compute in int8 without it, and calibration is not offered"},
    {BuilderFlag::kFP8, "FP8"},
    {BuilderFlag::kINT4, "INT4"},
    {BuilderFlag::kFP4, "FP4"},
    {BuilderFlag::kREFIT, "REFIT"},
    {BuilderFlag::kSTRIP_PLAN, "STRIP_PLAN"},
    {BuilderFlag::kWEIGHT_STREAMING, "WEIGHT_STREAMING"},
};

void warn_about_idle_flags(const IBuilderConfig& config, LogSink& log) {
    for (const IdleFlag& idle : kIdleFlags) {
        if (config.getFlag(idle.flag)) {
            log.log(Severity::kWARNING,
                    text("BuilderFlag.", idle.name, " has no effect: ", idle.why, "."));
        }
    }
}

//! Types of a strongly typed network are its tensors' own; TensorRT refuses these flags as well.
void refuse_precision_flags(const api::NetworkState& state, const IBuilderConfig& config) {
    constexpr std::pair<BuilderFlag, const char*> kPrecisions[] = {
        {BuilderFlag::kFP16, "FP16"}, {BuilderFlag::kBF16, "BF16"}, {BuilderFlag::kINT8, "INT8"},
        {BuilderFlag::kFP8, "FP8"},   {BuilderFlag::kINT4, "INT4"}, {BuilderFlag::kFP4, "FP4"},
    };
    for (const auto& [flag, name] : kPrecisions) {
        if (!state.strongly_typed() || !config.getFlag(flag)) continue;
        throw InvalidArgument(text("BuilderFlag.", name,
                                   " cannot be set for a strongly typed network, whose types follow the graph: clear "
                                   "the flag and give tensors their types (inputs, weights, Cast, QuantizeLinear), or "
                                   "create the network without STRONGLY_TYPED."));
    }
}

//! Scripts for TensorRT 8 that name its libraries do not know kHOST, and would lose what stands for these libraries here.
bool names_host_tactics(TacticSources sources) {
    constexpr TacticSource kStandForIt[] = {TacticSource::kHOST, TacticSource::kCUBLAS, TacticSource::kCUBLAS_LT, TacticSource::kCUDNN};
    return std::ranges::any_of(kStandForIt, [&](TacticSource source) { return (sources >> static_cast<int32_t>(source) & 1U) != 0; });
}

constexpr BuilderFlags bit(BuilderFlag flag) { return BuilderFlags{1} << static_cast<uint32_t>(flag); }

//! They say where timings come from, not what is built of them: the same timings shall give the same plan.
constexpr BuilderFlags kFlagsOfTheWay = bit(BuilderFlag::kDISABLE_TIMING_CACHE) | bit(BuilderFlag::kERROR_ON_TIMING_CACHE_MISS) |
                                        bit(BuilderFlag::kEDITABLE_TIMING_CACHE) | bit(BuilderFlag::kDISABLE_COMPILATION_CACHE);

std::string timing_cache_path(const IBuilderConfig& config) {
    const char* common = std::getenv("TENSORVK_TIMING_CACHE");
    return !config.getTimingCachePath().empty() || common == nullptr ? config.getTimingCachePath() : common;
}

builder::Options build_options(IBuilderConfig& config, api::Progress& progress) {
    builder::Options options;
    options.fp16 = config.getFlag(BuilderFlag::kFP16);
    options.bf16 = config.getFlag(BuilderFlag::kBF16);
    options.disable_timing_cache = config.getFlag(BuilderFlag::kDISABLE_TIMING_CACHE);
    options.error_on_cache_miss = config.getFlag(BuilderFlag::kERROR_ON_TIMING_CACHE_MISS);
    options.host_tactics = names_host_tactics(config.getTacticSources());
    options.optimization_level = config.getBuilderOptimizationLevel();
    options.avg_timing_iterations = config.getAvgTimingIterations();
    options.max_tactics = config.getMaxNbTactics();
    options.tactic_time_budget = config.getTacticTimeBudget();
    options.timing_cache_path = timing_cache_path(config);
    options.shipped_timings = builder::shipped_timings_folder();
    options.workspace_bytes = config.getMemoryPoolLimit(MemoryPoolType::kWORKSPACE);
    options.flags = config.getFlags() & ~kFlagsOfTheWay;
    options.profiling_verbosity = static_cast<uint32_t>(config.getProfilingVerbosity());
    options.profiles = profile_shapes(config);
    if (config.getTimingCache() == nullptr && !options.disable_timing_cache) {
        // As TensorRT does: the build's own cache can be asked for afterwards.
        const std::unique_ptr<ITimingCache> fresh(config.createTimingCache(nullptr, 0));
        config.setTimingCache(*fresh, false);
    }
    options.timing_cache = api::BuilderAccess::cache(config.getTimingCache());
    options.profile_stream = reinterpret_cast<std::uintptr_t>(config.getProfileStream());
    if (config.getProgressMonitor() != nullptr) {
        options.progress = [&progress](const char* phase, int step, int steps) {
            return progress.report(phase, step, steps);
        };
    }
    return options;
}

} // namespace

IBuilder::IBuilder(std::shared_ptr<ILogger> logger)
    : reporter_(std::make_shared<api::Reporter>(std::move(logger))), legacy_(api::Reporter::child_of(reporter_)) {
}

INetworkDefinition* IBuilder::createNetworkV2(uint32_t flags) {
    constexpr int kKnownFlags = 5; // with EXPLICIT_PRECISION of TensorRT 8
    std::string unknown;
    for (int bit = kKnownFlags; bit < 32; ++bit) {
        unknown += (flags >> bit & 1U) != 0 ? text(unknown.empty() ? "" : ", ", bit) : "";
    }
    if (!unknown.empty()) {
        reporter_->log(Severity::kWARNING,
                       text("create_network was given flags that no NetworkDefinitionCreationFlag has and that change "
                            "nothing: bits ",
                            unknown, " of ", flags, "."));
    }
    return new INetworkDefinition(std::make_shared<api::NetworkState>(api::Reporter::child_of(reporter_), flags, this));
}

IBuilderConfig* IBuilder::createBuilderConfig() {
    return new IBuilderConfig(api::Reporter::child_of(reporter_));
}

IOptimizationProfile* IBuilder::createOptimizationProfile() {
    profiles_.push_back(std::make_shared<IOptimizationProfile>(api::Reporter::child_of(reporter_)));
    return profiles_.back().get();
}

IHostMemory* IBuilder::buildSerializedNetwork(INetworkDefinition& network, IBuilderConfig& config) {
    return guarded(*reporter_, static_cast<IHostMemory*>(nullptr), [&]() -> IHostMemory* {
        api::NetworkState& state = *api::Access::state(network);
        state.check();
        refuse_precision_flags(state, config);
        warn_about_idle_flags(config, *reporter_);
        api::Progress progress(config.getProgressMonitor());
        const auto expanded = layers::expand(state.graph());
        builder::Options options = build_options(config, progress);
        options.strongly_typed = state.strongly_typed();
        return new api::HostMemory(builder::build_plan(expanded ? *expanded : state.graph(), options, *reporter_));
    });
}

ICudaEngine* IBuilder::buildEngineWithConfig(INetworkDefinition& network, IBuilderConfig& config) {
    const std::shared_ptr<const IHostMemory> plan(buildSerializedNetwork(network, config));
    if (plan == nullptr) {
        return nullptr;
    }
    IRuntime runtime(reporter_->logger());
    return api::RuntimeAccess::deserialize(runtime, {plan, {static_cast<const std::byte*>(plan->data()), plan->size()}});
}

bool IBuilder::isNetworkSupported(const INetworkDefinition& network, const IBuilderConfig& config) const {
    return api::succeeds(*reporter_, [&] {
        api::NetworkState& state = *api::Access::state(network);
        state.check();
        if (state.graph().outputs().empty()) {
            throw InvalidModel(text("Network '", state.graph().name, "' has no output; mark one with mark_output."));
        }
        refuse_precision_flags(state, config);
        (void)layers::expand(state.graph());
    });
}

bool IBuilder::platformHasFastFp16() const {
    return guarded(*reporter_, false, [] { return vulkan::Device::current()->caps().fp16_storage; });
}
bool IBuilder::platformHasFastInt8() const {
    return guarded(*reporter_, false, [] {
        const vulkan::DeviceCaps& caps = vulkan::Device::current()->caps();
        return caps.host_kernels || (!caps.is_cpu && caps.integer_dot_product) || tactics::refuse_byte_matrices(caps).empty();
    });
}

bool IBuilder::setMaxThreads(int32_t threads) {
    return api::succeeds(*reporter_, [&] {
        if (threads < 1) {
            throw InvalidArgument(text("The number of threads was ", threads, "; it must be 1 or more."));
        }
        max_threads_ = threads;
    });
}

void IBuilder::setErrorRecorder(IErrorRecorder* recorder) {
    reporter_->set_recorder(api::unowned(recorder));
}
IErrorRecorder* IBuilder::getErrorRecorder() const {
    return reporter_->recorder().get();
}
ILogger* IBuilder::getLogger() const {
    return reporter_->logger().get();
}

void IBuilder::reset() {
    legacy_.reset();
    max_threads_ = 1;
    max_batch_size_ = 1;
    reporter_->set_recorder(nullptr);
}

IBuilder* createInferBuilder(ILogger& logger) {
    return new IBuilder(api::unowned(&logger));
}

} // namespace tensorvk
