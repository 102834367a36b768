// Events: done or not, and the time between two.
#include "stream/event.hpp"

#include <chrono>
#include <thread>

#include <gtest/gtest.h>

#include "gate.hpp"
#include "stream/errors.hpp"

namespace tensorvk::stream {
namespace {

using testing::Gate;
using vulkan::Device;

class EventTest : public ::testing::Test {
  protected:
    void SetUp() override {
        if (!device_->caps().timestamps) GTEST_SKIP() << "this device has no timestamps";
    }
    void TearDown() override { synchronize_device(device_); }

    static void sleep(Stream& stream, int milliseconds) {
        stream.host_function([=] { std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds)); });
    }

    std::shared_ptr<Device> device_ = Device::current();
    std::shared_ptr<Stream> stream_ = Stream::create(device_, true);
    std::shared_ptr<Event> start_ = Event::create(device_);
    std::shared_ptr<Event> end_ = Event::create(device_);
};

TEST_F(EventTest, ElapsedTimeIsThatOfTheWorkBetween) {
    start_->record(*stream_);
    sleep(*stream_, 30);
    end_->record(*stream_);
    end_->synchronize();
    const float ms = Event::elapsed_ms(*start_, *end_);
    EXPECT_GE(ms, 29.0F);
    EXPECT_LT(ms, 2000.0F) << "generous: the machine may be busy";
    EXPECT_NEAR(Event::elapsed_ms(*end_, *start_), -ms, 1e-3F) << "the other way round it is negative";
}

TEST_F(EventTest, LatestRecordCounts) {
    start_->record(*stream_);
    sleep(*stream_, 20);
    start_->record(*stream_);
    end_->record(*stream_);
    end_->synchronize();
    EXPECT_LT(Event::elapsed_ms(*start_, *end_), 15.0F);
}

TEST_F(EventTest, RecordedAgainInAnotherStreamWhileTheFirstIsPending) {
    const auto other = Stream::create(device_, true);
    Gate gate;
    stream_->host_function([&] { gate.wait(); });
    start_->record(*stream_);
    start_->record(*other);
    start_->synchronize();
    EXPECT_TRUE(start_->query());
    end_->record(*other);
    end_->synchronize();
    const float before = Event::elapsed_ms(*start_, *end_);
    gate.open();
    stream_->synchronize();
    EXPECT_FLOAT_EQ(Event::elapsed_ms(*start_, *end_), before) << "the older record changes nothing when it runs";
}

TEST_F(EventTest, PendingEventIsNotReady) {
    Gate gate;
    start_->record(*stream_);
    stream_->host_function([&] { gate.wait(); });
    end_->record(*stream_);
    EXPECT_FALSE(end_->query());
    start_->synchronize();
    EXPECT_THROW((void)Event::elapsed_ms(*start_, *end_), NotReady);
    gate.open();
    end_->synchronize();
    EXPECT_TRUE(end_->query());
    EXPECT_NO_THROW((void)Event::elapsed_ms(*start_, *end_));
}

TEST_F(EventTest, NeverRecordedEventIsDoneButHasNoTime) {
    EXPECT_TRUE(start_->query());
    EXPECT_NO_THROW(start_->synchronize());
    end_->record(*stream_);
    end_->synchronize();
    EXPECT_THROW((void)Event::elapsed_ms(*start_, *end_), InvalidHandle);
}

TEST_F(EventTest, EventWithoutTimingOrdersButHasNoTime) {
    const auto plain = Event::create(device_, false);
    sleep(*stream_, 10);
    plain->record(*stream_);
    EXPECT_FALSE(plain->query());
    plain->synchronize();
    EXPECT_TRUE(stream_->query());
    EXPECT_THROW((void)Event::elapsed_ms(*plain, *plain), InvalidHandle);
}

TEST_F(EventTest, DestroyedHandleIsRefused) {
    const std::uint64_t handle = start_->handle();
    EXPECT_EQ(Event::from_handle(handle), start_);
    Event::destroy(handle);
    EXPECT_THROW((void)Event::from_handle(handle), InvalidHandle);
    EXPECT_THROW(Event::destroy(handle), InvalidHandle);
    EXPECT_THROW((void)Event::from_handle(stream_->handle()), InvalidHandle) << "a stream is no event";
}

TEST_F(EventTest, EventMayBeDestroyedWhileItsRecordIsPending) {
    Gate gate;
    stream_->host_function([&] { gate.wait(); });
    start_->record(*stream_);
    Event::destroy(start_->handle());
    start_.reset();
    gate.open();
    stream_->synchronize();
}

} // namespace
} // namespace tensorvk::stream
