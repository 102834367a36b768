// ONNX files from strangers: whatever the bytes, import_model() returns; what is wrong with them is in its result.
//
// Bytes mutated blindly rarely stay a model, so the mutator mostly changes the parsed message: operators, attributes,
// edges, shapes.
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "onnx/importer.hpp"
#include "onnx/onnx.pb.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace {

using namespace tensorvk;
using Random = std::minstd_rand;

constexpr int kFloat = 1;
constexpr int kInt64 = 7;
constexpr int kIntAttribute = 2;
constexpr int kIntsAttribute = 7;
constexpr std::int64_t kNumbers[] = {0, 1, 2, 3, 4, 7, 17, -1, -2, -9, 1 << 20, INT32_MAX, INT64_MAX, INT64_MIN};
constexpr const char* kAttributes[] = {"axis",         "axes",           "pads",   "strides",      "dilations",
                                       "kernel_shape", "group",          "perm",   "keepdims",     "ceil_mode",
                                       "to",           "starts",         "ends",   "split",        "shape",
                                       "allowzero",    "output_padding", "transA", "storage_order"};

std::size_t pick(Random& random, std::size_t count) {
    return random() % count;
}
std::int64_t number(Random& random) {
    return kNumbers[pick(random, std::size(kNumbers))];
}

void add_tensor(onnx_pb::GraphProto& graph, const char* name, std::vector<std::int64_t> dims, int type) {
    onnx_pb::TensorProto& tensor = *graph.add_initializer();
    tensor.set_name(name);
    tensor.set_data_type(type);
    std::int64_t count = 1;
    for (const std::int64_t dim : dims) {
        tensor.add_dims(dim);
        count *= dim;
    }
    for (std::int64_t i = 0; i < count; ++i) {
        type == kInt64 ? tensor.add_int64_data(i + 1) : tensor.add_float_data(0.5F);
    }
}

void add_node(onnx_pb::GraphProto& graph, const char* op, std::vector<std::string> inputs, const std::string& output) {
    onnx_pb::NodeProto& node = *graph.add_node();
    node.set_op_type(op);
    node.set_name(output);
    for (const std::string& input : inputs) node.add_input(input);
    node.add_output(output);
}

std::string seed_model() {
    onnx_pb::ModelProto model;
    model.set_ir_version(8);
    model.add_opset_import()->set_version(13);
    onnx_pb::GraphProto& graph = *model.mutable_graph();
    onnx_pb::ValueInfoProto& input = *graph.add_input();
    input.set_name("x");
    auto& type = *input.mutable_type()->mutable_tensor_type();
    type.set_elem_type(kFloat);
    type.mutable_shape()->add_dim()->set_dim_param("batch");
    for (const int dim : {3, 8, 8}) type.mutable_shape()->add_dim()->set_dim_value(dim);
    add_tensor(graph, "w", {4, 3, 3, 3}, kFloat);
    add_tensor(graph, "s", {4}, kInt64);
    add_node(graph, "Conv", {"x", "w"}, "a");
    add_node(graph, "Relu", {"a"}, "b");
    add_node(graph, "Add", {"a", "b"}, "c");
    add_node(graph, "Shape", {"c"}, "d");
    add_node(graph, "Reshape", {"c", "d"}, "e");
    add_node(graph, "Concat", {"e", "c"}, "f");
    onnx_pb::AttributeProto& axis = *graph.mutable_node(5)->add_attribute();
    axis.set_name("axis");
    axis.set_type(kIntAttribute);
    axis.set_i(1);
    graph.add_output()->set_name("f");
    return model.SerializeAsString();
}

void change_operator(onnx_pb::NodeProto& node, Random& random) {
    static const std::vector<std::string> operators = onnx::supported_operators();
    node.set_op_type(operators[pick(random, operators.size())]);
}

void change_attribute(onnx_pb::NodeProto& node, Random& random) {
    if (node.attribute_size() > 6) node.clear_attribute();
    onnx_pb::AttributeProto& attribute = *node.add_attribute();
    attribute.set_name(kAttributes[pick(random, std::size(kAttributes))]);
    if (random() % 2 == 0) {
        attribute.set_type(kIntAttribute);
        attribute.set_i(number(random));
        return;
    }
    attribute.set_type(kIntsAttribute);
    for (std::size_t i = random() % 5; i > 0; --i) attribute.add_ints(number(random));
}

void change_edge(onnx_pb::NodeProto& node, Random& random) {
    constexpr const char* kNames[] = {"x", "w", "s", "a", "b", "c", "d", "e", "f", ""};
    const char* const name = kNames[pick(random, std::size(kNames))];
    const auto count = static_cast<std::size_t>(node.input_size());
    if (count == 0 || (random() % 4 == 0 && count < 6)) {
        node.add_input(name);
    } else {
        node.set_input(static_cast<int>(pick(random, count)), name);
    }
}

void change_shape(onnx_pb::GraphProto& graph, Random& random) {
    if (graph.initializer_size() == 0) return;
    auto& tensor =
        *graph.mutable_initializer(static_cast<int>(pick(random, static_cast<std::size_t>(graph.initializer_size()))));
    switch (random() % 4) {
        case 0:
            tensor.add_dims(number(random));
            return;
        case 1:
            tensor.set_data_type(static_cast<int>(random() % 18));
            return;
        case 2:
            tensor.add_int64_data(number(random));
            return;
        default:
            if (tensor.dims_size() > 0)
                tensor.set_dims(static_cast<int>(pick(random, static_cast<std::size_t>(tensor.dims_size()))),
                                number(random));
    }
}

void change(onnx_pb::ModelProto& model, Random& random) {
    onnx_pb::GraphProto& graph = *model.mutable_graph();
    const auto nodes = static_cast<std::size_t>(graph.node_size());
    if (nodes == 0 || random() % 4 == 0) {
        change_shape(graph, random);
        return;
    }
    constexpr void (*kChanges[])(onnx_pb::NodeProto&, Random&) = {change_operator, change_attribute, change_edge};
    kChanges[pick(random, std::size(kChanges))](*graph.mutable_node(static_cast<int>(pick(random, nodes))), random);
}

} // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned int seed) {
    static const std::string first = seed_model();
    Random random(seed);
    onnx_pb::ModelProto model;
    if (!model.ParsePartialFromArray(data, static_cast<int>(size)) || model.graph().node_size() == 0) {
        if (!model.ParseFromString(first)) return size;
    } else if (random() % 4 == 0) {
        return LLVMFuzzerMutate(data, size, max_size);
    }
    for (std::size_t changes = 1 + random() % 3; changes > 0; --changes) change(model, random);
    const std::string changed = model.SerializePartialAsString();
    if (changed.size() > max_size) return size;
    std::memcpy(data, changed.data(), changed.size());
    return changed.size();
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    graph::Network network;
    const onnx::ImportResult result = onnx::import_model(std::as_bytes(std::span(data, size)), {}, network);
    for (const onnx::NodeError& error : result.errors) {
        if (onnx::describe(error).empty()) std::abort();
    }
    return 0;
}
