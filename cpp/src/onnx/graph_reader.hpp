// Walks a model's graph: inputs, initializers, nodes in order, outputs.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "onnx/control.hpp"
#include "onnx/function_source.hpp"
#include "onnx/importer.hpp"
#include "onnx/scope.hpp"

namespace tensorvk::onnx {

class GraphReader {
  public:
    GraphReader(const std::shared_ptr<const onnx_pb::ModelProto>& model, const std::filesystem::path& file, graph::Network& network,
                ImportResult& result, const FunctionSource& functions);

    //! Adds the graph to the network and the errors of all bad nodes to the result. Throws an Error when no single node is
    //! to blame.
    void read();

  private:
    //! A network that one of `parent`'s nodes runs.
    GraphReader(const GraphReader& parent, graph::Network& body);

    // graph_reader.cpp: graphs and what they name
    void check_opset(const Opsets& opsets) const;
    void read_initializers(const onnx_pb::GraphProto& graph, Scope& scope) const;
    void read_inputs(const onnx_pb::GraphProto& graph);
    void check_all_read() const;
    using Nodes = google::protobuf::RepeatedPtrField<onnx_pb::NodeProto>;
    void read_nodes(const Nodes& nodes, const Opsets& opsets, Scope& scope, const AttributeMap& caller, const std::string& prefix);
    void read_body(const onnx_pb::GraphProto& graph, std::span<const BodyInput> inputs, const Opsets& opsets, const AttributeMap& caller,
                   const std::string& prefix);
    void read_node(const onnx_pb::NodeProto& node, const Opsets& opsets, Scope& scope, const AttributeMap& caller,
                   const std::string& prefix, int index);
    void report(const onnx_pb::NodeProto& node, std::int64_t opset, NodeErrorCode code, std::string reason, const Scope& scope);
    void define(const onnx_pb::NodeProto& node, int index, std::vector<Value>& results, Scope& scope, const std::string& prefix);

    // node_judge.cpp: what is wrong with nodes that are not read
    void judge(const onnx_pb::NodeProto& node, const Opsets& opsets, const Scope& scope);
    [[nodiscard]] bool offered(const onnx_pb::NodeProto& node, const Opsets& opsets) const;
    void judge_inside(const Nodes& nodes, const Opsets& opsets);
    void judge_call(const onnx_pb::FunctionProto& function, const onnx_pb::NodeProto& node, const Opsets& opsets, const Scope& scope);

    // node_reader.cpp: what one node becomes
    struct Call { // one node with its surroundings
        const onnx_pb::NodeProto& node;
        const Opsets& opsets;
        std::vector<Value*> inputs;
        AttributeMap attributes;
        const AttributeMap& caller; // what attributes of the networks that it runs may refer to
        Scope& scope;
        const std::string& name;
    };
    std::vector<Value> import_node(const Call& call);
    std::vector<Value> import_operator(const Call& call, const std::string& key);
    std::vector<Value> import_control(const Call& call);
    void spend(int nodes) const;
    std::vector<Value> read_inline(const onnx_pb::GraphProto& graph, const Call& call);
    [[nodiscard]] const onnx_pb::FunctionProto* find_function(const onnx_pb::NodeProto& node) const;
    [[nodiscard]] std::shared_ptr<const onnx_pb::FunctionProto> fetch_function(const onnx_pb::NodeProto& node, const Opsets& opsets,
                                                                               const std::vector<Value*>& inputs) const;
    std::vector<Value> expand(const onnx_pb::FunctionProto& function, const Call& call);

    const onnx_pb::ModelProto& proto_;
    graph::Network& network_;
    ImportResult& result_;
    const FunctionSource& functions_;
    Build build_;
    ModelContext model_;
    Scope scope_;
    std::unordered_set<const graph::Tensor*> named_;
    std::vector<std::string> calls_;
    int node_index_ = -1;
    std::size_t depth_ = 0; // of networks inside networks
    std::shared_ptr<std::size_t> spent_ = std::make_shared<std::size_t>(0); // nodes of functions, branches and loops, as often as they were read
    bool function_failed_ = false;
    struct Judged {
        std::unordered_set<const onnx_pb::NodeProto*> reported;
        std::unordered_map<const onnx_pb::FunctionProto*, bool> functions; // whether all of their operators are offered
        std::size_t depth = 0;
    };
    std::shared_ptr<Judged> judged_ = std::make_shared<Judged>();
};

} // namespace tensorvk::onnx
