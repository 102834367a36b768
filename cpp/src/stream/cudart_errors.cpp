#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

#include "stream/cudart_guard.hpp"
#include "stream/errors.hpp"

namespace tensorvk {
namespace {

struct LastError {
    cudaError_t code = cudaSuccess;
    std::string message;
};
thread_local LastError last_error;

struct ErrorRow {
    cudaError_t code;
    const char* name;
    const char* text;
};

constexpr std::array kErrors{
    ErrorRow{cudaSuccess, "cudaSuccess", "no error"},
    ErrorRow{cudaErrorInvalidValue, "cudaErrorInvalidValue", "invalid argument"},
    ErrorRow{cudaErrorMemoryAllocation, "cudaErrorMemoryAllocation", "out of memory"},
    ErrorRow{cudaErrorInitializationError, "cudaErrorInitializationError", "initialization error"},
    ErrorRow{cudaErrorInvalidMemcpyDirection, "cudaErrorInvalidMemcpyDirection", "invalid copy direction for memcpy"},
    ErrorRow{cudaErrorNoDevice, "cudaErrorNoDevice", "no Vulkan device is available"},
    ErrorRow{cudaErrorInvalidDevice, "cudaErrorInvalidDevice", "invalid device ordinal"},
    ErrorRow{cudaErrorDeviceUninitialized, "cudaErrorDeviceUninitialized", "invalid device context"},
    ErrorRow{cudaErrorInvalidResourceHandle, "cudaErrorInvalidResourceHandle", "invalid resource handle"},
    ErrorRow{cudaErrorNotReady, "cudaErrorNotReady", "device not ready"},
    ErrorRow{cudaErrorIllegalAddress, "cudaErrorIllegalAddress", "an illegal memory access was encountered"},
    ErrorRow{cudaErrorHostMemoryAlreadyRegistered, "cudaErrorHostMemoryAlreadyRegistered",
             "part or all of the requested memory range is already mapped"},
    ErrorRow{cudaErrorHostMemoryNotRegistered, "cudaErrorHostMemoryNotRegistered",
             "pointer does not correspond to a registered memory region"},
    ErrorRow{cudaErrorLaunchFailure, "cudaErrorLaunchFailure", "the device was lost"},
    ErrorRow{cudaErrorNotPermitted, "cudaErrorNotPermitted", "operation not permitted"},
    ErrorRow{cudaErrorNotSupported, "cudaErrorNotSupported", "operation not supported"},
    ErrorRow{cudaErrorUnknown, "cudaErrorUnknown", "unknown error"},
};

const ErrorRow* find_row(cudaError_t code) {
    const auto* row = std::find_if(kErrors.begin(), kErrors.end(), [&](const ErrorRow& r) { return r.code == code; });
    return row == kErrors.end() ? nullptr : row;
}

bool is_verbose() {
    const char* value = std::getenv("TENSORVK_VERBOSE");
    return value != nullptr && *value != '\0' && std::strcmp(value, "0") != 0;
}

cudaError_t note(cudaError_t code, const char* message) noexcept {
    try {
        last_error.message = message;
    } catch (const std::bad_alloc&) {
        last_error.message.clear();
    }
    if (code != cudaErrorNotReady) last_error.code = code;
    if (is_verbose()) std::fprintf(stderr, "[tensorvk] %s: %s\n", cudaGetErrorName(code), message);
    return code;
}

} // namespace

namespace stream {

cudaError_t note_failure(std::exception_ptr error) noexcept {
    // From the special to the general; the order matters.
    try {
        std::rethrow_exception(std::move(error));
    } catch (const InvalidHandle& e) {
        return note(cudaErrorInvalidResourceHandle, e.what());
    } catch (const NotReady& e) {
        return note(cudaErrorNotReady, e.what());
    } catch (const NotPermitted& e) {
        return note(cudaErrorNotPermitted, e.what());
    } catch (const InvalidCopyKind& e) {
        return note(cudaErrorInvalidMemcpyDirection, e.what());
    } catch (const InvalidDevice& e) {
        return note(cudaErrorInvalidDevice, e.what());
    } catch (const OverlappingRegistration& e) {
        return note(cudaErrorHostMemoryAlreadyRegistered, e.what());
    } catch (const InvalidArgument& e) {
        return note(cudaErrorInvalidValue, e.what());
    } catch (const OutOfMemory& e) {
        return note(cudaErrorMemoryAllocation, e.what());
    } catch (const vulkan::ForkedProcess& e) {
        return note(cudaErrorInitializationError, e.what());
    } catch (const DeviceUnavailable& e) {
        return note(cudaErrorNoDevice, e.what());
    } catch (const DeviceLost& e) {
        return note(cudaErrorLaunchFailure, e.what());
    } catch (const Unsupported& e) {
        return note(cudaErrorNotSupported, e.what());
    } catch (const std::bad_alloc&) {
        return note(cudaErrorMemoryAllocation, "The host has no memory left.");
    } catch (const std::exception& e) {
        return note(cudaErrorUnknown, e.what());
    } catch (...) {
        return note(cudaErrorUnknown, "An unknown exception was thrown.");
    }
}

} // namespace stream

cudaError_t cudaGetLastError() {
    return std::exchange(last_error.code, cudaSuccess);
}

cudaError_t cudaPeekAtLastError() {
    return last_error.code;
}

const char* cudaGetErrorName(cudaError_t error) {
    const ErrorRow* row = find_row(error);
    return row == nullptr ? "unrecognized error code" : row->name;
}

const char* cudaGetErrorString(cudaError_t error) {
    const ErrorRow* row = find_row(error);
    return row == nullptr ? "unrecognized error code" : row->text;
}

const std::string& lastErrorMessage() {
    return last_error.message;
}

} // namespace tensorvk
