// Where the bodies of operators that are functions come from, for operators that have neither an importer nor a rule.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace tensorvk::onnx {

//! One call of an operator that is not known here.
struct FunctionQuery {
    std::string op_type, domain;
    std::int64_t opset = 0;
    std::string node;                     // serialized NodeProto
    std::vector<std::string> input_types; // serialized TypeProto of each input; empty when it is absent
};

//! A serialized FunctionProto whose inputs, outputs and attributes are the operator's, or nothing when the operator is no function.
using FunctionSource = std::function<std::string(const FunctionQuery&)>;

} // namespace tensorvk::onnx
