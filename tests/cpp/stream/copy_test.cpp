// Copies and fills between all kinds of memory, synchronous and not.
#include "stream/copy.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <numeric>
#include <random>
#include <span>
#include <thread>

#include <gtest/gtest.h>

#include "gate.hpp"
#include "stream/address_space.hpp"
#include "stream/errors.hpp"
#include "stream/event.hpp"
#include "stream/memory.hpp"

namespace tensorvk::stream {
namespace {

using Bytes = std::vector<std::uint8_t>;
using testing::Gate;
using vulkan::Device;

std::uint64_t at(const void* pointer) {
    return reinterpret_cast<std::uintptr_t>(pointer);
}

Bytes random_bytes(std::size_t size) {
    std::mt19937 random(static_cast<unsigned>(size));
    Bytes bytes(size);
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
    return bytes;
}

// 1 byte, odd sizes, word and page edges, and more than one staging chunk.
constexpr std::size_t kSizes[] = {1, 3, 17, 33, 4096, 4097, 1 << 20, (9 << 20) + 5};

class CopyTest : public ::testing::Test {
  protected:
    void TearDown() override {
        synchronize_device(device_);
        for (const std::uint64_t address : allocated_) free_device(address);
    }
    std::uint64_t device_memory(std::uint64_t size) {
        allocated_.push_back(allocate_device(device_, size));
        return allocated_.back();
    }
    Bytes read(std::uint64_t address, std::size_t size) {
        Bytes bytes(size);
        copy(at(bytes.data()), address, size, CopyKind::kDeviceToHost, *stream_);
        return bytes;
    }

