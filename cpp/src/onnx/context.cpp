#include "onnx/context.hpp"

#include <algorithm>
#include <cmath>

#include "support/dtype.hpp"

namespace tensorvk::onnx {

using graph::Tensor;
using onnx_pb::AttributeProto;

graph::Tensor* materialize(Build& build, Value& value) {
    if (value.sequence) {
        fail(NodeErrorCode::kUNSUPPORTED_NODE_DATATYPE, "'", value.name, "' is a sequence of tensors where a tensor is needed; take an element ",
             "with SequenceAt, or join them with ConcatFromSequence.");
    }
    if (value.tensor == nullptr && value.constant) {
        value.tensor = build.network().add_constant(value.constant->dims, value.constant->weights, value.name);
        if (!value.name.empty() && build.network().find(value.name) == nullptr) {
            build.network().rename(value.tensor, value.name);
        }
    }
    return value.tensor;
}

Tensor* NodeContext::input(std::size_t index) {
    if (!has_input(index)) {
        fail(NodeErrorCode::kINVALID_NODE, "Input ", index, " is missing; ", op(), " needs it.");
    }
    return materialize(build, *inputs_[index]);
}

const std::vector<Tensor*>& NodeContext::sequence(std::size_t index) const {
    if (!is_sequence(index)) {
        fail(NodeErrorCode::kINVALID_NODE, "Its input ", index, " has to be a sequence of tensors that operators of this model made.");
    }
    return *inputs_[index]->sequence;
}

std::vector<Tensor*> NodeContext::all_inputs() {
    std::vector<Tensor*> out;
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
        out.push_back(input(i));
    }
    if (out.empty()) {
        fail(NodeErrorCode::kINVALID_NODE, op(), " has no inputs; it needs one or more.");
    }
    return out;
}

std::shared_ptr<const ConstantData> NodeContext::constant(std::size_t index) const {
    if (!has_input(index)) {
        return nullptr;
    }
    const Value& value = *inputs_[index];
    if (value.constant) {
        return value.constant;
    }
    if (value.tensor == nullptr || !value.tensor->constant) {
        return nullptr;
    }
    ConstantData data{{}, *value.tensor->constant, {}};
    for (std::size_t axis = 0; axis < value.tensor->dims.size(); ++axis) {
        data.dims.push_back(*build.extent(value.tensor, axis));
    }
    return std::make_shared<const ConstantData>(std::move(data));
}

NodeContext::Ints NodeContext::constant_ints(std::size_t index, const char* what) {
    const Tensor* tensor = input(index);
    if (tensor->dtype != DataType::kINT32 && tensor->dtype != DataType::kINT64) {
        fail(NodeErrorCode::kUNSUPPORTED_NODE_DATATYPE, "Input ", index, " (", what,
             ") must hold int32 or int64 numbers; '", tensor->name, "' is ", dtype_name(tensor->dtype), ".");
    }
    const auto numbers = build.known(tensor);
    if (!numbers) {
        fail(NodeErrorCode::kUNSUPPORTED_NODE_DYNAMIC, "Input ", index, " (", what, ") must be constant; '",
             tensor->name, "' is computed while the network runs.");
    }
    return *numbers;
}

std::optional<std::vector<double>> NodeContext::constant_doubles(std::size_t index) {
    if (const auto data = constant(index)) {
        return to_doubles(data->weights);
    }
    const Tensor* tensor = input(index);
    const auto numbers = build.known(tensor);
    return numbers ? std::optional(std::vector<double>(numbers->begin(), numbers->end())) : std::nullopt;
}

double NodeContext::constant_number(std::size_t index, const char* what) {
    const auto numbers = constant_doubles(index);
    if (!numbers || numbers->size() != 1) {
        fail(NodeErrorCode::kUNSUPPORTED_NODE_DYNAMIC, "Input ", index, " (", what,
             ") must be one constant number; it ",
             numbers ? text("has ", numbers->size(), " elements.") : text("is computed while the network runs."));
    }
    return numbers->front();
}

Tensor* NodeContext::shape_input(std::size_t index, const char* what) {
    Tensor* tensor = input(index);
    if ((tensor->dtype != DataType::kINT32 && tensor->dtype != DataType::kINT64) || tensor->dims.size() > 1) {
        fail(NodeErrorCode::kUNSUPPORTED_NODE_DATATYPE, "Input ", index, " (", what,
             ") must be a vector of int32 or int64 numbers; '", tensor->name, "' is ", dtype_name(tensor->dtype),
             " with ", tensor->dims.size(), " dimensions.");
    }
    build.require_values(tensor);
    if (tensor->dims.empty()) {
        tensor = build.unsqueeze(tensor, {0});
    }
    return build.cast(tensor, DataType::kINT64);
}

