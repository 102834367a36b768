// The order in which nodes can be read: ONNX asks for sorted nodes, not all exporters comply.
#pragma once

#include <vector>

#include <google/protobuf/repeated_ptr_field.h>

#include "onnx/onnx.pb.h"

namespace tensorvk::onnx {

//! Indices of the nodes, each after those that make its inputs, otherwise in the order of the file. Nodes of a cycle
//! come last.
[[nodiscard]] std::vector<int> reading_order(const google::protobuf::RepeatedPtrField<onnx_pb::NodeProto>& nodes);

} // namespace tensorvk::onnx
