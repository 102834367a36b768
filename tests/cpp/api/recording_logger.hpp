// A logger that keeps what it hears.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "tensorvk/interfaces.h"

namespace tensorvk::test {

class RecordingLogger : public ILogger {
  public:
    void log(Severity severity, const char* message) noexcept override {
        const std::scoped_lock lock(mutex_);
        if (severity <= Severity::kERROR) {
            errors.emplace_back(message);
        }
    }
    std::vector<std::string> errors;

  private:
    std::mutex mutex_;
};

} // namespace tensorvk::test
