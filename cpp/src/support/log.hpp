// Where messages go. The public ILogger is adapted to this at the API border.
#pragma once

#include <string>

#include "tensorvk/enums.h"

namespace tensorvk {

//! Receives messages from any thread; must not throw.
class LogSink {
public:
    virtual ~LogSink() = default;
    virtual void log(Severity severity, const std::string& message) noexcept = 0;
};

//! A sink that drops everything, for callers without a logger.
[[nodiscard]] LogSink& null_log() noexcept;

} // namespace tensorvk
