// Order inside a stream, between streams, and with the host.
#include "stream/stream.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <string_view>
#include <thread>

#include <gtest/gtest.h>

#include "gate.hpp"
#include "stream/copy.hpp"
#include "stream/device_context.hpp"
#include "stream/errors.hpp"
#include "stream/event.hpp"
#include "stream/memory.hpp"
#include "stream/retained.hpp"
#include "support/error.hpp"
#include "vulkan/instance.hpp"

namespace tensorvk::stream {
namespace {

using testing::Gate;
using vulkan::Device;

class StreamTest : public ::testing::Test {
  protected:
    void TearDown() override { synchronize_device(device_); }

    // One int on the device that streams write.
    struct Cell {
        explicit Cell(const std::shared_ptr<Device>& device) : address(allocate_device(device, 4)) {}
        ~Cell() { free_device(address); }
        Cell(const Cell&) = delete;
        Cell& operator=(const Cell&) = delete;
        void set(int value, Stream& stream) const { fill_async(address, static_cast<std::uint8_t>(value), 4, stream); }
        // What is in memory now, read through a stream that waits for nobody.
        int get(Stream& aside) const {
            std::uint8_t bytes[4] = {};
            copy(reinterpret_cast<std::uintptr_t>(bytes), address, 4, CopyKind::kDeviceToHost, aside);
            return bytes[0];
        }
        std::uint64_t address;
    };

    std::shared_ptr<Stream> make(bool non_blocking = false) { return Stream::create(device_, non_blocking); }

