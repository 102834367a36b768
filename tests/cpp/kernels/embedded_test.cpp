#include "kernels/embedded.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace tensorvk::kernels {
namespace {

constexpr std::uint32_t kSpirvMagic = 0x07230203;

TEST(Embedded, IdsAscendAndAreUnique) {
    const auto all = embedded_kernels();
    ASSERT_FALSE(all.empty());
    const auto not_ascending = [](const EmbeddedKernel& a, const EmbeddedKernel& b) {
        return std::string_view(a.id) >= std::string_view(b.id);
    };
    EXPECT_EQ(std::adjacent_find(all.begin(), all.end(), not_ascending), all.end());
}

TEST(Embedded, EveryKernelIsASpirvModule) {
    for (const EmbeddedKernel& kernel : embedded_kernels()) {
        const auto words = embedded_spirv(kernel);
        ASSERT_EQ(words.size() * sizeof(std::uint32_t), kernel.size) << kernel.id;
        EXPECT_EQ(words[0], kSpirvMagic) << kernel.id;
    }
}

TEST(Embedded, IsFoundById) {
    for (const EmbeddedKernel& kernel : embedded_kernels()) EXPECT_EQ(find_embedded(kernel.id), &kernel);
}

TEST(Embedded, KernelsOfMatrixUnitsAreMadeForSubgroupsOf32) {
    for (const EmbeddedKernel& kernel : embedded_kernels()) {
        const std::string_view id = kernel.id;
        const bool matrix_units = id.find("coopmat:") != std::string_view::npos || id.starts_with("convolution/window:");
        EXPECT_EQ(kernel.subgroup_size, matrix_units ? 32u : 0u) << id;
    }
}

// Tactics ask for what the name tells: a shader that uses more would run where nobody checked.
TEST(Embedded, SubgroupOperationsAreThoseThatTheNameTells) {
    constexpr std::uint32_t kOpCapability = 17, kArithmetic = 63, kShuffle = 65, kFirstBeyondBasic = 62, kLastBeyondBasic = 68;
    constexpr std::size_t kHeaderWords = 5;
    for (const EmbeddedKernel& kernel : embedded_kernels()) {
        const std::string_view id = kernel.id;
        const auto words = embedded_spirv(kernel);
        for (std::size_t i = kHeaderWords; i + 1 < words.size() && (words[i] & 0xFFFFU) == kOpCapability; i += words[i] >> 16) {
            const std::uint32_t capability = words[i + 1];
            if (capability < kFirstBeyondBasic || capability > kLastBeyondBasic) continue;
            const bool sums = capability == kArithmetic && id.starts_with("normalization/rows:subgroup_");
            constexpr std::string_view kShuffling[] = {"attention/coopmat:", "convolution/coopmat:normalized_", "convolution/coopmat:given_", "convolution/coopmat:moments_"};
            const bool shuffles = capability == kShuffle && std::ranges::any_of(kShuffling, [&](std::string_view begin) { return id.starts_with(begin); });
            EXPECT_TRUE(sums || shuffles) << id << " has SPIR-V's capability " << capability;
        }
    }
}

TEST(Embedded, IdsThatAreNotThereAreNotFound) {
    const std::string first = embedded_kernels().front().id;
    const std::string last = embedded_kernels().back().id;
    EXPECT_EQ(find_embedded(""), nullptr);
    EXPECT_EQ(find_embedded(first.substr(0, first.size() - 1)), nullptr);
    EXPECT_EQ(find_embedded(last + "x"), nullptr);
}

TEST(Embedded, EqualHashesMeanEqualCode) {
    const auto all = embedded_kernels();
    for (std::size_t i = 1; i < all.size(); ++i) {
        const auto a = embedded_spirv(all[i - 1]);
        const auto b = embedded_spirv(all[i]);
        const bool same = std::equal(a.begin(), a.end(), b.begin(), b.end());
        EXPECT_EQ(all[i - 1].content_hash == all[i].content_hash, same) << all[i].id;
    }
}

TEST(Embedded, ThreadsShareOneDecompression) {
    std::vector<const std::uint32_t*> seen(4);
    std::vector<std::thread> threads;
    for (auto& place : seen) {
        threads.emplace_back([&place] { place = embedded_spirv(embedded_kernels().front()).data(); });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(std::count(seen.begin(), seen.end(), seen[0]), 4);
}

} // namespace
} // namespace tensorvk::kernels
