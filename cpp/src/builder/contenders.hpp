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
    Digest128 key{}; // in the timing cache
    std::optional<Timing> timing;
};

//! Leaves those out that the driver refused (`refusals`: in their order, empty where it did not), and says so in their reports. Returns all of it in
//! one sentence.
std::string drop_refused(std::vector<Contender>& contenders, std::span<const std::string> refusals);
//! Compares what the trial's last run wrote with the generic candidate's, or the first's where there is none: who differs may not win, which the
//! report and a warning say. `trial` holds these contenders in this order.
void judge(Trial& trial, OnTheWay rounded, const std::string& operation, std::span<Contender> contenders, LogSink& log);
//! The fastest that is correct; all have been judged and timed. Null where none is.
[[nodiscard]] const Contender* winner(std::span<const Contender> contenders);

} // namespace tensorvk::builder
