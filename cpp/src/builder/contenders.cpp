#include "builder/contenders.hpp"

#include <algorithm>
#include <utility>

#include "support/error.hpp"
#include "support/parallel_for.hpp"
#include "support/processors.hpp"

namespace tensorvk::builder {

namespace {

constexpr float kNoise = 1.03f; // a later candidate has to be this much faster than an earlier, simpler one

} // namespace

std::string drop_refused(std::vector<Contender>& contenders, std::span<const std::string> refusals) {
    std::vector<Contender> left;
    std::string said;
    for (std::size_t i = 0; i < contenders.size(); ++i) {
        if (refusals[i].empty()) {
            left.push_back(contenders[i]);
            continue;
        }
        contenders[i].report->refusal = text("the driver refused it: ", refusals[i]);
        said += text(said.empty() ? "" : "; ", contenders[i].report->name, ": ", refusals[i]);
    }
    contenders = std::move(left);
    return said;
}

void judge(Trial& trial, OnTheWay rounded, const std::string& operation, std::span<Contender> contenders, LogSink& log) {
    const auto generic = std::find_if(contenders.begin(), contenders.end(), [](const Contender& c) { return is_generic(*c.candidate); });
    const auto reference = trial.outputs(generic == contenders.end() ? 0 : static_cast<std::size_t>(generic - contenders.begin()));
    std::vector<Verdict> verdicts(contenders.size());
    const auto portion = static_cast<std::size_t>(usable_cores()); // of results that are in the host's memory at one time
    for (std::size_t first = 0; first < contenders.size(); first += portion) {
        std::vector<std::vector<kernels::host::Tensor>> results;
        for (std::size_t i = first; i < std::min(first + portion, contenders.size()); ++i) {
            results.push_back(trial.outputs(i));
        }
        parallel_for(results.size(), [&](std::size_t i) { verdicts[first + i] = compare(results[i], reference, rounded); });
    }
    for (std::size_t i = 0; i < contenders.size(); ++i) {
        const Verdict& verdict = verdicts[i];
        contenders[i].report->error = verdict.error;
        contenders[i].report->refusal = verdict.refusal;
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
        const bool faster = best != nullptr && contender.timing->milliseconds * kNoise < best->timing->milliseconds && !is_host_call(*contender.candidate);
        if (contender.timing->correct && (best == nullptr || faster)) {
            best = &contender;
        }
    }
    return best;
}

} // namespace tensorvk::builder
