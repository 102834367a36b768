// Numbers of tensors that shapes are made of: known while the network is built, or read from data when it runs.
#include <algorithm>

#include "graph/network.hpp"
#include "graph/operators.hpp"
#include "graph/rules.hpp"
#include "support/error.hpp"

namespace tensorvk::graph {

namespace {

//! Layers whose result has numbers of their first input, in another order or shape.
bool is_rearranged(LayerType type) {
    return type == LayerType::kSHUFFLE || type == LayerType::kSLICE || type == LayerType::kIDENTITY;
}

//! Whether some numbers of a tensor that is put together are known, and the others could be read by themselves.
bool partly_known(shape::ExprPool& pool, const Tensor& tensor) {
    if (tensor.values || tensor.producer == nullptr) {
        return tensor.values.has_value();
    }
    const std::vector<Tensor*>& parts = tensor.producer->inputs;
    if (tensor.producer->type != LayerType::kCONCATENATION) {
        return is_rearranged(tensor.producer->type) && partly_known(pool, *parts[0]);
    }
    return std::ranges::any_of(parts, [&](const Tensor* part) { return partly_known(pool, *part); }) &&
           std::ranges::all_of(parts, [&](const Tensor* part) {
               const auto count = pool.value(pool.product(part->dims));
               return count && *count <= static_cast<std::int64_t>(kMaxShapeValues); // the size of what a slice is taken from is not limited
           });
}

} // namespace

//! Infers; where a rule asks for numbers that are data, a layer is added that reads them when the network runs.
std::vector<Inferred> Network::infer_reading(Layer& layer) {
    while (true) {
        try {
            return infer(exprs_, layer);
        } catch (const NeedsValues& needed) {
            read_values(*layer.inputs[needed.input]);
        }
    }
}

void Network::require_values(Tensor& tensor) {
    if (tensor.values) {
        return;
    }
    Layer probe; // the checks and their sentences are RuleContext's
    probe.type = LayerType::kSHAPE;
    probe.name = text("values of ", tensor.name);
    probe.inputs = {&tensor};
    try {
        (void)RuleContext(exprs_, probe).values(0);
    } catch (const NeedsValues&) {
        read_values(tensor);
    }
}

void Network::read_values(Tensor& tensor) {
    if (tensor.values) {
        return;
    }
    if (partly_known(exprs_, tensor)) { // what is known stays known
        const std::vector<Tensor*>& parts = tensor.producer->inputs;
        const bool joined = tensor.producer->type == LayerType::kCONCATENATION;
        std::for_each(parts.begin(), joined ? parts.end() : parts.begin() + 1, [&](Tensor* part) { read_values(*part); });
        store(*tensor.producer, infer(exprs_, *tensor.producer));
        if (tensor.values) {
            return;
        }
    }
    if (tensor.reader == nullptr) {
        auto reader = std::make_unique<Layer>();
        reader->type = LayerType::kOPERATOR;
        reader->name = text("values of ", tensor.name);
        reader->inputs = {&tensor};
        reader->attributes = OperatorAttributes{std::string(kReadValues), {}};
        tensor.reader = reader.get();
        layers_.push_back(std::move(reader));
    }
    const std::int64_t count = exprs_.value(exprs_.product(tensor.dims)).value();
    std::vector<Unknown>& unknowns = tensor.reader->unknowns;
    tensor.values.emplace();
    for (std::int64_t i = 0; i < count; ++i) {
        if (static_cast<std::size_t>(i) == unknowns.size()) {
            unknowns.push_back({exprs_.symbol(text(tensor.name, "[", i, "]")), {}, 0, static_cast<int>(i)});
        }
        tensor.values->push_back(unknowns[static_cast<std::size_t>(i)].symbol);
    }
}

} // namespace tensorvk::graph
