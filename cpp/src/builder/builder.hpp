// From a network to the bytes of a plan: compiles, times candidates on the current device, writes everything down.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "builder/timing_cache.hpp"
#include "graph/network.hpp"
#include "support/log.hpp"

namespace tensorvk::builder {

//! min, opt and max shape per input name. Inputs without dynamic dimensions may be left out.
struct ProfileShapes {
    std::map<std::string, std::array<std::vector<std::int64_t>, 3>> shapes;
};

struct Options {
    bool fp16 = false;                 // floats between operations are float16 where the device can store them; sums stay float32
    bool bf16 = false;                 // bfloat16 instead, where functions of the host compute with it; goes before fp16
    bool strongly_typed = false;       // instead of both: floats between operations are what the network says
    bool host_tactics = true;          // on devices whose memory is the host's, its functions compete with the shaders
    bool disable_timing_cache = false; // time again what the cache knows
    bool error_on_cache_miss = false;  // refuse to time anything
    int optimization_level = 3;        // 0: nothing is timed, the first portable candidate that is not generic; 1 to 5: more candidates, more repetitions
    int avg_timing_iterations = 1;     // multiplies the repetitions
    double tactic_time_budget = 0.0;   // seconds for making and timing kernels; 0: without a limit
    int max_tactics = -1;              // leave_out_many() in builder/candidates.hpp; negative: no limit
    std::uint64_t workspace_bytes = UINT64_MAX; // candidates that need more scratch memory are dropped
    std::uint32_t flags = 0;           // BuilderFlag bits as the user gave them, stored in the plan
    std::uint32_t profiling_verbosity = 0;
    std::vector<ProfileShapes> profiles;
    std::shared_ptr<TimingCache> timing_cache; // null: one for this build only
    std::string timing_cache_path;     // a file that processes share (builder/timing_file.hpp); empty: none
    std::filesystem::path shipped_timings; // folder of timing caches of measured devices (builder/shipped_timings.hpp); empty: none
    std::uint64_t profile_stream = 0;  // stream on which candidates are timed
    std::function<bool(const char* phase, int step, int steps)> progress; // false cancels the build
};

//! Throws Error: InvalidModel, Unsupported, InvalidArgument (profiles), InvalidState (cancelled), OutOfMemory, DeviceLost.
[[nodiscard]] std::vector<std::byte> build_plan(const graph::Network& network, const Options& options, LogSink& log);

} // namespace tensorvk::builder
