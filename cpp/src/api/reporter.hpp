// The border between exceptions inside and TensorRT's contract outside: a failing call logs one sentence, tells the
// error recorder, and returns null or false, or throws when the user asked for that.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "support/error.hpp"
#include "support/log.hpp"
#include "tensorvk/interfaces.h"

namespace tensorvk::api {

//! Where an object's messages go. Objects made by other objects share the logger and, unless they get one of their own,
//! the error recorder.
class Reporter final : public LogSink {
  public:
    explicit Reporter(std::shared_ptr<ILogger> logger, std::shared_ptr<const Reporter> parent = nullptr)
        : logger_(std::move(logger)), parent_(std::move(parent)) {}
    [[nodiscard]] static std::shared_ptr<Reporter> child_of(const std::shared_ptr<Reporter>& parent) {
        return std::make_shared<Reporter>(parent->logger_, parent);
    }

    void log(Severity severity, const std::string& message) noexcept override;
    //! Logs, records, and remembers the sentence for lastError().
    void error(ErrorCode code, const std::string& sentence) noexcept;

    void set_recorder(std::shared_ptr<IErrorRecorder> recorder);
    //! Its own recorder or the nearest one above; null when there is none.
    [[nodiscard]] std::shared_ptr<IErrorRecorder> recorder() const;
    [[nodiscard]] const std::shared_ptr<ILogger>& logger() const noexcept { return logger_; }

  private:
    std::shared_ptr<ILogger> logger_;
    std::shared_ptr<const Reporter> parent_;
    mutable std::mutex mutex_;
    std::shared_ptr<IErrorRecorder> recorder_;
};

//! Reports the exception being handled; throws it again when the user asked for exceptions.
void report_current_exception(Reporter& reporter);

//! The result of `call`, or `failure` when it threw.
template <typename Result, typename Call>
Result guarded(Reporter& reporter, Result failure, Call&& call) {
    try {
        return std::forward<Call>(call)();
    } catch (...) {
        report_current_exception(reporter);
    }
    return failure;
}

//! Whether `call` ran without throwing.
template <typename Call>
bool succeeds(Reporter& reporter, Call&& call) {
    return guarded(reporter, false, [&call] {
        call();
        return true;
    });
}

//! A pointer that owns nothing, for objects of C++ users, who keep them alive themselves.
template <typename T>
std::shared_ptr<T> unowned(T* object) {
    return std::shared_ptr<T>(std::shared_ptr<void>(), object);
}

//! What a C string parameter says; null is an error that names the parameter.
[[nodiscard]] std::string required(const char* value, const char* parameter);

} // namespace tensorvk::api
