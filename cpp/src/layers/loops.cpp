// TensorRT's loops as Loop: what depends on recurrences and iterators is the body, a network of its own.
#include <algorithm>
#include <map>
#include <optional>

#include "layers/level.hpp"
#include "support/error.hpp"

namespace tensorvk::layers {

namespace {

using graph::BoundaryAttributes;

const BoundaryAttributes& boundary_of(const Layer& layer) {
    return std::get<BoundaryAttributes>(layer.attributes);
}

//! The parts of a loop, checked to be complete.
struct Parts {
    const Tensor* count = nullptr;     // of iterations
    const Tensor* condition = nullptr; // inside of the loop
    std::vector<const Layer*> recurrences, stacked, last;

    explicit Parts(const Construct& loop, const Boundary& boundary) {
        for (const Layer* limit : boundary.limits) {
            (boundary_of(*limit).limit == TripLimit::kCOUNT ? count : condition) = limit->inputs[0];
        }
        if (boundary.limits.empty()) {
            throw InvalidArgument(text("Loop '", loop.name, "' has no end; give it one with add_trip_limit."));
        }
        for (const Layer* entry : boundary.entries) {
            if (entry->type != LayerType::kRECURRENCE) {
                continue;
            }
            if (entry->inputs.size() < 2 || entry->inputs[1] == nullptr) {
                throw InvalidArgument(text("Recurrence '", entry->name, "' of loop '", loop.name,
                                           "' has no value for the next iteration; give it one with set_input(1, tensor)."));
            }
            recurrences.push_back(entry);
        }
        for (const Layer* exit : boundary.exits) {
            (boundary_of(*exit).output == LoopOutput::kLAST_VALUE ? last : stacked).push_back(exit);
        }
    }
};

//! Axes of each recurrence that iterations change.
using FreeAxes = std::vector<std::set<std::size_t>>;

//! The body: iteration, condition and states in, condition, states and one element of each stacked output out.
class Body {
public:
    Body(Level& outer, const Construct& loop, const Parts& parts, const FreeAxes& free)
        : network_(std::make_shared<Network>()), level_(outer.scopes(), loop, *network_, outer), loop_(loop), parts_(parts) {
        network_->name = loop.name;
        (void)network_->add_input("iteration", DataType::kINT64, {});
        Tensor* go_on = network_->add_input("condition", DataType::kBOOL, {});
        for (std::size_t i = 0; i < parts.recurrences.size(); ++i) {
            const Layer& recurrence = *parts.recurrences[i];
            states_.push_back(level_.add_input_like(recurrence.outputs[0]->name, *outer.get(recurrence.inputs[0]), free[i]));
            level_.substitute(*recurrence.outputs[0], states_.back());
        }
        level_.build().begin_node(loop.name);
        fill(go_on);
    }

    //! Axes whose extents leave an iteration otherwise than they entered it; false when there is no new one.
    bool generalize(FreeAxes& free) const {
        bool changed = false;
        for (std::size_t i = 0; i < states_.size(); ++i) {
            const Tensor& next = *network_->outputs()[1 + i];
            for (std::size_t axis = 0; axis < next.dims.size(); ++axis) {
                if (next.dims[axis] != states_[i]->dims[axis]) {
                    changed = free[i].insert(axis).second || changed;
                }
            }
        }
        return changed;
    }

    [[nodiscard]] const std::shared_ptr<Network>& network() const noexcept { return network_; }
    [[nodiscard]] const std::vector<const Tensor*>& captured() const noexcept { return level_.captured(); }

private:
    void fill(Tensor* go_on) {
        std::vector<Tensor*> next;
        for (const Layer* recurrence : parts_.recurrences) {
            next.push_back(level_.get(recurrence->inputs[1]));
        }
        std::vector<Tensor*> elements;
        for (const Layer* exit : parts_.stacked) {
            elements.push_back(level_.get(exit->inputs[0]));
        }
        level_.emit_checks();
        if (parts_.condition != nullptr) { // TensorRT asks before an iteration, Loop after it: the same with the next values
            Level after(Level::Again{}, level_.scopes(), loop_, level_);
            for (std::size_t i = 0; i < next.size(); ++i) {
                after.substitute(*parts_.recurrences[i]->outputs[0], next[i]);
            }
            go_on = after.get(parts_.condition);
        }
        level_.mark_output(go_on);
        std::for_each(next.begin(), next.end(), [&](Tensor* tensor) { level_.mark_output(tensor); });
        std::for_each(elements.begin(), elements.end(), [&](Tensor* tensor) { level_.mark_output(tensor); });
    }

