// Refuses the second thread.
#pragma once

#include <atomic>

#include "support/error.hpp"

namespace tensorvk::runtime {

//! Holds `flag` while it lives. Throws InvalidState when somebody holds it already.
class Busy {
  public:
    explicit Busy(std::atomic<bool>& flag) : flag_(flag) {
        if (flag_.exchange(true, std::memory_order_acquire)) {
            throw InvalidState(
                "An execution context is used by two threads at once, or from inside its own callback: give each thread "
                "a context of its own, or lock around its calls.");
        }
    }
    ~Busy() { flag_.store(false, std::memory_order_release); }
    Busy(const Busy&) = delete;
    Busy& operator=(const Busy&) = delete;

  private:
    std::atomic<bool>& flag_;
};

} // namespace tensorvk::runtime
