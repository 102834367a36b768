// The candidates of one operation: who may be tried here, who is taken where nothing is timed, and what the report says of each.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "compiler/compile.hpp"
#include "tactics/family.hpp"

namespace tensorvk::builder {

//! What the report says about one candidate.
struct CandidateReport {
    std::string name;
    std::string refusal;         // why it was not tried, or why it was dropped after it ran
    float milliseconds = -1.0f;  // -1: not timed
};

struct Choice {
    tactics::Candidate candidate;
    std::vector<CandidateReport> reports;
};

//! The simplest one of a family; the others' numbers are compared with its.
[[nodiscard]] inline bool is_generic(const tactics::Candidate& candidate) { return candidate.name.ends_with("/generic"); }
//! Cuts the network in two: it is there for what no kernel takes, whatever its own time.
[[nodiscard]] inline bool is_host_call(const tactics::Candidate& candidate) { return candidate.name == "host/generic"; }
//! No kernel at all: calls of host functions, by one step or several.
[[nodiscard]] inline bool runs_by_calls(const tactics::Candidate& candidate) {
    return candidate.name.ends_with("/host") || is_host_call(candidate);
}

//! Throws Unsupported, with every refusal, when nobody is left.
[[nodiscard]] std::vector<tactics::Candidate> candidates_for(const compiler::Compiled& network, const tactics::Operation& operation,
                                                             const vulkan::DeviceCaps& caps, bool host_tactics);
//! Where a kernel of the host is there, a CPU driver's shaders are many times slower, take up to a second of compilation each, and switching to
//! them costs another tenth of a millisecond: below a level nobody waits for them to lose.
void leave_out_shaders(std::vector<tactics::Candidate>& candidates, int optimization_level);

//! Those that need more scratch memory than `most_bytes`, for these symbols. Judged before times are looked up: the limit is this build's, while they are cached for others.
void leave_out_large(std::vector<tactics::Candidate>& candidates, const compiler::Compiled& network, const tactics::Operation& operation, const vulkan::DeviceCaps& caps,
                     std::span<const std::int64_t> symbols, std::uint64_t most_bytes);
//! Of the candidates for which there are estimates, the best two, four, eight and sixteen are tried at levels 1 to 4, all at level 5; the others get refusals.
void leave_out_slow(std::vector<tactics::Candidate>& candidates, int optimization_level);
//! No more than the user wants (negative: no limit): so many of the best by estimate, and so many of those without one, kernels of the host first. The generic candidate,
//! which the others' numbers are compared with, is always tried.
void leave_out_many(std::vector<tactics::Candidate>& candidates, int max_tactics);

[[nodiscard]] std::vector<CandidateReport> reports_of(const std::vector<tactics::Candidate>& candidates);
//! All of them in one sentence.
[[nodiscard]] std::string refusals(const std::vector<CandidateReport>& reports);

//! Without timing: the first candidate that runs on the host (on a CPU's device), else the first that is portable and not generic, else the
//! generic one.
[[nodiscard]] Choice choose_untimed(const compiler::Compiled& network, const tactics::Operation& operation, const vulkan::DeviceCaps& caps, bool host_tactics);

} // namespace tensorvk::builder
