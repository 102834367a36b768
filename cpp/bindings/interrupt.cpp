#include "interrupt.hpp"

#include <unistd.h>

#include <optional>
#include <utility>

#include <pybind11/pybind11.h>

#include "support/interrupt.hpp"

namespace tensorvk::bindings {

namespace {

namespace py = pybind11;

thread_local bool interruptible = false;
// The error cannot stay with the interpreter: loggers, which are Python, come in between.
thread_local std::optional<py::error_already_set> raised;

bool check_signals() {
    if (!interruptible || gettid() != getpid()) { // handlers run in the main thread
        return false;
    }
    const GilAcquire gil;
    if (PyErr_CheckSignals() == 0) {
        return false;
    }
    raised.emplace();
    return true;
}

} // namespace

Interruptible::Interruptible() {
    interruptible = true;
}

Interruptible::~Interruptible() {
    interruptible = false;
}

void raise_interrupt() {
    if (raised) {
        const py::error_already_set error = *std::exchange(raised, std::nullopt);
        throw error;
    }
}

void install_interrupt_check() {
    set_interrupt_check(check_signals);
}

} // namespace tensorvk::bindings
