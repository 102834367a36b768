#include "builder/candidates.hpp"

#include <algorithm>
#include <cmath>

#include "support/error.hpp"

namespace tensorvk::builder {

std::vector<CandidateReport> reports_of(const std::vector<tactics::Candidate>& candidates) {
    std::vector<CandidateReport> reports;
    for (const tactics::Candidate& candidate : candidates) {
        reports.push_back({candidate.name, candidate.refusal, -1.0f, false, 0.0f});
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

std::vector<tactics::Candidate> candidates_for(const compiler::Compiled& network, const tactics::Operation& operation,
                                               const vulkan::DeviceCaps& caps, bool host_tactics) {
    auto candidates = tactics::candidates(operation, network.values, caps, network.program.exprs);
    for (tactics::Candidate& candidate : candidates) {
        if (candidate.host && candidate.applicable() && !host_tactics) {
            candidate.refusal = "the tactic source HOST is switched off";
            candidate.lower = nullptr;
        }
    }
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

//! Keeps the best `most` of those that have estimates; `why` begins the others' refusals.
void keep_best(std::vector<tactics::Candidate>& candidates, std::size_t most, const std::string& why) {
    std::vector<double> estimates;
    for (const tactics::Candidate& candidate : candidates) {
        if (candidate.applicable() && candidate.estimate > 0.0) estimates.push_back(candidate.estimate);
    }
    if (estimates.size() <= most) return;
    std::ranges::sort(estimates);
    std::size_t kept = 0;
    for (tactics::Candidate& candidate : candidates) {
        if (!candidate.applicable() || candidate.estimate <= 0.0) continue;
        if (candidate.estimate <= estimates[most - 1] && kept < most) {
            ++kept;
            continue;
        }
        candidate.refusal = text(why, ": estimated at ", std::lround(candidate.estimate), " us, the ", most, " best at ", std::lround(estimates.front()), " to ",
                                 std::lround(estimates[most - 1]));
        candidate.lower = nullptr;
    }
}

} // namespace

void leave_out_slow(std::vector<tactics::Candidate>& candidates, int optimization_level) {
    constexpr int kAllLevel = 5;
    if (optimization_level >= kAllLevel) return;
    keep_best(candidates, std::size_t{1} << std::max(optimization_level, 0), text("not tried at builder_optimization_level ", optimization_level));
}

void leave_out_many(std::vector<tactics::Candidate>& candidates, int max_tactics) {
    if (max_tactics < 0) return;
    const auto most = static_cast<std::size_t>(std::max(max_tactics, 1));
    keep_best(candidates, most, text("not tried, max_num_tactics is ", max_tactics));
    std::size_t kept = 0;
    for (tactics::Candidate& candidate : candidates) {
        if (!candidate.applicable() || candidate.estimate > 0.0 || is_generic(candidate) || ++kept <= most) continue;
        candidate.refusal = text("not tried, max_num_tactics is ", max_tactics);
        candidate.lower = nullptr;
    }
}

Choice choose_untimed(const compiler::Compiled& network, const tactics::Operation& operation, const vulkan::DeviceCaps& caps, bool host_tactics) {
    auto candidates = candidates_for(network, operation, caps, host_tactics);
    auto best = std::find_if(candidates.begin(), candidates.end(), [](const auto& c) { return c.applicable() && c.host; });
    if (best == candidates.end()) {
        const auto estimate = [](const auto& c) { return c.applicable() && c.estimate > 0.0 ? c.estimate : HUGE_VAL; };
        best = std::ranges::min_element(candidates, {}, estimate);
        if (estimate(*best) == HUGE_VAL) best = candidates.end();
    }
    if (best == candidates.end()) {
        best = std::find_if(candidates.begin(), candidates.end(), [](const auto& c) { return c.applicable() && c.portable && !is_generic(c); });
    }
    if (best == candidates.end()) {
        best = std::find_if(candidates.begin(), candidates.end(), [](const auto& c) { return c.applicable(); });
    }
    return {*best, reports_of(candidates)};
}

} // namespace tensorvk::builder
