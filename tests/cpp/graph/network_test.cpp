// What a network promises beyond single rules: names, outputs, changes after the fact.
#include "graph/fixture.hpp"

namespace tensorvk::graph {
namespace {

class NetworkContract : public NetworkTest {
  protected:
    Tensor* relu(Tensor* x) { return add(LayerType::kACTIVATION, {x}, ActivationAttributes{}); }
};

TEST_F(NetworkContract, LayersAndTensorsGetNames) {
    Tensor* y = relu(in({3}));
    EXPECT_EQ(y->producer->name, "(Unnamed Layer* 0) [Activation]");
    EXPECT_EQ(y->name, "(Unnamed Layer* 0) [Activation]_output");
    EXPECT_EQ(network.find(y->name), y);
}

TEST_F(NetworkContract, TensorNamesAreUnique) {
    Tensor* y = relu(in({3}));
    EXPECT_THROW(network.rename(y, "x"), InvalidArgument);
    EXPECT_THROW(in({3}), InvalidArgument);
    network.rename(y, "y");
    EXPECT_EQ(network.find("y"), y);
    EXPECT_THROW(network.add_input("", DataType::kFLOAT, Numbers{1}), InvalidArgument);
}

TEST_F(NetworkContract, DynamicDimensionsBecomeMinusOne) {
    const Dims shown = network.dims(*in({-1, 3}));
    EXPECT_EQ(shown.nbDims, 2);
    EXPECT_EQ(shown.d[0], -1);
    EXPECT_EQ(shown.d[1], 3);
    EXPECT_THROW(in({-2}, "y"), InvalidArgument);
    EXPECT_THROW(in(Numbers(9, 1), "z"), InvalidArgument);
}

TEST_F(NetworkContract, OutputsAreMarkedOnce) {
    Tensor* y = relu(in({3}));
    network.mark_output(y);
    EXPECT_THROW(network.mark_output(y), InvalidArgument);
    EXPECT_EQ(network.outputs(), std::vector<Tensor*>{y});
    network.unmark_output(y);
    EXPECT_TRUE(network.outputs().empty());
    EXPECT_THROW(network.unmark_output(y), InvalidArgument);
}

TEST_F(NetworkContract, TensorsOfAnotherNetworkAreRefused) {
    Network other;
    Tensor* foreign = other.add_input("f", DataType::kFLOAT, Numbers{3});
    EXPECT_REFUSED(refusal(LayerType::kACTIVATION, {foreign}, ActivationAttributes{}), "belongs to another network");
    EXPECT_THROW(network.mark_output(foreign), InvalidArgument);
}

TEST_F(NetworkContract, ANewInputShapeFlowsThrough) {
    Tensor* x = in({1, 3, 8, 8});
    PoolingAttributes pool;
    pool.geometry.window = {2, 2};
    pool.geometry.stride = {2, 2};
    Tensor* y = relu(add(LayerType::kPOOLING, {x}, pool));
    network.set_input_dims(x, Numbers{-1, 3, 20, 8});
    EXPECT_EQ(dims(y), "[x:0, 3, 10, 4]");
    EXPECT_EQ(network.exprs().symbols().size(), 1u);
    network.set_input_dims(x, Numbers{2, 3, 8, 8});
    EXPECT_EQ(dims(y), "[2, 3, 4, 4]");
    EXPECT_TRUE(network.exprs().symbols().empty()) << "no symbol of an earlier shape is left";
}

TEST_F(NetworkContract, AnInputShapeThatDoesNotFitChangesNothing) {
    Tensor* x = in({2, 6});
    ShuffleAttributes a;
    a.reshape = Numbers{3, 4};
    Tensor* y = add(LayerType::kSHUFFLE, {x}, a);
    EXPECT_THROW(network.set_input_dims(x, Numbers{2, 7}), InvalidArgument);
    EXPECT_EQ(dims(x), "[2, 6]");
    EXPECT_EQ(dims(y), "[3, 4]");
}

TEST_F(NetworkContract, ChangedAttributesFlowThrough) {
    Tensor* x = in({2, 3, 4});
    Layer* reduce = network.add_layer(LayerType::kREDUCE, {x}, ReduceAttributes{ReduceOperation::kSUM, 0b100, false});
    Tensor* y = relu(reduce->outputs[0]);
    std::get<ReduceAttributes>(reduce->attributes).keep_dims = true;
    network.update(reduce);
    EXPECT_EQ(dims(y), "[2, 3, 1]");
    std::get<ReduceAttributes>(reduce->attributes).axes = 0;
    EXPECT_THROW(network.update(reduce), InvalidArgument);
    EXPECT_EQ(dims(y), "[2, 3, 1]");
}

TEST_F(NetworkContract, ChangedInputsFlowThroughAndCyclesAreRefused) {
    Tensor* y = relu(in({2}));
    Tensor* z = relu(y);
    network.set_input(y->producer, 0, in({5}, "other"));
    EXPECT_EQ(dims(z), "[5]");
    EXPECT_THROW(network.set_input(y->producer, 0, z), InvalidArgument);
    EXPECT_EQ(dims(z), "[5]");
}

TEST_F(NetworkContract, AnEarlierLayerMayDependOnALaterOne) {
    Tensor* x = in({2});
    Layer* first = relu(x)->producer;
    Layer* second = relu(x)->producer;
    network.set_input(first, 0, second->outputs[0]);
    EXPECT_EQ(network.topological(), (std::vector<Layer*>{second, first}));
}

TEST_F(NetworkContract, OutputTypesAreTheUsersWord) {
    Tensor* x = in({2}, "x", DataType::kINT32);
    Layer* identity = network.add_layer(LayerType::kIDENTITY, {x}, NoAttributes{});
    identity->output_types[0] = DataType::kFLOAT;
    network.update(identity);
    EXPECT_EQ(identity->outputs[0]->dtype, DataType::kFLOAT);
}

TEST_F(NetworkContract, DimensionsOfOneNameAreOneSymbol) {
    Tensor* a = network.add_input("a", DataType::kFLOAT, Numbers{-1, 3}, {"batch", ""});
    Tensor* b = network.add_input("b", DataType::kFLOAT, Numbers{-1, 3}, {"batch", ""});
    EXPECT_EQ(a->dims, b->dims);
    Tensor* c = in({-1, 3}, "c");
    EXPECT_NE(a->dims[0], c->dims[0]);
    network.set_dimension_name(c, 0, "batch");
    EXPECT_EQ(a->dims[0], c->dims[0]);
}

TEST_F(NetworkContract, AttributesMustBelongToTheLayer) {
    EXPECT_REFUSED(refusal(LayerType::kACTIVATION, {in({1})}, UnaryAttributes{}), "attributes of another layer type");
    EXPECT_REFUSED(refusal(LayerType::kACTIVATION, {in({1}, "y"), in({1}, "z")}, ActivationAttributes{}),
                   "takes 1 inputs, 2 were given");
}

TEST_F(NetworkContract, ConstantsCheckTheirVolume) {
    EXPECT_THROW(network.add_constant({2, 3}, floats(5)), InvalidArgument);
    EXPECT_THROW(network.add_constant({-1}, floats(1)), InvalidArgument);
    EXPECT_EQ(dims(network.add_constant({0}, floats(0))), "[0]");
}

} // namespace
} // namespace tensorvk::graph
