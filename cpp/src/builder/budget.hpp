// How long a build may try kernels, and what is worth trying first. No device is needed for any of it.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace tensorvk::builder {

//! Runs from the moment it is made.
class Budget {
public:
    using Clock = std::function<double()>; // seconds since some moment
    //! Seconds of the steady clock.
    [[nodiscard]] static double now();

    //! 0 seconds: without an end.
    explicit Budget(double seconds, Clock clock = now);

    [[nodiscard]] bool limited() const noexcept { return seconds_ > 0.0; }
    [[nodiscard]] double seconds() const noexcept { return seconds_; }
    [[nodiscard]] double spent() const { return clock_() - begin_; }
    [[nodiscard]] bool over() const { return limited() && spent() >= seconds_; }

private:
    double seconds_;
    Clock clock_;
    double begin_;
};

//! What there is to decide about one operation.
struct Work {
    double microseconds = 0.0;  // that it is expected to take
    std::size_t times = 1;      // as many operations of the network are decided at once by it
    std::size_t candidates = 0; // that are still to be timed
};

//! The order in which to time, as indices: first where most of the network's time goes. Where there is no choice, nothing can be won: those come last.
[[nodiscard]] std::vector<std::size_t> by_worth(std::span<const Work> all);

//! How far a build came.
struct Tally {
    std::size_t operations = 0; // that had something to be timed
    std::size_t untimed = 0;    // of them
    std::size_t in_part = 0;    // of them
    std::size_t tried = 0, left = 0; // candidates
};

//! Seconds that would have been enough for everything, by what the candidates took that were tried; 0 where none was.
[[nodiscard]] double enough_seconds(double spent, const Tally& tally);
//! Why a candidate was not timed, for its report.
[[nodiscard]] std::string no_time_left(const Budget& budget);
//! What a user is told of a budget that was too small; empty where it was not.
[[nodiscard]] std::string shortage(const Budget& budget, const Tally& tally);

} // namespace tensorvk::builder
