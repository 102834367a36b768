#include "runtime/dynamic_execution.hpp"

#include <algorithm>
#include <chrono>

#include "plan/constraints.hpp"
#include "runtime/loaded_program.hpp"
#include "support/error.hpp"
#include "support/shape_text.hpp"

namespace tensorvk::runtime {
namespace {

Value fixed_shape(const plan::Program& program, std::size_t io) {
    const plan::IoTensor& tensor = program.io.at(io);
    Value value{tensor.dtype, {}, {}};
    for (const shape::Expr dim : tensor.dims) {
        value.dims.push_back(program.exprs.value(dim).value_or(0));
    }
    return value;
}

} // namespace

DynamicExecution::DynamicExecution(std::shared_ptr<LoadedProgram> program, std::shared_ptr<BlockPool> pool)
    : loaded_(std::move(program)), program_(loaded_->program()), pool_(std::move(pool)), host_(loaded_->device(), pool_) {
    const LoadedProgram::State& state = loaded_->state();
    released_.resize(state.segments.size());
    const std::vector<std::int32_t> last_use = plan::last_uses(program_, state.segments);
    for (std::size_t i = 0; i < last_use.size(); ++i) {
        if (last_use[i] >= 0 && program_.buffers[i].kind != plan::BufferKind::kOUTPUT) {
            released_[static_cast<std::size_t>(last_use[i])].push_back(i);
        }
    }
    on_host_.assign(program_.buffers.size(), false);
    executions_.resize(state.segments.size());
    bodies_.resize(program_.bodies.size());
    for (const plan::Step& step : program_.steps) {
        for (const plan::Binding& binding : step.bindings) {
            const auto buffer = static_cast<std::size_t>(program_.holder(binding.buffer));
            on_host_[buffer] = on_host_[buffer] || step.host;
        }
    }
}

DynamicExecution::~DynamicExecution() = default;

void DynamicExecution::check_count(std::size_t inputs) const {
    const auto expected = static_cast<std::size_t>(std::count_if(
        program_.io.begin(), program_.io.end(), [](const plan::IoTensor& tensor) { return tensor.mode == TensorIOMode::kINPUT; }));
    if (inputs != expected) {
        throw InvalidPlan(text("A network inside the plan takes ", expected, " inputs and is given ", inputs,
                               "; the plan is damaged, build it again."));
    }
}

void DynamicExecution::bind_inputs(std::span<const Value> inputs, std::span<const std::int64_t> symbols) {
    symbols_.assign(program_.exprs.symbols().size(), std::nullopt);
    for (std::size_t i = 0; i < symbols.size(); ++i) {
        symbols_[i] = symbols[i] < 0 ? std::nullopt : std::optional(symbols[i]);
    }
    buffers_.assign(program_.buffers.size(), {});
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        const plan::IoTensor& tensor = program_.io.at(i);
        if (tensor.mode != TensorIOMode::kINPUT || tensor.dims.size() != inputs[i].dims.size() || tensor.dtype != inputs[i].dtype) {
            throw InvalidArgument(text("Tensor '", tensor.name, "' was given the shape ", shape_text(inputs[i].dims),
                                       ", which has other dimensions or another type than inside the network."));
        }
        for (std::size_t axis = 0; axis < tensor.dims.size(); ++axis) {
            const shape::ExprNode& node = program_.exprs.node(tensor.dims[axis]);
            const std::int64_t given = inputs[i].dims[axis];
            Known known = node.op == shape::ExprOp::kCONSTANT ? node.value : given; // what is computed from symbols is not looked at
            if (node.op == shape::ExprOp::kSYMBOL) {
                Known& symbol = symbols_[static_cast<std::size_t>(node.value)];
                symbol = known = symbol.value_or(given);
            }
            if (known != given) {
                throw InvalidArgument(text("Dimension ", axis, " of '", tensor.name, "' is ", given, ", it has to be ", *known, "."));
            }
        }
        buffers_[static_cast<std::size_t>(tensor.buffer)] = inputs[i].memory;
    }
}

void DynamicExecution::evaluate() {
    values_ = plan::evaluate(program_, symbols_);
}

std::optional<std::int64_t> DynamicExecution::value(shape::Expr e) const {
    return values_.empty() ? std::nullopt : number(e);
}

std::int64_t DynamicExecution::required(shape::Expr e, const std::string& what) const {
    const Known& known = number(e);
    if (!known || *known < 0) {
        throw InvalidArgument(text(what, " has the extent ", known ? std::to_string(*known) : "'" + program_.exprs.str(e) + "'",
                                   known ? "; extents must not be negative." : ", which no earlier layer tells."));
    }
    return *known;
}

std::vector<std::int64_t> DynamicExecution::extents(const shape::Exprs& dims, const std::string& what) const {
    std::vector<std::int64_t> out;
    for (const shape::Expr dim : dims) {
        out.push_back(required(dim, what));
    }
    return out;
}

