// A door that a test opens: a host function that waits for it keeps a stream busy for as long as the test likes, but not for ever: a test
// that forgets to open it, or that waits behind it, fails instead of hanging.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#include <gtest/gtest.h>

namespace tensorvk::testing {

class Gate {
  public:
    void open() {
        const std::lock_guard lock(mutex_);
        open_ = true;
        wake_.notify_all();
    }
    void wait() {
        std::unique_lock lock(mutex_);
        constexpr std::chrono::seconds kMost{20};
        if (!wake_.wait_for(lock, kMost, [this] { return open_; })) {
            ADD_FAILURE() << "nobody opened the gate within " << kMost.count() << " seconds";
        }
    }

  private:
    std::mutex mutex_;
    std::condition_variable wake_;
    bool open_ = false;
};

} // namespace tensorvk::testing
