#include "builder/candidates.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "builder/trial.hpp"
#include "support/error.hpp"

namespace tensorvk::builder {

std::vector<CandidateReport> reports_of(const std::vector<tactics::Candidate>& candidates) {
    std::vector<CandidateReport> reports;
    for (const tactics::Candidate& candidate : candidates) {
        reports.push_back({candidate.name, candidate.refusal, -1.0f});
    }
    return reports;
}

std::string refusals(const std::vector<CandidateReport>& reports) {
    std::string out;
    for (const CandidateReport& report : reports) {
        out += text(out.empty() ? "" : "; ", report.name, ": ", report.refusal);
    }
    return out + ".";
}

namespace {

//! Where the tactic that TENSORVK_TACTIC names applies, no other is taken, not even to compare numbers with.
void keep_wished(std::vector<tactics::Candidate>& candidates) {
    const char* wish = std::getenv("TENSORVK_TACTIC");
    if (wish == nullptr || *wish == '\0') return;
    const auto is_wished = [&](const tactics::Candidate& c) { return c.applicable() && (c.name == wish || c.name.substr(c.name.rfind('/') + 1) == wish); };
    if (std::ranges::none_of(candidates, is_wished)) return;
    for (tactics::Candidate& candidate : candidates) {
        if (!candidate.applicable() || is_wished(candidate)) continue;
        candidate.refusal = text("TENSORVK_TACTIC asks for ", wish);
        candidate.lower = nullptr;
    }
}

} // namespace

std::vector<tactics::Candidate> candidates_for(const compiler::Compiled& network, const tactics::Operation& operation,
                                               const vulkan::DeviceCaps& caps, bool host_tactics) {
    auto candidates = tactics::candidates(operation, network.values, caps, network.program.exprs);
    for (tactics::Candidate& candidate : candidates) {
        if (candidate.host && candidate.applicable() && !host_tactics) {
            candidate.refusal = "the tactic source HOST is switched off";
            candidate.lower = nullptr;
        }
    }
    keep_wished(candidates);
    if (std::none_of(candidates.begin(), candidates.end(), [](const auto& c) { return c.applicable(); })) {
        throw Unsupported(text("No kernel can run operation '", operation.name, "': ", refusals(reports_of(candidates))));
    }
    return candidates;
}

void leave_out_shaders(std::vector<tactics::Candidate>& candidates, int optimization_level) {
    constexpr int kShadersBesideHostLevel = 4;
    if (optimization_level >= kShadersBesideHostLevel || std::ranges::none_of(candidates, [](const tactics::Candidate& c) { return c.applicable() && c.host; })) {
        return;
    }
    for (tactics::Candidate& candidate : candidates) {
        if (candidate.applicable() && !candidate.host && !runs_by_calls(candidate)) {
            candidate.refusal = text("not tried beside a kernel of the host below builder_optimization_level ", kShadersBesideHostLevel);
            candidate.lower = nullptr;
        }
    }
}

namespace {

//! Those that may be tried and that `wanted` picks, ordered by `rank`, equal ones as they are.
template <typename Wanted, typename Rank>
std::vector<tactics::Candidate*> ranked(std::vector<tactics::Candidate>& candidates, const Wanted& wanted, const Rank& rank) {
    std::vector<tactics::Candidate*> out;
    for (tactics::Candidate& candidate : candidates) {
        if (candidate.applicable() && wanted(candidate)) out.push_back(&candidate);
    }
    std::ranges::stable_sort(out, {}, [&](const tactics::Candidate* candidate) { return rank(*candidate); });
    return out;
}

void refuse(tactics::Candidate& candidate, std::string why) {
    candidate.refusal = std::move(why);
    candidate.lower = nullptr;
}

//! Of those that have estimates; `why` begins the others' refusals.
void keep_best(std::vector<tactics::Candidate>& candidates, std::size_t most, const std::string& why) {
    const auto estimate = [](const tactics::Candidate& candidate) { return candidate.estimate; };
    const auto order = ranked(candidates, [&](const tactics::Candidate& candidate) { return candidate.estimate > 0.0; }, estimate);
    for (std::size_t i = most; i < order.size(); ++i) {
        refuse(*order[i], text(why, ": estimated at ", std::lround(order[i]->estimate), " us, the best at ", std::lround(order.front()->estimate)));
    }
}

} // namespace

void leave_out_large(std::vector<tactics::Candidate>& candidates, const compiler::Compiled& network, const tactics::Operation& operation, const vulkan::DeviceCaps& caps,
                     std::span<const std::int64_t> symbols, std::uint64_t most_bytes) {
    if (most_bytes == UINT64_MAX) return;
    std::vector<tactics::Candidate*> applicable;
    for (tactics::Candidate& candidate : candidates) {
        if (candidate.applicable()) applicable.push_back(&candidate);
    }
    const Trial trial(network, operation, std::vector<const tactics::Candidate*>(applicable.begin(), applicable.end()), caps);
    for (std::size_t i = 0; i < applicable.size(); ++i) {
        const std::uint64_t scratch = trial.scratch_bytes(i, symbols);
        if (scratch > most_bytes) refuse(*applicable[i], text("needs ", scratch, " bytes of workspace; the limit is ", most_bytes));
    }
}

void leave_out_slow(std::vector<tactics::Candidate>& candidates, int optimization_level) {
    constexpr int kAllLevel = 5;
    if (optimization_level >= kAllLevel) return;
    const std::size_t most = std::size_t{1} << std::max(optimization_level, 0);
    keep_best(candidates, most, text("not tried at builder_optimization_level ", optimization_level));
}

void leave_out_many(std::vector<tactics::Candidate>& candidates, int max_tactics) {
    if (max_tactics < 0) return;
    const auto most = static_cast<std::size_t>(std::max(max_tactics, 1));
    const std::string why = text("not tried, max_num_tactics is ", max_tactics);
    keep_best(candidates, most, why);
    const auto others = ranked(candidates, [](const tactics::Candidate& c) { return c.estimate <= 0.0 && !is_generic(c); },
                               [](const tactics::Candidate& c) { return c.host ? 0 : 1; });
    for (std::size_t i = most; i < others.size(); ++i) refuse(*others[i], why);
}

Choice choose_untimed(const compiler::Compiled& network, const tactics::Operation& operation, const vulkan::DeviceCaps& caps, bool host_tactics) {
    auto candidates = candidates_for(network, operation, caps, host_tactics);
    auto best = std::find_if(candidates.begin(), candidates.end(), [](const auto& c) { return c.applicable() && c.host; });
    if (best == candidates.end()) {
        best = std::find_if(candidates.begin(), candidates.end(), [](const auto& c) { return c.applicable() && c.portable && !is_generic(c); });
    }
    if (best == candidates.end()) {
        best = std::find_if(candidates.begin(), candidates.end(), [](const auto& c) { return c.applicable(); });
    }
    return {*best, reports_of(candidates)};
}

} // namespace tensorvk::builder
