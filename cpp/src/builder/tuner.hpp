// Chooses a candidate for each operation, by time measured on the device, and keeps what it found out for the report.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "builder/builder.hpp"
#include "builder/candidates.hpp"
#include "builder/clock.hpp"
#include "builder/contenders.hpp"
#include "builder/trial.hpp"
#include "compiler/compile.hpp"
#include "tactics/family.hpp"
#include "vulkan/device.hpp"

namespace tensorvk::builder {

class Tuner {
public:
    //! `symbols`: of the whole network, -1 for those that data decides.
    Tuner(std::shared_ptr<vulkan::Device> device, const Options& options, const compiler::Compiled& whole, std::vector<std::int64_t> symbols,
          std::span<const std::byte> weights, LogSink& log);

    //! Makes the pipelines of everything that choose() will time, on all cores at once. (A CPU's driver compiles at the first dispatch: there it
    //! saves nothing.) `done` of `all` steps are told between portions of them.
    void compile_ahead(const std::function<void(int done, int all)>& progress);
    [[nodiscard]] Choice choose(const compiler::Compiled& network, const tactics::Operation& operation);

private:
    //! What is to be timed; the contenders point into the other two.
    struct Race {
        std::vector<tactics::Candidate> candidates;
        std::vector<CandidateReport> reports;
        std::vector<Contender> contenders;
        bool known = false;  // from the cache
        bool decided = false; // there is nothing to choose
    };
    //! Nothing where candidates are not told apart by time.
    [[nodiscard]] std::optional<Race> enter(const compiler::Compiled& network, const tactics::Operation& operation);
    void collect_steps(const compiler::Compiled& network, std::vector<plan::Step>& steps);
    void leave_out_refused(const compiler::Compiled& network, const tactics::Operation& operation, std::vector<Contender>& contenders);
    [[nodiscard]] bool sizes_known(const compiler::Compiled& network, const tactics::Operation& operation) const;
    [[nodiscard]] bool make_up_unknown(const compiler::Compiled& network);
    //! The applicable candidates, with what the cache knows.
    [[nodiscard]] std::vector<Contender> contenders_of(const compiler::Compiled& network, const tactics::Operation& operation,
                                                       const std::vector<tactics::Candidate>& candidates,
                                                       std::vector<CandidateReport>& reports);
    [[nodiscard]] static std::vector<const tactics::Candidate*> candidates_of(std::span<const Contender> contenders);
    //! Who is worth more runs. `first`: the times of the first run.
    [[nodiscard]] std::vector<Contender*> shortlist(Trial& trial, const std::vector<float>& first, std::span<Contender> contenders) const;
    //! Medians of repeated runs at one clock; `trial` holds these contenders in this order.
    void time(Trial& trial, std::span<Contender* const> contenders);
    void time_once(Trial& trial, std::span<Contender* const> contenders) const;
    void measure(const compiler::Compiled& network, const tactics::Operation& operation, std::vector<Contender>& contenders);

    std::shared_ptr<vulkan::Device> device_;
    const Options& options_;
    const compiler::Compiled& whole_;
    std::vector<std::int64_t> whole_symbols_;
    std::vector<std::int64_t> symbols_; // of the network whose operation is being chosen for
    std::span<const std::byte> weights_;
    std::shared_ptr<TimingCache> cache_;
    std::optional<Clock> clock_; // of a GPU, once something is timed
    LogSink& log_;
};

} // namespace tensorvk::builder
