#include "builder/stopwatch.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "builder/timing_key.hpp"
#include "support/dtype.hpp"
#include "support/error.hpp"

namespace tensorvk::builder {

namespace {

constexpr float kFarBehind = 4.0f;
constexpr float kCompileMilliseconds = 200.0f;
constexpr float kDisturbanceMilliseconds = 10.0f; // another process on the same cores

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

Stopwatch::Stopwatch(std::shared_ptr<vulkan::Device> device, const Options& options, std::span<const std::byte> weights, const Budget& budget, LogSink& log)
    : device_(std::move(device)), options_(options), weights_(weights), budget_(budget), log_(log), stream_(stream::Stream::from_handle(options.profile_stream)) {}

void Stopwatch::prepare(Trial& trial, const Task& task) {
    trial.prepare(device_, weights_, task.symbols, *stream_, log_, times_in_a_row(device_->caps()));
}

void Stopwatch::measure(const Task& task, std::vector<Contender>& contenders) {
    if (!device_->caps().is_cpu && !clock_) clock_.emplace(device_, stream_, log_);
    if (budget_.limited()) {
        try_in_turn(task, contenders);
        measure_close(task, contenders);
    } else {
        measure_all(task, contenders);
    }
}

void Stopwatch::measure_all(const Task& task, std::vector<Contender>& contenders) {
    // Everybody runs: drivers finish compiling at the first dispatch, and the results are compared.
    Trial all(task.network, task.operation, candidates_of(contenders), device_->caps());
    prepare(all, task);
    const std::vector<float> first = all.run();
    judge(all, all.outputs(reference_index(contenders)), rounded_on_the_way(task.network, task.operation), task.operation.name, contenders, log_);
    const std::vector<Contender*> close = shortlist(all, first, contenders);
    if (close.size() == contenders.size()) {
        time(all, close);
    } else {
        Trial few(task.network, task.operation, candidates_of(close), device_->caps());
        prepare(few, task);
        (void)few.run();
        time(few, close);
    }
    for (Contender& contender : contenders) contender.lasting = true;
}

void Stopwatch::try_in_turn(const Task& task, std::vector<Contender>& contenders) {
    const std::size_t portion = device_->caps().is_cpu ? 1 : 8; // drivers of CPUs compile now
    std::vector<std::size_t> order = by_trust(contenders, !device_->caps().is_cpu);
    const std::size_t reference = reference_index(contenders);
    std::erase(order, reference);
    order.insert(order.begin(), reference);
    std::vector<Contender> tried;
    Outputs expected;
    while (tried.size() < order.size() && (tried.empty() || !budget_.over())) {
        std::vector<Contender> some;
        const std::size_t last = std::min(order.size(), tried.size() + (tried.empty() ? 2 : portion));
        for (std::size_t i = tried.size(); i < last; ++i) some.push_back(contenders[order[i]]);
        Trial trial(task.network, task.operation, candidates_of(some), device_->caps());
        prepare(trial, task);
        const std::vector<float> first = trial.run();
        if (tried.empty()) expected = trial.outputs(0);
        judge(trial, expected, rounded_on_the_way(task.network, task.operation), task.operation.name, some, log_);
        for (std::size_t i = 0; i < some.size(); ++i) some[i].timing->milliseconds = first[i];
        tried.insert(tried.end(), some.begin(), some.end());
    }
    for (std::size_t i = tried.size(); i < order.size(); ++i) {
        contenders[order[i]].report->refusal = no_time_left(budget_);
    }
    std::ranges::sort(tried, {}, &Contender::candidate); // equal times go to the simpler one, which comes first
    contenders = std::move(tried);
}

void Stopwatch::measure_close(const Task& task, std::span<Contender> contenders) {
    float least = INFINITY;
    for (const Contender& contender : contenders) {
        if (contender.timing->correct) least = std::min(least, contender.timing->milliseconds);
    }
    std::vector<Contender*> close;
    for (Contender& contender : contenders) {
        const bool near = contender.timing->milliseconds <= least * kFarBehind + kCompileMilliseconds;
        if (contender.timing->correct && near) close.push_back(&contender);
        contender.lasting = near || !contender.timing->correct; // the others' times contain compiling
    }
    Trial few(task.network, task.operation, candidates_of(close), device_->caps());
    prepare(few, task);
    (void)few.run();
    time(few, close);
}

const Contender* Stopwatch::first_right(const Task& task, std::span<Contender> contenders, std::span<const std::size_t> order) {
    const std::size_t reference = reference_index(contenders);
    for (const std::size_t i : order) {
        Contender pair[] = {contenders[reference], contenders[i]};
        Trial trial(task.network, task.operation, candidates_of(pair), device_->caps());
        const std::vector<std::string> refusals = trial.compile(device_);
        if (!refusals[1].empty()) {
            contenders[i].report->refusal = kRefusedByDriver;
            log_.log(Severity::kVERBOSE, text("Operation '", task.operation.name, "': the driver refused ", contenders[i].candidate->name, ": ", refusals[1]));
            continue;
        }
        if (i == reference || !refusals[0].empty()) return &contenders[i]; // or there is nothing to compare with
        prepare(trial, task);
        (void)trial.run();
        judge(trial, trial.outputs(0), rounded_on_the_way(task.network, task.operation), task.operation.name, pair, log_);
        if (pair[1].timing->correct) return &contenders[i];
    }
    return nullptr;
}

std::vector<Contender*> Stopwatch::shortlist(Trial& trial, const std::vector<float>& first, std::span<Contender> contenders) const {
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

void Stopwatch::time(Trial& trial, std::span<Contender* const> contenders) {
    constexpr int kTries = 3; // a clock that falls on the way makes times of two kinds
    for (int i = 0; i < kTries; ++i) {
        if (clock_) clock_->bring_up();
        time_once(trial, contenders);
        if (!clock_ || clock_->is_up() || budget_.over()) break;
    }
}

void Stopwatch::time_once(Trial& trial, std::span<Contender* const> contenders) const {
    constexpr float kLongestMilliseconds = 400.0f; // per operation; long ones are stable after few rounds
    const int rounds = (device_->caps().is_cpu ? 2 : 4) * std::max(options_.avg_timing_iterations, 1) + (options_.optimization_level > 3 ? 6 : 1);
    std::vector<std::vector<float>> times(contenders.size());
    float spent = 0.0f; // by one of the times in a row
    for (int round = 0; round < rounds && (round < 2 || spent < kLongestMilliseconds) && (round < 1 || !budget_.over()); ++round) {
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

} // namespace tensorvk::builder
