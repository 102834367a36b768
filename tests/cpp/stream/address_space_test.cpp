// Addresses of the flat space, and the sentences about wrong ones.
#include "stream/address_space.hpp"

#include <gtest/gtest.h>

#include "stream/errors.hpp"
#include "vulkan/device.hpp"

namespace tensorvk::stream {
namespace {

class AddressSpaceTest : public ::testing::Test {
  protected:
    std::shared_ptr<vulkan::Buffer> buffer(std::uint64_t size) {
        return std::make_shared<vulkan::Buffer>(vulkan::Device::current(), size);
    }

    std::string refusal(std::uint64_t address, std::uint64_t size) {
        try {
            (void)space_.resolve(address, size, "input 'x'");
        } catch (const InvalidArgument& e) {
            return e.what();
        }
        return "nothing was refused";
    }
    static bool says(const std::string& message, const std::string& part) {
        return message.find(part) != std::string::npos;
    }

    AddressSpace space_;
};

TEST_F(AddressSpaceTest, AddressesAreAlignedFarApartAndBeyondHostPointers) {
    int on_the_stack = 0;
    EXPECT_FALSE(AddressSpace::is_device_address(reinterpret_cast<std::uintptr_t>(&on_the_stack)));
    std::uint64_t end = 0;
    for (const std::uint64_t size : {1ULL, 17ULL, 256ULL, 100000ULL}) {
        const std::uint64_t base = space_.add_device(buffer(size));
        EXPECT_TRUE(AddressSpace::is_device_address(base));
        EXPECT_LT(base, 1ULL << 63) << "fits a signed integer";
        EXPECT_EQ(base % AddressSpace::kAlignment, 0U);
        if (end != 0) {
            EXPECT_GE(base - end, AddressSpace::kGap);
        }
        end = base + size;
    }
}

TEST_F(AddressSpaceTest, InteriorPointersKnowTheirOffsetAndTheRest) {
    const auto held = buffer(1000);
    const std::uint64_t base = space_.add_device(held);
    for (const std::uint64_t offset : {0ULL, 1ULL, 999ULL}) {
        const Region region = space_.resolve(base + offset, 1000 - offset);
        EXPECT_EQ(region.buffer, held);
        EXPECT_EQ(region.offset, offset);
        EXPECT_EQ(region.remaining, 1000 - offset);
        EXPECT_EQ(region.base, base);
    }
}

TEST_F(AddressSpaceTest, TooLongRangeSaysWhatIsLeft) {
    const std::uint64_t base = space_.add_device(buffer(1000));
    const std::string message = refusal(base + 900, 101);
    EXPECT_TRUE(says(message, "input 'x'")) << message;
    EXPECT_TRUE(says(message, "100 bytes left, 101 are needed")) << message;
    EXPECT_TRUE(says(refusal(base, ~0ULL), "are needed")) << "sizes near 2^64 do not wrap";
}

TEST_F(AddressSpaceTest, PointerBehindTheEndNamesTheNearestAllocation) {
    const std::uint64_t first = space_.add_device(buffer(1000));
    const std::uint64_t second = space_.add_device(buffer(2000));
    const std::string behind_first = refusal(first + 1010, 1);
    EXPECT_TRUE(says(behind_first, "10 bytes behind the end of")) << behind_first;
    EXPECT_TRUE(says(behind_first, "of 1000 bytes")) << behind_first;
    const std::string before_second = refusal(second - 5, 1);
    EXPECT_TRUE(says(before_second, "5 bytes before")) << before_second;
    EXPECT_TRUE(says(before_second, "of 2000 bytes")) << before_second;
}

TEST_F(AddressSpaceTest, FreedMemoryIsToldFromMemoryThatNeverWas) {
    const std::uint64_t base = space_.add_device(buffer(1000));
    (void)space_.remove(base, RegionKind::kDevice);
    EXPECT_TRUE(says(refusal(base + 3, 1), "was freed"));
    EXPECT_TRUE(says(refusal(base + (1ULL << 40), 1), "is in no allocation"));
    EXPECT_TRUE(says(refusal(0, 4), "is null"));
    EXPECT_TRUE(says(refusal(0x7f0000001000ULL, 4), "no device memory"));
    EXPECT_NE(space_.add_device(buffer(1000)), base) << "addresses are not used twice";
}

TEST_F(AddressSpaceTest, FreeingNeedsTheFirstAddressAndTheRightFunction) {
    const std::uint64_t base = space_.add_device(buffer(1000));
    EXPECT_THROW((void)space_.remove(base + 256, RegionKind::kDevice), InvalidArgument);
    EXPECT_THROW((void)space_.remove(base, RegionKind::kPinned), InvalidArgument);
    EXPECT_EQ(space_.remove(base, RegionKind::kDevice).remaining, 1000U);
    EXPECT_THROW((void)space_.remove(base, RegionKind::kDevice), InvalidArgument) << "freed twice";
    EXPECT_EQ(space_.size(), 0U);
}

TEST_F(AddressSpaceTest, HostMemoryIsKnownByItsOwnAddressAndMayNotOverlap) {
    constexpr std::uint64_t kHost = 0x7f0000001000ULL;
    const auto held = buffer(4096);
    space_.add_host(kHost, 1000, held, 24, RegionKind::kRegistered);
    EXPECT_EQ(space_.resolve(kHost + 6, 10).offset, 30U);
    for (const std::uint64_t address : {kHost - 1, kHost, kHost + 999}) {
        EXPECT_THROW(space_.add_host(address, 2, held, 0, RegionKind::kRegistered), OverlappingRegistration);
    }
    EXPECT_NO_THROW(space_.add_host(kHost + 1000, 8, held, 0, RegionKind::kRegistered));
    EXPECT_NO_THROW(space_.add_host(kHost - 8, 8, held, 0, RegionKind::kRegistered));
    EXPECT_FALSE(space_.find(kHost + 5000, 1).has_value()) << "ordinary host memory";
    EXPECT_THROW((void)space_.find(kHost + 990, 18 + 1), InvalidArgument) << "known, but too short";
}

} // namespace
} // namespace tensorvk::stream
