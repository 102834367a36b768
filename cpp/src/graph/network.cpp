#include "graph/network.hpp"

#include <algorithm>
#include <utility>

#include "graph/describe.hpp"
#include "graph/operators.hpp"
#include "graph/rules.hpp"
#include "support/dtype.hpp"
#include "support/error.hpp"

namespace tensorvk::graph {

Network::Network() = default;
Network::~Network() = default;

Tensor* Network::make_tensor(const std::string& tensor_name) {
    if (by_name_.contains(tensor_name)) {
        throw InvalidArgument(
            text("A tensor named '", tensor_name, "' exists already in network '", name, "'; names must be unique."));
    }
    tensors_.push_back(std::make_unique<Tensor>());
    Tensor* tensor = tensors_.back().get();
    tensor->name = tensor_name;
    owned_.insert(tensor);
    by_name_.emplace(tensor_name, tensor);
    return tensor;
}

void Network::check_owned(const Tensor* tensor, const std::string& where) const {
    if (tensor != nullptr && !owned_.contains(tensor)) {
        throw InvalidArgument(text(where, " was given a tensor that belongs to another network."));
    }
}

shape::Exprs Network::input_dims(const Tensor& tensor, std::span<const std::int64_t> dims) {
    if (dims.size() > static_cast<std::size_t>(Dims::MAX_DIMS)) {
        throw InvalidArgument(text("Input '", tensor.name, "' was given ", dims.size(), " dimensions; at most ",
                                   Dims::MAX_DIMS, " are possible."));
    }
    shape::Exprs out;
    for (std::size_t axis = 0; axis < dims.size(); ++axis) {
        if (dims[axis] < -1) {
            throw InvalidArgument(text("Input '", tensor.name, "' was given the dimension ", dims[axis], " on axis ",
                                       axis, "; allowed are -1 (dynamic), 0 and positive numbers."));
        }
        if (dims[axis] >= 0) {
            out.push_back(exprs_.constant(dims[axis]));
            continue;
        }
        const std::string shared = axis < tensor.dimension_names.size() ? tensor.dimension_names[axis] : std::string();
        if (const auto known = symbols_by_name_.find(shared); !shared.empty() && known != symbols_by_name_.end()) {
            out.push_back(known->second);
            continue;
        }
        out.push_back(exprs_.symbol(text(tensor.name, ":", axis)));
        if (!shared.empty()) {
            symbols_by_name_.emplace(shared, out.back());
        }
    }
    return out;
}

Tensor* Network::add_input(const std::string& input_name, DataType dtype, std::span<const std::int64_t> dims,
                           std::vector<std::string> dimension_names) {
    if (input_name.empty()) {
        throw InvalidArgument("An input was given an empty name; inputs are found by name, so give one.");
    }
    if (by_name_.contains(input_name)) {
        throw InvalidArgument(
            text("A tensor named '", input_name, "' exists already in network '", name, "'; names must be unique."));
    }
    (void)dtype_size(dtype);
    Tensor probe;
    probe.name = input_name;
    probe.dimension_names = std::move(dimension_names);
    shape::Exprs inferred = input_dims(probe, dims);
    Tensor* tensor = make_tensor(input_name);
    tensor->dtype = dtype;
    tensor->dims = std::move(inferred);
    tensor->dimension_names = std::move(probe.dimension_names);
    tensor->is_input = true;
    inputs_.push_back(tensor);
    return tensor;
}

Layer* Network::add_layer(LayerType type, std::vector<Tensor*> inputs, Attributes attributes, std::string layer_name) {
    auto layer = std::make_unique<Layer>();
    layer->type = type;
    layer->name = layer_name.empty() ? text("(Unnamed Layer* ", layers_.size(), ") [", layer_type_name(type), "]")
                                     : std::move(layer_name);
    layer->inputs = std::move(inputs);
    layer->attributes = std::move(attributes);
    for (const Tensor* tensor : layer->inputs) {
        check_owned(tensor, text("Layer '", layer->name, "' (", layer_type_name(type), ")"));
    }
    std::vector<Inferred> inferred = infer_reading(*layer);
    layer->output_types.resize(inferred.size());
    for (std::size_t i = 0; i < inferred.size(); ++i) {
        const std::string base = i == 0 ? text(layer->name, "_output") : text(layer->name, "_output_", i);
        std::string unique = base;
        for (int copy = 1; by_name_.contains(unique); ++copy) {
            unique = text(base, "#", copy);
        }
        Tensor* tensor = make_tensor(unique);
        tensor->producer = layer.get();
        tensor->producer_output = static_cast<int>(i);
        layer->outputs.push_back(tensor);
    }
    store(*layer, std::move(inferred));
    layers_.push_back(std::move(layer));
    return layers_.back().get();
}

Tensor* Network::add_constant(std::vector<std::int64_t> dims, Weights weights, std::string layer_name) {
    return add_layer(LayerType::kCONSTANT, {}, ConstantAttributes{std::move(dims), std::move(weights)},
                     std::move(layer_name))
        ->outputs[0];
}

void Network::mark_output(Tensor* tensor) {
    check_owned(tensor, "mark_output");
    if (tensor == nullptr) {
        throw InvalidArgument("mark_output was given no tensor.");
    }
    if (tensor->is_output) {
        throw InvalidArgument(text("Tensor '", tensor->name, "' is marked as an output already."));
    }
    if (tensor->is_input) { // engines find both by name
        throw InvalidArgument(text("Tensor '", tensor->name,
                                   "' is an input of the network, and an output needs a name of its own: mark the "
                                   "output of an Identity layer that reads it instead."));
    }
    tensor->is_output = true;
    outputs_.push_back(tensor);
}

void Network::unmark_output(Tensor* tensor) {
    if (tensor == nullptr || !owned_.contains(tensor) || !tensor->is_output) {
        throw InvalidArgument("unmark_output was given a tensor that is no output of this network.");
    }
    tensor->is_output = false;
    std::erase(outputs_, tensor);
}

void Network::rename(Tensor* tensor, const std::string& new_name) {
    check_owned(tensor, "rename");
    if (tensor == nullptr || tensor->name == new_name) {
        return;
    }
    if (new_name.empty() || by_name_.contains(new_name)) {
        throw InvalidArgument(text("Tensor '", tensor->name, "' cannot be named '", new_name,
                                   "': names must not be empty and must be unique."));
    }
    by_name_.erase(tensor->name);
    by_name_.emplace(new_name, tensor);
    tensor->name = new_name;
}

Tensor* Network::find(std::string_view tensor_name) const {
    const auto it = by_name_.find(std::string(tensor_name));
    return it == by_name_.end() ? nullptr : it->second;
}

Dims Network::dims(const Tensor& tensor) const {
    Dims out;
    out.nbDims = static_cast<std::int32_t>(tensor.dims.size());
    for (std::size_t i = 0; i < tensor.dims.size(); ++i) {
        out.d[i] = exprs_.value(tensor.dims[i]).value_or(-1);
    }
    return out;
}

std::string Network::describe_dims(const Tensor& tensor) const {
    return describe(exprs_, tensor.dims);
}

} // namespace tensorvk::graph
