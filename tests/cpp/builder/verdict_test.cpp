// When a candidate that ran is dropped for its numbers.
#include "builder/verdict.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace tensorvk::builder {
namespace {

using kernels::host::Tensor;

std::vector<Tensor> tensors(DataType dtype, const std::vector<double>& values) {
    Tensor tensor(dtype, {static_cast<std::int64_t>(values.size())});
    for (std::size_t i = 0; i < values.size(); ++i) {
        tensor.set(static_cast<std::int64_t>(i), values[i]);
    }
    return {std::move(tensor)};
}

Verdict verdict(DataType dtype, const std::vector<double>& result, const std::vector<double>& reference, OnTheWay rounded = OnTheWay::kEXACT) {
    return compare(tensors(dtype, result), tensors(dtype, reference), rounded);
}

TEST(Verdict, EqualNumbersAreCorrect) {
    const Verdict same = verdict(DataType::kFLOAT, {1, -2, 0}, {1, -2, 0});
    EXPECT_TRUE(same.correct);
    EXPECT_EQ(same.error, 0.0f);
    EXPECT_TRUE(same.refusal.empty());
}

TEST(Verdict, AWrongValueIsDroppedWithASentence) {
    const Verdict wrong = verdict(DataType::kFLOAT, {1, 2, 3}, {1, 2, 4});
    EXPECT_FALSE(wrong.correct);
    EXPECT_EQ(wrong.error, 0.25f);
    EXPECT_EQ(wrong.refusal, "dropped: differs from the generic kernel by 0.25 of the largest value");
}

TEST(Verdict, NaNMustBeOnBothSides) {
    EXPECT_FALSE(verdict(DataType::kFLOAT, {1, NAN}, {1, 1}).correct);
    EXPECT_FALSE(verdict(DataType::kFLOAT, {1, 1}, {1, NAN}).correct);
    EXPECT_TRUE(verdict(DataType::kFLOAT, {1, NAN}, {1, NAN}).correct);
}

TEST(Verdict, InfinityMustBeTheSame) {
    EXPECT_TRUE(verdict(DataType::kFLOAT, {INFINITY, 1}, {INFINITY, 1}).correct);
    EXPECT_FALSE(verdict(DataType::kFLOAT, {-INFINITY, 1}, {INFINITY, 1}).correct);
    EXPECT_FALSE(verdict(DataType::kFLOAT, {INFINITY, 1}, {1e30, 1}).correct);
    EXPECT_FALSE(verdict(DataType::kFLOAT, {INFINITY, 2}, {INFINITY, 1}).correct) << "an infinity elsewhere excuses nothing";
}

TEST(Verdict, ErrorsAreMeasuredAgainstTheLargestMagnitude) {
    EXPECT_EQ(verdict(DataType::kFLOAT, {100, 2}, {100, 1}).error, 0.01f);
    EXPECT_EQ(verdict(DataType::kFLOAT, {0.5, 0}, {0, 0}).error, 0.5f) << "of a reference of zeros: the difference itself";
}

struct Edge {
    const char* name;
    DataType dtype;
    OnTheWay rounded;
    double allowed; // of a largest value of 1024
};

class Tolerance : public testing::TestWithParam<Edge> {};

TEST_P(Tolerance, JustUnderIsCorrectAndJustOverIsNot) {
    const auto [name, dtype, rounded, allowed] = GetParam();
    EXPECT_TRUE(verdict(dtype, {1024, allowed}, {1024, 0}, rounded).correct);
    EXPECT_FALSE(verdict(dtype, {1024, allowed * 1.01}, {1024, 0}, rounded).correct);
}

INSTANTIATE_TEST_SUITE_P(Types, Tolerance,
                         testing::Values(Edge{"float32", DataType::kFLOAT, OnTheWay::kEXACT, 0.999e-4 * 1024},
                                         Edge{"float16", DataType::kHALF, OnTheWay::kEXACT, 3.99e-3 * 1024},
                                         Edge{"float32_through_float16", DataType::kFLOAT, OnTheWay::kHALF, 3.99e-3 * 1024},
                                         Edge{"bfloat16", DataType::kBF16, OnTheWay::kEXACT, 3.19e-2 * 1024},
                                         Edge{"float32_of_bfloat16", DataType::kFLOAT, OnTheWay::kBFLOAT, 3.19e-2 * 1024}),
                         [](const auto& row) { return row.param.name; });

TEST(Verdict, IntegersMustBeEqual) {
    EXPECT_TRUE(verdict(DataType::kINT32, {1 << 30, 7}, {1 << 30, 7}).correct);
    EXPECT_FALSE(verdict(DataType::kINT32, {1 << 30, 8}, {1 << 30, 7}).correct);
    EXPECT_FALSE(verdict(DataType::kBOOL, {1}, {0}).correct);
}

TEST(Verdict, EveryOutputCounts) {
    std::vector<Tensor> reference = tensors(DataType::kFLOAT, {1, 2});
    reference.push_back(tensors(DataType::kINT32, {3})[0]);
    std::vector<Tensor> result = reference;
    EXPECT_TRUE(compare(result, reference).correct);
    result[1].set(0, 4);
    EXPECT_FALSE(compare(result, reference).correct);
    result = reference;
    result[0].set(1, 3);
    EXPECT_FALSE(compare(result, reference).correct) << "a right output behind a wrong one excuses nothing";
}

} // namespace
} // namespace tensorvk::builder
