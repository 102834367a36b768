// The thread that runs a stream's host functions.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace tensorvk::stream {

class HostThread {
  public:
    HostThread();
    //! Finishes what was posted.
    ~HostThread();
    HostThread(const HostThread&) = delete;
    HostThread& operator=(const HostThread&) = delete;

    void post(std::function<void()> task);

    //! True on threads of this class while a task runs.
    [[nodiscard]] static bool is_current() noexcept;

  private:
    void run();

    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<std::function<void()>> tasks_;
    bool stop_ = false;
    std::thread thread_;
};

} // namespace tensorvk::stream
