#include "runtime/busy.hpp"
#include "runtime/execution_state.hpp"
#include "support/error.hpp"

namespace tensorvk::runtime {

Execution::Execution(std::shared_ptr<LoadedProgram> program) : state_(std::make_unique<State>()) {
    state_->loaded = std::move(program);
    state_->addresses.assign(state_->program().io.size(), 0);
    state_->given.resize(state_->addresses.size());
    state_->io.resize(state_->addresses.size());
    if (state_->body().device->caps().submission_limit.count() > 0) {
        state_->group_times.emplace(state_->program().steps);
    }
    if (state_->program().has_host_steps()) {
        state_->own_outputs.resize(state_->addresses.size());
        state_->pool = std::make_shared<BlockPool>(state_->body().device);
        state_->dynamic = std::make_unique<DynamicExecution>(state_->loaded, state_->pool);
    }
    const std::size_t symbols = state_->program().exprs.symbols().size();
    if (symbols == 0 || (state_->dynamic && state_->input_symbols() == 0)) { // the others are told by data
        state_->set_symbols(std::vector<std::int64_t>(symbols, -1));
    }
}

Execution::~Execution() = default;

void Execution::set_symbols(std::span<const std::int64_t> symbols) {
    const Busy busy(state_->busy);
    state_->set_symbols(symbols);
}

std::int64_t Execution::value(shape::Expr expr) const {
    if (!state_->symbols) {
        throw InvalidState("The shapes of the network's dynamic inputs are not set yet.");
    }
    if (state_->dynamic) {
        return state_->dynamic->value(expr).value_or(state_->values.at(static_cast<std::size_t>(expr.id)));
    }
    return state_->values.at(static_cast<std::size_t>(expr.id));
}

void Execution::forget_results() {
    const Busy busy(state_->busy);
    if (state_->dynamic) {
        state_->dynamic->forget_values();
    }
}

void Execution::set_address(std::size_t index, std::uint64_t address) {
    const Busy busy(state_->busy);
    state_->addresses.at(index) = address;
}

void Execution::set_memory(std::size_t index, Slice memory) {
    const Busy busy(state_->busy);
    state_->given.at(index) = std::move(memory);
}

void Execution::set_output_allocator(OutputAllocator allocator) {
    const Busy busy(state_->busy);
    state_->output_allocator = std::move(allocator);
}

std::uint64_t Execution::address(std::size_t index) const {
    return state_->addresses.at(index);
}

void Execution::set_arena(std::uint64_t address, std::uint64_t bytes) {
    const Busy busy(state_->busy);
    state_->user_arena = address;
    state_->user_arena_bytes = bytes;
}

std::uint64_t Execution::arena_bytes() const {
    return state_->memory.total;
}

void Execution::enqueue(stream::Stream& stream) {
    const Busy busy(state_->busy);
    state_->allocate_known_outputs();
    if (state_->dynamic) {
        state_->run_dynamic(stream);
    } else {
        (void)state_->submit(stream);
    }
}

void Execution::advance(stream::Stream& stream) {
    const Busy busy(state_->busy);
    if (!state_->run_here(stream)) {
        (void)state_->submit(stream);
    }
}

void Execution::run(stream::Stream& stream) {
    const Busy busy(state_->busy);
    state_->allocate_known_outputs();
    if (state_->dynamic) {
        state_->run_dynamic(stream);
        return;
    }
    if (state_->run_here(stream)) {
        return;
    }
    const auto start = std::chrono::steady_clock::now();
    Recording& recording = state_->submit(stream);
    stream.synchronize();
    recording.learn(std::chrono::steady_clock::now() - start);
}

std::vector<float> Execution::time_steps(stream::Stream& stream) {
    const Busy busy(state_->busy);
    state_->allocate_known_outputs();
    if (state_->dynamic) {
        return state_->dynamic->time_steps([&] { state_->run_dynamic(stream); });
    }
    return state_->time_steps(stream);
}

std::uint32_t Execution::barriers() {
    const Busy busy(state_->busy);
    state_->prepare();
    std::uint32_t count = 0;
    for (const Piece& piece : state_->recording().pieces) {
        count += piece.commands ? piece.commands->barrier_count() : 0;
    }
    return count;
}

std::uint64_t Execution::recordings() const noexcept {
    return state_->dynamic ? state_->dynamic->recordings() : state_->recorded;
}

} // namespace tensorvk::runtime
