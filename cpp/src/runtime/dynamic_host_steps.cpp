// The steps of a DynamicExecution that the host does: functions, networks inside the network, and numbers that become known.
#include <algorithm>
#include <new>
#include <stdexcept>

#include "kernels/host/functions.hpp"
#include "runtime/control.hpp"
#include "runtime/dynamic_execution.hpp"
#include "runtime/loaded_program.hpp"
#include "support/error.hpp"
#include "support/shape_text.hpp"

namespace tensorvk::runtime {
namespace {

void run_function(const plan::HostCall& host, kernels::host::Call& call, const std::string& layer) {
    try {
        kernels::host::find_function(host.function)->run(call);
    } catch (const std::bad_alloc&) {
        throw OutOfMemory(text("Layer '", layer, "' needs more host memory than there is; use smaller shapes."));
    } catch (const std::length_error&) { // more than a container can ever hold
        throw InvalidArgument(text("Layer '", layer, "' would make a tensor of an absurd size; check the values that its shape is made of."));
    }
}

} // namespace

Value DynamicExecution::value_of(const plan::HostTensor& tensor, const plan::Step& step) {
    Value value{tensor.dtype, extents(tensor.dims, text("Layer '", step.layer, "'")), {}};
    const plan::Buffer& buffer = program_.buffers[static_cast<std::size_t>(tensor.buffer)];
    if (buffer.kind == plan::BufferKind::kCONSTANT) {
        return value; // its bytes are in the plan
    }
    value.memory = memory(program_.holder(tensor.buffer), step.layer);
    if (buffer.kind == plan::BufferKind::kVIEW) {
        const auto offset = static_cast<std::uint64_t>(required(buffer.offset, step.layer));
        value.memory.offset += offset;
        value.memory.size -= std::min(offset, value.memory.size); // what is left: a reader of more refuses
    }
    return value;
}

void DynamicExecution::define(const plan::Step& step, std::span<const std::vector<std::int64_t>> output_dims) {
    for (const plan::Definition& definition : step.host->definitions) {
        if (definition.output >= 0) {
            const auto& dims = output_dims[static_cast<std::size_t>(definition.output)];
            symbols_[static_cast<std::size_t>(definition.symbol)] = dims.at(static_cast<std::size_t>(definition.axis));
        }
    }
    if (!step.host->definitions.empty()) {
        evaluate();
    }
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
    if (value.bytes() > loaded_->state().plan_weights.size() - buffer.constant_offset) {
        throw InvalidPlan(text("Layer '", step.layer, "' reads beyond the plan's weights; the plan is damaged, build it again."));
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
    run_function(host, call, step.layer);
    std::vector<std::vector<std::int64_t>> dims;
    for (std::size_t i = 0; i < host.outputs.size(); ++i) {
        dims.push_back(call.outputs()[i].dims);
    }
    define(step, dims);
    for (std::size_t i = 0; i < host.outputs.size(); ++i) {
        if (host.outputs[i].buffer >= 0) {
            kernels::host::Tensor& made = call.outputs()[i];
            const DataType kept = host.outputs[i].dtype; // floats between operations are kept in one type, whatever the function made
            host_.write(made.dtype == kept ? std::move(made) : made.converted(kept), memory(host.outputs[i].buffer, step.layer), stream);
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
    std::vector<std::vector<Known>> known_dims(host.outputs.size());
    for (std::size_t i = 0; i < host.outputs.size(); ++i) {
        for (const shape::Expr dim : host.outputs[i].dims) {
            known_dims[i].push_back(number(dim));
        }
    }
    ControlCall call{step.layer, host.attributes, inputs, std::move(known_dims), *pool_, host_, stream, {}, {}};
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
        place = slice_of(result);
        return;
    }
    const Slice& target = memory(buffer, step.layer);
    host_.copy(slice_of(result), target, stream);
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

} // namespace tensorvk::runtime
