// One inference of a program with host steps: the user's tensors in and out.
#include "runtime/execution_state.hpp"
#include "stream/address_space.hpp"
#include "stream/device_context.hpp"
#include "support/error.hpp"

namespace tensorvk::runtime {
namespace {

// Memory that is idle after a run is used by the next one. More than this is given back now and then.
constexpr std::uint64_t kKeepIdle = 256ULL << 20;
constexpr std::uint32_t kPatience = 100;

} // namespace

void Execution::State::run_dynamic(stream::Stream& stream) {
    if (!symbols) {
        throw InvalidState("The shapes of the network's dynamic inputs are not set yet.");
    }
    order_after_last(stream);
    std::vector<Value> inputs;
    std::vector<Slice> wanted;
    for (std::size_t i = 0; i < addresses.size(); ++i) {
        const plan::IoTensor& tensor = program().io[i];
        if (tensor.mode == TensorIOMode::kINPUT) {
            inputs.push_back(input_value(i));
        } else {
            wanted.push_back(known_output(i));
        }
    }
    const std::vector<Value> outputs = dynamic->run(inputs, wanted, stream, *symbols);
    for (std::size_t i = 0; i < outputs.size(); ++i) {
        deliver(inputs.size() + i, outputs[i], stream);
    }
    if (pool->idle_bytes() > kKeepIdle) { // sizes that come once and never again must not pile up
        if (++runs_with_much_idle > kPatience) {
            dynamic->forget_recordings();
            pool->trim();
            runs_with_much_idle = 0;
        }
    }
    last_stream = stream.state();
    last_value = stream.last_value();
}

Value Execution::State::input_value(std::size_t index) const {
    const plan::IoTensor& tensor = program().io[index];
    Value value{tensor.dtype, {}, {}};
    for (const shape::Expr dim : tensor.dims) {
        value.dims.push_back(values[static_cast<std::size_t>(dim.id)]);
    }
    if (value.bytes() > 0) {
        value.memory = user_memory(index, value.bytes());
    }
    return value;
}

Slice Execution::State::user_memory(std::size_t index, std::uint64_t bytes) const {
    const plan::IoTensor& tensor = program().io[index];
    if (addresses[index] == 0) {
        throw InvalidArgument(text("Tensor '", tensor.name, "' has no address: set one to at least ", bytes,
                                   " bytes of device memory before running."));
    }
    return resolve(addresses[index], bytes, text("Tensor '", tensor.name, "'"));
}

// The user's memory where the output's size is known before the run; kernels need it aligned.
Slice Execution::State::known_output(std::size_t index) const {
    const std::int64_t bytes = known_output_size(index);
    if (bytes <= 0) {
        return {};
    }
    const Slice slice = user_memory(index, static_cast<std::uint64_t>(bytes));
    return slice.offset % alignment() == 0 ? slice : Slice{};
}

void Execution::State::deliver(std::size_t index, const Value& result, stream::Stream& stream) {
    const std::uint64_t bytes = result.bytes();
    if (known_output_size(index) < 0) {
        if (const auto address = allocated(index, bytes)) {
            addresses[index] = *address;
        } else if (addresses[index] == 0 || is_in_own_memory(index)) {
            addresses[index] = own_outputs[index].hold(body().device, bytes);
        }
    }
    if (bytes == 0) {
        return;
    }
    const Slice target = user_memory(index, bytes);
    if (target.memory.get() != result.memory.memory.get() || target.offset != result.memory.offset) {
        HostMemory(body().device, pool).copy(slice_of(result), target, stream);
    }
}

void Execution::State::allocate_known_outputs() {
    if (!output_allocator || !symbols) {
        return;
    }
    for (std::size_t i = 0; i < addresses.size(); ++i) {
        const std::int64_t bytes = program().io[i].mode == TensorIOMode::kOUTPUT ? known_output_size(i) : -1;
        if (bytes >= 0) {
            addresses[i] = allocated(i, static_cast<std::uint64_t>(bytes)).value_or(addresses[i]);
        }
    }
}

// An allocator may free the current memory that it is told, so it is never told the execution's own.
std::optional<std::uint64_t> Execution::State::allocated(std::size_t index, std::uint64_t bytes) const {
    return output_allocator ? output_allocator(index, is_in_own_memory(index) ? 0 : addresses[index], bytes) : std::nullopt;
}

std::int64_t Execution::State::known_output_size(std::size_t index) const {
    return values[static_cast<std::size_t>(program().buffers[static_cast<std::size_t>(program().io[index].buffer)].bytes.id)];
}

} // namespace tensorvk::runtime
