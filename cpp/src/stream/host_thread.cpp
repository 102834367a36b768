#include "stream/host_thread.hpp"

#include <utility>

namespace tensorvk::stream {
namespace {
thread_local bool running_task = false;
} // namespace

HostThread::HostThread() : thread_([this] { run(); }) {
}

HostThread::~HostThread() {
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
    }
    wake_.notify_one();
    thread_.join();
}

void HostThread::post(std::function<void()> task) {
    {
        const std::lock_guard lock(mutex_);
        tasks_.push_back(std::move(task));
    }
    wake_.notify_one();
}

bool HostThread::is_current() noexcept {
    return running_task;
}

void HostThread::run() {
    std::unique_lock lock(mutex_);
    for (;;) {
        wake_.wait(lock, [this] { return stop_ || !tasks_.empty(); });
        if (tasks_.empty()) return;
        const std::function<void()> task = std::move(tasks_.front());
        tasks_.pop_front();
        lock.unlock();
        running_task = true;
        task();
        running_task = false;
        lock.lock();
    }
}

} // namespace tensorvk::stream
