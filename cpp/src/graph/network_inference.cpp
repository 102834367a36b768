// The network's shapes: what follows for all layers from a change of one, and the way back when something does not fit.
#include <algorithm>
#include <unordered_set>

#include "graph/network.hpp"
#include "graph/rules.hpp"
#include "support/dtype.hpp"
#include "support/error.hpp"

namespace tensorvk::graph {

namespace {

//! What inference writes into a tensor; taken before a change that may turn out to be impossible.
struct Snapshot {
    Tensor* tensor;
    DataType dtype;
    shape::Exprs dims;
    std::optional<shape::Exprs> values;
    std::shared_ptr<const Weights> constant;

    explicit Snapshot(Tensor* t)
        : tensor(t), dtype(t->dtype), dims(t->dims), values(t->values), constant(t->constant) {}
    void restore() const {
        tensor->dtype = dtype;
        tensor->dims = dims;
        tensor->values = values;
        tensor->constant = constant;
    }
    [[nodiscard]] bool unchanged() const {
        return tensor->dtype == dtype && tensor->dims == dims && tensor->values == values &&
               tensor->constant == constant;
    }
};

} // namespace

void Network::store(Layer& layer, std::vector<Inferred> inferred) {
    if (inferred.size() != layer.outputs.size()) { // tensors that others hold cannot come and go
        throw InvalidArgument(text("Layer '", layer.name, "' has ", layer.outputs.size(), " outputs and would have ", inferred.size(),
                                   " with these attributes; add another layer for that."));
    }
    for (std::size_t i = 0; i < inferred.size(); ++i) {
        Tensor& tensor = *layer.outputs[i];
        const auto wish = layer.output_types[i];
        tensor.dims = std::move(inferred[i].dims);
        tensor.values = std::move(inferred[i].values);
        tensor.constant = std::move(inferred[i].constant);
        const DataType dtype = wish ? *wish : tensor.dtype_forced ? tensor.dtype : inferred[i].dtype;
        if (dtype != inferred[i].dtype) {
            tensor.constant = nullptr;
        } // the data has the type that it was given
        tensor.dtype = dtype;
    }
}

std::vector<Layer*> Network::topological() const {
    std::vector<Layer*> order;
    std::unordered_map<const Layer*, int> state; // 1: on the way, 2: done
    std::vector<std::pair<Layer*, std::size_t>> path;
    for (const auto& root : layers_) {
        if (state[root.get()] == 2) {
            continue;
        }
        path.emplace_back(root.get(), 0);
        state[root.get()] = 1;
        while (!path.empty()) {
            Layer* layer = path.back().first;
            if (path.back().second == layer->inputs.size()) {
                state[layer] = 2;
                order.push_back(layer);
                path.pop_back();
                continue;
            }
            const std::size_t index = path.back().second++;
            const bool next_iteration = layer->type == LayerType::kRECURRENCE && index > 0;
            const Tensor* input = next_iteration ? nullptr : layer->inputs[index];
            Layer* producer = input == nullptr ? nullptr : input->producer;
            if (producer == nullptr || state[producer] == 2) {
                continue;
            }
            if (state[producer] == 1) {
                throw InvalidArgument(text("Layer '", layer->name, "' depends on its own output through '", input->name,
                                           "'; networks have no cycles."));
            }
            state[producer] = 1;
            path.emplace_back(producer, 0);
        }
    }
    return order;
}

//! Where what a loop carries on leaves an iteration with another extent than it entered, the extent is known at run time only.
void Network::settle_recurrences() {
    for (bool changed = true; changed;) {
        changed = false;
        for (std::size_t i = 0; i < layers_.size(); ++i) {
            Layer& layer = *layers_[i];
            if (layer.type != LayerType::kRECURRENCE || layer.inputs.size() < 2 || layer.inputs[1] == nullptr) {
                continue;
            }
            const RuleContext context(exprs_, layer);
            const shape::Exprs before = layer.outputs[0]->dims;
            const shape::Exprs next = layer.inputs[1]->dims;
            bool varies = false;
            for (std::size_t axis = 0; axis < before.size() && axis < next.size(); ++axis) {
                varies = varies || (before[axis] != next[axis] && context.unknown(0, static_cast<int>(axis)) != before[axis]);
            }
            if (varies) {
                infer_downstream({&layer});
                changed = true;
            }
        }
    }
}

void Network::infer_downstream(std::vector<Layer*> dirty) {
    std::vector<Snapshot> before;
    std::unordered_set<const Tensor*> changed;
    try {
        for (Layer* layer : topological()) {
            const bool is_dirty = std::find(dirty.begin(), dirty.end(), layer) != dirty.end() ||
                                  std::any_of(layer->inputs.begin(), layer->inputs.end(),
                                              [&](const Tensor* t) { return changed.contains(t); });
            if (!is_dirty) {
                continue;
            }
            std::vector<Inferred> inferred = infer_reading(*layer);
            const std::size_t first = before.size();
            for (Tensor* output : layer->outputs) {
                before.emplace_back(output);
            }
            store(*layer, std::move(inferred));
            for (std::size_t i = first; i < before.size(); ++i) {
                if (!before[i].unchanged()) {
                    changed.insert(before[i].tensor);
                }
            }
        }
    } catch (...) {
        std::for_each(before.rbegin(), before.rend(), [](const Snapshot& s) { s.restore(); });
        throw;
    }
}

//! Everything anew with a fresh pool, so that no symbol of an earlier shape is left.
void Network::infer_all() {
    for (const auto& tensor : tensors_) {
        if (tensor->reader != nullptr) {
            tensor->values.reset();
        }
    }
    for (const auto& layer : layers_) {
        layer->unknowns.clear();
    }
    for (Layer* layer : topological()) {
        store(*layer, infer_reading(*layer));
    }
    settle_recurrences();
}

void Network::set_input(Layer* layer, std::size_t index, Tensor* tensor) {
    check_owned(tensor, text("Layer '", layer->name, "'"));
    if (index > layer->inputs.size() + 5) {
        throw InvalidArgument(text("Layer '", layer->name, "' has no input ", index, "."));
    }
    const std::vector<Tensor*> old = layer->inputs;
    const std::vector<Unknown> old_unknowns = layer->unknowns; // a recurrence gets some when its states are settled
    if (index >= layer->inputs.size()) {
        layer->inputs.resize(index + 1, nullptr);
    }
    layer->inputs[index] = tensor;
    try {
        infer_downstream({layer});
        settle_recurrences();
    } catch (...) {
        layer->inputs = old;
        layer->unknowns = old_unknowns;
        throw;
    }
}

void Network::update(Layer* layer) {
    infer_downstream({layer});
    settle_recurrences();
}

void Network::set_input_dims(Tensor* input, std::span<const std::int64_t> dims) {
    check_owned(input, "set_input_dims");
    if (input == nullptr || !input->is_input) {
        throw InvalidArgument(text("The shape of tensor '", input == nullptr ? "" : input->name,
                                   "' is computed; only inputs can be given one."));
    }
    const shape::ExprPool old_pool = exprs_;
    const auto old_symbols = symbols_by_name_;
    std::vector<Snapshot> before;
    std::vector<std::pair<Tensor*, Dims>> shapes;
    for (const auto& tensor : tensors_) {
        before.emplace_back(tensor.get());
        if (tensor->is_input) {
            shapes.emplace_back(tensor.get(), this->dims(*tensor));
        }
    }
    exprs_ = shape::ExprPool();
    symbols_by_name_.clear();
    try {
        for (const auto& [tensor, old] : shapes) {
            tensor->dims =
                input_dims(*tensor, tensor == input ? dims : std::span(old.d, static_cast<std::size_t>(old.nbDims)));
        }
        infer_all();
    } catch (...) {
        exprs_ = old_pool;
        symbols_by_name_ = old_symbols;
        for (const Snapshot& snapshot : before) {
            snapshot.restore();
        }
        infer_all(); // constraints and unknowns refer to the pool
        throw;
    }
}

void Network::set_dimension_name(Tensor* input, std::size_t axis, const std::string& dimension_name) {
    check_owned(input, "set_dimension_name");
    if (input == nullptr || !input->is_input || axis >= input->dims.size()) {
        throw InvalidArgument(text("Dimension ", axis, " of tensor '", input == nullptr ? "" : input->name,
                                   "' cannot be named; only existing dimensions of inputs can."));
    }
    std::vector<std::string> old = input->dimension_names;
    input->dimension_names.resize(input->dims.size());
    input->dimension_names[axis] = dimension_name;
    const Dims current = dims(*input);
    try {
        set_input_dims(input, std::span(current.d, static_cast<std::size_t>(current.nbDims)));
    } catch (...) {
        input->dimension_names = std::move(old);
        throw;
    }
}

void Network::set_dtype(Tensor* tensor, DataType dtype) {
    check_owned(tensor, "set_dtype");
    if (tensor == nullptr) {
        throw InvalidArgument("set_dtype was given no tensor.");
    }
    (void)dtype_size(dtype);
    if (is_floating(tensor->dtype) && is_floating(dtype)) {
        tensor->edge_dtype = dtype;
        return;
    }
    const Snapshot before(tensor);
    const bool was_forced = tensor->dtype_forced;
    tensor->dtype = dtype;
    tensor->dtype_forced = true;
    std::vector<Layer*> consumers;
    for (const auto& layer : layers_) {
        if (std::find(layer->inputs.begin(), layer->inputs.end(), tensor) != layer->inputs.end()) {
            consumers.push_back(layer.get());
        }
    }
    try {
        if (!consumers.empty()) {
            infer_downstream(consumers);
        }
    } catch (...) {
        before.restore();
        tensor->dtype_forced = was_forced;
        throw;
    }
    tensor->edge_dtype.reset();
}

} // namespace tensorvk::graph
