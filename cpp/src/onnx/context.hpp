// What an operator's importer sees of one node: inputs, attributes, the way to add layers, and where to put the
// outputs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "onnx/build.hpp"
#include "onnx/failure.hpp"
#include "onnx/onnx.pb.h"
#include "onnx/weights.hpp"

namespace tensorvk::onnx {

//! What a name of the graph stands for.
struct Value {
    std::string name;
    graph::Tensor* tensor = nullptr;
    std::shared_ptr<const ConstantData> constant; // becomes a Constant layer when a layer needs it as a tensor
    std::optional<std::vector<graph::Tensor*>> sequence; // a list of tensors: sequences are known to the importer alone
    bool failed = false;                          // its node was refused
    std::string refusal;                          // what keeps an input of the graph or an initializer, which failed, from being read

    //! An input of a function that its call leaves out.
    [[nodiscard]] bool absent() const noexcept { return tensor == nullptr && !constant && !sequence && !failed; }
};

//! What is the same for all nodes of a model.
struct ModelContext {
    Build& build;
    std::shared_ptr<const void> owner; // of the message
    std::filesystem::path file;
    std::vector<std::string>& warnings;
};

using AttributeMap = std::map<std::string, const onnx_pb::AttributeProto*, std::less<>>;

class NodeContext {
  public:
    using Tensor = graph::Tensor;
    using Ints = Build::Ints;

    NodeContext(const ModelContext& model, const onnx_pb::NodeProto& node, std::int64_t opset,
                std::vector<Value*> inputs, AttributeMap attributes)
        : build(model.build),
          model_(model),
          node_(node),
          opset_(opset),
          inputs_(std::move(inputs)),
          attributes_(std::move(attributes)) {}

    Build& build;

    [[nodiscard]] std::int64_t opset() const noexcept { return opset_; }
    [[nodiscard]] const std::string& op() const noexcept { return op_.empty() ? node_.op_type() : op_; }
    [[nodiscard]] const ModelContext& model() const noexcept { return model_; }

    [[nodiscard]] std::size_t input_count() const noexcept { return inputs_.size(); }
    [[nodiscard]] bool has_input(std::size_t index) const noexcept {
        return index < inputs_.size() && inputs_[index] != nullptr;
    }
    [[nodiscard]] Tensor* input(std::size_t index);
    //! Null when absent.
    [[nodiscard]] Tensor* optional_input(std::size_t index) { return has_input(index) ? input(index) : nullptr; }
    [[nodiscard]] bool is_sequence(std::size_t index) const noexcept { return has_input(index) && inputs_[index]->sequence.has_value(); }
    //! The elements of an input that is a sequence.
    [[nodiscard]] const std::vector<Tensor*>& sequence(std::size_t index) const;
    //! All inputs; fails when there are none.
    [[nodiscard]] std::vector<Tensor*> all_inputs();
    //! The data when the input is a constant.
    [[nodiscard]] std::shared_ptr<const ConstantData> constant(std::size_t index) const;
    //! Numbers of an integer input that must be constant.
    [[nodiscard]] Ints constant_ints(std::size_t index, const char* what);
    //! Numbers of a constant input as doubles; nothing when the input is not constant.
    [[nodiscard]] std::optional<std::vector<double>> constant_doubles(std::size_t index);
    //! One number of an input that must be constant.
    [[nodiscard]] double constant_number(std::size_t index, const char* what);
    //! A shape tensor as a vector of int64.
    [[nodiscard]] Tensor* shape_input(std::size_t index, const char* what);

    [[nodiscard]] bool has(std::string_view name) const { return attributes_.contains(name); }
    [[nodiscard]] std::int64_t integer(std::string_view name, std::int64_t otherwise) const;
    [[nodiscard]] float real(std::string_view name, float otherwise) const;
    [[nodiscard]] std::string string(std::string_view name, std::string_view otherwise) const;
    [[nodiscard]] Ints integers(std::string_view name, Ints otherwise = {}) const;
    [[nodiscard]] std::vector<float> reals(std::string_view name) const;
    [[nodiscard]] const onnx_pb::AttributeProto* attribute(std::string_view name) const;
    [[nodiscard]] const AttributeMap& attributes() const noexcept { return attributes_; }
    //! Attribute until opset `since`, input from then on; nothing when absent.
    [[nodiscard]] std::optional<Ints> ints_argument(std::string_view name, std::int64_t since, std::size_t index);

    //! Axes made not negative and checked.
    [[nodiscard]] std::size_t axis(std::int64_t given, std::size_t rank) const;
    [[nodiscard]] Ints axes(const Ints& given, std::size_t rank) const;

    [[nodiscard]] std::size_t output_count() const noexcept { return static_cast<std::size_t>(node_.output_size()); }
    [[nodiscard]] bool wants_output(std::size_t index) const {
        return index < output_count() && !node_.output(static_cast<int>(index)).empty();
    }
    void output(Tensor* tensor, std::size_t index = 0) { set(index).tensor = tensor; }
    void output(std::shared_ptr<const ConstantData> constant) { set(0).constant = std::move(constant); }
    void output_sequence(std::vector<Tensor*> elements) { set(0).sequence = std::move(elements); }
    [[nodiscard]] std::vector<Value>& results() noexcept { return results_; }

    void warn(const std::string& message) const { model_.warnings.push_back(message); }

    //! The node in another form, for an operator that equals one of the default domain but for its form: the importer of that one sees these.
    void stand_for(std::string op, std::int64_t opset) {
        op_ = std::move(op);
        opset_ = opset;
    }
    void set_input(std::size_t index, Tensor* tensor);
    void drop_inputs(std::size_t first);
    void set_attribute(std::string_view name, std::int64_t value);

  private:
    Value& set(std::size_t index) {
        if (results_.size() <= index) {
            results_.resize(index + 1);
        }
        return results_[index];
    }

    const ModelContext& model_;
    const onnx_pb::NodeProto& node_;
    std::string op_; // what it stands for
    std::int64_t opset_;
    std::vector<Value*> inputs_;
    AttributeMap attributes_;
    std::vector<Value> results_;
    std::vector<std::unique_ptr<Value>> own_inputs_; // of set_input
    std::vector<std::unique_ptr<onnx_pb::AttributeProto>> own_attributes_;
};

//! The tensor of a value, made when it is a constant that no layer needed before.
[[nodiscard]] graph::Tensor* materialize(Build& build, Value& value);

} // namespace tensorvk::onnx
