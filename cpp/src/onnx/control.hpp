// If, Loop and Scan: the networks that they run, and the layer.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "onnx/context.hpp"

namespace tensorvk::onnx {

//! An input of a network inside the network: a tensor of type and shape (-1: any extent; equal names, equal extents), or a constant.
struct BodyInput {
    std::string name;
    DataType dtype = DataType::kFLOAT;
    std::vector<std::int64_t> dims;
    std::vector<std::string> dimension_names;
    std::shared_ptr<const ConstantData> constant;
    bool absent = false; // an input of a function that its call leaves out
};

struct ControlNode {
    std::string op;
    std::string name;
    const std::vector<Value*>& inputs;
    const AttributeMap& attributes;
    std::function<Value*(const std::string&)> outer; // what a name outside of the body stands for, or null
    std::size_t output_count = 0;
    std::int64_t opset = 0;
    std::function<std::shared_ptr<graph::Network>(const onnx_pb::GraphProto&, std::span<const BodyInput>)> read_body;
    std::function<std::vector<Value>(const onnx_pb::GraphProto&)> read_inline; // its nodes become the outer network's
};

[[nodiscard]] bool is_control(std::string_view op) noexcept;

//! Adds the layer; returns the node's outputs.
[[nodiscard]] std::vector<Value> read_control(Build& build, const ControlNode& node);

//! The one that is a Scan, of any operator set.
[[nodiscard]] std::vector<Value> read_scan(Build& build, const ControlNode& node);

} // namespace tensorvk::onnx
