// A machine without Vulkan, in a process of its own because the loader is opened once.
#include "vulkan/loader.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include "support/error.hpp"
#include "vulkan/device.hpp"

namespace tensorvk::vulkan {
namespace {

std::string failure_with(const char* variable, const char* value) {
    unsetenv("VK_DRIVER_FILES"); // goes before VK_ICD_FILENAMES
    setenv(variable, value, 1);
    try {
        (void)Device::count();
    } catch (const DeviceUnavailable& e) {
        return e.what();
    }
    return "nothing failed";
}

// Runs in a child process; prints what went wrong so that the parent can look at it.
void report(const char* variable, const char* value) {
    std::fputs(failure_with(variable, value).c_str(), stderr);
    std::_Exit(7);
}

TEST(LoaderDeathTest, MissingLoaderNamesThePackagesToInstall) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(report("TENSORVK_VULKAN_LIBRARY", "/nowhere/libvulkan.so.1"), ::testing::ExitedWithCode(7),
                "No Vulkan loader.*apt-get install libvulkan1 mesa-vulkan-drivers");
}

TEST(LoaderDeathTest, LibraryThatIsNoLoaderIsRefused) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(report("TENSORVK_VULKAN_LIBRARY", "libm.so.6"), ::testing::ExitedWithCode(7),
                "has no vkGetInstanceProcAddr");
}

TEST(LoaderDeathTest, MissingDriverSaysWhatToInstall) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(report("VK_ICD_FILENAMES", "/nowhere.json"), ::testing::ExitedWithCode(7),
                "apt-get install mesa-vulkan-drivers");
}

} // namespace
} // namespace tensorvk::vulkan
