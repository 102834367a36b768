#include "builder/tuner.hpp"

#include <algorithm>
#include <functional>
#include <set>

#include "builder/workload.hpp"
#include "runtime/pipelines.hpp"
#include "support/error.hpp"
#include "support/processors.hpp"
#include "vulkan/pipeline_cache.hpp"

namespace tensorvk::builder {

namespace {

//! Equal for operations that are decided by the same times.
Digest128 identity(std::span<const Contender> contenders) {
    std::vector<std::byte> bytes;
    for (const Contender& contender : contenders) {
        const auto content = std::as_bytes(std::span(contender.content));
        bytes.insert(bytes.end(), content.begin(), content.end());
    }
    return digest128(bytes);
}

} // namespace

Tuner::Tuner(std::shared_ptr<vulkan::Device> device, const Options& options, const compiler::Compiled& whole, std::vector<std::int64_t> symbols,
             std::span<const std::byte> weights, LogSink& log, Budget budget, std::vector<std::shared_ptr<TimingCache>> others)
    : device_(std::move(device)), options_(options), cache_(options.timing_cache ? options.timing_cache : std::make_shared<TimingCache>()),
      others_(std::move(others)), log_(log), budget_(std::move(budget)), keys_(*device_), stopwatch_(device_, options, weights, budget_, log) {
    enter_all(whole, symbols);
}

void Tuner::enter_all(const compiler::Compiled& network, const std::vector<std::int64_t>& symbols) {
    for (const tactics::Operation& operation : network.operations) {
        Entry& entry = entries_.emplace_back(Entry{&network, &operation, symbols, {}});
        index_[&operation] = &entry;
        enter(entry);
    }
    for (const compiler::Compiled& body : network.bodies) { // only the whole network has the shapes of a profile; those inside have what their callers give them
        enter_all(body, std::vector<std::int64_t>(body.program.exprs.symbols().size(), -1));
    }
}

void Tuner::enter(Entry& entry) const {
    const compiler::Compiled& network = *entry.network;
    const tactics::Operation& operation = *entry.operation;
    if (options_.optimization_level == 0 || !can_be_timed(network, operation, entry.symbols)) {
        return;
    }
    Race race;
    race.candidates = candidates_for(network, operation, device_->caps(), options_.host_tactics);
    leave_out_shaders(race.candidates, options_.optimization_level);
    leave_out_large(race.candidates, network, operation, device_->caps(), entry.symbols, options_.workspace_bytes);
    leave_out_slow(race.candidates, options_.optimization_level);
    leave_out_many(race.candidates, options_.max_tactics);
    const auto only_host = [](const tactics::Candidate& c) { return !c.applicable() || runs_by_calls(c); };
    if (std::ranges::all_of(race.candidates, only_host)) {
        return;
    }
    race.reports = reports_of(race.candidates);
    race.contenders = contenders_of(entry, race.candidates, race.reports);
    race.decided = race.contenders.size() == 1 && options_.optimization_level < 3; // timed for the report only where time is given
    look_up(race);
    entry.race = std::move(race);
}

std::vector<Contender> Tuner::contenders_of(const Entry& entry, const std::vector<tactics::Candidate>& candidates, std::vector<CandidateReport>& reports) const {
    std::vector<Contender> contenders;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
        if (candidates[i].applicable()) {
            contenders.push_back({&candidates[i], &reports[i], {}, {}});
        }
    }
    if (contenders.empty()) {
        throw Unsupported(text("No kernel can run operation '", entry.operation->name, "': ", refusals(reports)));
    }
    const Trial trial(*entry.network, *entry.operation, candidates_of(contenders), device_->caps());
    for (std::size_t i = 0; i < contenders.size(); ++i) {
        contenders[i].content = trial.content(i, entry.symbols);
    }
    return contenders;
}

std::optional<Timing> Tuner::find(const Digest128& content) const {
    const Digest128 here = keys_.exact(content);
    std::optional<Timing> timing = cache_->find(here);
    if (timing) return timing;
    for (const Digest128& key : {here, keys_.any_driver(content)}) {
        if (!timing) timing = cache_->find(key);
        for (auto other = others_.begin(); !timing && other != others_.end(); ++other) timing = (*other)->find(key);
    }
    if (timing) cache_->insert(here, *timing);
    return timing;
}

void Tuner::look_up(Race& race) const {
    if (options_.disable_timing_cache) return;
    for (Contender& contender : race.contenders) contender.timing = find(contender.content);
    // A cache that leaves nobody to choose is as good as none.
    race.known = std::ranges::all_of(race.contenders, [](const Contender& c) { return c.timing.has_value(); }) &&
                 std::ranges::any_of(race.contenders, [](const Contender& c) { return c.timing->correct; });
}