    std::shared_ptr<Network> network_;
    Level level_;
    const Construct& loop_;
    const Parts& parts_;
    std::vector<Tensor*> states_;
};

//! The condition as it is before the first iteration.
Tensor* first_condition(Level& level, const Construct& loop, const Parts& parts) {
    if (parts.condition == nullptr) {
        return nullptr;
    }
    Level before(Level::Again{}, level.scopes(), loop, level);
    for (const Layer* recurrence : parts.recurrences) {
        before.substitute(*recurrence->outputs[0], level.get(recurrence->inputs[0]));
    }
    return before.get(parts.condition);
}

//! Iterations lie along axis 0; TensorRT says along which axis, how many and in which order. Where there are fewer than that, zeros stand.
Tensor* placed(Level& level, const Layer& exit, Tensor* stack) {
    const BoundaryAttributes& a = boundary_of(exit);
    Build& b = level.build();
    b.begin_node(exit.name);
    const auto rank = static_cast<std::int64_t>(stack->dims.size());
    const std::int64_t axis = a.axis < 0 ? a.axis + rank : a.axis;
    if (axis != 0) {
        Build::Ints order;
        for (std::int64_t i = 1; i < rank; ++i) {
            order.push_back(i);
        }
        order.insert(order.begin() + axis, 0);
        stack = b.transpose(stack, order, "placed");
    }
    const bool reverse = a.output == LoopOutput::kREVERSE;
    const Tensor* given = exit.inputs.size() > 1 ? exit.inputs[1] : nullptr;
    if (given == nullptr && !reverse) {
        return stack;
    }
    Tensor* length = given == nullptr ? b.extents_of(stack, {axis}) : b.cast(level.get(given), DataType::kINT64, "length");
    length = b.with_rank(length, 1);
    Tensor* start = reverse ? b.elementwise(ElementWiseOperation::kSUB, length, b.ints({1}), "start") : b.ints({0});
    graph::SliceAttributes slice;
    slice.mode = SampleMode::kFILL;
    return b.slice(stack, {axis}, start, length, b.ints({reverse ? -1 : 1}), std::move(slice), nullptr, "");
}

} // namespace

void emit_loop(Level& level, const Construct& loop) {
    const Boundary& boundary = level.scopes().boundary(loop);
    const Parts parts(loop, boundary);
    FreeAxes free(parts.recurrences.size());
    std::optional<Body> body;
    do {
        body.emplace(level, loop, parts, free);
    } while (body->generalize(free));

    if (parts.count != nullptr && parts.count->producer != nullptr) {
        if (level.scopes().within(level.scopes().owner(*parts.count->producer), &loop)) {
            throw InvalidArgument(text("The number of iterations of loop '", loop.name, "' ('", parts.count->name,
                                       "') is computed inside of it, but is needed before the first one; end it with TripLimit.WHILE instead."));
        }
    }
    std::vector<Tensor*> inputs{level.get(parts.count), first_condition(level, loop, parts)};
    for (const Layer* recurrence : parts.recurrences) {
        inputs.push_back(level.get(recurrence->inputs[0]));
    }
    for (const Tensor* tensor : body->captured()) {
        inputs.push_back(level.get(tensor));
    }
    graph::ControlAttributes attributes{"Loop", {body->network()}, {}};
    attributes.attributes.set("states", static_cast<std::int64_t>(parts.recurrences.size()));
    Build& b = level.build();
    b.begin_node(loop.name);
    const Layer* layer = b.layer(LayerType::kCONTROL, std::move(inputs), std::move(attributes));
    for (const Layer* exit : parts.last) {
        const auto from = std::find(parts.recurrences.begin(), parts.recurrences.end(), exit->inputs[0]->producer);
        level.adopt(*exit->outputs[0], layer->outputs[static_cast<std::size_t>(from - parts.recurrences.begin())]);
    }
    for (std::size_t i = 0; i < parts.stacked.size(); ++i) {
        level.adopt(*parts.stacked[i]->outputs[0], placed(level, *parts.stacked[i], layer->outputs[parts.recurrences.size() + i]));
    }
}

} // namespace tensorvk::layers
