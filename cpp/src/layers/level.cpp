#include "layers/level.hpp"

#include <algorithm>

#include "graph/operators.hpp"
#include "layers/composites.hpp"
#include "onnx/failure.hpp"

namespace tensorvk::layers {

namespace {

const char* kind_name(const Construct& construct) {
    return construct.kind == Construct::Kind::kLOOP ? "loop" : "conditional";
}

//! Known as expressions, without reading data: worth computing again inside of a body, where it is a shape still.
bool is_shape(const Tensor& tensor) {
    return tensor.values && tensor.reader == nullptr && tensor.producer != nullptr;
}

bool reads_values(const Layer& layer) {
    const auto* a = std::get_if<graph::OperatorAttributes>(&layer.attributes);
    return a != nullptr && a->op == graph::kReadValues;
}

} // namespace

Level::Level(const Scopes& scopes, Network& target) : scopes_(scopes), target_(target), build_(std::make_shared<Build>(target)) {}

Level::Level(const Scopes& scopes, const Construct& construct, Network& target, Level& outer)
    : scopes_(scopes), inside_(&construct), target_(target), outer_(&outer), build_(std::make_shared<Build>(target)) {}

Level::Level(Again, const Scopes& scopes, const Construct& construct, Level& host)
    : scopes_(scopes), inside_(&construct), target_(host.target_), outer_(&host), own_network_(false), build_(host.build_) {}

Tensor* Level::get(const Tensor* tensor) {
    if (tensor == nullptr) {
        return nullptr;
    }
    if (const auto it = known_.find(tensor); it != known_.end()) {
        return it->second;
    }
    const Construct* owner = tensor->producer == nullptr ? nullptr : scopes_.owner(*tensor->producer);
    if (tensor->producer != nullptr && owner == inside_) {
        emit(*tensor->producer);
        return known_.at(tensor);
    }
    if (!scopes_.within(inside_, owner)) {
        throw InvalidArgument(text("Tensor '", tensor->name, "' is computed inside of ", kind_name(*owner), " '", owner->name,
                                   "' and used outside of it; values leave it through ",
                                   owner->kind == Construct::Kind::kLOOP ? "add_loop_output." : "add_output."));
    }
    return own_network_ ? capture(*tensor) : outer_->get(tensor);
}

void Level::emit(const Layer& layer) {
    switch (layer.type) {
        case LayerType::kLOOP_OUTPUT:
            return emit_construct(layer, emit_loop);
        case LayerType::kCONDITIONAL_OUTPUT:
            return emit_construct(layer, emit_conditional);
        case LayerType::kCONDITIONAL_INPUT:
            return substitute(*layer.outputs[0], capture(*layer.inputs[0]));
        case LayerType::kITERATOR:
            return emit_iterator(layer);
        default:
            return copy(layer);
    }
}

void Level::emit_construct(const Layer& exit, void (*expand)(Level&, const Construct&)) {
    const Construct& construct = *construct_of(exit);
    if (!open_.insert(&construct).second) {
        throw InvalidArgument(text("The ", kind_name(construct), " '", construct.name, "' needs its own result '", exit.outputs[0]->name,
                                   "' before it has run", construct.kind == Construct::Kind::kLOOP ? "; values of the iteration before come from a recurrence." : "."));
    }
    expand(*this, construct);
    open_.erase(&construct);
}

void Level::emit_iterator(const Layer& layer) {
    if (!own_network_) { // an iterator has no element before the first iteration and after the last one
        throw InvalidArgument(text("The condition of loop '", inside_->name, "' depends on its iterator '", layer.name,
                                   "'; it may depend on recurrences only."));
    }
    const auto& a = std::get<graph::BoundaryAttributes>(layer.attributes);
    Tensor* x = capture(*layer.inputs[0]);
    const auto rank = static_cast<std::int64_t>(x->dims.size());
    const std::int64_t axis = a.axis < 0 ? a.axis + rank : a.axis;
    Build& b = build();
    b.begin_node(layer.name);
    Tensor* index = target_.inputs()[0]; // the iteration's number
    if (a.reverse) {
        Tensor* extent = b.squeeze(b.extents_of(x, {axis}), {0}, "extent");
        Tensor* last = b.elementwise(ElementWiseOperation::kSUB, extent, b.number(extent, 1.0), "last");
        index = b.elementwise(ElementWiseOperation::kSUB, last, index, "index");
    }
    adopt(*layer.outputs[0], b.add(LayerType::kGATHER, {x, index}, graph::GatherAttributes{axis, GatherMode::kDEFAULT, 0}));
}

void Level::emit_checks() {
    for (const Layer* layer : scopes_.order()) {
        if (layer->outputs.empty() && construct_of(*layer) == nullptr && !reads_values(*layer) && scopes_.owner(*layer) == inside_) {
            copy(*layer);
        }
    }
}

std::vector<Tensor*> Level::copy_plain(const Layer& layer, std::vector<Tensor*> inputs) {
    Layer* copy = target_.add_layer(layer.type, std::move(inputs), layer.attributes, layer.name);
    if (std::any_of(layer.output_types.begin(), layer.output_types.end(), [](const auto& wish) { return wish.has_value(); })) {
        copy->output_types = layer.output_types;
        target_.update(copy);
    }
    return copy->outputs;
}

void Level::copy(const Layer& layer) {
    std::vector<Tensor*> inputs;
    for (const Tensor* input : layer.inputs) {
        inputs.push_back(get(input));
    }
    const std::size_t first = target_.layers().size();
    std::vector<Tensor*> outputs;
    if (const Expansion expansion = find_expansion(layer)) {
        build().begin_node(layer.name);
        Composite composite{layer, build(), std::move(inputs)};
        try {
            outputs = expansion(composite);
        } catch (const onnx::NodeFailure& failure) { // speaks of a node; here it is a layer
            throw InvalidArgument(text("Layer '", layer.name, "' cannot be computed: ", failure.what()));
        }
    } else {
        outputs = copy_plain(layer, std::move(inputs));
    }
    for (std::size_t i = first; i < target_.layers().size(); ++i) {
        target_.layers()[i]->metadata = layer.metadata;
        target_.layers()[i]->precision = layer.precision;
    }
    for (std::size_t i = 0; i < layer.outputs.size(); ++i) {
        adopt(*layer.outputs[i], outputs.at(i));
    }
}

void Level::adopt(const Tensor& tensor, Tensor* copy) {
    if (!tensor.is_input && (copy->is_input || !adopted_.insert(copy).second)) { // what follows changes it
        copy = build().add(LayerType::kIDENTITY, {copy}, graph::NoAttributes{}, "copy");
        adopted_.insert(copy);
    }
    if (copy->dtype != tensor.dtype && tensor.dtype_forced) {
        target_.set_dtype(copy, tensor.dtype);
    }
    if (copy->dtype != tensor.dtype) {
        copy = build().cast(copy, tensor.dtype);
        adopted_.insert(copy);
    }
    if (tensor.edge_dtype) {
        target_.set_dtype(copy, *tensor.edge_dtype);
    }
    if (copy->name != tensor.name && target_.find(tensor.name) == nullptr) {
        target_.rename(copy, tensor.name);
    }
    if (tensor.is_input) {
        copy->allowed_formats = tensor.allowed_formats;
    }
    if (tensor.reader != nullptr) {
        target_.require_values(*copy);
    }
    known_[&tensor] = copy;
}

std::string Level::free_name(const std::string& wish) const {
    std::string name = wish;
    for (int i = 2; target_.find(name) != nullptr; ++i) {
        name = text(wish, "#", i);
    }
    return name;
}

Tensor* Level::capture(const Tensor& tensor) {
    if (const auto it = known_.find(&tensor); it != known_.end()) {
        return it->second;
    }
    if (!own_network_) {
        return outer_->get(&tensor);
    }
    if (outer_ == nullptr) { // an entry of the network itself cannot be
        throw InternalError(text("Tensor '", tensor.name, "' is nowhere computed."));
    }
    Tensor* outer = outer_->get(&tensor);
    if (outer->constant != nullptr) {
        std::vector<std::int64_t> dims;
        for (const shape::Expr dim : outer->dims) {
            dims.push_back(*outer_->target_.exprs().value(dim));
        }
        return known_[&tensor] = target_.add_constant(std::move(dims), *outer->constant);
    }
    if (is_shape(tensor) && construct_of(*tensor.producer) == nullptr) {
        copy(*tensor.producer);
        return known_.at(&tensor);
    }
    captured_.push_back(&tensor);
    return known_[&tensor] = add_input_like(tensor.name, *outer);
}

Tensor* Level::add_input_like(const std::string& name, const Tensor& outer, const std::set<std::size_t>& free) {
    std::vector<std::int64_t> dims;
    std::vector<std::string> names;
    const std::string own = free_name(name);
    for (std::size_t axis = 0; axis < outer.dims.size(); ++axis) {
        const auto extent = free.contains(axis) ? std::nullopt : outer_->target_.exprs().value(outer.dims[axis]);
        dims.push_back(extent.value_or(-1));
        names.push_back(extent ? std::string() : free.contains(axis) ? text("state ", own, ":", axis) : text("#", outer.dims[axis].id));
    }
    return target_.add_input(own, outer.dtype, dims, std::move(names));
}

void Level::mark_output(Tensor* tensor) {
    if (tensor->is_input || tensor->is_output) {
        tensor = build().add(LayerType::kIDENTITY, {tensor}, graph::NoAttributes{}, "result");
    }
    target_.mark_output(tensor);
}

} // namespace tensorvk::layers
