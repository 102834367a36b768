// Ctrl-C while a network runs. Python notes the signal and acts on it between its own instructions, so a call that
// takes long has to look.
#pragma once

#include <exception>

#include "gil.hpp"

namespace tensorvk::bindings {

//! While it lives, this thread's run ends when Python has a signal to act on.
class Interruptible {
  public:
    Interruptible();
    ~Interruptible();
    Interruptible(const Interruptible&) = delete;
    Interruptible& operator=(const Interruptible&) = delete;
};

//! Throws what the signal's handler raised in this thread, KeyboardInterrupt as a rule; nothing when there was none.
void raise_interrupt();

//! Runs without the interpreter's lock. Throws what a signal's handler raises meanwhile.
template <typename Run>
auto run_interruptible(const Run& run) {
    try {
        const auto result = [&run] {
            const Interruptible interruptible;
            const GilRelease release;
            return run();
        }();
        raise_interrupt();
        return result;
    } catch (const std::exception&) {
        raise_interrupt();
        throw;
    }
}

//! Once, when the module is loaded.
void install_interrupt_check();

} // namespace tensorvk::bindings
