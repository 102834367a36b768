// Expressions fold and simplify at once, so that equal dimensions have equal ids.
#include "shape/expr.hpp"

#include <cstdint>
#include <limits>

#include <gtest/gtest.h>

#include "support/error.hpp"

namespace tensorvk::shape {
namespace {

class ExprPoolTest : public testing::Test {
  protected:
    Expr c(std::int64_t value) { return pool.constant(value); }
    //! The value once n and m are known.
    std::int64_t at(Expr e, std::int64_t n_value, std::int64_t m_value) {
        const std::int64_t symbols[] = {n_value, m_value};
        return pool.evaluate(symbols)[static_cast<std::size_t>(e.id)];
    }

    ExprPool pool;
    Expr n = pool.symbol("x:0");
    Expr m = pool.symbol("x:2");
};

TEST_F(ExprPoolTest, EqualExpressionsHaveEqualIds) {
    EXPECT_EQ(pool.add(n, c(3)), pool.add(n, c(3)));
    EXPECT_EQ(pool.add(n, m), pool.add(m, n));
    EXPECT_EQ(pool.mul(c(4), n), pool.mul(n, c(4)));
    EXPECT_NE(pool.sub(n, m), pool.sub(m, n));
}

TEST_F(ExprPoolTest, DifferencesOfNeighboursAreKnown) {
    EXPECT_EQ(pool.value(pool.sub(pool.add(n, c(7)), n)), 7);
    EXPECT_EQ(pool.value(pool.sub(n, pool.add(c(2), n))), -2);
    EXPECT_EQ(pool.value(pool.sub(pool.add(n, c(7)), pool.sub(n, c(2)))), 9);
    EXPECT_EQ(pool.value(pool.sub(pool.add(n, c(7)), m)), std::nullopt);
    EXPECT_EQ(pool.value(pool.sub(pool.mul(n, c(2)), n)), std::nullopt);
    EXPECT_EQ(at(pool.sub(pool.add(n, c(7)), m), 5, 2), 10);
}

TEST_F(ExprPoolTest, ConstantsFoldAtOnce) {
    struct Row {
        ExprOp op;
        std::int64_t a, b, result;
    };
    for (const Row& row :
         {Row{ExprOp::kADD, 3, 4, 7}, Row{ExprOp::kSUB, 3, 4, -1}, Row{ExprOp::kMUL, 3, 4, 12},
          Row{ExprOp::kFLOOR_DIV, 7, 2, 3}, Row{ExprOp::kFLOOR_DIV, -7, 2, -4}, Row{ExprOp::kCEIL_DIV, 7, 2, 4},
          Row{ExprOp::kCEIL_DIV, -7, 2, -3}, Row{ExprOp::kMOD, -7, 3, 2}, Row{ExprOp::kMOD, 7, -3, -2},
          Row{ExprOp::kMIN, 3, 4, 3}, Row{ExprOp::kMAX, 3, 4, 4}, Row{ExprOp::kEQUAL, 3, 3, 1},
          Row{ExprOp::kEQUAL, 3, 4, 0}, Row{ExprOp::kLESS, 3, 4, 1}, Row{ExprOp::kLESS, 4, 4, 0}}) {
        EXPECT_EQ(pool.value(pool.make(row.op, c(row.a), c(row.b))), row.result)
            << static_cast<int>(row.op) << " of " << row.a << " and " << row.b;
    }
}

TEST_F(ExprPoolTest, NeutralElementsDisappear) {
    EXPECT_EQ(pool.add(n, c(0)), n);
    EXPECT_EQ(pool.sub(n, c(0)), n);
    EXPECT_EQ(pool.mul(n, c(1)), n);
    EXPECT_EQ(pool.floor_div(n, c(1)), n);
    EXPECT_EQ(pool.ceil_div(n, c(1)), n);
    EXPECT_TRUE(pool.is(pool.mul(n, c(0)), 0));
    EXPECT_TRUE(pool.is(pool.make(ExprOp::kMOD, n, c(1)), 0));
    EXPECT_TRUE(pool.is(pool.sub(n, n), 0));
    EXPECT_EQ(pool.min(n, n), n);
    EXPECT_EQ(pool.max(n, n), n);
    EXPECT_TRUE(pool.is(pool.make(ExprOp::kEQUAL, n, n), 1));
}

TEST_F(ExprPoolTest, AConvolutionThatKeepsTheExtentGivesTheSameId) {
    const Expr room = pool.sub(pool.add(n, c(2)), c(3)); // padding 1 and 1, window 3
    EXPECT_EQ(pool.add(pool.floor_div(room, c(1)), c(1)), n);
}

TEST_F(ExprPoolTest, ScalingUpAndDownAgainGivesTheSameId) {
    EXPECT_EQ(pool.floor_div(pool.mul(n, c(6)), c(3)), pool.mul(n, c(2)));
    EXPECT_EQ(pool.floor_div(pool.mul(n, m), m), n);
    EXPECT_EQ(pool.mul(pool.mul(n, c(2)), c(3)), pool.mul(n, c(6)));
}

TEST_F(ExprPoolTest, ScalingDownAndUpIsNotSimplified) {
    const Expr even = pool.mul(pool.floor_div(n, c(2)), c(2));
    EXPECT_NE(even, n);
    EXPECT_EQ(at(even, 7, 1), 6);
}

TEST_F(ExprPoolTest, EvaluatesForGivenSymbols) {
    EXPECT_EQ(at(pool.add(pool.mul(n, m), c(1)), 3, 5), 16);
    EXPECT_EQ(at(pool.ceil_div(n, m), 7, 2), 4);
    EXPECT_EQ(at(pool.max(pool.sub(n, c(10)), c(0)), 4, 1), 0);
    EXPECT_EQ(at(pool.make(ExprOp::kLESS, n, m), 4, 5), 1);
}

TEST_F(ExprPoolTest, ProductOfNothingIsOne) {
    EXPECT_TRUE(pool.is(pool.product({}), 1));
}

TEST_F(ExprPoolTest, SaysWhatItIs) {
    EXPECT_EQ(pool.str(pool.floor_div(pool.mul(n, c(4)), m)), "((x:0 * 4) // x:2)");
}

TEST_F(ExprPoolTest, WhatItSaysHasALimit) {
    Expr doubled = n;
    for (int i = 0; i < 100; ++i) { // its full text has 2^100 times the name
        doubled = pool.mul(pool.add(doubled, m), doubled);
    }
    const std::string said = pool.str(doubled);
    EXPECT_LT(said.size(), 300u);
    EXPECT_TRUE(said.ends_with("...")) << said;
}

TEST_F(ExprPoolTest, OverflowAndDivisionByZeroAreSentencesNotTraps) {
    EXPECT_THROW((void)pool.mul(c(std::numeric_limits<std::int64_t>::max()), c(2)), InvalidArgument);
    EXPECT_THROW((void)pool.floor_div(c(1), c(0)), InvalidArgument);
    const Expr square = pool.mul(n, n);
    EXPECT_THROW((void)at(square, std::int64_t{1} << 40, 1), InvalidArgument);
}

TEST_F(ExprPoolTest, IsAtMostWhatTheBoundsOfItsSymbolsAllow) {
    EXPECT_EQ(pool.at_most(c(7)), 7);
    const Expr area = pool.mul(pool.add(n, c(1)), m);
    pool.bound(pool.node(n).value, 9);
    EXPECT_EQ(pool.at_most(area), std::nullopt) << "m has no bound";
    EXPECT_EQ(pool.at_most(pool.mul(n, n)), 81);
    pool.bound(pool.node(m).value, 5);
    pool.bound(pool.node(n).value, 4); // of two bounds the larger holds
    EXPECT_EQ(pool.at_most(area), 50);
    const shape::ExprPool copy = pool;
    EXPECT_EQ(copy.at_most(area), 50);
    EXPECT_EQ(pool.at_most(pool.sub(n, m)), 9) << "m may be 0";
    EXPECT_EQ(pool.at_most(pool.sub(n, c(2))), 7);
    EXPECT_EQ(pool.at_most(pool.sub(c(100), m)), 100);
    EXPECT_EQ(pool.at_most(pool.floor_div(n, m)), 9) << "m may be 1";
    EXPECT_EQ(pool.at_most(pool.ceil_div(n, c(2))), 5);
    EXPECT_EQ(pool.at_most(pool.make(ExprOp::kMOD, n, c(4))), 3);
    pool.bound(pool.node(n).value, std::int64_t{1} << 40);
    EXPECT_EQ(pool.at_most(pool.mul(n, n)), std::nullopt) << "more than 64 bits";
}

TEST_F(ExprPoolTest, AWrongNumberOfSymbolsIsRefused) {
    const std::int64_t one[] = {1};
    EXPECT_THROW((void)pool.evaluate(one), InternalError);
}

TEST(ExprPoolFromNodes, RefusesWhatRefersForwardOrToMissingSymbols) {
    EXPECT_NO_THROW((void)ExprPool::from_nodes({{ExprOp::kSYMBOL, 0, {}, {}}}, {"x:0"}));
    EXPECT_THROW((void)ExprPool::from_nodes({{ExprOp::kSYMBOL, 1, {}, {}}}, {"x:0"}), InvalidPlan);
    EXPECT_THROW((void)ExprPool::from_nodes({{ExprOp::kADD, 0, Expr{0}, Expr{0}}}, {}), InvalidPlan);
    EXPECT_THROW((void)ExprPool::from_nodes({{ExprOp::kCONSTANT, 1, {}, {}}, {ExprOp::kADD, 0, Expr{0}, Expr{2}}}, {}),
                 InvalidPlan);
}

} // namespace
} // namespace tensorvk::shape
