// A door that a test opens: a host function that waits for it keeps a stream busy for as long as the test likes.
#pragma once

#include <condition_variable>
#include <mutex>

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
        wake_.wait(lock, [this] { return open_; });
    }

  private:
    std::mutex mutex_;
    std::condition_variable wake_;
    bool open_ = false;
};

} // namespace tensorvk::testing
