// Exceptions to CUDA's error codes.
#pragma once

#include <exception>
#include <utility>

#include "tensorvk/cudart.h"
#include "vulkan/fork.hpp"

namespace tensorvk::stream {

//! Notes the exception as the calling thread's last error.
cudaError_t note_failure(std::exception_ptr error) noexcept;

//! Runs `body` and turns what it throws into an error code. As in CUDA, nothing works in a forked process.
template <typename Body>
cudaError_t guarded(Body&& body) noexcept {
    try {
        vulkan::require_unforked();
        std::forward<Body>(body)();
        return cudaSuccess;
    } catch (...) {
        return note_failure(std::current_exception());
    }
}

} // namespace tensorvk::stream
