#include "builder/budget.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <tuple>
#include <utility>

#include "support/error.hpp"

namespace tensorvk::builder {

double Budget::now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

Budget::Budget(double seconds, Clock clock) : seconds_(seconds), clock_(std::move(clock)), begin_(clock_()) {}

std::vector<std::size_t> by_worth(std::span<const Work> all) {
    std::vector<std::size_t> order(all.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::stable_sort(order, {}, [&](std::size_t i) {
        const Work& work = all[i];
        return std::tuple(work.candidates < 2, -work.microseconds * static_cast<double>(work.times));
    });
    return order;
}

double enough_seconds(double spent, const Tally& tally) {
    if (tally.tried == 0) return 0.0;
    return spent * static_cast<double>(tally.tried + tally.left) / static_cast<double>(tally.tried);
}

std::string no_time_left(const Budget& budget) { return text("not timed: the tactic time budget of ", budget.seconds(), " s was over"); }

std::string shortage(const Budget& budget, const Tally& tally) {
    if (tally.untimed + tally.in_part == 0) return {};
    std::string out = text("The tactic time budget of ", budget.seconds(), " s was over when ", tally.untimed, " of ", tally.operations,
                           " operations were untimed and ", tally.in_part, " timed in part; they run what is fastest by estimate, or by what was timed. ");
    const double enough = enough_seconds(budget.spent(), tally);
    out += enough > 0.0 ? text("About ", std::ceil(enough), " s would have sufficed") : std::string("Nothing could be timed in it");
    return out + "; a build with the same timing cache goes on where this one ended.";
}

} // namespace tensorvk::builder
