// The queue: a thread that runs what is submitted, in order.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "vulkan/host_driver/objects.hpp"

namespace tensorvk::vulkan::host_driver {

struct Point {
    Semaphore* semaphore;
    std::uint64_t value;
};

struct Submission {
    std::vector<Point> waits, signals;
    std::vector<const CommandBuffer*> commands;
};

class QueueWorker {
  public:
    explicit QueueWorker(Timelines& timelines) : timelines_(timelines) {}
    ~QueueWorker();
    QueueWorker(const QueueWorker&) = delete;
    QueueWorker& operator=(const QueueWorker&) = delete;

    //! Small work that nothing stands before is done at once: waking a thread for it takes longer. By one thread at a
    //! time, as Vulkan wants it.
    void submit(Submission submission);
    //! Until all that was submitted is done.
    void wait_idle();

  private:
    [[nodiscard]] bool ready(const Submission& submission);
    void execute(const Submission& submission);
    void loop();

    Timelines& timelines_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Submission> pending_; // the first is being worked on
    bool closing_ = false;
    std::thread thread_; // started when first needed
};

} // namespace tensorvk::vulkan::host_driver
