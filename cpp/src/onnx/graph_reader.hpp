// Walks a model's graph: inputs, initializers, nodes in order, outputs.
#pragma once

#include <filesystem>
#include <memory>

#include "graph/network.hpp"
#include "onnx/importer.hpp"
#include "onnx/onnx.pb.h"

namespace tensorvk::onnx {

//! Adds the graph to the network and the errors of all bad nodes to the result. Throws an Error when no single node is
//! to blame.
void read_graph(const std::shared_ptr<const onnx_pb::ModelProto>& model, const std::filesystem::path& file,
                graph::Network& network, ImportResult& result);

} // namespace tensorvk::onnx
