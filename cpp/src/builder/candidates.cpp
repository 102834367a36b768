#include "builder/candidates.hpp"

#include <algorithm>

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
