#include "builder/tuner.hpp"

#include <algorithm>

#include "runtime/device_key.hpp"
#include "runtime/pipelines.hpp"
#include "support/dtype.hpp"
#include "support/error.hpp"
#include "vulkan/pipeline_cache.hpp"

namespace tensorvk::builder {

namespace {

//! Where two kernels' float32 sums straddle a rounding to float16, a whole unit of it lies between them. Of bfloat16 factors some kernels round the
//! others too.
OnTheWay rounded_on_the_way(const compiler::Compiled& network, const tactics::Operation& operation) {
    if (std::ranges::any_of(operation.inputs, [&](tactics::ValueId id) { return id >= 0 && network.values[static_cast<std::size_t>(id)].dtype == DataType::kBF16; })) {
        return OnTheWay::kBFLOAT;
    }
    const bool product = std::holds_alternative<tactics::MatrixProduct>(operation.kind) || std::holds_alternative<tactics::Convolution>(operation.kind);
    if (product && network.values[static_cast<std::size_t>(operation.inputs[0])].dtype == DataType::kHALF) return OnTheWay::kHALF; // so may the weights be
    const bool half = std::ranges::any_of(operation.epilogue.slots,
                                          [](const kernels::PointwiseSlot& slot) { return slot.op == kernels::PointwiseOp::kROUND_HALF; });
    return half ? OnTheWay::kHALF : OnTheWay::kEXACT;
}

float median(std::vector<float> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

} // namespace

Tuner::Tuner(std::shared_ptr<vulkan::Device> device, const Options& options, const compiler::Compiled& whole, std::vector<std::int64_t> symbols,
             std::span<const std::byte> weights, LogSink& log)
    : device_(std::move(device)), options_(options), whole_(whole), whole_symbols_(std::move(symbols)), weights_(weights),
      cache_(options.timing_cache ? options.timing_cache : std::make_shared<TimingCache>()), log_(log) {}

namespace {

//! In a network some kernels come for the first time in an inference, where a GPU waits for their instructions, and others have been there before.
std::size_t times_in_a_row(const vulkan::DeviceCaps& caps) { return caps.is_cpu ? 1 : 2; }

//! A time belongs to one device and driver, one piece of work, and one way to measure.
Digest128 cache_key(const plan::DeviceKey& device, const Digest128& content, std::size_t times) {
    std::string bytes(device.name);
    for (const std::uint32_t part : {device.vendor_id, device.device_id, device.driver_version}) {
        bytes += '/' + std::to_string(part);
    }
    if (times > 1) bytes += '*' + std::to_string(times);
    bytes.append(reinterpret_cast<const char*>(content.data()), content.size());
    return digest128(std::as_bytes(std::span(bytes)));
}

//! Random numbers would be no lengths of sequences.
bool counts_steps(const compiler::Compiled& network, const tactics::Operation& operation) {
    return std::holds_alternative<tactics::HostCall>(operation.kind) && std::ranges::any_of(operation.inputs, [&](tactics::ValueId id) {
        return id >= 0 && !is_floating(network.values[static_cast<std::size_t>(id)].dtype);
    });
}

} // namespace

std::vector<Contender> Tuner::contenders_of(const compiler::Compiled& network, const tactics::Operation& operation,
                                                   const std::vector<tactics::Candidate>& candidates, std::vector<CandidateReport>& reports) {
    std::vector<Contender> contenders;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
        if (candidates[i].applicable()) {
            contenders.push_back({&candidates[i], &reports[i], {}, {}});
        }
    }
    if (contenders.empty()) {
        throw Unsupported(text("No kernel can run operation '", operation.name, "': ", refusals(reports)));
    }
    const Trial trial(network, operation, candidates_of(contenders), device_->caps());
    for (std::size_t i = 0; i < contenders.size(); ++i) {
        contenders[i].key = cache_key(runtime::device_key(*device_), trial.content(i, symbols_), times_in_a_row(device_->caps()));
        contenders[i].timing = options_.disable_timing_cache ? std::nullopt : cache_->find(contenders[i].key);
    }
    return contenders;
}

//! What depends on data has no size that could be timed.
bool Tuner::sizes_known(const compiler::Compiled& network, const tactics::Operation& operation) const {
    shape::Exprs dims;
    for (const auto* list : {&operation.inputs, &operation.outputs, &operation.operands}) {
        for (const tactics::ValueId id : *list) {
            if (id >= 0) {
                const shape::Exprs& of = network.values[static_cast<std::size_t>(id)].dims;
                dims.insert(dims.end(), of.begin(), of.end());
            }
        }
    }
    const auto used = network.program.exprs.symbols_of(dims);
    return std::all_of(used.begin(), used.end(), [&](std::int64_t symbol) { return symbols_[static_cast<std::size_t>(symbol)] >= 0; });
}

//! The operation does not depend on what is not known yet, but others of the network do, and all are evaluated together. False when no number
//! can be made up for them.
bool Tuner::make_up_unknown(const compiler::Compiled& network) {
    if (std::ranges::find(symbols_, -1) == symbols_.end()) {
        return true;
    }
    std::ranges::replace(symbols_, -1, 1);
    try {
        (void)network.program.exprs.evaluate(symbols_);
        return true;
    } catch (const InvalidArgument&) { // a division by zero
        return false;
    }
}

std::optional<Tuner::Race> Tuner::enter(const compiler::Compiled& network, const tactics::Operation& operation) {
    // Only the whole network has the shapes of a profile; those inside have what their callers give them.
    symbols_ = &network == &whole_ ? whole_symbols_ : std::vector<std::int64_t>(network.program.exprs.symbols().size(), -1);
    if (options_.optimization_level == 0 || counts_steps(network, operation) || !sizes_known(network, operation) || !make_up_unknown(network)) {
        return std::nullopt;
    }
    Race race;
    race.candidates = candidates_for(network, operation, device_->caps(), options_.host_tactics);
    leave_out_shaders(race.candidates, options_.optimization_level);
    leave_out_large(race.candidates, network, operation, device_->caps(), symbols_, options_.workspace_bytes);
    leave_out_slow(race.candidates, options_.optimization_level);
    leave_out_many(race.candidates, options_.max_tactics);
    const auto only_host = [](const tactics::Candidate& c) { return !c.applicable() || runs_by_calls(c); };
    if (std::ranges::all_of(race.candidates, only_host)) {
        return std::nullopt;
    }
    race.reports = reports_of(race.candidates);
    race.contenders = contenders_of(network, operation, race.candidates, race.reports);
    race.decided = race.contenders.size() == 1 && options_.optimization_level < 3; // timed for the report only where time is given
    // A cache that leaves nobody to choose is as good as none.
    race.known = std::ranges::all_of(race.contenders, [](const Contender& c) { return c.timing.has_value(); }) &&
                 std::ranges::any_of(race.contenders, [](const Contender& c) { return c.timing->correct; });
    return race;
}

Choice Tuner::choose(const compiler::Compiled& network, const tactics::Operation& operation) {
    std::optional<Race> race = enter(network, operation);
    if (!race) {
        return choose_untimed(network, operation, device_->caps(), options_.host_tactics);
    }
    std::vector<Contender>& contenders = race->contenders;
    if (race->decided) {
        return {*contenders[0].candidate, std::move(race->reports)};
    }
    if (!race->known && options_.error_on_cache_miss) {
        throw InvalidState(text("Operation '", operation.name,
                                "' is not in the timing cache and BuilderFlag.ERROR_ON_TIMING_CACHE_MISS is set; build once without it."));
    }
    for (Contender& contender : contenders) {
        contender.report->from_cache = race->known;
    }
    if (!race->known) {
        leave_out_refused(network, operation, contenders);
        measure(network, operation, contenders);
    }
    for (const Contender& contender : contenders) {
        contender.report->milliseconds = contender.timing->milliseconds;
        if (!contender.timing->correct && contender.report->refusal.empty()) {
            contender.report->refusal = contender.timing->milliseconds < 0.0f ? "the driver refused it when it was to be timed"
                                                                              : "dropped: its numbers differed from the generic kernel's when it was timed";
        }
    }
    return {*winner(contenders)->candidate, std::move(race->reports)};
}

void Tuner::collect_steps(const compiler::Compiled& network, std::vector<plan::Step>& steps) {
    for (const tactics::Operation& operation : network.operations) {
        const std::optional<Race> race = enter(network, operation);
        if (race && !race->decided && !race->known) {
            Trial(network, operation, candidates_of(race->contenders), device_->caps()).append_steps(steps);
        }
    }
    for (const compiler::Compiled& body : network.bodies) {
        collect_steps(body, steps);
    }
}

void Tuner::compile_ahead(const std::function<void(int done, int all)>& progress) {
    constexpr std::size_t kPortion = 128; // a second or two
    std::vector<plan::Step> steps;
    collect_steps(whole_, steps);
    for (std::size_t done = 0; done < steps.size(); done += kPortion) {
        progress(static_cast<int>(done), static_cast<int>(steps.size()));
        const std::size_t count = std::min(kPortion, steps.size() - done);
        (void)runtime::try_pipelines(device_, std::span(steps).subspan(done, count)); // who needs a refused one says so
    }
    device_->pipelines().save();
}

void Tuner::leave_out_refused(const compiler::Compiled& network, const tactics::Operation& operation, std::vector<Contender>& contenders) {
    const Trial all(network, operation, candidates_of(contenders), device_->caps());
    const std::vector<std::string> refusals = all.compile(device_);
    for (std::size_t i = 0; i < contenders.size(); ++i) {
        if (!refusals[i].empty()) cache_->insert(contenders[i].key, {-1.0f, false});
    }
    const std::string said = drop_refused(contenders, refusals);
    if (contenders.empty()) {
        throw Unsupported(text("The driver of ", device_->offer().name, " refuses every kernel for operation '", operation.name, "': ", said));
    }
}

std::vector<const tactics::Candidate*> Tuner::candidates_of(std::span<const Contender> contenders) {
    std::vector<const tactics::Candidate*> out;
    for (const Contender& contender : contenders) {
        out.push_back(contender.candidate);
    }
    return out;
}

std::vector<Contender*> Tuner::shortlist(Trial& trial, const std::vector<float>& first, std::span<Contender> contenders) const {
    constexpr float kFarBehind = 4.0f;
    constexpr float kCompileMilliseconds = 200.0f;
    constexpr float kDisturbanceMilliseconds = 10.0f; // another process on the same cores
    const auto close = [&](const std::vector<float>& times, float slack) {
        const float most = *std::min_element(times.begin(), times.end()) * kFarBehind + slack;
        std::vector<Contender*> out;
        for (std::size_t i = 0; i < times.size(); ++i) {
            if (!device_->caps().is_cpu || times[i] <= most) {
                out.push_back(&contenders[i]);
            }
        }
        return out;
    };
    std::vector<Contender*> chosen = close(first, kCompileMilliseconds);
    if (chosen.size() < contenders.size()) {
        const std::vector<float> second = trial.run(); // the first contains compiling, which is nothing to judge by nor to remember
        for (std::size_t i = 0; i < contenders.size(); ++i) {
            contenders[i].timing->milliseconds = second[i];
        }
        chosen = close(second, kDisturbanceMilliseconds);
    }
    return chosen;
}

void Tuner::time(Trial& trial, std::span<Contender* const> contenders) {
    constexpr int kTries = 3; // a clock that falls on the way makes times of two kinds
    for (int i = 0; i < kTries; ++i) {
        if (clock_) clock_->bring_up();
        time_once(trial, contenders);
        if (!clock_ || clock_->is_up()) break;
    }
}

void Tuner::time_once(Trial& trial, std::span<Contender* const> contenders) const {
    constexpr float kBudgetMilliseconds = 400.0f; // per operation; long ones are stable after few rounds
    const int rounds = (device_->caps().is_cpu ? 2 : 4) * std::max(options_.avg_timing_iterations, 1) + (options_.optimization_level > 3 ? 6 : 1);
    std::vector<std::vector<float>> times(contenders.size());
    float spent = 0.0f; // by one of the times in a row
    for (int round = 0; round < rounds && (round < 2 || spent < kBudgetMilliseconds); ++round) {
        const std::vector<float> result = trial.run();
        for (std::size_t i = 0; i < result.size(); ++i) {
            times[i].push_back(result[i]);
            spent += result[i];
        }
    }
    for (std::size_t i = 0; i < contenders.size(); ++i) {
        contenders[i]->timing->milliseconds = median(times[i]);
    }
}

void Tuner::measure(const compiler::Compiled& network, const tactics::Operation& operation, std::vector<Contender>& contenders) {
    const auto stream = stream::Stream::from_handle(options_.profile_stream);
    if (!device_->caps().is_cpu && !clock_) clock_.emplace(device_, stream, log_);
    const std::size_t times = times_in_a_row(device_->caps());
    // Everybody runs: drivers finish compiling at the first dispatch, and the results are compared.
    Trial all(network, operation, candidates_of(contenders), device_->caps());
    all.prepare(device_, weights_, symbols_, *stream, log_, times);
    const std::vector<float> first = all.run();
    judge(all, rounded_on_the_way(network, operation), operation.name, contenders, log_);
    const std::vector<Contender*> close = shortlist(all, first, contenders);
    if (close.size() == contenders.size()) {
        time(all, close);
    } else {
        std::vector<const tactics::Candidate*> candidates;
        for (const Contender* contender : close) {
            candidates.push_back(contender->candidate);
        }
        Trial few(network, operation, candidates, device_->caps());
        few.prepare(device_, weights_, symbols_, *stream, log_, times);
        (void)few.run();
        time(few, close);
    }
    for (const Contender& contender : contenders) {
        cache_->insert(contender.key, *contender.timing);
    }
}

} // namespace tensorvk::builder
