// How many threads are worth having.
#pragma once

namespace tensorvk {

//! Cores that this process may use: those of its affinity, each counted once however many hardware threads it has, and no more than the
//! control group's quota of processor time allows. At least 1. The setting TENSORVK_THREADS overrides it; InvalidArgument where that is no
//! number from 1 to 1024.
[[nodiscard]] int usable_cores();

} // namespace tensorvk
