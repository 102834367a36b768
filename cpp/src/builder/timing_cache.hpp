// Measured times, by content: the key of a time is a hash of the device and of everything that a candidate would dispatch. A changed kernel,
// shape or driver is another key (builder/timing_key.hpp), so an entry is never stale.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "support/hash.hpp"

namespace tensorvk::builder {

//! What was found out about one candidate on one device.
struct Timing {
    float milliseconds = 0.0f; // negative: the driver refused its pipeline
    bool correct = true; // its numbers agreed with the generic candidate's
    bool checked = true; // on this driver; false: it was another one, which leaves it to be done
};

//! Thread-safe.
class TimingCache {
public:
    TimingCache() = default;
    TimingCache(TimingCache&& other) noexcept : entries_(std::move(other.entries_)) {}
    //! Empty bytes give an empty cache. Throws InvalidArgument when the bytes are no timing cache or are damaged.
    [[nodiscard]] static std::shared_ptr<TimingCache> from_bytes(std::span<const std::byte> bytes);
    //! Whether the bytes are a timing cache of any version, by what they begin with.
    [[nodiscard]] static bool has_name(std::span<const std::byte> bytes);
    //! The same entries always give the same bytes.
    [[nodiscard]] std::vector<std::byte> bytes() const;
    //! Adds the other cache's entries; entries known to both keep this cache's times, unless only the other's were checked. Returns whether anything changed.
    bool combine(const TimingCache& other);
    //! Each entry's key and timing as `change` makes them.
    [[nodiscard]] TimingCache mapped(const std::function<std::pair<Digest128, Timing>(const Digest128&, Timing)>& change) const;
    void clear();
    [[nodiscard]] std::size_t size() const;

    [[nodiscard]] std::optional<Timing> find(const Digest128& key) const;
    void insert(const Digest128& key, Timing timing);

private:
    mutable std::mutex mutex_;
    std::map<Digest128, Timing> entries_;
};

} // namespace tensorvk::builder
