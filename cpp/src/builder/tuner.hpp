// Chooses a candidate for each operation, by time measured on the device, and keeps what it found out for the report.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "builder/budget.hpp"
#include "builder/builder.hpp"
#include "builder/candidates.hpp"
#include "builder/contenders.hpp"
#include "builder/stopwatch.hpp"
#include "builder/timing_key.hpp"
#include "compiler/compile.hpp"
#include "tactics/family.hpp"
#include "vulkan/device.hpp"

namespace tensorvk::builder {

class Tuner {
public:
    //! What is known is in the options' timing cache, or in those of `others`, from where it goes there. `whole`: the network, which must outlive this, with
    //! `symbols` of it, -1 for those that data decides.
    Tuner(std::shared_ptr<vulkan::Device> device, const Options& options, const compiler::Compiled& whole, std::vector<std::int64_t> symbols,
          std::span<const std::byte> weights, LogSink& log, Budget budget, std::vector<std::shared_ptr<TimingCache>> others = {});
    Tuner(const Tuner&) = delete;
    Tuner& operator=(const Tuner&) = delete;

    //! Told how far a phase is; may throw to end the build.
    using Tell = std::function<void(const char* phase, int done, int all)>;
    //! Makes the pipelines of what no cache knows, on all cores at once.
    void make_all_kernels(const Tell& tell);
    //! Times what no cache knows while the budget lasts, and warns of what is left. Makes the pipelines before, unless the device is a CPU, whose driver
    //! compiles at the first dispatch anyway.
    void time_all(const Tell& tell);
    //! Once for each operation of the network and of those inside it.
    [[nodiscard]] Choice choose(const tactics::Operation& operation);

private:
    //! The candidates of an operation that are told apart by time; the contenders point into the other two.
    struct Race {
        std::vector<tactics::Candidate> candidates;
        std::vector<CandidateReport> reports;
        std::vector<Contender> contenders;
        bool decided = false; // there is nothing to choose
        bool known = false;   // all of them are, from the cache
        bool timed = false;   // all of them were, or all for which there was time
    };
    struct Entry {
        const compiler::Compiled* network = nullptr;
        const tactics::Operation* operation = nullptr;
        std::vector<std::int64_t> symbols; // of the network
        std::optional<Race> race;          // nothing where candidates are not told apart by time

        [[nodiscard]] bool is_open() const { return race && !race->decided && !race->known && !race->timed; }
        [[nodiscard]] Task task() const { return {*network, *operation, symbols}; }
    };
    void enter_all(const compiler::Compiled& network, const std::vector<std::int64_t>& symbols);
    void enter(Entry& entry) const;
    //! The applicable candidates, with what the cache knows.
    [[nodiscard]] std::vector<Contender> contenders_of(const Entry& entry, const std::vector<tactics::Candidate>& candidates,
                                                       std::vector<CandidateReport>& reports) const;
    [[nodiscard]] std::optional<Timing> find(const Digest128& content) const;
    void look_up(Race& race) const;
    //! All entries: in the network's order, or, where time is short, those first that are worth most.
    [[nodiscard]] std::vector<Entry*> in_order();
    //! Those who are about to run.
    [[nodiscard]] std::vector<const tactics::Candidate*> wanted(const Entry& entry) const;
    //! Makes the pipelines that entries want from `first` on, `most` or a few more, all where it is 0. Returns where the next ones begin.
    std::size_t make_kernels(std::span<Entry* const> order, std::size_t first, std::size_t most, const Tell& tell);
    void time(Entry& entry, Tally& tally);
    //! Where the times are another driver's, the fastest is compared with the reference on this one; the next one where it fails. With nobody left the race is open.
    void check_winner(const Entry& entry, Race& race);
    void leave_out_refused(const Entry& entry, std::vector<Contender>& contenders);
    [[nodiscard]] const tactics::Candidate& best_untimed(Entry& entry);

    std::shared_ptr<vulkan::Device> device_;
    const Options& options_;
    std::shared_ptr<TimingCache> cache_;
    std::vector<std::shared_ptr<TimingCache>> others_;
    LogSink& log_;
    Budget budget_;
    TimingKeys keys_;
    Stopwatch stopwatch_;
    std::deque<Entry> entries_;
    std::map<const tactics::Operation*, Entry*> index_;
    std::map<Digest128, std::size_t> untimed_; // who runs where nobody was timed, by the contenders' identity
};

} // namespace tensorvk::builder
