// Chooses a candidate for each operation, by time measured on the device, and keeps what it found out for the report.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "builder/builder.hpp"
#include "builder/trial.hpp"
#include "builder/verdict.hpp"
#include "compiler/compile.hpp"
#include "tactics/family.hpp"
#include "vulkan/device.hpp"

namespace tensorvk::builder {

//! What the report says about one candidate.
struct CandidateReport {
    std::string name;
    std::string refusal;         // why it was not tried, or why it was dropped after it ran
    float milliseconds = -1.0f;  // -1: not timed
    bool from_cache = false;
    float error = 0.0f;          // largest difference to the generic candidate, relative to its largest value
};

//! A candidate that may win.
struct Contender {
    const tactics::Candidate* candidate = nullptr;
    CandidateReport* report = nullptr;
    Digest128 key{}; // in the timing cache
    std::optional<Timing> timing;
};

//! Compares what the trial's last run wrote with the generic candidate's, or the first's where there is none: who differs may not win, which the
//! report and a warning say. `trial` holds these contenders in this order.
void judge(Trial& trial, OnTheWay rounded, const std::string& operation, std::span<Contender> contenders, LogSink& log);
//! The fastest that is correct; all have been judged and timed. Null where none is.
[[nodiscard]] const Contender* winner(std::span<const Contender> contenders);

struct Choice {
    tactics::Candidate candidate;
    std::vector<CandidateReport> reports;
};

class Tuner {
public:
    //! `symbols`: of the whole network, -1 for those that data decides.
    Tuner(std::shared_ptr<vulkan::Device> device, const Options& options, const compiler::Compiled& whole, std::vector<std::int64_t> symbols,
          std::span<const std::byte> weights, LogSink& log);

    [[nodiscard]] Choice choose(const compiler::Compiled& network, const tactics::Operation& operation);

private:
    [[nodiscard]] bool sizes_known(const compiler::Compiled& network, const tactics::Operation& operation) const;
    [[nodiscard]] bool make_up_unknown(const compiler::Compiled& network);
    //! The applicable candidates within the workspace limit, with what the cache knows. The others' reports get their refusals.
    [[nodiscard]] std::vector<Contender> contenders_of(const compiler::Compiled& network, const tactics::Operation& operation,
                                                       const std::vector<tactics::Candidate>& candidates,
                                                       std::vector<CandidateReport>& reports);
    [[nodiscard]] static std::vector<const tactics::Candidate*> candidates_of(std::span<const Contender> contenders);
    //! Who is worth more runs. `first`: the times of the first run.
    [[nodiscard]] std::vector<Contender*> shortlist(Trial& trial, const std::vector<float>& first, std::span<Contender> contenders) const;
    //! Medians of repeated runs; `trial` holds these contenders in this order.
    void time(Trial& trial, std::span<Contender* const> contenders) const;
    void measure(const compiler::Compiled& network, const tactics::Operation& operation, std::vector<Contender>& contenders);

    std::shared_ptr<vulkan::Device> device_;
    const Options& options_;
    const compiler::Compiled& whole_;
    std::vector<std::int64_t> whole_symbols_;
    std::vector<std::int64_t> symbols_; // of the network whose operation is being chosen for
    std::span<const std::byte> weights_;
    std::shared_ptr<TimingCache> cache_;
    LogSink& log_;
};

//! Without timing: the first candidate that runs on the host (on a CPU's device), else the first that is portable and not generic, else the
//! generic one.
[[nodiscard]] Choice choose_untimed(const compiler::Compiled& network, const tactics::Operation& operation, const vulkan::DeviceCaps& caps, bool host_tactics);

} // namespace tensorvk::builder
