#include "builder/profiles.hpp"

#include <gtest/gtest.h>

#include "support/error.hpp"

namespace tensorvk::builder {
namespace {

class Profiles : public testing::Test {
protected:
    Profiles() { network.add_input("x", DataType::kFLOAT, std::vector<std::int64_t>{-1, 3, 8}); }

    std::string refusal(const std::vector<ProfileShapes>& given) {
        try {
            (void)resolve_profiles(network, given, log);
        } catch (const InvalidArgument& error) {
            return error.what();
        }
        return "accepted";
    }
    static ProfileShapes shapes(std::vector<std::int64_t> low, std::vector<std::int64_t> opt, std::vector<std::int64_t> high) {
        return {{{"x", {std::move(low), std::move(opt), std::move(high)}}}};
    }

    struct Log : LogSink {
        void log(Severity, const std::string& message) noexcept override { messages.push_back(message); }
        std::vector<std::string> messages;
    };

    graph::Network network;
    Log log;
};

TEST_F(Profiles, WithoutAnyOneIsMadeUpAndSaid) {
    const auto profiles = resolve_profiles(network, {}, log);
    ASSERT_EQ(profiles.size(), 1u);
    EXPECT_EQ(profiles[0].inputs[0].min, (std::vector<std::int64_t>{0, 3, 8}));
    EXPECT_EQ(profiles[0].inputs[0].opt, (std::vector<std::int64_t>{1, 3, 8}));
    EXPECT_EQ(profiles[0].inputs[0].max, (std::vector<std::int64_t>{4096, 3, 8}));
    ASSERT_EQ(log.messages.size(), 1u);
    EXPECT_NE(log.messages[0].find("'x' [0, 3, 8] to [4096, 3, 8]"), std::string::npos) << log.messages[0];
}

TEST_F(Profiles, OneThatSaysNothingOfADynamicInputIsRefused) {
    const std::string sentence = refusal({ProfileShapes{}});
    EXPECT_NE(sentence.find("set_shape(\"x\""), std::string::npos) << sentence;
}

TEST_F(Profiles, RangeIsKept) {
    const auto profiles = resolve_profiles(network, {shapes({1, 3, 8}, {2, 3, 8}, {4, 3, 8})}, log);
    ASSERT_EQ(profiles.size(), 1u);
    EXPECT_EQ(profiles[0].inputs[0].opt, (std::vector<std::int64_t>{2, 3, 8}));
}

TEST_F(Profiles, OrderOfMinOptMaxIsChecked) {
    EXPECT_NE(refusal({shapes({2, 3, 8}, {1, 3, 8}, {4, 3, 8})}).find("min <= opt <= max"), std::string::npos);
}

TEST_F(Profiles, FixedAxesStayFixed) {
    EXPECT_NE(refusal({shapes({1, 3, 8}, {1, 3, 8}, {1, 3, 9})}).find("fixes this axis to 8"), std::string::npos);
}

TEST_F(Profiles, RankIsChecked) { EXPECT_NE(refusal({shapes({1, 3}, {1, 3}, {1, 3})}).find("with 2 dimensions"), std::string::npos); }

TEST_F(Profiles, AxesThatAreEqualInTheNetworkAreSoInTheProfile) {
    graph::Tensor& w = *network.add_input("w", DataType::kFLOAT, std::vector<std::int64_t>{-1});
    w.dims[0] = network.inputs()[0]->dims[0];
    ProfileShapes given = shapes({1, 3, 8}, {2, 3, 8}, {4, 3, 8});
    given.shapes["w"] = {{{1}, {2}, {4}}};
    EXPECT_EQ(refusal({given}), "accepted");
    given.shapes["w"] = {{{1}, {2}, {5}}};
    const std::string sentence = refusal({given});
    EXPECT_NE(sentence.find("gives 4 to axis 0 of input 'x' and 5 to axis 0 of input 'w'"), std::string::npos) << sentence;
}

TEST_F(Profiles, ExtentsBeyond31BitsAreRefused) {
    const std::string sentence = refusal({shapes({1, 3, 8}, {1, 3, 8}, {std::int64_t{1} << 31, 3, 8})});
    EXPECT_NE(sentence.find("at most 2147483647"), std::string::npos) << sentence;
}

TEST_F(Profiles, UnknownInputsAreRefused) {
    EXPECT_NE(refusal({ProfileShapes{{{"z", {{{1}, {1}, {1}}}}}}}).find("'z'"), std::string::npos);
}

} // namespace
} // namespace tensorvk::builder
