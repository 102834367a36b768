#include "builder/tuner.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <set>

#include "builder/trial.hpp"
#include "runtime/device_key.hpp"
#include "support/dtype.hpp"
#include "support/error.hpp"

namespace tensorvk::builder {

namespace {

bool is_generic(const tactics::Candidate& candidate) { return candidate.name.ends_with("/generic"); }

//! Largest difference relative to the reference's largest magnitude; infinity when one has a NaN where the other has none.
float relative_error(const kernels::host::Tensor& result, const kernels::host::Tensor& reference) {
    double largest = 0.0;
    double difference = 0.0;
    for (std::int64_t i = 0; i < reference.volume(); ++i) {
        const double a = result.get(i);
        const double b = reference.get(i);
        if (std::isnan(a) != std::isnan(b)) {
            return INFINITY;
        }
        if (std::isnan(b) || a == b) {
            continue;
        }
        largest = std::max(largest, std::abs(b));
        difference = std::max(difference, std::abs(a - b));
    }
    return static_cast<float>(largest > 0.0 ? difference / largest : difference);
}

//! Two correct kernels differ by the order of their float32 sums, and in float16 by one rounding of the result as well.
float allowed_error(DataType dtype) {
    constexpr float kFloat = 1e-4f; // some 1,000 roundings of 2^-24 in a sum of thousands of terms
    constexpr float kHalf = 4e-3f;  // two units in the last place of a value as large as the largest
    if (!is_floating(dtype)) {
        return 0.0f;
    }
    return dtype == DataType::kFLOAT ? kFloat : kHalf;
}

float median(std::vector<float> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

//! GPUs lower their clocks while the host compiles the next pipelines: times are only comparable once they run fast again.
void bring_clock_up(Trial& trial) {
    constexpr std::chrono::milliseconds kLongEnough{10};
    const auto begin = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() - begin < kLongEnough) {
        (void)trial.run();
    }
}

constexpr float kNoise = 1.03f; // a later candidate has to be this much faster than an earlier, simpler one

} // namespace

//! A candidate that may win.
struct Tuner::Contender {
    const tactics::Candidate* candidate = nullptr;
    CandidateReport* report = nullptr;
    Digest128 key{};
    std::optional<Timing> timing;
};

Tuner::Tuner(std::shared_ptr<vulkan::Device> device, const Options& options, const compiler::Compiled& whole, std::vector<std::int64_t> symbols,
             std::span<const std::byte> weights, LogSink& log)
    : device_(std::move(device)), options_(options), whole_(whole), symbols_(std::move(symbols)), weights_(weights),
      cache_(options.timing_cache ? options.timing_cache : std::make_shared<TimingCache>()), log_(log) {}

namespace {

//! A time belongs to one device and driver and one piece of work.
Digest128 cache_key(const plan::DeviceKey& device, const Digest128& content) {
    std::string bytes(device.name);
    for (const std::uint32_t part : {device.vendor_id, device.device_id, device.driver_version}) {
        bytes += '/' + std::to_string(part);
    }
    bytes.append(reinterpret_cast<const char*>(content.data()), content.size());
    return digest128(std::as_bytes(std::span(bytes)));
}

std::vector<CandidateReport> reports_of(const std::vector<tactics::Candidate>& candidates) {
    std::vector<CandidateReport> reports;
    for (const tactics::Candidate& candidate : candidates) {
        reports.push_back({candidate.name, candidate.refusal, -1.0f, false, 0.0f});
    }
    return reports;
}

std::vector<tactics::Candidate> candidates_for(const compiler::Compiled& network, const tactics::Operation& operation,
                                               const vulkan::DeviceCaps& caps) {
    auto candidates = tactics::candidates(operation, network.values, caps, network.program.exprs);
    if (std::none_of(candidates.begin(), candidates.end(), [](const auto& c) { return c.applicable(); })) {
        std::string refusals;
        for (const auto& candidate : candidates) {
            refusals += " " + candidate.name + ": " + candidate.refusal;
        }
        throw Unsupported(text("No kernel can run operation '", operation.name, "'.", refusals));
    }
    return candidates;
}

} // namespace

Choice choose_portable(const compiler::Compiled& network, const tactics::Operation& operation, const vulkan::DeviceCaps& caps) {
    auto candidates = candidates_for(network, operation, caps);
    auto best = std::find_if(candidates.begin(), candidates.end(), [](const auto& c) { return c.applicable() && c.portable && !is_generic(c); });
    if (best == candidates.end()) {
        best = std::find_if(candidates.begin(), candidates.end(), [](const auto& c) { return c.applicable(); });
    }
    return {*best, reports_of(candidates)};
}

namespace {

//! Symbols that `e` depends on.
void collect_symbols(const shape::ExprPool& exprs, shape::Expr e, std::set<std::int64_t>& out) {
    const shape::ExprNode& node = exprs.node(e);
    if (node.op == shape::ExprOp::kSYMBOL) {
        out.insert(node.value);
    } else if (node.op != shape::ExprOp::kCONSTANT) {
        collect_symbols(exprs, node.a, out);
        collect_symbols(exprs, node.b, out);
    }
}

} // namespace

//! A body's inputs have the shapes that its caller gives them; only the whole network's have those of a profile.
std::vector<std::int64_t> Tuner::symbols_for(const compiler::Compiled& network) const {
    return &network == &whole_ ? symbols_ : std::vector<std::int64_t>(network.program.exprs.symbols().size(), -1);
}

//! What depends on data has no size that could be timed.
bool Tuner::known_sizes(const compiler::Compiled& network, const tactics::Operation& operation) const {
    const std::vector<std::int64_t> symbols = symbols_for(network);
    std::set<std::int64_t> used;
    for (const auto* list : {&operation.inputs, &operation.outputs, &operation.operands}) {
        for (const tactics::ValueId id : *list) {
            for (const shape::Expr dim : id < 0 ? shape::Exprs{} : network.values[static_cast<std::size_t>(id)].dims) {
                collect_symbols(network.program.exprs, dim, used);
            }
        }
    }
    return std::all_of(used.begin(), used.end(), [&](std::int64_t symbol) { return symbols[static_cast<std::size_t>(symbol)] >= 0; });
}

Choice Tuner::choose(const compiler::Compiled& network, const tactics::Operation& operation) {
    const bool sizes_known = known_sizes(network, operation);
    if (options_.optimization_level == 0 || !sizes_known || std::holds_alternative<tactics::HostCall>(operation.kind)) {
        return choose_portable(network, operation, device_->caps());
    }
    std::vector<std::int64_t> symbols = symbols_for(network);
    std::ranges::replace(symbols, -1, 1); // the operation does not depend on these, but others of the network do
    const auto candidates = candidates_for(network, operation, device_->caps());
    const auto only_host = [](const tactics::Candidate& c) { return !c.applicable() || c.name.ends_with("/host"); };
    if (std::ranges::all_of(candidates, only_host)) {
        return choose_portable(network, operation, device_->caps());
    }
    std::vector<CandidateReport> reports = reports_of(candidates);
    std::vector<const tactics::Candidate*> applicable;
    std::vector<Contender> contenders;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
        if (candidates[i].applicable()) {
            applicable.push_back(&candidates[i]);
            contenders.push_back({&candidates[i], &reports[i], {}, {}});
        }
    }
    if (contenders.size() == 1 && options_.optimization_level < 3) { // nothing to choose; timed for the report only where time is given
        return {*applicable[0], std::move(reports)};
    }
    {
        const Trial trial(network, operation, applicable, device_->caps());
        for (std::size_t i = 0; i < contenders.size(); ++i) {
            contenders[i].key = cache_key(runtime::device_key(*device_), trial.content(i, symbols));
            contenders[i].timing = options_.disable_timing_cache ? std::nullopt : cache_->find(contenders[i].key);
        }
    }
    const bool all_known = std::all_of(contenders.begin(), contenders.end(), [](const Contender& c) { return c.timing.has_value(); });
    if (!all_known && options_.error_on_cache_miss) {
        throw InvalidState(text("Operation '", operation.name,
                                "' is not in the timing cache and BuilderFlag.ERROR_ON_TIMING_CACHE_MISS is set; build once without it."));
    }
    for (Contender& contender : contenders) {
        contender.report->from_cache = all_known;
    }
    if (!all_known) {
        measure(network, operation, symbols, contenders);
    }
    const Contender* best = nullptr;
    for (const Contender& contender : contenders) {
        contender.report->milliseconds = contender.timing->milliseconds;
        if (!contender.timing->correct && contender.report->refusal.empty()) {
            contender.report->refusal = "dropped: its numbers differed from the generic kernel's when it was timed";
        }
        if (contender.timing->correct && (best == nullptr || contender.timing->milliseconds * kNoise < best->timing->milliseconds)) {
            best = &contender;
        }
    }
    return {*best->candidate, std::move(reports)};
}