std::vector<Tuner::Entry*> Tuner::in_order() {
    std::vector<Entry*> order;
    for (Entry& entry : entries_) order.push_back(&entry);
    if (!budget_.limited()) return order;
    std::vector<Work> works(order.size());
    std::map<Digest128, std::size_t> times;
    const auto same = [&](const Entry& entry) -> std::size_t& { return times[identity(entry.race->contenders)]; };
    for (const Entry* entry : order) {
        if (entry->is_open() && !options_.disable_timing_cache) ++same(*entry);
    }
    for (std::size_t i = 0; i < order.size(); ++i) {
        const Entry& entry = *order[i];
        if (!entry.is_open()) continue;
        works[i] = {expected_microseconds(*entry.network, *entry.operation, entry.race->candidates, entry.symbols),
                    std::max<std::size_t>(same(entry), 1), entry.race->contenders.size()};
    }
    std::vector<Entry*> out;
    for (const std::size_t i : by_worth(works)) out.push_back(order[i]);
    return out;
}

std::vector<const tactics::Candidate*> Tuner::wanted(const Entry& entry) const {
    if (!entry.race || entry.race->decided || entry.race->timed) return {};
    const std::vector<Contender>& contenders = entry.race->contenders;
    if (!entry.race->known && !budget_.over()) return candidates_of(contenders);
    // One is enough, and another to compare it with.
    const bool gpu = !device_->caps().is_cpu;
    const Contender* best = winner_so_far(contenders, gpu);
    if (best != nullptr && best->timing->checked) return {};
    const Contender& taken = best != nullptr ? *best : contenders[by_trust(contenders, gpu).front()];
    return {contenders[reference_index(contenders)].candidate, taken.candidate};
}

std::size_t Tuner::make_kernels(std::span<Entry* const> order, std::size_t first, std::size_t most, const Tell& tell) {
    constexpr std::size_t kPortion = 128; // a second or two
    std::vector<plan::Step> steps;
    std::size_t next = first;
    for (; next < order.size() && (most == 0 || steps.size() < most); ++next) {
        const Entry& entry = *order[next];
        const std::vector<const tactics::Candidate*> candidates = wanted(entry);
        if (!candidates.empty()) Trial(*entry.network, *entry.operation, candidates, device_->caps()).append_steps(steps);
    }
    for (std::size_t done = 0; done < steps.size(); done += kPortion) {
        if (tell) tell("Making kernels", static_cast<int>(done), static_cast<int>(steps.size()));
        const std::size_t count = std::min(kPortion, steps.size() - done);
        (void)runtime::try_pipelines(device_, std::span(steps).subspan(done, count)); // who needs a refused one says so
    }
    device_->pipelines().save();
    return next;
}

void Tuner::make_all_kernels(const Tell& tell) { (void)make_kernels(in_order(), 0, 0, tell); }

void Tuner::time_all(const Tell& tell) {
    constexpr std::size_t kPipelinesPerCore = 8; // at a time where time is short: half a second or so
    const std::vector<Entry*> order = in_order();
    const int all = static_cast<int>(order.size());
    const bool gpu = !device_->caps().is_cpu;
    if (gpu && !budget_.limited() && !options_.error_on_cache_miss) make_all_kernels(tell);
    std::size_t made = gpu && budget_.limited() ? 0 : order.size(); // pipelines of the entries before
    const auto has_choice = [](const Entry& entry) { return entry.is_open() && entry.race->contenders.size() > 1; }; // the only one is timed for the report
    Tally tally;
    tally.operations = static_cast<std::size_t>(std::ranges::count_if(entries_, has_choice));
    std::set<Digest128> left;
    for (std::size_t i = 0; i < order.size(); ++i) {
        tell("Timing", static_cast<int>(i), all);
        Entry& entry = *order[i];
        if (entry.race && !entry.race->decided) {
            look_up(*entry.race); // an equal one may have been timed meanwhile
            if (entry.race->known) check_winner(entry, *entry.race);
        }
        if (!entry.is_open() || options_.error_on_cache_miss) continue;
        if (!budget_.over()) {
            if (made <= i) made = make_kernels(order, i, kPipelinesPerCore * static_cast<std::size_t>(usable_cores()), {});
            time(entry, tally);
            continue;
        }
        tally.untimed += has_choice(entry) ? 1 : 0;
        if (left.insert(identity(entry.race->contenders)).second) tally.left += entry.race->contenders.size();
    }
    if (gpu && tally.untimed > 0) make_kernels(order, 0, 0, {});
    tell("Timing", all, all);
    if (const std::string said = shortage(budget_, tally); !said.empty()) log_.log(Severity::kWARNING, said);
}

