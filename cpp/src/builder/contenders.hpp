// Candidates that ran side by side: whose numbers are right, and who of them is the fastest.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "builder/candidates.hpp"
#include "builder/timing_cache.hpp"
#include "builder/trial.hpp"
#include "builder/verdict.hpp"
#include "support/log.hpp"

namespace tensorvk::builder {

//! A candidate that may win.
struct Contender {
    const tactics::Candidate* candidate = nullptr;
    CandidateReport* report = nullptr;
    Digest128 content{}; // of all that it dispatches
    std::optional<Timing> timing;
    bool lasting = false; // the timing is worth remembering
};

//! What reports say of those who may not win, whether it was found out now or is known from a timing cache. The log says more.
inline constexpr const char* kRefusedByDriver = "the driver refused it";
inline constexpr const char* kWrongNumbers = "dropped: its numbers differ from the generic kernel's";

[[nodiscard]] std::vector<const tactics::Candidate*> candidates_of(std::span<const Contender> contenders);
[[nodiscard]] std::vector<const tactics::Candidate*> candidates_of(std::span<Contender* const> contenders);
//! What the others' numbers are compared with: the generic candidate, or the first where there is none.
[[nodiscard]] std::size_t reference_index(std::span<const Contender> contenders);
//! The order in which those who may win are taken where none is timed, as indices. On a GPU the best by estimate come first, then as at optimization level 0.
[[nodiscard]] std::vector<std::size_t> by_trust(std::span<const Contender> contenders, bool gpu);

//! Leaves those out that the driver refused (`refusals`: in their order, empty where it did not), and says so in their reports. Returns all of it in
//! one sentence.
std::string drop_refused(std::vector<Contender>& contenders, std::span<const std::string> refusals);
using Outputs = std::vector<kernels::host::Tensor>;
//! Compares what the trial's last run wrote with the reference's outputs: who differs may not win, which the report and a warning say. `trial` holds these
//! contenders in this order.
void judge(Trial& trial, const Outputs& reference, OnTheWay rounded, const std::string& operation, std::span<Contender> contenders, LogSink& log);
//! The fastest that is correct, of those that have been judged and timed. Null where there is none.
[[nodiscard]] const Contender* winner(std::span<const Contender> contenders);
//! The same where only some were timed; null too where one that was not is expected to be faster.
[[nodiscard]] const Contender* winner_so_far(std::span<const Contender> contenders, bool gpu);

} // namespace tensorvk::builder
