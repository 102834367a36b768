// How many threads are worth having: the setting wins, and says what it takes; else what the process may use.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <thread>

#include "support/error.hpp"
#include "support/processors.hpp"

namespace tensorvk {
namespace {

class UsableCores : public testing::Test {
protected:
    void SetUp() override {
        if (const char* value = std::getenv("TENSORVK_THREADS")) before_ = value;
    }
    void TearDown() override { set(before_.empty() ? nullptr : before_.c_str()); }
    static void set(const char* value) {
        if (value == nullptr) {
            unsetenv("TENSORVK_THREADS");
        } else {
            setenv("TENSORVK_THREADS", value, 1);
        }
    }

private:
    std::string before_;
};

TEST_F(UsableCores, AreThoseThatTheProcessMayUse) {
    set(nullptr);
    EXPECT_GE(usable_cores(), 1);
    EXPECT_LE(usable_cores(), static_cast<int>(std::thread::hardware_concurrency()));
}

TEST_F(UsableCores, FollowTheSetting) {
    for (const int threads : {1, 3, 1024}) {
        set(std::to_string(threads).c_str());
        EXPECT_EQ(usable_cores(), threads);
    }
    set("");
    EXPECT_GE(usable_cores(), 1);
}

TEST_F(UsableCores, ASettingThatIsNoNumberOfThreadsIsNamed) {
    for (const std::string value : {"0", "-2", "two", "4 ", "1025", "99999999999"}) {
        set(value.c_str());
        try {
            (void)usable_cores();
            FAIL() << value;
        } catch (const InvalidArgument& error) {
            EXPECT_EQ(std::string(error.what()), "TENSORVK_THREADS is '" + value + "'; it must be a number of threads from 1 to 1024.");
        }
    }
}

} // namespace
} // namespace tensorvk