    std::shared_ptr<Device> device_ = Device::current();
    std::shared_ptr<Stream> stream_ = Stream::default_of(device_);
    std::vector<std::uint64_t> allocated_;
};

TEST_F(CopyTest, BytesGoToTheDeviceAndComeBack) {
    for (const std::size_t size : kSizes) {
        const Bytes bytes = random_bytes(size);
        const std::uint64_t memory = device_memory(size);
        copy(memory, at(bytes.data()), size, CopyKind::kHostToDevice, *stream_);
        EXPECT_EQ(read(memory, size), bytes) << size << " bytes";
    }
}

TEST_F(CopyTest, InteriorPointersWorkAtBothEnds) {
    const Bytes bytes = random_bytes(1000);
    const std::uint64_t a = device_memory(1000);
    const std::uint64_t b = device_memory(1000);
    copy(a + 100, at(bytes.data()), 500, CopyKind::kHostToDevice, *stream_);
    copy(b + 7, a + 103, 211, CopyKind::kDeviceToDevice, *stream_);
    EXPECT_EQ(read(b + 7, 211), Bytes(bytes.begin() + 3, bytes.begin() + 3 + 211));
}

TEST_F(CopyTest, DefaultKindTellsTheDirectionFromTheAddresses) {
    const Bytes bytes = random_bytes(333);
    const std::uint64_t a = device_memory(333);
    const std::uint64_t b = device_memory(333);
    Bytes back(333);
    Bytes again(333);
    copy(a, at(bytes.data()), 333, CopyKind::kDefault, *stream_);
    copy(b, a, 333, CopyKind::kDefault, *stream_);
    copy(at(back.data()), b, 333, CopyKind::kDefault, *stream_);
    copy(at(again.data()), at(back.data()), 333, CopyKind::kDefault, *stream_);
    EXPECT_EQ(again, bytes);
}

TEST_F(CopyTest, PageableSourceMayChangeAsSoonAsTheCallReturns) {
    for (const bool busy : {false, true}) {
        const auto stream = Stream::create(device_, true);
        Gate gate;
        if (busy) stream->host_function([&] { gate.wait(); });
        Bytes bytes = random_bytes(100000);
        const Bytes original = bytes;
        const std::uint64_t memory = device_memory(bytes.size());
        copy_async(memory, at(bytes.data()), bytes.size(), CopyKind::kHostToDevice, *stream);
        std::fill(bytes.begin(), bytes.end(), std::uint8_t{0});
        gate.open();
        stream->synchronize();
        EXPECT_EQ(read(memory, bytes.size()), original) << (busy ? "busy" : "idle");
    }
}

TEST_F(CopyTest, PageableTargetIsFilledWhenTheCallReturns) {
    const auto stream = Stream::create(device_, true);
    const std::uint64_t memory = device_memory(5000);
    fill_async(memory, 0x5A, 5000, *stream);
    Bytes bytes(5000);
    copy_async(at(bytes.data()), memory, 5000, CopyKind::kDeviceToHost, *stream);
    EXPECT_EQ(bytes, Bytes(5000, 0x5A));
}

TEST_F(CopyTest, PinnedMemoryIsReadAndWrittenWhenTheStreamGetsThere) {
    const auto stream = Stream::create(device_, true);
    constexpr std::size_t kSize = 70001;
    auto* const pinned = static_cast<std::uint8_t*>(allocate_host(device_, kSize));
    auto* const result = static_cast<std::uint8_t*>(allocate_host(device_, kSize));
    std::memset(pinned, 1, kSize);
    std::memset(result, 0, kSize);
    const std::uint64_t memory = device_memory(kSize);
    Gate gate;
    stream->host_function([&] { gate.wait(); });
    copy_async(memory, at(pinned), kSize, CopyKind::kHostToDevice, *stream);
    copy_async(at(result) + 1, memory + 1, kSize - 1, CopyKind::kDeviceToHost, *stream);
    EXPECT_EQ(result[kSize - 1], 0) << "nothing has run yet";
    std::memset(pinned, 2, kSize);
    gate.open();
    stream->synchronize();
    EXPECT_EQ(result[0], 0);
    EXPECT_EQ(result[1], 2);
    EXPECT_EQ(result[kSize - 1], 2);
    free_host(pinned);
    free_host(result);
}

TEST_F(CopyTest, RegisteredMemoryWorksAtAnyAddress) {
    std::vector<std::uint8_t> memory(100000);
    const std::span<std::uint8_t> part(memory.data() + 13, 90001);
    register_host(device_, part.data(), part.size());
    EXPECT_THROW(register_host(device_, part.data() + 50, 8), OverlappingRegistration);
    std::iota(part.begin(), part.end(), std::uint8_t{3});
    const Bytes expected(part.begin(), part.end());
    const auto stream = Stream::create(device_, true);
    const std::uint64_t device = device_memory(part.size());
    copy_async(device, at(part.data()), part.size(), CopyKind::kHostToDevice, *stream);
    stream->synchronize();
    std::fill(part.begin(), part.end(), std::uint8_t{0});
    copy_async(at(part.data()) + 5, device + 5, part.size() - 5, CopyKind::kDeviceToHost, *stream);
    stream->synchronize();
    EXPECT_EQ(Bytes(part.begin() + 5, part.end()), Bytes(expected.begin() + 5, expected.end()));
    EXPECT_EQ(part[4], 0);
    unregister_host(part.data());
    EXPECT_THROW(unregister_host(part.data()), InvalidArgument);
    EXPECT_NO_THROW(register_host(device_, part.data(), part.size()));
    unregister_host(part.data());
}

TEST_F(CopyTest, FillTouchesExactlyItsRange) {
    for (const std::uint64_t offset : {0ULL, 1ULL, 2ULL, 3ULL, 4ULL, 5ULL}) {
        for (const std::uint64_t size : {1ULL, 2ULL, 3ULL, 4ULL, 5ULL, 17ULL, 1000ULL}) {
            const std::uint64_t memory = device_memory(1024);
            fill(memory, 0xEE, 1024, *stream_);
            fill(memory + offset, 0x11, size, *stream_);
            Bytes expected(1024, 0xEE);
            std::fill_n(expected.begin() + static_cast<std::ptrdiff_t>(offset), size, std::uint8_t{0x11});
            ASSERT_EQ(read(memory, 1024), expected) << size << " bytes at " << offset;
        }
    }
}

TEST_F(CopyTest, NothingToCopyIsNotAnError) {
    EXPECT_NO_THROW(copy(0, 0, 0, CopyKind::kHostToDevice, *stream_));
    EXPECT_NO_THROW(fill(0, 1, 0, *stream_));
    EXPECT_EQ(allocate_device(device_, 0), 0U);
    EXPECT_EQ(allocate_host(device_, 0), nullptr);
    EXPECT_NO_THROW(free_device(0));
    EXPECT_NO_THROW(free_host(nullptr));
}

TEST_F(CopyTest, WrongPointersAreRefusedAndNothingIsWritten) {
    Bytes host(64, 0xAB);
    const std::uint64_t memory = device_memory(64);
    fill(memory, 0x01, 64, *stream_);
    const std::uint64_t freed = allocate_device(device_, 64);
    free_device(freed);
    struct Case {
        const char* what;
        std::uint64_t target;
        std::uint64_t source;
        std::uint64_t size;
        CopyKind kind;
    };
    const std::uint64_t here = at(host.data());
    const Case cases[] = {
        {"one byte too many to the device", memory, here, 65, CopyKind::kHostToDevice},
        {"one byte too many from the device", here, memory + 1, 64, CopyKind::kDeviceToHost},
        {"freed source", here, freed, 1, CopyKind::kDeviceToHost},
        {"freed target", freed, here, 1, CopyKind::kHostToDevice},
        {"null source", memory, 0, 1, CopyKind::kHostToDevice},
        {"null target", 0, memory, 1, CopyKind::kDeviceToHost},
        {"behind the end", here, memory + 64, 1, CopyKind::kDeviceToHost},
        {"host target for a copy to the device", here, here, 1, CopyKind::kHostToDevice},
        {"device target for a copy to the host", memory, memory, 1, CopyKind::kDeviceToHost},
        {"device source for a copy from the host", memory, memory, 1, CopyKind::kHostToHost},
        {"unknown kind", memory, here, 1, static_cast<CopyKind>(5)},
    };
    for (const Case& c : cases) {
        EXPECT_THROW(copy(c.target, c.source, c.size, c.kind, *stream_), InvalidArgument) << c.what;
        EXPECT_THROW(copy_async(c.target, c.source, c.size, c.kind, *stream_), InvalidArgument)
            << c.what << ", asynchronous";
    }
    EXPECT_THROW(fill(here, 0, 4, *stream_), InvalidArgument);
    EXPECT_THROW(fill(memory + 60, 0, 5, *stream_), InvalidArgument);
    EXPECT_THROW(free_device(memory + 1), InvalidArgument);
    EXPECT_THROW(free_device(freed), InvalidArgument);
    EXPECT_EQ(read(memory, 64), Bytes(64, 0x01));
    EXPECT_EQ(host, Bytes(64, 0xAB));
}

TEST_F(CopyTest, FreeWaitsForTheWorkThatUsesTheMemory) {
    const auto stream = Stream::create(device_, true);
    const std::uint64_t memory = allocate_device(device_, 1 << 20);
    bool ran = false;
    stream->host_function([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        ran = true;
    });
    fill_async(memory, 1, 1 << 20, *stream);
    free_device(memory);
    EXPECT_TRUE(ran);
}

TEST_F(CopyTest, AsynchronousFreeKeepsTheMemoryForEarlierWork) {
    const auto stream = Stream::create(device_, true);
    const std::uint64_t used = device_->device_memory().used_bytes();
    const std::uint64_t memory = allocate_device(device_, 1 << 20);
    Gate gate;
    stream->host_function([&] { gate.wait(); });
    fill_async(memory, 1, 1 << 20, *stream);
    free_device_async(memory, *stream);
    EXPECT_THROW((void)AddressSpace::instance().resolve(memory, 1), InvalidArgument) << "the address is gone at once";
    EXPECT_GT(device_->device_memory().used_bytes(), used);
    gate.open();
    stream->synchronize();
    EXPECT_EQ(device_->device_memory().used_bytes(), used);
}

// Uploads, copies on the device, fills and downloads of several streams at once, small ones and such as a transfer queue takes, each behind the one before and
// some behind another stream's: what is not waited for shows as a wrong byte.
TEST_F(CopyTest, CopiesOfSeveralStreamsKeepTheirOrder) {
    constexpr std::size_t kStreams = 4, kRounds = 12;
    constexpr std::size_t kRoundSizes[] = {(3 << 20) + 1, 4097, 1 << 20, (1 << 20) - 1, 2 << 20};
    constexpr std::size_t kLargest = (3 << 20) + 1;
    struct Lane {
        std::shared_ptr<Stream> stream;
        std::uint64_t a = 0, b = 0;
        std::uint8_t* up = nullptr;
        std::uint8_t* down = nullptr;
        std::unique_ptr<Event> done;
    };
    std::vector<Lane> lanes(kStreams);
    for (Lane& lane : lanes) {
        lane.stream = Stream::create(device_, true);
        lane.a = device_memory(kLargest);
        lane.b = device_memory(kLargest);
        lane.up = static_cast<std::uint8_t*>(allocate_host(device_, kLargest));
        lane.down = static_cast<std::uint8_t*>(allocate_host(device_, kLargest));
        lane.done = std::make_unique<Event>(device_, false);
    }
    std::vector<Bytes> expected(kStreams);
    for (std::size_t round = 0; round < kRounds; ++round) {
        const std::size_t size = kRoundSizes[round % std::size(kRoundSizes)];
        for (std::size_t i = 0; i < kStreams; ++i) {
            Lane& lane = lanes[i];
            expected[i] = random_bytes(size + i);
            expected[i].resize(size);
            std::copy(expected[i].begin(), expected[i].end(), lane.up);
        }
        for (std::size_t i = 0; i < kStreams; ++i) {
            Lane& lane = lanes[i];
            Stream& stream = *lane.stream;
            fill_async(lane.a, 0xEE, size, stream);
            copy_async(lane.a, at(lane.up), size, CopyKind::kHostToDevice, stream);
            copy_async(lane.b, lane.a, size, CopyKind::kDeviceToDevice, stream);
            fill_async(lane.a, 0x11, size, stream); // after the copy has read it
            lane.done->record(stream);
        }
        for (std::size_t i = 0; i < kStreams; ++i) { // each stream fetches what its neighbour made
            Stream& stream = *lanes[(i + 1) % kStreams].stream;
            stream.wait_event(*lanes[i].done);
            copy_async(at(lanes[(i + 1) % kStreams].down), lanes[i].b, size, CopyKind::kDeviceToHost, stream);
        }
        std::rotate(expected.begin(), expected.end() - 1, expected.end());
        for (Lane& lane : lanes) lane.stream->synchronize(); // the host reads, and writes what was read
        for (std::size_t i = 0; i < kStreams; ++i) {
            EXPECT_TRUE(std::equal(expected[i].begin(), expected[i].end(), lanes[i].down)) << "round " << round << ", stream " << i;
        }
    }
    for (Lane& lane : lanes) {
        free_host(lane.up);
        free_host(lane.down);
        Stream::destroy(lane.stream->handle());
    }
}

} // namespace
} // namespace tensorvk::stream
