// Inputs and outputs of the bodies:
//   If:   inputs cond, captured...; bodies then and else take captured... and give the outputs.
//   Loop: inputs trip count, condition (both may be absent), state..., captured...; attribute "states"; the body takes iteration, condition,
//         state..., captured... and gives condition, state..., one element of each scan output.
//   Scan: inputs state..., scanned..., captured...; attributes "states", "scans", "input_axes", "input_directions", "output_axes",
//         "output_directions"; the body takes state..., one slice of each scanned, captured... and gives state..., one slice of each scan output.
#include "runtime/control.hpp"

#include <algorithm>
#include <cstring>

#include "kernels/host/copy.hpp"
#include "support/error.hpp"
#include "support/interrupt.hpp"
#include "support/shape_text.hpp"

namespace tensorvk::runtime {
namespace {

using kernels::host::Tensor;

// An empty tensor has no memory either, but an extent of 0.
bool absent(const Value& value) {
    return value.memory.memory == nullptr && value.dims.empty();
}

// `what` is for the error: the condition, the trip count.
std::int64_t read_number(ControlCall& call, const Value& value, const char* what) {
    if (checked_volume(value.dims) != 1) {
        throw InvalidArgument(text("Layer '", call.layer, "' takes one number as its ", what, "; it has the shape ", shape_text(value.dims), "."));
    }
    const std::int64_t number = call.host.read(value, call.stream).get_integer(0);
    call.host.release();
    return number;
}

Value make_value(ControlCall& call, const Tensor& tensor) {
    Value value{tensor.dtype, tensor.dims, {}};
    if (!tensor.data.empty()) {
        value.memory = call.pool.take(tensor.data.size(), vulkan::BufferPlace::kHost);
        call.host.write(tensor, value.memory, call.stream);
    }
    return value;
}

// For input `index` of the body, which declares a scalar or a vector of one.
Value make_number(ControlCall& call, std::size_t index, std::int64_t number) {
    const Value declared = call.bodies[0]->input_without_run(index);
    Tensor tensor(declared.dtype, std::vector<std::int64_t>(declared.dims.size(), 1));
    tensor.set_integer(0, number);
    return make_value(call, tensor);
}

// Slices of equal shape, put together along a new axis.
class Stack {
  public:
    Stack(ControlCall& call, std::int64_t axis, bool backward) : call_(call), axis_(axis), backward_(backward) {}

    void add(const Value& value) {
        const Tensor view = call_.host.read(value, call_.stream);
        if (!parts_.empty() && parts_[0].dims != view.dims) {
            throw InvalidArgument(text("Layer '", call_.layer, "' puts together results of different shapes: iteration 0 gave ",
                                       shape_text(parts_[0].dims), ", iteration ", parts_.size(), " gives ", shape_text(view.dims),
                                       "; each iteration has to give the same."));
        }
        parts_.push_back(view); // a copy with its own bytes
        call_.host.release();
    }

    //! `empty`: type and dims of a part where there is none, as far as the body alone tells; `known`: dims of the result from outside.
    [[nodiscard]] Value finish(const Value& empty, std::span<const std::optional<std::int64_t>> known) {
        std::vector<std::int64_t> dims = parts_.empty() ? empty.dims : parts_[0].dims;
        const auto rank = static_cast<std::int64_t>(dims.size()) + 1;
        const std::int64_t axis = axis_ < 0 ? axis_ + rank : axis_;
        if (axis < 0 || axis >= rank) {
            throw InvalidArgument(text("Layer '", call_.layer, "' puts results together along axis ", axis_, " of ", rank, " dimensions."));
        }
        std::vector<std::int64_t> extent = dims;
        extent.insert(extent.begin() + axis, 1);
        dims.insert(dims.begin() + axis, static_cast<std::int64_t>(parts_.size()));
        for (std::size_t i = 0; i < std::min(dims.size(), known.size()) && parts_.empty(); ++i) {
            dims[i] = static_cast<std::int64_t>(i) == axis ? 0 : known[i].value_or(dims[i]);
        }
        Tensor out(parts_.empty() ? empty.dtype : parts_[0].dtype, dims);
        kernels::host::CopyRegion region;
        region.start.assign(extent.size(), 0);
        region.stride.assign(extent.size(), 1);
        region.extent = extent;
        for (std::size_t i = 0; i < extent.size(); ++i) {
            region.axis_of.push_back(static_cast<std::int32_t>(i));
        }
        for (std::size_t i = 0; i < parts_.size(); ++i) {
            parts_[i].dims = extent;
            std::vector<std::int64_t> offset(extent.size(), 0);
            offset[static_cast<std::size_t>(axis)] = static_cast<std::int64_t>(backward_ ? parts_.size() - 1 - i : i);
            kernels::host::copy_region(parts_[i], region, out, offset);
        }
        return make_value(call_, out);
    }

