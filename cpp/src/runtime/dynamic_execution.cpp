#include "runtime/dynamic_execution.hpp"

#include <algorithm>
#include <chrono>

#include "kernels/host/functions.hpp"
#include "runtime/control.hpp"
#include "runtime/loaded_program.hpp"
#include "support/error.hpp"

namespace tensorvk::runtime {
namespace {

std::string shape_text(std::span<const std::int64_t> dims) {
    std::string out = "[";
    for (const std::int64_t dim : dims) {
        out += (out.size() > 1 ? ", " : "") + std::to_string(dim);
    }
    return out + "]";
}

Value fixed_shape(const plan::Program& program, std::size_t io) {
    const plan::IoTensor& tensor = program.io.at(io);
    Value value{tensor.dtype, {}, {}};
    for (const shape::Expr dim : tensor.dims) {
        value.dims.push_back(program.exprs.value(dim).value_or(0));
    }
    return value;
}

// Floats between operations are kept in one type, whatever the function made.
kernels::host::Tensor converted(kernels::host::Tensor tensor, DataType to) {
    if (tensor.dtype == to) {
        return tensor;
    }
    kernels::host::Tensor out(to, tensor.dims);
    for (std::int64_t i = 0; i < out.volume(); ++i) {
        out.set(i, tensor.get(i));
    }
    return out;
}

} // namespace

DynamicExecution::DynamicExecution(std::shared_ptr<LoadedProgram> program, std::shared_ptr<BlockPool> pool)
    : loaded_(std::move(program)), program_(loaded_->program()), pool_(std::move(pool)), host_(loaded_->device(), pool_) {
    const LoadedProgram::State& state = loaded_->state();
    last_use_ = plan::last_uses(program_, state.segments);
    on_host_.assign(program_.buffers.size(), false);
    executions_.resize(state.segments.size());
    bodies_.resize(program_.bodies.size());
    for (const plan::Step& step : program_.steps) {
        for (const plan::Binding& binding : step.bindings) {
            on_host_[static_cast<std::size_t>(binding.buffer)] = on_host_[static_cast<std::size_t>(binding.buffer)] || step.host;
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

void DynamicExecution::bind_inputs(std::span<const Value> inputs) {
    symbols_.assign(program_.exprs.symbols().size(), std::nullopt);
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
            Known known = node.value;
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
    values_ = program_.exprs.evaluate_known(symbols_);
    for (const plan::Constraint& constraint : program_.constraints) {
        const Known& a = number(constraint.a);
        const Known& b = number(constraint.b);
        if (a && b && *a != *b) {
            throw InvalidArgument(text("Layer '", constraint.layer, "' cannot work with these shapes: it needs ",
                                       program_.exprs.str(constraint.a), " and ", program_.exprs.str(constraint.b),
                                       " to be equal; they are ", *a, " and ", *b, "."));
        }
    }
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
        execution->enqueue(stream);
    } else {
        std::ranges::copy(execution->time_steps(stream), times_->begin() + static_cast<std::ptrdiff_t>(segment.step));
    }
}

Value DynamicExecution::value_of(const plan::HostTensor& tensor, const plan::Step& step) {
    Value value{tensor.dtype, extents(tensor.dims, text("Layer '", step.layer, "'")), {}};
    const plan::Buffer& buffer = program_.buffers[static_cast<std::size_t>(tensor.buffer)];
    if (buffer.kind == plan::BufferKind::kCONSTANT) {
        return value; // its bytes are in the plan
    }
    value.memory = memory(tensor.buffer, step.layer);
    return value;
}

void DynamicExecution::define(const plan::Step& step, std::span<const std::vector<std::int64_t>> output_dims) {
    for (const plan::Definition& definition : step.host->definitions) {
        if (definition.output >= 0) {
            const auto& dims = output_dims[static_cast<std::size_t>(definition.output)];
            symbols_[static_cast<std::size_t>(definition.symbol)] = dims.at(static_cast<std::size_t>(definition.axis));
        }
    }
    evaluate();
    for (std::size_t i = 0; i < output_dims.size(); ++i) {
        const plan::HostTensor& output = step.host->outputs[i];
        if (output.buffer < 0) {
            continue;
        }
        const std::vector<std::int64_t> inferred = extents(output.dims, text("Layer '", step.layer, "'"));
        if (inferred != output_dims[i]) {
            throw InvalidArgument(text("Layer '", step.layer, "' produced the shape ", shape_text(output_dims[i]), " where ",
                                       shape_text(inferred), " follows from its inputs' shapes."));
        }
    }
}

kernels::host::Tensor DynamicExecution::host_tensor(const plan::HostTensor& tensor, const plan::Step& step, stream::Stream& stream) {
    const plan::Buffer& buffer = program_.buffers[static_cast<std::size_t>(tensor.buffer)];
    const Value value = value_of(tensor, step);
    if (buffer.kind != plan::BufferKind::kCONSTANT) {
        return host_.read(value, stream);
    }
    // The function gets it as const.
    const std::span<const std::byte> bytes = loaded_->state().plan_weights.subspan(buffer.constant_offset, value.bytes());
    return {value.dtype, value.dims, kernels::host::Bytes::view({const_cast<std::byte*>(bytes.data()), bytes.size()})};
}

void DynamicExecution::read_values(const plan::Step& step, stream::Stream& stream) {
    const kernels::host::Tensor tensor = host_tensor(step.host->inputs.at(0), step, stream);
    for (const plan::Definition& definition : step.host->definitions) {
        if (definition.axis >= tensor.volume()) {
            throw InvalidArgument(text("Layer '", step.layer, "' reads element ", definition.axis, " of ", tensor.volume(), "."));
        }
        symbols_[static_cast<std::size_t>(definition.symbol)] = tensor.get_integer(definition.axis);
    }
    evaluate();
}

void DynamicExecution::call_function(const plan::Step& step, stream::Stream& stream) {
    const plan::HostCall& host = *step.host;
    std::vector<kernels::host::Tensor> inputs(host.inputs.size());
    std::vector<const kernels::host::Tensor*> pointers(host.inputs.size(), nullptr);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        if (host.inputs[i].buffer >= 0) {
            inputs[i] = host_tensor(host.inputs[i], step, stream);
            pointers[i] = &inputs[i];
        }
    }
    kernels::host::Call call(step.layer, host.attributes, std::move(pointers), host.outputs.size());
    kernels::host::find_function(host.function)->run(call);
    std::vector<std::vector<std::int64_t>> dims;
    for (std::size_t i = 0; i < host.outputs.size(); ++i) {
        dims.push_back(call.outputs()[i].dims);
    }
    define(step, dims);
    for (std::size_t i = 0; i < host.outputs.size(); ++i) {
        if (host.outputs[i].buffer >= 0) {
            host_.write(converted(std::move(call.outputs()[i]), host.outputs[i].dtype), memory(host.outputs[i].buffer, step.layer), stream);
        }
    }
}

void DynamicExecution::run_control(const plan::Step& step, ControlFunction control, stream::Stream& stream) {
    const plan::HostCall& host = *step.host;
    std::vector<Value> inputs;
    for (const plan::HostTensor& input : host.inputs) {
        inputs.push_back(input.buffer < 0 ? Value{} : value_of(input, step));
        if (input.buffer >= 0 && program_.buffers[static_cast<std::size_t>(input.buffer)].kind == plan::BufferKind::kCONSTANT) {
            inputs.back().memory = inputs.back().bytes() == 0 ? Slice{} : pool_->take(inputs.back().bytes(), vulkan::BufferPlace::kHost);
            host_.write(host_tensor(input, step, stream), inputs.back().memory, stream);
        }
    }
    ControlCall call{step.layer, host.attributes, inputs, host.outputs.size(), *pool_, host_, stream, {}, {}};
    for (const std::int32_t index : host.bodies) {
        call.bodies.push_back(&body(index));
    }
    control(call);
    std::vector<std::vector<std::int64_t>> dims;
    for (const Value& output : call.outputs) {
        dims.push_back(output.dims);
    }
    dims.resize(host.outputs.size());
    define(step, dims);
    for (std::size_t i = 0; i < host.outputs.size() && i < call.outputs.size(); ++i) {
        if (host.outputs[i].buffer >= 0) {
            adopt(call.outputs[i], host.outputs[i].buffer, step, stream);
        }
    }
}

// A body's result becomes the step's: without a copy unless the user wants it elsewhere.
void DynamicExecution::adopt(const Value& result, std::int32_t buffer, const plan::Step& step, stream::Stream& stream) {
    Slice& place = buffers_[static_cast<std::size_t>(buffer)];
    if (place.memory == nullptr) {
        place = result.memory;
        place.size = result.bytes();
        return;
    }
    const Slice& target = memory(buffer, step.layer);
    host_.copy({result.memory.memory, result.memory.offset, result.bytes()}, target, stream);
}

void DynamicExecution::run_host_step(const plan::Step& step, stream::Stream& stream) {
    stream.synchronize();
    if (step.host->function == plan::kReadValues) {
        read_values(step, stream);
    } else if (const ControlFunction control = find_control(step.host->function); control != nullptr) {
        run_control(step, control, stream);
    } else {
        call_function(step, stream);
    }
    host_.release();
}

void DynamicExecution::release_after(std::size_t segment) {
    for (std::size_t i = 0; i < buffers_.size(); ++i) {
        if (last_use_[i] == static_cast<std::int32_t>(segment) && program_.buffers[i].kind != plan::BufferKind::kOUTPUT) {
            buffers_[i] = {};
        }
    }
}

DynamicExecution& DynamicExecution::body(std::int32_t index) {
    auto& place = bodies_[static_cast<std::size_t>(index)];
    if (place == nullptr) {
        place = std::make_unique<DynamicExecution>(loaded_->state().bodies[static_cast<std::size_t>(index)], pool_);
    }
    return *place;
}

std::vector<Value> DynamicExecution::run(std::span<const Value> inputs, std::span<const Slice> wanted, stream::Stream& stream) {
    check_count(inputs.size());
    bind_inputs(inputs);
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