    std::shared_ptr<Device> device_ = Device::current();
    std::shared_ptr<Stream> aside_ = make(true);
};

// cudaFree waits for all streams, which other threads destroy meanwhile.
TEST_F(StreamTest, AStreamThatIsDestroyedAndHeldStillDoesItsWork) {
    Gate gate;
    const auto stream = Stream::create(device_);
    stream->synchronize();
    const std::shared_ptr<StreamState> state = stream->state(); // as whoever is about to wait for all streams holds it
    Stream::destroy(stream->handle());
    (void)Stream::create(device_); // lets go of destroyed ones
    Stream::default_of(device_)->host_function([&] { gate.wait(); });
    std::atomic<bool> ran{false};
    Stream(state).host_function([&] { ran = true; }); // behind the default stream's
    gate.open();
    Stream(state).synchronize();
    EXPECT_TRUE(ran);
}

TEST_F(StreamTest, WhatWorkOfOurOwnThrowsIsMetByWhoWaits) {
    const auto stream = Stream::create(device_), aside = Stream::create(device_);
    std::atomic<bool> later{false};
    stream->host_work([] { throw OutOfMemory("Layer 'a' needs more."); });
    stream->host_function([&] { later = true; });
    aside->synchronize(); // another stream's failure is not its own
    EXPECT_THROW(stream->synchronize(), OutOfMemory);
    EXPECT_TRUE(later); // nothing hangs behind it
    EXPECT_NO_THROW(stream->synchronize()); // it is said once
    stream->host_function([] { throw OutOfMemory("A user's."); });
    EXPECT_NO_THROW(stream->synchronize());
}

TEST_F(StreamTest, WorkRunsInOrder) {
    const auto stream = make();
    const Cell cell(device_);
    for (int i = 1; i <= 100; ++i) cell.set(i, *stream);
    stream->synchronize();
    EXPECT_TRUE(stream->query());
    EXPECT_EQ(cell.get(*aside_), 100);
}

TEST_F(StreamTest, HostFunctionRunsAfterEarlierAndBeforeLaterWork) {
    const auto stream = make(true);
    const Cell cell(device_);
    Gate gate;
    std::atomic<bool> ran{false};
    cell.set(1, *stream);
    stream->synchronize();
    stream->host_function([&] {
        gate.wait();
        ran = true;
    });
    cell.set(2, *stream);
    EXPECT_FALSE(stream->query());
    EXPECT_EQ(cell.get(*aside_), 1) << "the later work is held back";
    EXPECT_FALSE(ran);
    gate.open();
    stream->synchronize();
    EXPECT_TRUE(ran);
    EXPECT_EQ(cell.get(*aside_), 2);
}

TEST_F(StreamTest, BlockedStreamDoesNotBlockOthersOnTheSameQueue) {
    // More streams than any device has queues.
    std::vector<std::shared_ptr<Stream>> others;
    for (int i = 0; i < 20; ++i) others.push_back(make(true));
    Gate gate;
    const Cell held(device_);
    others[0]->host_function([&] { gate.wait(); });
    held.set(9, *others[0]);
    const Cell cell(device_);
    for (std::size_t i = 1; i < others.size(); ++i) {
        cell.set(static_cast<int>(i), *others[i]);
        others[i]->synchronize();
        EXPECT_EQ(cell.get(*aside_), static_cast<int>(i));
    }
    EXPECT_FALSE(others[0]->query());
    gate.open();
    others[0]->synchronize();
    EXPECT_EQ(held.get(*aside_), 9);
}

TEST_F(StreamTest, HostFunctionsOfTwoStreamsMayWaitForEachOther) {
    const auto first = make(true);
    const auto second = make(true);
    Gate gate;
    first->host_function([&] { gate.wait(); });
    second->host_function([&] { gate.open(); });
    first->synchronize();
    second->synchronize();
}

TEST_F(StreamTest, HostFunctionsOfOneStreamRunOneAfterTheOther) {
    const auto stream = make();
    std::vector<int> order;
    for (int i = 0; i < 50; ++i) stream->host_function([&order, i] { order.push_back(i); });
    stream->synchronize();
    ASSERT_EQ(order.size(), 50U);
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST_F(StreamTest, WhatAHostFunctionThrowsDoesNotStopTheStream) {
    const auto stream = make(true);
    const Cell cell(device_);
    stream->host_function([] { throw InvalidArgument("thrown on purpose"); });
    cell.set(3, *stream);
    stream->synchronize();
    EXPECT_EQ(cell.get(*aside_), 3);
}

TEST_F(StreamTest, WaitingInsideAHostFunctionIsRefusedInsteadOfHanging) {
    const auto stream = make(true);
    std::string message;
    stream->host_function([&] {
        try {
            stream->synchronize();
        } catch (const NotPermitted& e) {
            message = e.what();
        }
    });
    stream->synchronize();
    EXPECT_NE(message.find("host function"), std::string::npos);
}

TEST_F(StreamTest, EventHoldsBackAnotherStreamUntilItsRecord) {
    const auto first = make(true);
    const auto second = make(true);
    const Cell cell(device_);
    const auto event = Event::create(device_);
    Gate gate;
    first->host_function([&] { gate.wait(); });
    cell.set(1, *first);
    event->record(*first);
    cell.set(5, *first);
    second->wait_event(*event);
    cell.set(2, *second);
    EXPECT_FALSE(second->query());
    gate.open();
    second->synchronize();
    first->synchronize();
    EXPECT_TRUE(second->query());
    EXPECT_TRUE(event->query());
    Event::destroy(event->handle());
}

TEST_F(StreamTest, ChainOfStreamsRunsInTheOrderOfItsEvents) {
    const Cell cell(device_);
    std::vector<std::shared_ptr<Stream>> streams;
    std::vector<std::shared_ptr<Event>> events;
    Gate gate;
    for (int i = 0; i < 10; ++i) {
        streams.push_back(make(true));
        events.push_back(Event::create(device_, i % 2 == 0));
        if (i == 0) {
            streams[0]->host_function([&] { gate.wait(); });
        } else {
            streams.back()->wait_event(*events[static_cast<std::size_t>(i - 1)]);
        }
        cell.set(i + 1, *streams.back());
        events.back()->record(*streams.back());
    }
    EXPECT_FALSE(events.back()->query());
    gate.open();
    events.back()->synchronize();
    EXPECT_EQ(cell.get(*aside_), 10);
    for (const auto& event : events) Event::destroy(event->handle());
}

TEST_F(StreamTest, WaitWithoutLaterWorkStillCountsForSynchronize) {
    const auto first = make(true);
    const auto second = make(true);
    const auto event = Event::create(device_, false);
    Gate gate;
    first->host_function([&] { gate.wait(); });
    event->record(*first);
    second->wait_event(*event);
    EXPECT_FALSE(second->query());
    gate.open();
    second->synchronize();
    EXPECT_TRUE(event->query());
    Event::destroy(event->handle());
}

TEST_F(StreamTest, DefaultStreamWaitsForBlockingStreamsAndTheyForIt) {
    const auto blocking = make();
    const auto default_stream = Stream::from_handle(0);
    const Cell cell(device_);
    Gate gate;
    blocking->host_function([&] { gate.wait(); });
    cell.set(1, *blocking);
    cell.set(2, *default_stream);
    cell.set(3, *blocking);
    const auto independent = make(true);
    EXPECT_TRUE(independent->query()) << "non-blocking streams stay out of it";
    EXPECT_FALSE(default_stream->query());
    gate.open();
    default_stream->synchronize();
    blocking->synchronize();
    EXPECT_EQ(cell.get(*aside_), 3);
}

TEST_F(StreamTest, SynchronousCopySeesWorkOfBlockingStreams) {
    const auto blocking = make();
    const Cell cell(device_);
    blocking->host_function([] { std::this_thread::sleep_for(std::chrono::milliseconds(30)); });
    cell.set(7, *blocking);
    EXPECT_EQ(cell.get(*Stream::from_handle(0)), 7);
}

TEST_F(StreamTest, DeviceSynchronizeWaitsForEveryStreamAlsoDestroyedOnes) {
    std::atomic<int> done{0};
    for (int i = 0; i < 3; ++i) {
        const auto stream = make(i % 2 == 0);
        stream->host_function([&] {
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
            ++done;
        });
        Stream::destroy(stream->handle());
    }
    synchronize_device(device_);
    EXPECT_EQ(done, 3);
}

TEST_F(StreamTest, HandlesOfDestroyedAndUnknownStreamsAreToldApart) {
    const std::uint64_t handle = make()->handle();
    EXPECT_EQ(Stream::from_handle(handle)->handle(), handle);
    Stream::destroy(handle);
    const auto sentence = [](std::uint64_t value) -> std::string {
        try {
            (void)Stream::from_handle(value);
        } catch (const InvalidHandle& e) {
            return e.what();
        }
        return "nothing was refused";
    };
    EXPECT_NE(sentence(handle).find("was destroyed"), std::string::npos);
    EXPECT_NE(sentence(0x5).find("is no stream"), std::string::npos);
    EXPECT_THROW(Stream::destroy(handle), InvalidHandle);
    EXPECT_THROW(Stream::destroy(0), InvalidHandle);
    EXPECT_TRUE(Stream::from_handle(1)->is_default());
}

TEST_F(StreamTest, SubmittedCommandsLiveUntilTheyAreDone) {
    const auto stream = make(true);
    Gate gate;
    stream->host_function([&] { gate.wait(); });
    std::weak_ptr<int> watched;
    {
        auto commands = std::make_shared<vulkan::CommandBuffer>(device_);
        auto object = std::make_shared<int>(1);
        watched = object;
        commands->begin();
        commands->keep(std::move(object));
        commands->end();
        stream->submit(std::move(commands));
    }
    EXPECT_FALSE(watched.expired());
    gate.open();
    stream->synchronize();
    EXPECT_TRUE(watched.expired());
}

TEST_F(StreamTest, ManyStreamsComeAndGo) {
    const std::size_t before = DeviceContext::of(device_).streams().size();
    for (int i = 0; i < 2000; ++i) {
        const auto stream = make(i % 2 == 0);
        Stream::destroy(stream->handle());
    }
    EXPECT_LE(DeviceContext::of(device_).streams().size(), before + 1) << "streams that are done are let go";
}

TEST_F(StreamTest, AnyThreadMayUseAnyStream) {
    const auto shared = make();
    const Cell cell(device_);
    std::atomic<int> calls{0};
    {
        std::vector<std::jthread> threads;
        for (int t = 0; t < 4; ++t) {
            threads.emplace_back([&, t] {
                const auto own = make(t % 2 == 0);
                const auto event = Event::create(device_);
                for (int i = 0; i < 50; ++i) {
                    cell.set(t, *own);
                    event->record(*own);
                    shared->wait_event(*event);
                    cell.set(t, *shared);
                    if (i % 10 == 0) shared->host_function([&] { ++calls; });
                    if (i % 7 == 0) own->synchronize();
                }
                Event::destroy(event->handle());
                Stream::destroy(own->handle());
            });
        }
    }
    shared->synchronize();
    EXPECT_EQ(calls, 20);
}

TEST(Retained, GivesOutInOrderAndKeepsWhatIsNotReached) {
    Retained retained;
    for (std::uint64_t value = 1; value <= 20; ++value) retained.add(value, std::make_shared<int>(0));
    Retained::Batch batch;
    EXPECT_TRUE(retained.take(12, batch)) << "a batch is full, there may be more";
    EXPECT_EQ(retained.size(), 12U);
    EXPECT_FALSE(retained.take(12, batch));
    EXPECT_EQ(retained.size(), 8U);
    EXPECT_FALSE(retained.take(12, batch));
    EXPECT_EQ(retained.size(), 8U);
}

// What the validation layer (TENSORVK_VALIDATION=1) said about all of the above.
TEST(ZValidation, LayerFoundNothing) {
    const char* wished = std::getenv("TENSORVK_VALIDATION");
    if (wished != nullptr && std::string_view(wished) != "0") {
        EXPECT_TRUE(vulkan::Instance::get().validating());
    }
    EXPECT_EQ(vulkan::validation_error_count(), 0U);
}

} // namespace
} // namespace tensorvk::stream
