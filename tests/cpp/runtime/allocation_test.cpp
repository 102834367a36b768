// Running again allocates nothing: operator new is counted, and so is what the device's memory pools took.
#include <atomic>
#include <cstdlib>
#include <new>

#include <gtest/gtest.h>

#include "plan/file.hpp"
#include "runtime/context.hpp"
#include "runtime/device_memory.hpp"
#include "runtime/programs.hpp"
#include "vulkan/instance.hpp"
#include "vulkan/memory_pool.hpp"

namespace {

// Of this thread alone: a driver's threads allocate when they like.
thread_local std::uint64_t allocations = 0;

void* counted(std::size_t size) {
    ++allocations;
    if (void* memory = std::malloc(size)) {
        return memory;
    }
    throw std::bad_alloc();
}

} // namespace

// All forms, so that what one of ours gives is never freed by a sanitizer's. Not inlined: the compiler would see free() meet new.
[[gnu::noinline]] void* operator new(std::size_t size) {
    return counted(size);
}
[[gnu::noinline]] void* operator new[](std::size_t size) {
    return counted(size);
}
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    ++allocations;
    return std::malloc(size);
}
[[gnu::noinline]] void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
    ++allocations;
    return std::malloc(size);
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
    std::free(memory);
}
[[gnu::noinline]] void operator delete[](void* memory) noexcept {
    std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}
[[gnu::noinline]] void operator delete[](void* memory, std::size_t) noexcept {
    std::free(memory);
}

namespace tensorvk::runtime {
namespace {

TEST(Allocations, AThousandRunsMakeNone) {
    const auto device = vulkan::Device::current();
    Context context(Engine::load(device, plan::write_plan(programs::weighted_plan()), null_log()));
    const DeviceFloats x(device, counting(5));
    const DeviceFloats y(device, std::vector<float>(5));
    const std::vector<std::uint64_t> addresses{x.address(), y.address()};
    for (int warm = 0; warm < 10; ++warm) {
        context.execute(addresses);
    }
    const std::uint64_t reserved = device->device_memory().reserved_bytes() + device->host_memory().reserved_bytes();
    const std::uint64_t before = allocations;
    for (int run = 0; run < 1000; ++run) {
        context.execute(addresses);
    }
    if (!vulkan::Instance::get().validating()) { // the validation layer allocates inside our calls
        EXPECT_EQ(allocations - before, 0U);
    }
    EXPECT_EQ(device->device_memory().reserved_bytes() + device->host_memory().reserved_bytes(), reserved);
    EXPECT_EQ(context.recordings(), 1U);
}

TEST(Allocations, TheCounterCounts) {
    const std::uint64_t before = allocations;
    const auto memory = std::make_unique<std::vector<int>>(100);
    EXPECT_GE(allocations - before, 2U);
}

} // namespace
} // namespace tensorvk::runtime
