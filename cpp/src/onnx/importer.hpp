// ONNX file -> network. All bad nodes are reported at once; nodes that only depend on bad ones are not blamed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "graph/network.hpp"
#include "onnx/function_source.hpp"

namespace tensorvk::onnx {

//! The numbers of NvOnnxParser's ErrorCode.
enum class NodeErrorCode : int {
    kINTERNAL_ERROR = 1,
    kMEM_ALLOC_FAILED = 2,
    kMODEL_DESERIALIZE_FAILED = 3,
    kINVALID_VALUE = 4,
    kINVALID_GRAPH = 5,
    kINVALID_NODE = 6,
    kUNSUPPORTED_GRAPH = 7,
    kUNSUPPORTED_NODE = 8,
    kUNSUPPORTED_NODE_ATTR = 9,
    kUNSUPPORTED_NODE_INPUT = 10,
    kUNSUPPORTED_NODE_DATATYPE = 11,
    kUNSUPPORTED_NODE_DYNAMIC = 12,
    kUNSUPPORTED_NODE_SHAPE = 13,
};

struct NodeError {
    int node =
        -1; // index in the graph (of the outermost call for nodes of local functions); -1 when no node is to blame
    std::string node_name, op_type, domain;
    std::string inputs; // types and shapes: "float32 [1, 3], absent, int64 [2]"
    std::int64_t opset = 0;
    NodeErrorCode code = NodeErrorCode::kINTERNAL_ERROR;
    std::string reason;                      // one sentence
    std::vector<std::string> function_stack; // local functions around the node, outermost first
};

//! "Node 12 'conv1' (Conv, opset 13): ..."
[[nodiscard]] std::string describe(const NodeError& error);

struct ImportResult {
    std::vector<NodeError> errors;
    std::vector<std::string> warnings;
    std::size_t node_count = 0;

    [[nodiscard]] bool ok() const noexcept { return errors.empty(); }
};

//! Reads a serialized ModelProto into the network. `path`: the file it came from, or empty; external data must lie in
//! that file's folder. Weights stay in the parsed message, which the network keeps alive; `bytes` may go after the
//! call. Dynamic dimensions that carry the same name (dim_param) share one symbol, except for names that say nothing
//! ("?", "None", "-1").
//! `functions` is asked for operators that are not known here.
[[nodiscard]] ImportResult import_model(std::span<const std::byte> bytes, const std::filesystem::path& path, graph::Network& network,
                                        const FunctionSource& functions = {});
//! The same from a file.
[[nodiscard]] ImportResult import_file(const std::filesystem::path& file, graph::Network& network,
                                       const FunctionSource& functions = {});

//! Whether an operator of the default domain ("domain.name" for others) has an importer or a rule.
[[nodiscard]] bool supports_operator(std::string_view op_type);
[[nodiscard]] std::vector<std::string> supported_operators();

} // namespace tensorvk::onnx
