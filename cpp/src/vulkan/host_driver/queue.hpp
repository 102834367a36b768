// The queue: a thread that runs what is submitted, in order.
#pragma once

#include <condition_variable>
#include <list>
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
    std::uint64_t running = 0; // the shader driver's number of what it was given already; 0: nothing
};

class QueueWorker {
  public:
    explicit QueueWorker(Timelines& timelines) : timelines_(timelines) {}
    ~QueueWorker();
    QueueWorker(const QueueWorker&) = delete;
    QueueWorker& operator=(const QueueWorker&) = delete;

    //! One empty submission to be filled: a used one, so that a steady flow of work allocates nothing.
    [[nodiscard]] std::list<Submission> blank();
    //! Small work that nothing stands before is done at once: waking a thread for it takes longer. Shaders that nothing
    //! stands before are given to their driver at once. By one thread at a time, as Vulkan wants it.
    void submit(std::list<Submission> one);
    //! Until all that was submitted is done.
    void wait_idle();

  private:
    [[nodiscard]] bool ready(const Submission& submission);
    [[nodiscard]] static bool small(const Submission& submission);
    //! Waits for what it waits for and does the work.
    [[nodiscard]] VkResult execute(const Submission& submission);
    //! The first of `from` is done: its signals are raised. Under the lock.
    void finish(std::list<Submission>& from, VkResult result);
    void loop();

    Timelines& timelines_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::list<Submission> pending_; // the first is being worked on
    std::list<Submission> used_;
    bool closing_ = false;
    std::thread thread_; // started when first needed
};

} // namespace tensorvk::vulkan::host_driver