void Tuner::time(Entry& entry, Tally& tally) {
    std::vector<Contender>& contenders = entry.race->contenders;
    const std::size_t count = contenders.size();
    leave_out_refused(entry, contenders);
    const std::size_t makeable = contenders.size();
    stopwatch_.measure(entry.task(), contenders);
    for (const Contender& contender : contenders) {
        if (contender.lasting) cache_->insert(keys_.exact(contender.content), *contender.timing);
    }
    const std::size_t left = makeable - contenders.size();
    tally.in_part += left > 0 ? 1 : 0;
    tally.tried += count - left;
    tally.left += left;
    entry.race->timed = true;
}

void Tuner::check_winner(const Entry& entry, Race& race) {
    std::vector<Contender>& contenders = race.contenders;
    const Contender* best = winner(contenders);
    for (; best != nullptr && !best->timing->checked; best = winner(contenders)) {
        const auto index = static_cast<std::size_t>(best - contenders.data());
        const bool right = stopwatch_.first_right(entry.task(), contenders, std::span(&index, 1)) != nullptr;
        contenders[index].timing = Timing{best->timing->milliseconds, right};
        if (!options_.disable_timing_cache) cache_->insert(keys_.exact(contenders[index].content), *contenders[index].timing);
    }
    race.known = race.known && best != nullptr;
}

void Tuner::leave_out_refused(const Entry& entry, std::vector<Contender>& contenders) {
    const Trial all(*entry.network, *entry.operation, candidates_of(contenders), device_->caps());
    const std::vector<std::string> refusals = all.compile(device_);
    for (std::size_t i = 0; i < contenders.size(); ++i) {
        if (!refusals[i].empty()) cache_->insert(keys_.exact(contenders[i].content), {-1.0f, false});
    }
    const std::string said = drop_refused(contenders, refusals);
    if (contenders.empty()) {
        throw Unsupported(text("The driver of ", device_->offer().name, " refuses every kernel for operation '", entry.operation->name, "': ", said));
    }
    if (!said.empty()) log_.log(Severity::kVERBOSE, text("Operation '", entry.operation->name, "': the driver refused ", said));
}

const tactics::Candidate& Tuner::best_untimed(Entry& entry) {
    std::vector<Contender>& contenders = entry.race->contenders;
    const bool gpu = !device_->caps().is_cpu;
    check_winner(entry, *entry.race);
    if (const Contender* best = winner_so_far(contenders, gpu); best != nullptr) return *best->candidate;
    const auto [known, is_new] = untimed_.try_emplace(identity(contenders), 0);
    if (is_new) {
        std::vector<std::size_t> order = by_trust(contenders, gpu);
        const auto is_wrong = [&](std::size_t i) { return contenders[i].timing && !contenders[i].timing->correct; };
        if (std::ranges::any_of(order, std::not_fn(is_wrong))) std::erase_if(order, is_wrong);
        // On a CPU a kernel to compare with may take longer than there is time for everything: as at optimization level 0, the first is taken.
        const bool checked = gpu && contenders.size() > 1;
        const Contender* best = checked ? stopwatch_.first_right(entry.task(), contenders, order) : &contenders[order.front()];
        if (best == nullptr) throw Unsupported(text("The driver of ", device_->offer().name, " refuses every kernel for operation '", entry.operation->name, "'."));
        known->second = static_cast<std::size_t>(best - contenders.data());
    }
    return *contenders[known->second].candidate;
}

Choice Tuner::choose(const tactics::Operation& operation) {
    Entry& entry = *index_.at(&operation);
    if (!entry.race) {
        return choose_untimed(*entry.network, operation, device_->caps(), options_.host_tactics);
    }
    std::vector<Contender>& contenders = entry.race->contenders;
    if (entry.race->decided) {
        return {*contenders[0].candidate, std::move(entry.race->reports)};
    }
    if (entry.is_open() && options_.error_on_cache_miss) {
        throw InvalidState(text("Operation '", operation.name,
                                "' is not in the timing cache and BuilderFlag.ERROR_ON_TIMING_CACHE_MISS is set; build once without it."));
    }
    const bool short_of_time = entry.is_open();
    const tactics::Candidate& chosen = short_of_time ? best_untimed(entry) : *winner(contenders)->candidate;
    for (const Contender& contender : contenders) {
        if (!contender.timing) {
            if (contender.candidate != &chosen && contender.report->refusal.empty()) contender.report->refusal = no_time_left(budget_);
            continue;
        }
        contender.report->milliseconds = contender.timing->milliseconds;
        if (!contender.timing->correct && contender.report->refusal.empty()) {
            contender.report->refusal = contender.timing->milliseconds < 0.0f ? kRefusedByDriver : kWrongNumbers;
        }
    }
    return {chosen, std::move(entry.race->reports)};
}

} // namespace tensorvk::builder
