// Runs the candidates of one operation side by side: their numbers are judged, their times taken.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "builder/budget.hpp"
#include "builder/builder.hpp"
#include "builder/clock.hpp"
#include "builder/contenders.hpp"
#include "builder/trial.hpp"

namespace tensorvk::builder {

//! An operation at certain shapes.
struct Task {
    const compiler::Compiled& network;
    const tactics::Operation& operation;
    std::span<const std::int64_t> symbols; // of the network, all known
};

class Stopwatch {
public:
    //! All of it must outlive this.
    Stopwatch(std::shared_ptr<vulkan::Device> device, const Options& options, std::span<const std::byte> weights, const Budget& budget, LogSink& log);

    //! Judges and times. Where the budget ends on the way the best by estimate have been tried; the others leave, which their reports say.
    void measure(const Task& task, std::vector<Contender>& contenders);
    //! Nothing is timed: the first of `order` (indices) whose pipeline the driver makes and whose numbers are the reference's. Null where it refuses all.
    [[nodiscard]] const Contender* first_right(const Task& task, std::span<Contender> contenders, std::span<const std::size_t> order);

private:
    //! Judges in portions, the best by estimate first, until the budget is over; the others leave.
    void try_in_turn(const Task& task, std::vector<Contender>& contenders);
    void measure_all(const Task& task, std::vector<Contender>& contenders);
    //! Times those that the first run left in the race.
    void measure_close(const Task& task, std::span<Contender> contenders);
    //! Who is worth more runs. `first`: the times of the first run.
    [[nodiscard]] std::vector<Contender*> shortlist(Trial& trial, const std::vector<float>& first, std::span<Contender> contenders) const;
    void prepare(Trial& trial, const Task& task);
    //! Medians of repeated runs at one clock; `trial` holds these contenders in this order.
    void time(Trial& trial, std::span<Contender* const> contenders);
    void time_once(Trial& trial, std::span<Contender* const> contenders) const;

    std::shared_ptr<vulkan::Device> device_;
    const Options& options_;
    std::span<const std::byte> weights_;
    const Budget& budget_;
    LogSink& log_;
    std::shared_ptr<stream::Stream> stream_;
    std::optional<Clock> clock_; // of a GPU, once something is timed
};

} // namespace tensorvk::builder
