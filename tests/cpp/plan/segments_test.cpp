#include "plan/segments.hpp"

#include <gtest/gtest.h>

namespace tensorvk::plan {
namespace {

//! x -> [dispatch] -> a -> [dispatch] -> b -> [host] -> c (of `count` elements) -> [dispatch, with constant w] -> y
struct Case {
    Program program;
    shape::Expr count;
    std::int32_t x, a, b, c, w, y;

    std::int32_t buffer(const char* name, BufferKind kind, shape::Expr bytes) {
        program.buffers.push_back({name, kind, bytes, 0});
        return static_cast<std::int32_t>(program.buffers.size()) - 1;
    }
    void dispatch(std::vector<Binding> bindings, shape::Expr groups) {
        Step step;
        step.layer = "dispatch";
        step.groups = {groups, program.exprs.constant(1), program.exprs.constant(1)};
        step.bindings = std::move(bindings);
        step.group = static_cast<std::int32_t>(program.steps.size());
        program.steps.push_back(std::move(step));
    }
    Case() {
        const shape::Expr four = program.exprs.constant(4);
        count = program.exprs.symbol("count");
        x = buffer("x", BufferKind::kINPUT, four);
        a = buffer("a", BufferKind::kARENA, four);
        b = buffer("b", BufferKind::kARENA, four);
        c = buffer("c", BufferKind::kARENA, program.exprs.mul(count, four));
        w = buffer("w", BufferKind::kCONSTANT, four);
        y = buffer("y", BufferKind::kOUTPUT, program.exprs.mul(count, four));
        dispatch({{x, false}, {a, true}}, four);
        dispatch({{a, false}, {b, true}}, four);
        dispatch({{b, false}, {c, true}}, four);
        auto host = std::make_shared<HostCall>();
        host->definitions = {{0, 0, 0, {}}};
        program.steps.back().host = std::move(host);
        dispatch({{c, false}, {w, false}, {y, true}}, count);
    }
};

TEST(Segments, DispatchesBetweenHostStepsAreProgramsOfTheirOwn) {
    const Case given;
    const std::vector<Segment> segments = split(given.program);
    ASSERT_EQ(segments.size(), 3u);
    ASSERT_NE(segments[0].dispatches, nullptr);
    EXPECT_EQ(segments[0].dispatches->steps.size(), 2u);
    EXPECT_EQ(segments[1].dispatches, nullptr);
    EXPECT_EQ(segments[1].step, 2u);
    EXPECT_EQ(segments[2].dispatches->steps.size(), 1u);
}

TEST(Segments, WhatLivesBeyondASegmentIsItsInputOrOutput) {
    const Case given;
    const std::vector<Segment> segments = split(given.program);
    EXPECT_EQ(segments[0].io_buffers, (std::vector<std::int32_t>{given.x, given.b})) << "a stays inside";
    EXPECT_EQ(segments[0].dispatches->io[0].mode, TensorIOMode::kINPUT);
    EXPECT_EQ(segments[0].dispatches->io[1].mode, TensorIOMode::kOUTPUT);
    EXPECT_EQ(segments[2].io_buffers, (std::vector<std::int32_t>{given.c, given.y})) << "w is a constant";
}

TEST(Segments, HaveTheSymbolsThatTheyNeed) {
    const Case given;
    const std::vector<Segment> segments = split(given.program);
    EXPECT_TRUE(segments[0].symbols.empty());
    EXPECT_EQ(segments[2].symbols, std::vector<std::int32_t>{0});
    const Program& last = *segments[2].dispatches;
    EXPECT_EQ(last.exprs.evaluate(std::vector<std::int64_t>{7})[static_cast<std::size_t>(last.steps[0].groups[0].id)], 7);
}

//! The last dispatch reads half of `a`, which the first segment wrote.
Case with_view() {
    Case given;
    plan::Buffer half{.name = "half", .kind = BufferKind::kVIEW, .bytes = given.program.exprs.constant(2), .whole = given.a, .offset = given.program.exprs.constant(2)};
    given.program.buffers.push_back(half);
    given.program.steps.back().bindings.push_back({static_cast<std::int32_t>(given.program.buffers.size()) - 1, false});
    return given;
}

TEST(Segments, AViewBringsTheWholeAlong) {
    const Case given = with_view();
    const std::vector<Segment> segments = split(given.program);
    EXPECT_EQ(segments[0].io_buffers, (std::vector<std::int32_t>{given.x, given.a, given.b})) << "a is read later";
    EXPECT_EQ(segments[2].io_buffers, (std::vector<std::int32_t>{given.c, given.a, given.y}));
    const Program& last = *segments[2].dispatches;
    const Buffer& view = last.buffers[static_cast<std::size_t>(last.steps[0].bindings.back().buffer)];
    ASSERT_EQ(view.kind, BufferKind::kVIEW);
    EXPECT_EQ(last.buffers[static_cast<std::size_t>(view.whole)].name, "a");
    EXPECT_EQ(last.exprs.value(view.offset), 2);
    EXPECT_EQ(last_uses(given.program, segments)[static_cast<std::size_t>(given.a)], 2);
}

TEST(Segments, LastUses) {
    const Case given;
    const std::vector<std::int32_t> last = last_uses(given.program, split(given.program));
    EXPECT_EQ(last, (std::vector<std::int32_t>{0, 0, 1, 2, 2, 2}));
}

TEST(Segments, InitStepsGoWithTheSegmentsThatReadWhatTheyPrepare) {
    Case given;
    given.program.buffers[static_cast<std::size_t>(given.w)].kind = BufferKind::kDERIVED;
    const std::int32_t raw = given.buffer("raw", BufferKind::kCONSTANT, given.program.exprs.constant(4));
    Step prepare = given.program.steps[0];
    prepare.bindings = {{raw, false}, {given.w, true}};
    given.program.init.push_back(prepare);
    const std::vector<Segment> segments = split(given.program);
    EXPECT_TRUE(segments[0].dispatches->init.empty());
    EXPECT_EQ(segments[2].dispatches->init.size(), 1u);
}

} // namespace
} // namespace tensorvk::plan
