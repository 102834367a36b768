#include "builder/timing_cache.hpp"

#include <gtest/gtest.h>

#include "builder/timing_key.hpp"
#include "support/error.hpp"

namespace tensorvk::builder {
namespace {

Digest128 key(std::uint8_t byte) {
    Digest128 digest{};
    digest[0] = byte;
    return digest;
}

TEST(TimingCache, EmptyBytesAreAnEmptyCache) { EXPECT_EQ(TimingCache::from_bytes({})->size(), 0u); }

TEST(TimingCache, BytesComeBackAsTheSameEntries) {
    TimingCache cache;
    cache.insert(key(2), {0.25f, true});
    cache.insert(key(1), {4.0f, false});
    const auto copy = TimingCache::from_bytes(cache.bytes());
    EXPECT_EQ(copy->size(), 2u);
    EXPECT_EQ(copy->find(key(2))->milliseconds, 0.25f);
    EXPECT_FALSE(copy->find(key(1))->correct);
    EXPECT_EQ(copy->bytes(), cache.bytes());
}

TEST(TimingCache, OrderOfInsertionDoesNotChangeTheBytes) {
    TimingCache a;
    TimingCache b;
    a.insert(key(1), {1, true});
    a.insert(key(2), {2, true});
    b.insert(key(2), {2, true});
    b.insert(key(1), {1, true});
    EXPECT_EQ(a.bytes(), b.bytes());
}

TEST(TimingCache, CombineKeepsItsOwnTimes) {
    TimingCache a;
    TimingCache b;
    a.insert(key(1), {1, true});
    b.insert(key(1), {9, true});
    b.insert(key(2), {2, true});
    a.combine(b);
    EXPECT_EQ(a.size(), 2u);
    EXPECT_EQ(a.find(key(1))->milliseconds, 1.0f);
}

TEST(TimingCache, WhetherATimeWasCheckedOnThisDriverIsKept) {
    TimingCache cache;
    for (const int state : {0, 1, 2, 3}) cache.insert(key(static_cast<std::uint8_t>(state)), {1.0f, (state & 1) != 0, (state & 2) != 0});
    const auto copy = TimingCache::from_bytes(cache.bytes());
    for (const int state : {0, 1, 2, 3}) {
        const Timing timing = *copy->find(key(static_cast<std::uint8_t>(state)));
        EXPECT_EQ(timing.correct, (state & 1) != 0);
        EXPECT_EQ(timing.checked, (state & 2) != 0);
    }
}

TEST(TimingCache, CombineTakesWhatOnlyTheOtherHasChecked) {
    TimingCache a;
    TimingCache b;
    a.insert(key(1), {1, true, false});
    b.insert(key(1), {9, false, true});
    EXPECT_FALSE(b.combine(a));
    EXPECT_TRUE(a.combine(b));
    EXPECT_EQ(a.bytes(), b.bytes());
    EXPECT_FALSE(a.combine(b)) << "nothing is new";
}

TEST(TimingCache, TimesOfADeviceCanBeTakenAsThoseOfAnyDriver) {
    const auto device = vulkan::Device::current();
    const TimingKeys keys(*device);
    TimingCache cache;
    cache.insert(keys.exact(key(1)), {1, true});
    cache.insert(keys.exact(key(2)), {2, false});
    const TimingCache any = keys.for_any_driver(cache);
    EXPECT_EQ(any.size(), 2u);
    EXPECT_FALSE(any.find(keys.exact(key(1))));
    ASSERT_TRUE(any.find(keys.any_driver(key(1))));
    EXPECT_FALSE(any.find(keys.any_driver(key(1)))->checked);
    EXPECT_FALSE(any.find(keys.any_driver(key(2)))->correct);
}

TEST(TimingCache, EveryDamagedByteIsNoticed) {
    TimingCache cache;
    cache.insert(key(1), {1, true});
    const std::vector<std::byte> good = cache.bytes();
    for (std::size_t i = 0; i < good.size(); ++i) {
        std::vector<std::byte> bad = good;
        bad[i] ^= std::byte{1};
        EXPECT_THROW((void)TimingCache::from_bytes(bad), InvalidArgument) << "byte " << i;
        EXPECT_THROW((void)TimingCache::from_bytes(std::span(good).first(i + (i == 0 ? 1 : 0))), InvalidArgument) << "length " << i;
    }
}

TEST(TimingCache, BytesOfAnotherVersionAreNamedSo) {
    std::vector<std::byte> bytes = TimingCache().bytes();
    bytes[7] = std::byte{'1'};
    try {
        (void)TimingCache::from_bytes(bytes);
        FAIL() << "taken";
    } catch (const InvalidArgument& error) {
        EXPECT_NE(std::string(error.what()).find("another version"), std::string::npos) << error.what();
    }
}

} // namespace
} // namespace tensorvk::builder