Slice& DynamicExecution::memory(std::int32_t buffer, const std::string& what) {
    Slice& slice = buffers_[static_cast<std::size_t>(buffer)];
    const plan::Buffer& info = program_.buffers[static_cast<std::size_t>(buffer)];
    if (info.kind == plan::BufferKind::kINPUT) {
        return slice;
    }
    const auto bytes = static_cast<std::uint64_t>(required(info.bytes, what));
    if (slice.memory == nullptr || slice.size != bytes) {
        if (slice.memory != nullptr && slice.size > bytes) { // the user's memory, with room to spare
            slice.size = bytes;
        } else {
            const bool host = on_host_[static_cast<std::size_t>(buffer)];
            slice = bytes == 0 ? Slice{} : pool_->take(bytes, host ? vulkan::BufferPlace::kHost : vulkan::BufferPlace::kDevice);
        }
    }
    return slice;
}

void DynamicExecution::run_dispatches(std::size_t index, stream::Stream& stream) {
    const plan::Segment& segment = loaded_->state().segments[index];
    std::unique_ptr<Execution>& execution = executions_[index];
    if (execution == nullptr) {
        execution = std::make_unique<Execution>(loaded_->state().segment_programs[index]);
    }
    const std::string& what = program_.steps[segment.step].layer;
    std::vector<std::int64_t> symbols;
    for (const std::int32_t symbol : segment.symbols) {
        const Known& known = symbols_[static_cast<std::size_t>(symbol)];
        if (!known) {
            throw InternalError(text("Layer '", what, "' runs before its extent '",
                                     program_.exprs.symbols()[static_cast<std::size_t>(symbol)], "' is known."));
        }
        symbols.push_back(*known);
    }
    execution->set_symbols(symbols);
    for (std::size_t i = 0; i < segment.io_buffers.size(); ++i) {
        execution->set_memory(i, pool_->remembered(memory(segment.io_buffers[i], what)));
    }
    if (times_ == nullptr) {
        execution->advance(stream); // the host step behind it waits
    } else {
        std::ranges::copy(execution->time_steps(stream), times_->begin() + static_cast<std::ptrdiff_t>(segment.step));
    }
}

void DynamicExecution::release_after(std::size_t segment) {
    for (const std::size_t buffer : released_[segment]) {
        buffers_[buffer] = {};
    }
}

DynamicExecution& DynamicExecution::body(std::int32_t index) {
    auto& place = bodies_[static_cast<std::size_t>(index)];
    if (place == nullptr) {
        place = std::make_unique<DynamicExecution>(loaded_->state().bodies[static_cast<std::size_t>(index)], pool_);
    }
    return *place;
}

std::vector<Value> DynamicExecution::run(std::span<const Value> inputs, std::span<const Slice> wanted, stream::Stream& stream,
                                         std::span<const std::int64_t> symbols) {
    check_count(inputs.size());
    bind_inputs(inputs, symbols);
    evaluate();
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        buffers_[static_cast<std::size_t>(program_.io[inputs.size() + i].buffer)] = wanted[i];
    }
    const std::vector<plan::Segment>& segments = loaded_->state().segments;
    for (std::size_t i = 0; i < segments.size(); ++i) {
        if (segments[i].dispatches) {
            run_dispatches(i, stream);
        } else {
            const auto begin = std::chrono::steady_clock::now();
            run_host_step(program_.steps[segments[i].step], stream);
            const std::chrono::duration<float, std::milli> took = std::chrono::steady_clock::now() - begin;
            if (times_ != nullptr) {
                (*times_)[segments[i].step] = took.count();
            }
        }
        release_after(i);
    }
    stream.synchronize();
    std::vector<Value> outputs;
    for (std::size_t i = inputs.size(); i < program_.io.size(); ++i) {
        const plan::IoTensor& tensor = program_.io[i];
        const std::string what = text("Output '", tensor.name, "'");
        outputs.push_back({tensor.dtype, extents(tensor.dims, what), memory(tensor.buffer, what)});
    }
    buffers_.clear();
    return outputs;
}

std::vector<float> DynamicExecution::time_steps(const std::function<void()>& run) {
    std::vector<float> times(program_.steps.size(), 0.0F);
    times_ = &times;
    try {
        run();
    } catch (...) {
        times_ = nullptr;
        throw;
    }
    times_ = nullptr;
    return times;
}

Value DynamicExecution::output_without_run(std::size_t output) const {
    const auto first = std::find_if(program_.io.begin(), program_.io.end(), [](const plan::IoTensor& t) { return t.mode == TensorIOMode::kOUTPUT; });
    return fixed_shape(program_, static_cast<std::size_t>(first - program_.io.begin()) + output);
}

Value DynamicExecution::input_without_run(std::size_t input) const {
    return fixed_shape(program_, input);
}

std::uint64_t DynamicExecution::recordings() const {
    std::uint64_t count = 0;
    for (const auto& execution : executions_) {
        count += execution ? execution->recordings() : 0;
    }
    for (const auto& body : bodies_) {
        count += body ? body->recordings() : 0;
    }
    return count;
}

void DynamicExecution::forget_recordings() {
    for (auto& execution : executions_) {
        execution.reset();
    }
    for (auto& body : bodies_) {
        body.reset();
    }
}

} // namespace tensorvk::runtime
