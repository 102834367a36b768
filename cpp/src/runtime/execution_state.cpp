#include "runtime/execution_state.hpp"

#include <algorithm>
#include <set>

#include "plan/constraints.hpp"
#include "stream/address_space.hpp"
#include "stream/device_context.hpp"
#include "support/error.hpp"
#include "vulkan/fork.hpp"

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

void Execution::State::order_after_last(stream::Stream& stream) {
    if (last_stream && last_stream != stream.state()) {
        stream.state()->context.add_wait(*stream.state(), {last_stream, last_value});
    }
}

bool Execution::State::run_here(stream::Stream& stream) {
    if (!body().has_host_kernels()) {
        return false;
    }
    vulkan::require_unforked(); // the pool's threads are not in a forked process either
    prepare();
    const Recording& chosen = recording();
    if (!chosen.is_all_host() || (last_stream && !last_stream->timeline.reached(last_value)) || !stream.query()) {
        return false;
    }
    for (const Piece& piece : chosen.pieces) {
        piece.host->run();
    }
    return true;
}

Recording& Execution::State::submit(stream::Stream& stream) {
    prepare();
    Recording& chosen = recording();
    order_after_last(stream);
    std::chrono::nanoseconds expected = chosen.expected; // of all pieces: the first one's submission tells it
    for (const Piece& piece : chosen.pieces) {
        last_value = piece.host ? stream.host_work([work = piece.host] { work->run(); }) : stream.submit(piece.commands, std::exchange(expected, {}));
    }
    last_stream = stream.state();
    if (!chosen.first_stream) {
        chosen.first_stream = last_stream;
        chosen.first_value = last_value;
    }
    return chosen;
}

} // namespace tensorvk::runtime
