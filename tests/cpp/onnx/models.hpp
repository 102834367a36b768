// Small models, written through the generated message classes, and what importing them gives.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "graph/network.hpp"
#include "onnx/importer.hpp"
#include "onnx/onnx.pb.h"

namespace tensorvk::onnx {

using Numbers = std::vector<std::int64_t>;
using Names = std::vector<std::string>;

struct Attribute {
    onnx_pb::AttributeProto proto;
    Attribute(const std::string& name, std::int64_t value) {
        start(name, 2);
        proto.set_i(value);
    }
    Attribute(const std::string& name, float value) {
        start(name, 1);
        proto.set_f(value);
    }
    Attribute(const std::string& name, const char* value) {
        start(name, 3);
        proto.set_s(value);
    }
    Attribute(const std::string& name, const Numbers& values) {
        start(name, 7);
        for (const std::int64_t value : values) proto.add_ints(value);
    }
    Attribute(const std::string& name, const onnx_pb::TensorProto& value) {
        start(name, 4);
        *proto.mutable_t() = value;
    }

  private:
    void start(const std::string& name, int type) {
        proto.set_name(name);
        proto.set_type(type);
    }
};
using AttributeList = std::vector<Attribute>;

inline constexpr int kFloat = 1;
inline constexpr int kInt64 = 7;
inline constexpr int kBool = 9;

inline onnx_pb::TensorProto tensor(const std::string& name, const Numbers& dims, const std::vector<float>& values) {
    onnx_pb::TensorProto out;
    out.set_name(name);
    out.set_data_type(kFloat);
    for (const std::int64_t dim : dims) out.add_dims(dim);
    for (const float value : values) out.add_float_data(value);
    return out;
}

inline onnx_pb::TensorProto int_tensor(const std::string& name, const Numbers& dims, const Numbers& values) {
    onnx_pb::TensorProto out;
    out.set_name(name);
    out.set_data_type(kInt64);
    for (const std::int64_t dim : dims) out.add_dims(dim);
    for (const std::int64_t value : values) out.add_int64_data(value);
    return out;
}

//! A model under construction. Dynamic dimensions are -1 (unnamed).
class ModelWriter {
  public:
    explicit ModelWriter(std::int64_t opset = 17) {
        model.set_ir_version(8);
        model.add_opset_import()->set_version(opset);
    }

    ModelWriter& input(const std::string& name, const Numbers& dims, int type = kFloat) {
        auto* tensor_type = declare(name, type);
        for (const std::int64_t value : dims) {
            auto* dim = tensor_type->mutable_shape()->add_dim();
            if (value >= 0) dim->set_dim_value(value);
        }
        return *this;
    }
    ModelWriter& named_input(const std::string& name, const Names& dims) {
        auto* tensor_type = declare(name, kFloat);
        for (const std::string& dim : dims) tensor_type->mutable_shape()->add_dim()->set_dim_param(dim);
        return *this;
    }
    ModelWriter& floats(const std::string& name, const Numbers& dims, const std::vector<float>& values) {
        *model.mutable_graph()->add_initializer() = tensor(name, dims, values);
        return *this;
    }
    //! Zeros.
    ModelWriter& weights(const std::string& name, const Numbers& dims) {
        std::int64_t volume = 1;
        for (const std::int64_t dim : dims) volume *= dim;
        return floats(name, dims, std::vector<float>(static_cast<std::size_t>(volume)));
    }
    ModelWriter& ints(const std::string& name, const Numbers& values) {
        *model.mutable_graph()->add_initializer() =
            int_tensor(name, {static_cast<std::int64_t>(values.size())}, values);
        return *this;
    }
    ModelWriter& node(const std::string& op, const Names& inputs, const Names& outputs,
                      const AttributeList& attributes = {}, const std::string& name = {}) {
        fill(*model.mutable_graph()->add_node(), op, inputs, outputs, attributes, name);
        return *this;
    }
    ModelWriter& output(const std::string& name) {
        model.mutable_graph()->add_output()->set_name(name);
        return *this;
    }
    static void fill(onnx_pb::NodeProto& node, const std::string& op, const Names& inputs, const Names& outputs,
                     const AttributeList& attributes = {}, const std::string& name = {}) {
        node.set_op_type(op);
        node.set_name(name);
        for (const std::string& input : inputs) node.add_input(input);
        for (const std::string& output : outputs) node.add_output(output);
        for (const Attribute& attribute : attributes) *node.add_attribute() = attribute.proto;
    }
    [[nodiscard]] std::string bytes() const { return model.SerializeAsString(); }

    onnx_pb::ModelProto model;

  private:
    onnx_pb::TypeProto::Tensor* declare(const std::string& name, int type) {
        auto* value = model.mutable_graph()->add_input();
        value->set_name(name);
        auto* tensor_type = value->mutable_type()->mutable_tensor_type();
        tensor_type->set_elem_type(type);
        (void)tensor_type->mutable_shape();
        return tensor_type;
    }
};

//! An imported model.
struct Imported {
    explicit Imported(const std::string& bytes, const std::string& path = {})
        : result(import_model(std::as_bytes(std::span(bytes)), path, network)) {}
    explicit Imported(const ModelWriter& writer, const std::string& path = {}) : Imported(writer.bytes(), path) {}

    //! "[x:0, 3]", or the first error.
    [[nodiscard]] std::string dims(const std::string& name) const {
        if (!result.ok()) return describe(result.errors[0]);
        const graph::Tensor* found = network.find(name);
        return found == nullptr ? "there is no tensor " + name : network.describe_dims(*found);
    }
    [[nodiscard]] std::string error() const { return result.ok() ? "no error" : describe(result.errors[0]); }
    template <typename T>
    [[nodiscard]] const T& attributes(const std::string& tensor_name) const {
        return std::get<T>(network.find(tensor_name)->producer->attributes);
    }

    graph::Network network;
    ImportResult result;
};

} // namespace tensorvk::onnx
