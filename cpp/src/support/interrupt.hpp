// Lets whoever runs a network end it, Python at Ctrl-C for example: a loop inside a network may never come to an end.
#pragma once

namespace tensorvk {

//! Whether the run of this thread shall end. Called on the thread that runs, at most every tenth of a second.
using InterruptCheck = bool (*)();
//! Null: never.
void set_interrupt_check(InterruptCheck check) noexcept;
//! Asks the check, if it is time to.
[[nodiscard]] bool is_interrupted();

} // namespace tensorvk
