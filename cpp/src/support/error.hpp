// Exceptions, one type per kind of failure. At the API border they become TensorRT's ErrorCode, a log line and false/None.
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

#include "tensorvk/enums.h"

namespace tensorvk {

//! Base of everything that TensorVK throws. `what()` is one sentence: what, where, given, allowed, what to try.
class Error : public std::runtime_error {
public:
    Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
    [[nodiscard]] ErrorCode code() const noexcept { return code_; }

private:
    ErrorCode code_;
};

#define TENSORVK_DEFINE_ERROR(Name, code)                                  \
    class Name : public Error {                                            \
    public:                                                                \
        explicit Name(const std::string& message) : Error(code, message) {} \
    }

TENSORVK_DEFINE_ERROR(InvalidArgument, ErrorCode::kINVALID_ARGUMENT);       // the caller's value is outside what is allowed
TENSORVK_DEFINE_ERROR(InvalidState, ErrorCode::kINVALID_STATE);             // right call, wrong moment
TENSORVK_DEFINE_ERROR(InvalidModel, ErrorCode::kINVALID_ARGUMENT);          // ONNX file or network is malformed
TENSORVK_DEFINE_ERROR(Unsupported, ErrorCode::kUNSUPPORTED_STATE);          // well-formed, but not offered
TENSORVK_DEFINE_ERROR(InvalidPlan, ErrorCode::kINVALID_ARGUMENT);           // plan file is damaged or of another version
TENSORVK_DEFINE_ERROR(DeviceUnavailable, ErrorCode::kFAILED_INITIALIZATION); // no loader, driver or device
TENSORVK_DEFINE_ERROR(DeviceLost, ErrorCode::kFAILED_EXECUTION);            // the driver gave the device up
TENSORVK_DEFINE_ERROR(OutOfMemory, ErrorCode::kFAILED_ALLOCATION);          // host or device memory
TENSORVK_DEFINE_ERROR(InternalError, ErrorCode::kINTERNAL_ERROR);           // a bug of ours

#undef TENSORVK_DEFINE_ERROR

//! Joins its arguments into one string with operator<<; the way error sentences are written.
template <typename... Parts>
[[nodiscard]] std::string text(const Parts&... parts) {
    std::ostringstream out;
    (out << ... << parts);
    return out.str();
}

} // namespace tensorvk
