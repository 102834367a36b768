// The pipeline cache on disk: kept between processes, and a miss whenever something does not fit.
#include "vulkan/cache_file.hpp"

#include <cstddef>
#include <fstream>

#include <gtest/gtest.h>
#include <stdlib.h>

namespace tensorvk::vulkan {
namespace {

namespace fs = std::filesystem;

class CacheFile : public ::testing::Test {
  protected:
    void SetUp() override {
        offer_.uuid[0] = 1;
        offer_.driver_version = 2;
        for (int i = 0; i < 100; ++i) bytes_.push_back(static_cast<std::byte>(i));
        const std::string pattern = (fs::temp_directory_path() / "tensorvk-cache-XXXXXX").string();
        std::vector<char> name(pattern.begin(), pattern.end());
        name.push_back('\0');
        ASSERT_NE(mkdtemp(name.data()), nullptr);
        folder_ = name.data();
        path_ = folder_ / "deep" / "file.bin";
    }
    void TearDown() override { fs::remove_all(folder_); }

    std::string contents() const {
        std::ifstream file(path_, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    void overwrite(const std::string& text) const { std::ofstream(path_, std::ios::binary) << text; }

    DeviceOffer offer_;
    std::vector<std::byte> bytes_;
    fs::path folder_;
    fs::path path_;
};

TEST_F(CacheFile, ReadsWhatWasWrittenAndLeavesNoOtherFile) {
    ASSERT_TRUE(write_cache_file(path_, offer_, bytes_));
    EXPECT_EQ(read_cache_file(path_, offer_), bytes_);
    EXPECT_EQ(std::distance(fs::directory_iterator(path_.parent_path()), {}), 1);
}

TEST_F(CacheFile, MissingFileIsAMiss) {
    EXPECT_TRUE(read_cache_file(path_, offer_).empty());
}

TEST_F(CacheFile, EveryTruncationAndEveryChangedByteIsAMiss) {
    ASSERT_TRUE(write_cache_file(path_, offer_, bytes_));
    const std::string whole = contents();
    for (std::size_t size = 0; size < whole.size(); ++size) {
        overwrite(whole.substr(0, size));
        EXPECT_TRUE(read_cache_file(path_, offer_).empty()) << "cut to " << size << " bytes";
    }
    for (std::size_t i = 0; i < whole.size(); ++i) {
        std::string damaged = whole;
        damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
        overwrite(damaged);
        EXPECT_TRUE(read_cache_file(path_, offer_).empty()) << "byte " << i << " changed";
    }
}

TEST_F(CacheFile, OtherDeviceOrDriverIsAMiss) {
    ASSERT_TRUE(write_cache_file(path_, offer_, bytes_));
    DeviceOffer newer_driver = offer_;
    newer_driver.driver_version = 3;
    DeviceOffer other_device = offer_;
    other_device.uuid[0] = 9;
    for (const DeviceOffer& other : {newer_driver, other_device}) {
        EXPECT_TRUE(read_cache_file(path_, other).empty());
        EXPECT_NE(cache_file_name(other), cache_file_name(offer_));
    }
}

TEST_F(CacheFile, UnwritableFolderIsReportedNotThrown) {
    EXPECT_FALSE(write_cache_file("/proc/no/such/folder/file.bin", offer_, bytes_));
}

TEST_F(CacheFile, DirectoryFollowsTheEnvironment) {
    const char* const before = getenv("XDG_CACHE_HOME");
    const std::string kept = before == nullptr ? "" : before;
    setenv("XDG_CACHE_HOME", folder_.c_str(), 1);
    EXPECT_EQ(cache_directory(), folder_ / "tensorvk");
    setenv("TENSORVK_CACHE", "0", 1);
    EXPECT_TRUE(cache_directory().empty());
    unsetenv("TENSORVK_CACHE");
    setenv("XDG_CACHE_HOME", kept.c_str(), 1);
}

} // namespace
} // namespace tensorvk::vulkan
