#include "runtime/execution_state.hpp"

#include <algorithm>
#include <set>

#include "plan/constraints.hpp"
#include "runtime/recorder.hpp"
#include "stream/address_space.hpp"
#include "stream/device_context.hpp"
#include "support/error.hpp"

namespace tensorvk::runtime {
void Execution::State::set_symbols(std::span<const std::int64_t> numbers) {
    if (symbols && std::equal(symbols->begin(), symbols->end(), numbers.begin(), numbers.end())) {
        return;
    }
    if (dynamic) {
        set_known_symbols(numbers);
        return;
    }
    std::vector<std::int64_t> evaluated = plan::evaluate(program(), numbers);
    check_limits(program(), evaluated, body().device->caps().limits);
    // Views into the arena start where any binding may, and vector reads of odd tails stay inside.
    memory = plan::plan_memory(program(), evaluated, std::max(alignment(), std::uint64_t{256}));
    values = std::move(evaluated);
    symbols.emplace(numbers.begin(), numbers.end());
}

std::size_t Execution::State::input_symbols() const {
    std::set<std::int64_t> symbols_of_inputs;
    for (const plan::IoTensor& tensor : program().io) {
        for (const shape::Expr dim : tensor.dims) {
            const shape::ExprNode& node = program().exprs.node(dim);
            if (tensor.mode == TensorIOMode::kINPUT && node.op == shape::ExprOp::kSYMBOL) {
                symbols_of_inputs.insert(node.value);
            }
        }
    }
    return symbols_of_inputs.size();
}

// Symbols that data decides are -1 until the network has run, and so is what depends on them.
void Execution::State::set_known_symbols(std::span<const std::int64_t> numbers) {
    std::vector<std::optional<std::int64_t>> known;
    for (const std::int64_t value : numbers) {
        known.push_back(value < 0 ? std::nullopt : std::optional(value));
    }
    std::vector<std::int64_t> evaluated;
    for (const auto& value : plan::evaluate(program(), known)) {
        evaluated.push_back(value.value_or(-1));
    }
    values = std::move(evaluated);
    symbols.emplace(numbers.begin(), numbers.end());
    dynamic->forget_values();
}

Slice Execution::State::resolve(std::uint64_t address, std::uint64_t bytes, const std::string& what) const {
    try {
        const stream::Region region = stream::AddressSpace::instance().resolve(address, bytes);
        if (region.buffer == nullptr) {
            throw InvalidArgument(
                "it is registered host memory that this driver cannot use in kernels: copy to device memory, or "
                "allocate "
                "with cudaHostAlloc.");
        }
        if (&region.buffer->device() != body().device.get()) {
            throw InvalidArgument(text("it is memory of device ", region.buffer->device().index(),
                                       ", the engine runs on device ", body().device->index(), "."));
        }
        return {region.buffer, region.offset, bytes};
    } catch (const InvalidArgument& error) {
        throw InvalidArgument(text(what, " needs ", bytes, " bytes of device memory: ", error.what()));
    }
}

void Execution::State::resolve_io() {
    for (std::size_t i = 0; i < addresses.size(); ++i) {
        const plan::IoTensor& tensor = program().io[i];
        const std::uint64_t bytes = bytes_of(tensor.buffer);
        if (given[i].memory) {
            io[i] = given[i];
            continue;
        }
        if (bytes == 0) {
            io[i] = {};
            continue;
        }
        if (addresses[i] == 0) {
            throw InvalidArgument(text("Tensor '", tensor.name, "' has no address: set one to at least ", bytes,
                                       " bytes of device memory before running."));
        }
        io[i] = resolve(addresses[i], bytes, text("Tensor '", tensor.name, "'"));
    }
}

void Execution::State::resolve_arena() {
    if (memory.total == 0) {
        arena = {};
    } else if (user_arena != 0) {
        if (user_arena_bytes < memory.total) {
            throw InvalidArgument(text("The activations need ", memory.total,
                                       " bytes for these input shapes, the memory given for them has ",
                                       user_arena_bytes, "."));
        }
        arena = resolve(user_arena, memory.total, "The activations' memory");
        if (arena.offset % alignment() != 0) {
            throw InvalidArgument(
                text("The activations' memory begins at an address that is no multiple of ", alignment(), "."));
        }
    } else {
        if (own_arena == nullptr || own_arena->size() < memory.total) {
            own_arena = std::make_shared<vulkan::Buffer>(body().device, memory.total);
            recordings.keep_only(own_arena.get());
        }
        arena = {own_arena, 0, memory.total};
    }
}

void Execution::State::prepare() {
    if (!symbols) {
        throw InvalidState("The shapes of the network's dynamic inputs are not set yet.");
    }
    resolve_io();
    resolve_arena();
}

std::vector<vulkan::BufferView> Execution::State::views() const {
    const LoadedProgram::State& state = body();
    std::vector<vulkan::BufferView> out(program().buffers.size(), {state.nothing.get(), 0, state.nothing->size()});
    for (std::size_t i = 0; i < out.size(); ++i) {
        const std::int64_t offset = memory.offsets[i];
        if (state.weights[i].memory) {
            out[i] = state.weights[i].view();
        } else if (offset != plan::MemoryPlan::kNowhere) {
            out[i] = {arena.memory.get(), arena.offset + static_cast<std::uint64_t>(offset),
                      bytes_of(static_cast<std::int32_t>(i))};
        }
    }
    for (std::size_t i = 0; i < io.size(); ++i) {
        if (io[i].memory) {
            out[static_cast<std::size_t>(program().io[i].buffer)] = io[i].view();
        }
    }
    pad(out);
    return out;
}

// Kernels bind aligned memory only: tensors that lie elsewhere are copied.
void Execution::State::bounce(vulkan::CommandBuffer& commands, std::vector<vulkan::BufferView>& all,
                              std::vector<Slice>& staging) const {
    bool copied = false;
    staging.assign(io.size(), {});
    for (std::size_t i = 0; i < io.size(); ++i) {
        if (io[i].memory == nullptr || io[i].offset % alignment() == 0) {
            continue;
        }
        staging[i] = {std::make_shared<vulkan::Buffer>(body().device, io[i].size), 0, io[i].size};
        commands.keep(staging[i].memory);
        all[static_cast<std::size_t>(program().io[i].buffer)] = {staging[i].memory.get(), 0,
                                                                 staging[i].memory->capacity()};
        if (program().io[i].mode == TensorIOMode::kINPUT) {
            commands.copy(io[i].view(), staging[i].view());
            copied = true;
        }
    }
    if (copied) {
        commands.full_barrier();
    }
}

void Execution::State::bounce_back(vulkan::CommandBuffer& commands, const std::vector<Slice>& staging) const {
    bool waited = false;
    for (std::size_t i = 0; i < io.size(); ++i) {
        if (staging[i].memory && program().io[i].mode == TensorIOMode::kOUTPUT) {
            if (!waited) {
                commands.full_barrier();
                waited = true;
            }
            commands.copy(staging[i].view(), io[i].view());
        }
    }
}

std::shared_ptr<const vulkan::CommandBuffer> Execution::State::record(const vulkan::TimestampPool* timestamps) const {
    auto commands = std::make_shared<vulkan::CommandBuffer>(body().device);
    commands->begin();
    commands->keep(loaded);
    commands->keep(arena.memory);
    for (const Slice& slice : io) {
        commands->keep(slice.memory);
    }
    std::vector<vulkan::BufferView> all = views();
    std::vector<Slice> staging;
    bounce(*commands, all, staging);
    const RecordInput input{program().steps, body().pipelines, values, all};
    if (timestamps != nullptr) {
        record_timed_steps(*commands, input, *timestamps);
    } else {
        record_steps(*commands, input);
    }
    bounce_back(*commands, staging);
    commands->end();
    return commands;
}

Recording& Execution::State::recording() {
    if (Recording* known = recordings.find(*symbols, io, arena); known != nullptr) {
        return *known;
    }
    std::shared_ptr<const vulkan::CommandBuffer> commands = record(nullptr);
    Recording& place = recordings.take_place();
    place.symbols = *symbols;
    place.io = io;
    place.arena = arena;
    place.commands = std::move(commands);
    ++recorded;
    return place;
}

void Execution::State::order_after_last(stream::Stream& stream) {
    if (last_stream && last_stream != stream.state()) {
        stream.state()->context.add_wait(*stream.state(), {last_stream, last_value});
    }
}

Recording& Execution::State::submit(stream::Stream& stream) {
    prepare();
    Recording& chosen = recording();
    order_after_last(stream);
    last_value = stream.submit(chosen.commands, chosen.expected);
    last_stream = stream.state();
    return chosen;
}

} // namespace tensorvk::runtime
