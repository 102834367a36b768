// A timing cache in a file: shared, merged, never in the way of a build, and nobody else's file is touched.
#include "builder/timing_file.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/error.hpp"
#include "support/files.hpp"

namespace tensorvk::builder {
namespace {

namespace fs = std::filesystem;

Digest128 key(int number) {
    Digest128 digest{};
    digest[0] = static_cast<std::uint8_t>(number);
    digest[1] = static_cast<std::uint8_t>(number >> 8);
    return digest;
}

struct Warnings : LogSink {
    std::vector<std::string> all, said; // said: information
    void log(Severity severity, const std::string& message) noexcept override {
        if (severity == Severity::kWARNING) all.push_back(message);
        if (severity == Severity::kINFO) said.push_back(message);
    }
};

class TimingFileTest : public ::testing::Test {
  protected:
    void SetUp() override {
        const std::string pattern = (fs::temp_directory_path() / "tensorvk-timing-XXXXXX").string();
        std::vector<char> name(pattern.begin(), pattern.end());
        name.push_back('\0');
        ASSERT_NE(mkdtemp(name.data()), nullptr);
        folder_ = name.data();
        path_ = folder_ / "deep" / "timings";
    }
    void TearDown() override { fs::remove_all(folder_); }

    void merge(int number, float milliseconds) {
        TimingCache cache;
        cache.insert(key(number), {milliseconds, true});
        TimingFile(path_, warnings_).merge(cache);
    }
    [[nodiscard]] std::string contents() const {
        std::ifstream file(path_, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    void overwrite(const std::string& text) const { std::ofstream(path_, std::ios::binary) << text; }

    fs::path folder_, path_;
    Warnings warnings_;
};

TEST_F(TimingFileTest, IsMadeAndGrows) {
    EXPECT_EQ(TimingFile(path_, warnings_).cache()->size(), 0u);
    merge(1, 1.0f);
    merge(2, 2.0f);
    const TimingFile file(path_, warnings_);
    EXPECT_EQ(file.cache()->size(), 2u);
    EXPECT_EQ(std::distance(fs::directory_iterator(path_.parent_path()), {}), 1) << "nothing else is left there";
    EXPECT_TRUE(warnings_.all.empty()) << warnings_.all.front();
}

TEST_F(TimingFileTest, FoldersAreMadeOnceAndSaid) {
    merge(1, 1.0f);
    merge(2, 2.0f);
    ASSERT_EQ(warnings_.said.size(), 1u);
    EXPECT_NE(warnings_.said[0].find(text("The folder '", path_.parent_path().string(), "' was made")), std::string::npos) << warnings_.said[0];
}

TEST_F(TimingFileTest, NoFolderIsMadeForNothing) {
    TimingFile(path_, warnings_).merge(TimingCache());
    EXPECT_FALSE(fs::exists(path_.parent_path()));
    EXPECT_TRUE(warnings_.said.empty());
}

TEST_F(TimingFileTest, HoldsWhatASerializedTimingCacheIs) {
    merge(1, 1.0f);
    TimingCache same;
    same.insert(key(1), {1.0f, true});
    const std::vector<std::byte> bytes = same.bytes();
    EXPECT_EQ(contents(), std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

TEST_F(TimingFileTest, WhatAnotherProcessWroteMeanwhileStaysAndGoesFirst) {
    TimingFile mine(path_, warnings_); // read before
    merge(1, 1.0f);
    merge(2, 2.0f);
    TimingCache timed;
    timed.insert(key(2), {9.0f, true});
    timed.insert(key(3), {3.0f, true});
    mine.merge(timed);
    const TimingFile now(path_, warnings_);
    EXPECT_EQ(now.cache()->size(), 3u);
    EXPECT_EQ(now.cache()->find(key(2))->milliseconds, 2.0f);
}

TEST_F(TimingFileTest, NothingNewLeavesTheFileAlone) {
    merge(1, 1.0f);
    fs::create_hard_link(path_, folder_ / "same"); // of a file that is replaced one link is left
    merge(1, 5.0f);
    EXPECT_EQ(fs::hard_link_count(path_), 2u);
}

TEST_F(TimingFileTest, ThreadsLoseNothing) {
    constexpr int kThreads = 8, kEach = 20;
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < kEach; ++i) {
                TimingCache cache;
                cache.insert(key(t * kEach + i), {1.0f, true});
                TimingFile(path_, null_log()).merge(cache);
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(TimingFile(path_, warnings_).cache()->size(), static_cast<std::size_t>(kThreads * kEach));
    EXPECT_TRUE(warnings_.all.empty());
}

TEST_F(TimingFileTest, AProcessThatIsKilledLeavesAWholeFile) {
    merge(1, 1.0f);
    for (int round = 0; round < 10; ++round) {
        const pid_t child = fork();
        if (child == 0) {
            for (int i = 2;; ++i) {
                TimingCache cache;
                cache.insert(key(i), {1.0f, true});
                TimingFile(path_, null_log()).merge(cache);
            }
        }
        usleep(static_cast<useconds_t>(3000 * (round + 1)));
        kill(child, SIGKILL);
        waitpid(child, nullptr, 0);
        const TimingFile file(path_, warnings_);
        EXPECT_GE(file.cache()->size(), 1u);
        EXPECT_EQ(file.cache()->find(key(1))->milliseconds, 1.0f);
    }
    merge(0, 1.0f); // the lock died with its process
    EXPECT_TRUE(TimingFile(path_, warnings_).cache()->find(key(0)));
    EXPECT_TRUE(warnings_.all.empty()) << warnings_.all.front();
}

TEST_F(TimingFileTest, ADamagedOneIsBegunAnewWithOneWarning) {
    merge(1, 1.0f);
    overwrite(contents().substr(0, 30));
    merge(2, 2.0f);
    EXPECT_EQ(warnings_.all.size(), 1u);
    const TimingFile now(path_, warnings_);
    EXPECT_FALSE(now.cache()->find(key(1)));
    EXPECT_TRUE(now.cache()->find(key(2)));
}

TEST_F(TimingFileTest, AFileOfAnotherKindStaysAsItIsWithOneWarning) {
    for (const std::string& text : {std::string("my thesis"), std::string("T"), std::string(1000, '\0')}) {
        fs::create_directories(path_.parent_path());
        overwrite(text);
        warnings_.all.clear();
        merge(1, 1.0f);
        EXPECT_EQ(contents(), text);
        ASSERT_EQ(warnings_.all.size(), 1u);
        EXPECT_NE(warnings_.all[0].find("no timing cache"), std::string::npos) << warnings_.all[0];
    }
}

TEST_F(TimingFileTest, AnEmptyFileIsAnEmptyCache) {
    fs::create_directories(path_.parent_path());
    overwrite("");
    merge(1, 1.0f);
    EXPECT_EQ(TimingFile(path_, warnings_).cache()->size(), 1u);
    EXPECT_TRUE(warnings_.all.empty());
}

TEST_F(TimingFileTest, PlacesThatCannotBeWrittenCostOneWarning) {
    for (const fs::path& place : {fs::path("/proc/no/such/folder/timings"), fs::path("/dev/null"), folder_}) {
        warnings_.all.clear();
        TimingCache cache;
        cache.insert(key(1), {1.0f, true});
        TimingFile(place, warnings_).merge(cache);
        EXPECT_EQ(warnings_.all.size(), 1u) << place;
        EXPECT_TRUE(fs::exists("/dev/null") && !fs::is_regular_file("/dev/null"));
    }
}

TEST_F(TimingFileTest, ThroughALinkTheFileItNamesIsWritten) {
    fs::create_directories(path_.parent_path());
    merge(1, 1.0f);
    const fs::path link = folder_ / "link";
    fs::create_symlink(path_, link);
    TimingCache cache;
    cache.insert(key(2), {1.0f, true});
    TimingFile(link, warnings_).merge(cache);
    EXPECT_TRUE(fs::is_symlink(link));
    EXPECT_EQ(TimingFile(path_, warnings_).cache()->size(), 2u);
}

TEST(FileLock, IsOnesAlone) {
    const fs::path path = fs::temp_directory_path() / ("tensorvk-lock-" + std::to_string(getpid()));
    {
        const auto mine = FileLock::take(path, std::chrono::milliseconds(0));
        ASSERT_TRUE(mine);
        EXPECT_FALSE(FileLock::take(path, std::chrono::milliseconds(20)));
    }
    EXPECT_TRUE(FileLock::take(path, std::chrono::milliseconds(0)));
    fs::remove(path);
}

} // namespace
} // namespace tensorvk::builder