  private:
    ControlCall& call_;
    std::int64_t axis_;
    bool backward_;
    std::vector<Tensor> parts_;
};

[[noreturn]] void damaged(const ControlCall& call) {
    throw InvalidPlan(text("Layer '", call.layer, "' of the plan does not fit the network that it runs; the plan is damaged, build it again."));
}

// The attribute as a count of the call's inputs (and outputs).
std::size_t count_of(const ControlCall& call, const char* name, std::size_t most) {
    const std::int64_t count = call.attributes.integer(name);
    if (count < 0 || static_cast<std::uint64_t>(count) > most || call.bodies.empty()) {
        damaged(call);
    }
    return static_cast<std::size_t>(count);
}

std::vector<Value> run_body(ControlCall& call, std::span<const Value> inputs, std::size_t outputs) {
    std::vector<Value> results = call.bodies[0]->run(inputs, {}, call.stream);
    if (results.size() != outputs) {
        damaged(call);
    }
    return results;
}

// A loop may have no end.
void stop_if_interrupted(const ControlCall& call, std::int64_t iterations) {
    if (is_interrupted()) {
        throw InvalidState(text("Layer '", call.layer, "' was interrupted after ", iterations, " iterations."));
    }
}

void run_if(ControlCall& call) {
    if (call.inputs.empty() || call.bodies.size() != 2) {
        damaged(call);
    }
    const bool chosen = read_number(call, call.inputs[0], "condition") != 0;
    call.outputs = call.bodies.at(chosen ? 0 : 1)->run(call.inputs.subspan(1), {}, call.stream);
}

std::vector<Value> copied(std::span<const Value> values) {
    return {values.begin(), values.end()};
}

void run_loop(ControlCall& call) {
    if (call.inputs.size() < 2) {
        damaged(call);
    }
    const std::size_t states = count_of(call, "states", std::min(call.inputs.size() - 2, call.output_count()));
    const std::int64_t trips = absent(call.inputs[0]) ? INT64_MAX : read_number(call, call.inputs[0], "trip count");
    bool go_on = absent(call.inputs[1]) || read_number(call, call.inputs[1], "condition") != 0;
    std::vector<Value> state = copied(call.inputs.subspan(2, states));
    const std::span<const Value> captured = call.inputs.subspan(2 + states);
    std::vector<Stack> stacks(call.output_count() - states, Stack(call, 0, false));
    std::vector<Value> last;
    for (std::int64_t i = 0; i < trips && go_on; ++i) {
        stop_if_interrupted(call, i);
        std::vector<Value> inputs{make_number(call, 0, i), make_number(call, 1, 1)};
        inputs.insert(inputs.end(), state.begin(), state.end());
        inputs.insert(inputs.end(), captured.begin(), captured.end());
        last = run_body(call, inputs, 1 + call.output_count());
        go_on = read_number(call, last[0], "condition") != 0;
        state.assign(last.begin() + 1, last.begin() + 1 + static_cast<std::ptrdiff_t>(states));
        for (std::size_t s = 0; s < stacks.size(); ++s) {
            stacks[s].add(last[1 + states + s]);
        }
    }
    call.outputs = std::move(state);
    for (std::size_t s = 0; s < stacks.size(); ++s) {
        call.outputs.push_back(stacks[s].finish(call.bodies[0]->output_without_run(1 + states + s), call.output_dims[states + s]));
    }
}

// Slice `index` along `axis`, without that axis.
Tensor slice_of(const Tensor& tensor, std::int64_t axis, std::int64_t index) {
    kernels::host::CopyRegion region;
    region.start.assign(tensor.dims.size(), 0);
    region.start[static_cast<std::size_t>(axis)] = index;
    for (std::size_t i = 0; i < tensor.dims.size(); ++i) {
        if (static_cast<std::int64_t>(i) != axis) {
            region.axis_of.push_back(static_cast<std::int32_t>(i));
            region.stride.push_back(1);
            region.extent.push_back(tensor.dims[i]);
        }
    }
    return kernels::host::copy_region(tensor, region);
}

std::int64_t entry(const AttributeSet& attributes, const char* name, std::size_t index) {
    const std::vector<std::int64_t> list = attributes.integers(name);
    return index < list.size() ? list[index] : 0;
}

struct Scanned {
    Tensor tensor;
    std::int64_t axis = 0;
    bool backward = false;
};

std::vector<Scanned> scanned_inputs(ControlCall& call, std::span<const Value> values) {
    std::vector<Scanned> out;
    for (std::size_t i = 0; i < values.size(); ++i) {
        Scanned scanned{call.host.read(values[i], call.stream), entry(call.attributes, "input_axes", i),
                        entry(call.attributes, "input_directions", i) == 1};
        const auto rank = static_cast<std::int64_t>(scanned.tensor.dims.size());
        scanned.axis += scanned.axis < 0 ? rank : 0;
        if (scanned.axis < 0 || scanned.axis >= rank) {
            throw InvalidArgument(text("Layer '", call.layer, "' scans axis ", scanned.axis, " of a tensor with ", rank, " dimensions."));
        }
        out.push_back(Scanned(scanned)); // a copy with its own bytes
    }
    call.host.release();
    return out;
}

void run_scan(ControlCall& call) {
    const std::size_t states = count_of(call, "states", std::min(call.inputs.size(), call.output_count()));
    const std::size_t scans = count_of(call, "scans", call.inputs.size() - states);
    std::vector<Value> state = copied(call.inputs.first(states));
    const std::vector<Scanned> scanned = scanned_inputs(call, call.inputs.subspan(states, scans));
    const std::span<const Value> captured = call.inputs.subspan(states + scans);
    std::vector<Stack> stacks;
    for (std::size_t s = 0; s + states < call.output_count(); ++s) {
        stacks.emplace_back(call, entry(call.attributes, "output_axes", s), entry(call.attributes, "output_directions", s) == 1);
    }
    const std::int64_t length = scanned.empty() ? 0 : scanned[0].tensor.dims[static_cast<std::size_t>(scanned[0].axis)];
    for (std::int64_t i = 0; i < length; ++i) {
        stop_if_interrupted(call, i);
        std::vector<Value> inputs = state;
        for (const Scanned& s : scanned) {
            if (s.tensor.dims[static_cast<std::size_t>(s.axis)] != length) {
                throw InvalidArgument(text("Layer '", call.layer, "' scans tensors of different lengths."));
            }
            inputs.push_back(make_value(call, slice_of(s.tensor, s.axis, s.backward ? length - 1 - i : i)));
        }
        inputs.insert(inputs.end(), captured.begin(), captured.end());
        const std::vector<Value> results = run_body(call, inputs, call.output_count());
        state.assign(results.begin(), results.begin() + static_cast<std::ptrdiff_t>(states));
        for (std::size_t s = 0; s < stacks.size(); ++s) {
            stacks[s].add(results[states + s]);
        }
    }
    call.outputs = std::move(state);
    for (std::size_t s = 0; s < stacks.size(); ++s) {
        call.outputs.push_back(stacks[s].finish(call.bodies[0]->output_without_run(states + s), call.output_dims[states + s]));
    }
}

} // namespace

ControlFunction find_control(std::string_view name) noexcept {
    if (name == "If") {
        return run_if;
    }
    if (name == "Loop") {
        return run_loop;
    }
    return name == "Scan" ? run_scan : nullptr;
}

} // namespace tensorvk::runtime
