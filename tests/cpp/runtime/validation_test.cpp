// Last of this program's files: what the validation layer said about all tests before. The ctest entry runtime_validated asks for it, with
// the checks for missing barriers: those race without a wrong result more often than not.
#include "vulkan/instance.hpp"

#include <cstdlib>

#include <gtest/gtest.h>

namespace tensorvk::vulkan {
namespace {

TEST(ZValidation, LayerFoundNothing) {
    if (std::getenv("TENSORVK_VALIDATION") == nullptr) {
        GTEST_SKIP() << "TENSORVK_VALIDATION is not set";
    }
    EXPECT_TRUE(Instance::get().validating());
    EXPECT_EQ(validation_error_count(), 0U) << (validation_errors().empty() ? "" : validation_errors().front());
}

} // namespace
} // namespace tensorvk::vulkan
