// Under which key a time stands in a timing cache: a hash of what ran, mixed with one of the device that it ran on.
#pragma once

#include <cstddef>

#include "builder/timing_cache.hpp"
#include "support/hash.hpp"
#include "vulkan/device.hpp"

namespace tensorvk::builder {

class TimingKeys {
public:
    explicit TimingKeys(const vulkan::Device& device);

    //! `content`: of everything that a candidate dispatches.
    [[nodiscard]] Digest128 exact(const Digest128& content) const;
    //! Of times from any driver of this device: who was fast there is likely to be fast here, and has still to be compared with the reference.
    [[nodiscard]] Digest128 any_driver(const Digest128& content) const;
    //! The times of this device and driver as those of any driver. (Other devices' in the same cache become entries that nobody finds.)
    [[nodiscard]] TimingCache for_any_driver(const TimingCache& cache) const;

private:
    Digest128 exact_, any_driver_;
};

//! How often a candidate runs before the next one's turn. In a network some kernels come for the first time in an inference, where a GPU waits for their
//! instructions, and others have been there before.
[[nodiscard]] std::size_t times_in_a_row(const vulkan::DeviceCaps& caps);

} // namespace tensorvk::builder
