// Operators whose layer takes ONNX's inputs and attributes as they are.
#pragma once

#include <string>

#include "onnx/context.hpp"

namespace tensorvk::onnx {

//! Adds an operator layer (graph/operators.hpp): all inputs, all attributes that are numbers or texts, and the operator set as "opset".
void import_by_rule(NodeContext& node, const std::string& op);

//! The importer of that name, or the rule where there is none or where the importer wants constants that are data.
void import_as(NodeContext& node, const std::string& key);

//! An attribute's value; fails for tensors and graphs.
[[nodiscard]] AttributeValue attribute_value(const onnx_pb::AttributeProto& attribute);

} // namespace tensorvk::onnx
