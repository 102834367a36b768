// Measured times, by content: the key of a time is a hash of the device and of everything that a candidate would dispatch. A changed kernel,
// shape or driver is another key, so an entry is never stale.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "support/hash.hpp"

namespace tensorvk::builder {

//! What was found out about one candidate on one device.
struct Timing {
    float milliseconds = 0.0f; // negative: the driver refused its pipeline
    bool correct = true; // its numbers agreed with the generic candidate's
};

//! Thread-safe.
class TimingCache {
public:
    TimingCache() = default;
    //! Empty bytes give an empty cache. Throws InvalidArgument when the bytes are no timing cache or are damaged.
    [[nodiscard]] static std::shared_ptr<TimingCache> from_bytes(std::span<const std::byte> bytes);
    //! Whether the bytes are a timing cache of any version, by what they begin with.
    [[nodiscard]] static bool has_name(std::span<const std::byte> bytes);
    //! The same entries always give the same bytes.
    [[nodiscard]] std::vector<std::byte> bytes() const;
    //! Adds the other cache's entries; entries known to both keep this cache's times.
    void combine(const TimingCache& other);
    void clear();
    [[nodiscard]] std::size_t size() const;

    [[nodiscard]] std::optional<Timing> find(const Digest128& key) const;
    void insert(const Digest128& key, Timing timing);

private:
    mutable std::mutex mutex_;
    std::map<Digest128, Timing> entries_;
};

} // namespace tensorvk::builder
