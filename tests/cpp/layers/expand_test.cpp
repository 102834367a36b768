// Boundary layers become layers that run networks, composite layers become what they are made of.
#include "layers/expand.hpp"

#include <gtest/gtest.h>

#include "support/error.hpp"

namespace tensorvk::layers {
namespace {

using graph::BoundaryAttributes;
using graph::Construct;
using graph::Layer;
using graph::Network;
using graph::Tensor;

struct Loop {
    Network network;
    std::shared_ptr<Construct> construct = std::make_shared<Construct>(Construct{Construct::Kind::kLOOP, "loop"});

    BoundaryAttributes boundary() const { return {construct, TripLimit::kCOUNT, LoopOutput::kLAST_VALUE, 0, false}; }
    Tensor* input(const std::string& name, DataType type, std::vector<std::int64_t> dims) { return network.add_input(name, type, dims); }
    Layer* add(LayerType type, std::vector<Tensor*> inputs) { return network.add_layer(type, std::move(inputs), boundary()); }
    Tensor* sum(Tensor* a, Tensor* b) {
        return network.add_layer(LayerType::kELEMENTWISE, {a, b}, graph::ElementWiseAttributes{ElementWiseOperation::kSUM})->outputs[0];
    }
};

const Layer* find(const Network& network, LayerType type) {
    for (const auto& layer : network.layers()) {
        if (layer->type == type) {
            return layer.get();
        }
    }
    return nullptr;
}

std::string message_of(const Network& network) {
    try {
        (void)expand(network);
    } catch (const Error& error) {
        return error.what();
    }
    return "";
}

TEST(Expand, LeavesNetworksAloneThatNeedNothing) {
    Loop l;
    l.network.mark_output(l.sum(l.input("a", DataType::kFLOAT, {3}), l.input("b", DataType::kFLOAT, {3})));
    EXPECT_EQ(expand(l.network), nullptr);
}

TEST(Expand, PutsWhatDependsOnARecurrenceIntoABody) {
    Loop l;
    Tensor* x = l.input("x", DataType::kFLOAT, {-1, 3});
    Tensor* step = l.input("step", DataType::kFLOAT, {-1, 3});
    Tensor* doubled = l.sum(step, step); // depends on nothing inside
    l.add(LayerType::kTRIP_LIMIT, {l.input("trips", DataType::kINT32, {})});
    Layer* carried = l.add(LayerType::kRECURRENCE, {x});
    Tensor* next = l.sum(carried->outputs[0], doubled);
    l.network.set_input(carried, 1, next);
    Tensor* last = l.add(LayerType::kLOOP_OUTPUT, {carried->outputs[0]})->outputs[0];
    l.network.rename(last, "y");
    l.network.mark_output(last);

    const auto expanded = expand(l.network);
    ASSERT_NE(expanded, nullptr);
    const Layer* loop = find(*expanded, LayerType::kCONTROL);
    ASSERT_NE(loop, nullptr);
    EXPECT_EQ(loop->inputs.size(), 4U) << "trip count, no condition, x, and the doubled step from outside";
    const Network& body = *std::get<graph::ControlAttributes>(loop->attributes).bodies[0];
    EXPECT_NE(find(body, LayerType::kELEMENTWISE), nullptr);
    EXPECT_NE(find(*expanded, LayerType::kELEMENTWISE), nullptr) << "the doubled step is computed once, outside";
    ASSERT_EQ(expanded->outputs().size(), 1U);
    EXPECT_EQ(expanded->outputs()[0]->name, "y");
    EXPECT_EQ(expanded->describe_dims(*expanded->outputs()[0]), "[x:0, 3]");
}

TEST(Expand, RefusesALoopWithoutAnEnd) {
    Loop l;
    Layer* carried = l.add(LayerType::kRECURRENCE, {l.input("x", DataType::kFLOAT, {3})});
    l.network.set_input(carried, 1, l.sum(carried->outputs[0], carried->outputs[0]));
    l.network.mark_output(l.add(LayerType::kLOOP_OUTPUT, {carried->outputs[0]})->outputs[0]);
    EXPECT_EQ(message_of(l.network), "Loop 'loop' has no end; give it one with add_trip_limit.");
}

TEST(Expand, RefusesARecurrenceWithoutANextValue) {
    Loop l;
    l.add(LayerType::kTRIP_LIMIT, {l.input("trips", DataType::kINT32, {})});
    Layer* carried = l.add(LayerType::kRECURRENCE, {l.input("x", DataType::kFLOAT, {3})});
    l.network.mark_output(l.add(LayerType::kLOOP_OUTPUT, {carried->outputs[0]})->outputs[0]);
    EXPECT_NE(message_of(l.network).find("has no value for the next iteration"), std::string::npos);
}

TEST(Expand, RefusesValuesThatLeaveALoopWithoutAnOutput) {
    Loop l;
    l.add(LayerType::kTRIP_LIMIT, {l.input("trips", DataType::kINT32, {})});
    Layer* carried = l.add(LayerType::kRECURRENCE, {l.input("x", DataType::kFLOAT, {3})});
    Tensor* inside = l.sum(carried->outputs[0], carried->outputs[0]);
    l.network.set_input(carried, 1, inside);
    l.network.mark_output(inside);
    EXPECT_NE(message_of(l.network).find("is computed inside of loop 'loop' and used outside of it"), std::string::npos);
}

TEST(Expand, KnowsThatExtentsOfAGrowingStateVary) {
    Loop l;
    l.add(LayerType::kTRIP_LIMIT, {l.input("trips", DataType::kINT32, {})});
    Tensor* x = l.input("x", DataType::kFLOAT, {2, 3});
    Layer* carried = l.add(LayerType::kRECURRENCE, {x});
    Tensor* next = l.network.add_layer(LayerType::kCONCATENATION, {carried->outputs[0], x}, graph::ConcatenationAttributes{0})->outputs[0];
    l.network.set_input(carried, 1, next);
    const Dims dims = l.network.dims(*carried->outputs[0]);
    EXPECT_EQ(dims.d[0], -1);
    EXPECT_EQ(dims.d[1], 3);
    l.network.mark_output(l.add(LayerType::kLOOP_OUTPUT, {carried->outputs[0]})->outputs[0]);
    const auto expanded = expand(l.network);
    EXPECT_EQ(expanded->dims(*expanded->outputs()[0]).d[0], -1);
}

} // namespace
} // namespace tensorvk::layers
