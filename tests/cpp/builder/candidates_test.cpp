// Who of an operation's candidates is tried at which level.
#include "builder/candidates.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace tensorvk::builder {
namespace {

tactics::Candidate candidate_of(std::string name, double estimate = 0.0) {
    tactics::Candidate candidate;
    candidate.name = std::move(name);
    candidate.estimate = estimate;
    return candidate;
}

//! "a" estimated at 1 us, "b" at 2 ..., shuffled; "generic" without an estimate.
std::vector<tactics::Candidate> twenty() {
    std::vector<tactics::Candidate> out;
    for (int i = 0; i < 20; ++i) {
        const int place = i * 7 % 20;
        out.push_back(candidate_of(std::string(1, static_cast<char>('a' + place)), place + 1.0));
    }
    out.push_back(candidate_of("conv/generic"));
    return out;
}

std::string tried(int level, std::vector<tactics::Candidate> candidates = twenty()) {
    leave_out_slow(candidates, level);
    std::string names;
    for (const tactics::Candidate& candidate : candidates) {
        if (candidate.applicable() && candidate.estimate > 0.0) names += candidate.name;
    }
    std::ranges::sort(names);
    return names;
}

TEST(Candidates, OfTheBestByEstimateTwiceAsManyAreTriedALevel) {
    EXPECT_EQ(tried(1), "ab");
    EXPECT_EQ(tried(2), "abcd");
    EXPECT_EQ(tried(3), "abcdefgh");
    EXPECT_EQ(tried(4), "abcdefghijklmnop");
    EXPECT_EQ(tried(5), "abcdefghijklmnopqrst");
}

TEST(Candidates, WithoutAnEstimateAreAlwaysTried) {
    auto candidates = twenty();
    leave_out_slow(candidates, 1);
    EXPECT_TRUE(candidates.back().applicable());
}

TEST(Candidates, ThatAreLeftOutSayWhy) {
    auto candidates = twenty();
    leave_out_slow(candidates, 2);
    const auto last = std::ranges::find(candidates, "t", &tactics::Candidate::name);
    EXPECT_EQ(last->refusal, "not tried at builder_optimization_level 2: estimated at 20 us, the best at 1");
    EXPECT_FALSE(last->lower);
}

TEST(Candidates, ThatAreBetterGoBeforeTiesAheadOfThem) {
    std::vector<tactics::Candidate> candidates = {candidate_of("x", 3.0), candidate_of("y", 3.0), candidate_of("z", 1.0)};
    leave_out_slow(candidates, 1);
    EXPECT_TRUE(candidates[0].applicable());
    EXPECT_FALSE(candidates[1].applicable());
    EXPECT_TRUE(candidates[2].applicable());
}

TEST(Candidates, WithTheSameEstimateAreNotMoreThanTheLevelHas) {
    auto candidates = twenty();
    for (tactics::Candidate& candidate : candidates) candidate.estimate = candidate.estimate > 0.0 ? 3.0 : 0.0;
    EXPECT_EQ(tried(2, candidates).size(), 4u);
}

TEST(Candidates, AreNoMoreThanTheUserWants) {
    const auto names = [](int most) {
        auto candidates = twenty();
        for (const char* name : {"x", "y", "z"}) candidates.push_back(candidate_of(name));
        leave_out_many(candidates, most);
        std::string out;
        for (const tactics::Candidate& candidate : candidates) {
            if (candidate.applicable()) out += candidate.name + " ";
        }
        return out;
    };
    EXPECT_EQ(names(2), "a b conv/generic x y ") << "the best by estimate, the first of the others, and what their numbers are compared with";
    EXPECT_EQ(names(0), "a conv/generic x ") << "somebody has to do it";
    auto with_host = twenty();
    with_host.push_back(candidate_of("shader"));
    with_host.push_back(candidate_of("host"));
    with_host.back().host = true;
    leave_out_many(with_host, 1);
    EXPECT_TRUE(with_host.back().applicable()) << "kernels of the host come first";
    EXPECT_FALSE((with_host.end() - 2)->applicable());
    EXPECT_EQ(names(-1).size(), 20u * 2 + 13 + 3 * 2);
}

TEST(Candidates, ThatRefuseTakeNobodysPlace) {
    auto candidates = twenty();
    std::ranges::find(candidates, "a", &tactics::Candidate::name)->refusal = "no";
    EXPECT_EQ(tried(1, candidates), "bc");
}

} // namespace
} // namespace tensorvk::builder
