// Machines without Vulkan, each in a process of its own because the loader is opened once.
#include "vulkan/loader.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include "support/error.hpp"
#include "vulkan/device.hpp"
#include "vulkan/survey.hpp"

namespace tensorvk::vulkan {
namespace {

// What a first use finds, in a line.
std::string found_with(const char* variable, const char* value) {
    unsetenv("VK_DRIVER_FILES"); // goes before VK_ICD_FILENAMES
    unsetenv("TENSORVK_DISABLE");
    unsetenv("TENSORVK_VALIDATION"); // who asks for that gets no device without Vulkan
    setenv(variable, value, 1);
    const Survey found = survey();
    std::string line = text(Device::count(), " device: ", Device::current()->offer().name, ", loader '", found.loader, "', ");
    return line + (Device::current()->caps().shaders ? "shaders, " : "no shaders, ") + found.problem;
}

// Runs in a child process; prints what went wrong so that the parent can look at it.
void report(const char* variable, const char* value) {
    std::fputs(found_with(variable, value).c_str(), stderr);
    std::_Exit(7);
}

TEST(LoaderDeathTest, MissingLoaderNamesThePackagesToInstall) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(report("TENSORVK_VULKAN_LIBRARY", "/nowhere/libvulkan.so.1"), ::testing::ExitedWithCode(7),
                "1 device: cpu .no Vulkan., loader '', no shaders, No Vulkan loader.*apt-get install libvulkan1 mesa-vulkan-drivers");
}

TEST(LoaderDeathTest, LibraryThatIsNoLoaderIsRefused) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(report("TENSORVK_VULKAN_LIBRARY", "libm.so.6"), ::testing::ExitedWithCode(7),
                "has no vkGetInstanceProcAddr");
}

TEST(LoaderDeathTest, MissingDriverSaysWhatToInstall) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(report("VK_ICD_FILENAMES", "/nowhere.json"), ::testing::ExitedWithCode(7),
                "1 device: cpu .no Vulkan., loader 'libvulkan.*', no shaders, .*apt-get install mesa-vulkan-drivers");
}

TEST(LoaderDeathTest, VulkanCanBeSwitchedOffThoughItIsThere) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(report("TENSORVK_DISABLE", "int8,vulkan"), ::testing::ExitedWithCode(7),
                "1 device: cpu .no Vulkan., loader '', no shaders, TENSORVK_DISABLE switches Vulkan off");
}

TEST(LoaderDeathTest, WhoAskedForValidationGetsNoDriverWithoutIt) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    const auto run = [] {
        unsetenv("TENSORVK_DISABLE");
        setenv("TENSORVK_VALIDATION", "1", 1);
        setenv("TENSORVK_VULKAN_LIBRARY", "/nowhere/libvulkan.so.1", 1);
        try {
            (void)Device::count();
        } catch (const DeviceUnavailable& e) {
            std::fputs(e.what(), stderr);
            std::_Exit(7);
        }
    };
    EXPECT_EXIT(run(), ::testing::ExitedWithCode(7), "No Vulkan loader");
}

} // namespace
} // namespace tensorvk::vulkan