void Tuner::measure(const compiler::Compiled& network, const tactics::Operation& operation, std::span<const std::int64_t> symbols,
                    std::vector<Contender>& contenders) {
    const auto stream = stream::Stream::from_handle(options_.profile_stream);
    std::vector<const tactics::Candidate*> all;
    for (const Contender& contender : contenders) {
        all.push_back(contender.candidate);
    }
    // Everybody runs once: drivers finish compiling at the first dispatch, and the results are compared.
    Trial check(network, operation, all, device_->caps());
    check.prepare(device_, weights_, symbols, *stream, log_);
    std::vector<float> first = check.run();
    const auto generic = static_cast<std::size_t>(
        std::find_if(all.begin(), all.end(), [](const auto* c) { return is_generic(*c); }) - all.begin());
    const auto reference = check.outputs(generic < all.size() ? generic : 0);
    for (std::size_t i = 0; i < contenders.size(); ++i) {
        Timing timing;
        const auto results = check.outputs(i);
        for (std::size_t o = 0; o < results.size(); ++o) {
            const float error = relative_error(results[o], reference[o]);
            contenders[i].report->error = std::max(contenders[i].report->error, error);
            timing.correct = timing.correct && error <= allowed_error(results[o].dtype);
        }
        if (check.scratch_bytes(i, symbols) > options_.workspace_bytes) {
            timing.correct = false;
            contenders[i].report->refusal = text("needs ", check.scratch_bytes(i, symbols), " bytes of workspace; the limit is ", options_.workspace_bytes);
        }
        contenders[i].timing = timing;
        if (!timing.correct && contenders[i].report->refusal.empty()) {
            contenders[i].report->refusal = text("dropped: differs from the generic kernel by ", contenders[i].report->error, " of the largest value");
            log_.log(Severity::kWARNING, text("Operation '", operation.name, "': candidate ", contenders[i].candidate->name, " ",
                                              contenders[i].report->refusal, "."));
        }
    }
    // Whoever was far behind even so, by more than compiling takes, is not worth more runs.
    constexpr float kFarBehind = 4.0f;
    constexpr float kCompileMilliseconds = 200.0f;
    const float leader = *std::min_element(first.begin(), first.end());
    std::vector<const tactics::Candidate*> close;
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < contenders.size(); ++i) {
        contenders[i].timing->milliseconds = first[i];
        if (first[i] <= leader * kFarBehind + (device_->caps().is_cpu ? kCompileMilliseconds : 1e9f)) {
            close.push_back(contenders[i].candidate);
            places.push_back(i);
        }
    }
    const bool everybody = close.size() == contenders.size();
    std::unique_ptr<Trial> rerun;
    if (!everybody) {
        rerun = std::make_unique<Trial>(network, operation, close, device_->caps());
        rerun->prepare(device_, weights_, symbols, *stream, log_);
        (void)rerun->run();
    }
    Trial& trial = everybody ? check : *rerun;
    if (!device_->caps().is_cpu) {
        bring_clock_up(trial);
    }
    const int rounds = (device_->caps().is_cpu ? 2 : 4) * std::max(options_.avg_timing_iterations, 1) + (options_.optimization_level > 3 ? 6 : 1);
    constexpr float kBudgetMilliseconds = 400.0f; // per operation; long ones are stable after few rounds
    std::vector<std::vector<float>> times(close.size());
    float spent = 0.0f;
    for (int round = 0; round < rounds && (round < 2 || spent < kBudgetMilliseconds); ++round) {
        const std::vector<float> result = trial.run();
        for (std::size_t i = 0; i < result.size(); ++i) {
            times[i].push_back(result[i]);
            spent += result[i];
        }
    }
    for (std::size_t i = 0; i < close.size(); ++i) {
        contenders[places[i]].timing->milliseconds = median(times[i]);
    }
    for (const Contender& contender : contenders) {
        cache_->insert(contender.key, *contender.timing);
    }
}

} // namespace tensorvk::builder
