#include "builder/timing_cache.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "support/error.hpp"

namespace tensorvk::builder {

namespace {

// Layout: magic, then one record per entry sorted by key, then the digest of everything before it. Little endian.
constexpr std::array<char, 8> kMagic = {'T', 'V', 'K', 'T', 'I', 'M', 'E', '3'};

struct Record {
    Digest128 key;
    float milliseconds;
    std::uint32_t state;
};
static_assert(sizeof(Record) == 24);

enum State : std::uint32_t { kWrong = 0, kRight = 1, kRightElsewhere = 2, kWrongElsewhere = 3 };

std::uint32_t state_of(const Timing& timing) { return timing.checked ? (timing.correct ? kRight : kWrong) : (timing.correct ? kRightElsewhere : kWrongElsewhere); }

} // namespace

std::shared_ptr<TimingCache> TimingCache::from_bytes(std::span<const std::byte> bytes) {
    auto cache = std::make_shared<TimingCache>();
    if (bytes.empty()) {
        return cache;
    }
    constexpr std::size_t frame = kMagic.size() + sizeof(Digest128);
    if (bytes.size() < frame || std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) != 0) {
        throw InvalidArgument(text("These ", bytes.size(), has_name(bytes) ? " bytes are a timing cache of another version of TensorVK" : " bytes are no TensorVK timing cache",
                                   "; pass b\"\" to begin with an empty one."));
    }
    const auto content = bytes.first(bytes.size() - sizeof(Digest128));
    const Digest128 digest = digest128(content);
    const bool whole = (content.size() - kMagic.size()) % sizeof(Record) == 0;
    if (!whole || std::memcmp(digest.data(), bytes.data() + content.size(), sizeof(Digest128)) != 0) {
        throw InvalidArgument(text("The timing cache of ", bytes.size(), " bytes is damaged; delete the file, it is rebuilt by the next build."));
    }
    for (std::size_t at = kMagic.size(); at < content.size(); at += sizeof(Record)) {
        Record record;
        std::memcpy(&record, content.data() + at, sizeof(Record));
        cache->entries_[record.key] = {record.milliseconds, record.state == kRight || record.state == kRightElsewhere, record.state <= kRight};
    }
    return cache;
}

bool TimingCache::has_name(std::span<const std::byte> bytes) {
    return bytes.size() >= kMagic.size() && std::memcmp(bytes.data(), kMagic.data(), kMagic.size() - 1) == 0; // the last character is the version
}

std::vector<std::byte> TimingCache::bytes() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::byte> out(kMagic.size() + entries_.size() * sizeof(Record) + sizeof(Digest128));
    std::memcpy(out.data(), kMagic.data(), kMagic.size());
    std::size_t at = kMagic.size();
    for (const auto& [key, timing] : entries_) {
        const Record record{key, timing.milliseconds, state_of(timing)};
        std::memcpy(out.data() + at, &record, sizeof(Record));
        at += sizeof(Record);
    }
    const Digest128 digest = digest128(std::span(out).first(at));
    std::memcpy(out.data() + at, digest.data(), digest.size());
    return out;
}

bool TimingCache::combine(const TimingCache& other) {
    if (&other == this) {
        return false;
    }
    const std::scoped_lock lock(mutex_, other.mutex_);
    bool changed = false;
    for (const auto& [key, timing] : other.entries_) {
        const auto [mine, is_new] = entries_.try_emplace(key, timing);
        const bool better = !is_new && timing.checked && !mine->second.checked;
        if (better) mine->second = timing;
        changed |= is_new || better;
    }
    return changed;
}

TimingCache TimingCache::mapped(const std::function<std::pair<Digest128, Timing>(const Digest128&, Timing)>& change) const {
    const std::lock_guard lock(mutex_);
    TimingCache out;
    for (const auto& [key, timing] : entries_) out.entries_.insert(change(key, timing));
    return out;
}

void TimingCache::clear() {
    const std::lock_guard lock(mutex_);
    entries_.clear();
}

std::size_t TimingCache::size() const {
    const std::lock_guard lock(mutex_);
    return entries_.size();
}

std::optional<Timing> TimingCache::find(const Digest128& key) const {
    const std::lock_guard lock(mutex_);
    const auto it = entries_.find(key);
    return it == entries_.end() ? std::nullopt : std::optional(it->second);
}

void TimingCache::insert(const Digest128& key, Timing timing) {
    const std::lock_guard lock(mutex_);
    entries_[key] = timing;
}

} // namespace tensorvk::builder