void NodeContext::set_input(std::size_t index, Tensor* tensor) {
    inputs_.resize(std::max(inputs_.size(), index + 1), nullptr);
    own_inputs_.push_back(std::make_unique<Value>());
    own_inputs_.back()->tensor = tensor;
    inputs_[index] = tensor == nullptr ? nullptr : own_inputs_.back().get();
}

void NodeContext::drop_inputs(std::size_t first) {
    while (inputs_.size() > first) {
        inputs_.pop_back();
    }
}

void NodeContext::set_attribute(std::string_view name, std::int64_t value) {
    constexpr std::int32_t kInt = 2; // of AttributeProto.AttributeType
    own_attributes_.push_back(std::make_unique<AttributeProto>());
    AttributeProto& attribute = *own_attributes_.back();
    attribute.set_name(std::string(name));
    attribute.set_type(kInt);
    attribute.set_i(value);
    attributes_[attribute.name()] = &attribute;
}

const AttributeProto* NodeContext::attribute(std::string_view name) const {
    const auto it = attributes_.find(name);
    return it == attributes_.end() ? nullptr : it->second;
}

namespace {

[[noreturn]] void wrong_kind(std::string_view name, const char* kind) {
    fail(NodeErrorCode::kINVALID_NODE, "Attribute '", name, "' must be ", kind, ".");
}

} // namespace

std::int64_t NodeContext::integer(std::string_view name, std::int64_t otherwise) const {
    const AttributeProto* a = attribute(name);
    if (a == nullptr) {
        return otherwise;
    }
    if (!a->has_i()) {
        wrong_kind(name, "an integer");
    }
    return a->i();
}

float NodeContext::real(std::string_view name, float otherwise) const {
    const AttributeProto* a = attribute(name);
    if (a == nullptr) {
        return otherwise;
    }
    if (!a->has_f()) {
        wrong_kind(name, "a floating-point number");
    }
    return a->f();
}

std::string NodeContext::string(std::string_view name, std::string_view otherwise) const {
    const AttributeProto* a = attribute(name);
    if (a == nullptr) {
        return std::string(otherwise);
    }
    if (!a->has_s()) {
        wrong_kind(name, "a string");
    }
    return a->s();
}

NodeContext::Ints NodeContext::integers(std::string_view name, Ints otherwise) const {
    const AttributeProto* a = attribute(name);
    if (a == nullptr) {
        return otherwise;
    }
    if (a->has_i() || a->has_f() || a->has_s() || a->floats_size() > 0) {
        wrong_kind(name, "a list of integers");
    }
    return {a->ints().begin(), a->ints().end()};
}

std::vector<float> NodeContext::reals(std::string_view name) const {
    const AttributeProto* a = attribute(name);
    if (a == nullptr) {
        return {};
    }
    if (a->has_i() || a->has_f() || a->has_s() || a->ints_size() > 0) {
        wrong_kind(name, "a list of floating-point numbers");
    }
    return {a->floats().begin(), a->floats().end()};
}

std::optional<NodeContext::Ints> NodeContext::ints_argument(std::string_view name, std::int64_t since,
                                                            std::size_t index) {
    if (has(name)) {
        return integers(name);
    }
    if (opset_ < since || !has_input(index)) {
        return std::nullopt;
    }
    return constant_ints(index, std::string(name).c_str());
}

std::size_t NodeContext::axis(std::int64_t given, std::size_t rank) const {
    const auto limit = static_cast<std::int64_t>(rank);
    if (given < -limit || given >= limit) {
        fail(NodeErrorCode::kINVALID_NODE, "Axis ", given, " does not exist; with ", rank, " dimensions ", -limit,
             " to ", limit - 1, " are allowed.");
    }
    return static_cast<std::size_t>(given < 0 ? given + limit : given);
}

NodeContext::Ints NodeContext::axes(const Ints& given, std::size_t rank) const {
    Ints out;
    for (const std::int64_t value : given) {
        const auto checked = static_cast<std::int64_t>(axis(value, rank));
        if (std::find(out.begin(), out.end(), checked) != out.end()) {
            fail(NodeErrorCode::kINVALID_NODE, "Axis ", value, " is named twice.");
        }
        out.push_back(checked);
    }
    return out;
}

} // namespace tensorvk::onnx
