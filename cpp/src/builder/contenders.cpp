#include "builder/contenders.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "support/error.hpp"
#include "support/parallel_for.hpp"
#include "support/processors.hpp"

namespace tensorvk::builder {

namespace {

constexpr double kNoise = 1.03; // a later candidate has to be this much faster than an earlier, simpler one

double milliseconds(const Contender& contender) { return static_cast<double>(contender.timing->milliseconds) + 1e-3 * contender.candidate->beside; }

} // namespace

std::string drop_refused(std::vector<Contender>& contenders, std::span<const std::string> refusals) {
    std::vector<Contender> left;
    std::string said;
    for (std::size_t i = 0; i < contenders.size(); ++i) {
        if (refusals[i].empty()) {
            left.push_back(contenders[i]);
            continue;
        }
        contenders[i].report->refusal = kRefusedByDriver;
        said += text(said.empty() ? "" : "; ", contenders[i].report->name, ": ", refusals[i]);
    }
    contenders = std::move(left);
    return said;
}

std::vector<const tactics::Candidate*> candidates_of(std::span<const Contender> contenders) {
    std::vector<const tactics::Candidate*> out;
    for (const Contender& contender : contenders) out.push_back(contender.candidate);
    return out;
}

std::vector<const tactics::Candidate*> candidates_of(std::span<Contender* const> contenders) {
    std::vector<const tactics::Candidate*> out;
    for (const Contender* contender : contenders) out.push_back(contender->candidate);
    return out;
}

std::size_t reference_index(std::span<const Contender> contenders) {
    const auto generic = std::find_if(contenders.begin(), contenders.end(), [](const Contender& c) { return is_generic(*c.candidate); });
    return generic == contenders.end() ? 0 : static_cast<std::size_t>(generic - contenders.begin());
}

std::vector<std::size_t> by_trust(std::span<const Contender> contenders, bool gpu) {
    std::vector<std::size_t> order(contenders.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::stable_sort(order, {}, [&](std::size_t i) {
        const tactics::Candidate& candidate = *contenders[i].candidate;
        if (gpu && candidate.estimate > 0.0) return std::pair(0, candidate.estimate);
        return std::pair(candidate.host ? 1 : candidate.portable && !is_generic(candidate) ? 2 : 3, 0.0);
    });
    return order;
}

void judge(Trial& trial, const Outputs& reference, OnTheWay rounded, const std::string& operation, std::span<Contender> contenders, LogSink& log) {
    std::vector<Verdict> verdicts(contenders.size());
    const auto portion = static_cast<std::size_t>(usable_cores()); // of results that are in the host's memory at one time
    for (std::size_t first = 0; first < contenders.size(); first += portion) {
        std::vector<Outputs> results;
        for (std::size_t i = first; i < std::min(first + portion, contenders.size()); ++i) {
            results.push_back(trial.outputs(i));
        }
        parallel_for(results.size(), [&](std::size_t i) { verdicts[first + i] = compare(results[i], reference, rounded); });
    }
    for (std::size_t i = 0; i < contenders.size(); ++i) {
        const Verdict& verdict = verdicts[i];
        contenders[i].report->refusal = verdict.correct ? "" : kWrongNumbers;
        contenders[i].timing = Timing{0.0f, verdict.correct};
        if (!verdict.correct) {
            log.log(Severity::kWARNING,
                    text("Operation '", operation, "': candidate ", contenders[i].candidate->name, " ", verdict.refusal, "."));
        }
    }
}

const Contender* winner(std::span<const Contender> contenders) {
    const Contender* best = nullptr;
    for (const Contender& contender : contenders) {
        if (!contender.timing || !contender.timing->correct) continue;
        const bool faster = best != nullptr && milliseconds(contender) * kNoise < milliseconds(*best) && !is_host_call(*contender.candidate);
        if (best == nullptr || faster) best = &contender;
    }
    return best;
}

const Contender* winner_so_far(std::span<const Contender> contenders, bool gpu) {
    const Contender* best = winner(contenders);
    if (best == nullptr || !gpu) return best; // estimates are of GPUs
    const Contender& trusted = contenders[by_trust(contenders, gpu).front()];
    const double estimate = trusted.candidate->estimate;
    const bool faster = !trusted.timing && estimate > 0.0 && estimate * 1e-3 < milliseconds(*best);
    return faster ? nullptr : best;
}

} // namespace tensorvk::builder
