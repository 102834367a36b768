#include "api/reporter.hpp"

#include <atomic>
#include <cstdlib>
#include <new>
#include <string_view>

namespace tensorvk {

namespace {

// A function's static: set up before main() by nothing, so that it works in other static initialisers too.
std::string& latest_sentence() {
    thread_local std::string sentence;
    return sentence;
}

bool asked_by_environment() {
    const char* value = std::getenv("TENSORVK_RAISE");
    return value != nullptr && std::string_view(value) != "" && std::string_view(value) != "0";
}

std::atomic<bool>& raise_flag() {
    static std::atomic<bool> flag = asked_by_environment();
    return flag;
}

} // namespace

const char* lastError() noexcept {
    return latest_sentence().c_str();
}
void setRaiseOnError(bool raise) noexcept {
    raise_flag() = raise;
}
bool raiseOnError() noexcept {
    return raise_flag();
}

namespace api {

void Reporter::log(Severity severity, const std::string& message) noexcept {
    if (logger_ == nullptr) {
        return;
    }
    try {
        logger_->log(severity, message.c_str());
    } catch (...) {
        // A logger that throws must not turn a message into a failure; there is nobody left to tell.
    }
}

void Reporter::error(ErrorCode code, const std::string& sentence) noexcept {
    try {
        latest_sentence() = sentence;
        if (const auto target = recorder()) {
            target->reportError(code, sentence.c_str());
        }
    } catch (...) {
        // As in log().
    }
    log(code == ErrorCode::kINTERNAL_ERROR ? Severity::kINTERNAL_ERROR : Severity::kERROR, sentence);
}

void Reporter::set_recorder(std::shared_ptr<IErrorRecorder> recorder) {
    const std::scoped_lock lock(mutex_);
    recorder_ = std::move(recorder);
}

std::shared_ptr<IErrorRecorder> Reporter::recorder() const {
    {
        const std::scoped_lock lock(mutex_);
        if (recorder_ != nullptr) {
            return recorder_;
        }
    }
    return parent_ == nullptr ? nullptr : parent_->recorder();
}

void report_current_exception(Reporter& reporter) {
    try {
        throw;
    } catch (const Error& error) {
        reporter.error(error.code(), error.what());
    } catch (const std::bad_alloc&) {
        reporter.error(ErrorCode::kFAILED_ALLOCATION,
                       "There is not enough host memory for this call; free some and try again.");
    } catch (const std::exception& error) {
        reporter.error(ErrorCode::kINTERNAL_ERROR, text("An unexpected failure inside TensorVK: ", error.what()));
    }
    if (raiseOnError()) {
        throw;
    }
}

std::string required(const char* value, const char* parameter) {
    if (value == nullptr) {
        throw InvalidArgument(text("Parameter '", parameter, "' is null; a string is needed."));
    }
    return value;
}

} // namespace api
} // namespace tensorvk
