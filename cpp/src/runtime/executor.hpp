// Runs programs. A LoadedProgram is what threads share (weights on the device, pipelines, prepacked weights); an
// Execution is one thread's activations and recorded command buffers.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "plan/program.hpp"
#include "runtime/weights.hpp"
#include "stream/stream.hpp"
#include "support/log.hpp"
#include "vulkan/device.hpp"

namespace tensorvk::runtime {

class LoadedProgram {
  public:
    //! Uploads the constants that the program binds, makes all pipelines (in parallel) and runs the init steps. A
    //! kernel id or hash that this build does not have throws InvalidPlan that names it.
    [[nodiscard]] static std::shared_ptr<LoadedProgram> load(std::shared_ptr<vulkan::Device> device,
                                                             std::shared_ptr<const plan::Program> program,
                                                             std::span<const std::byte> weights, LogSink& log);
    //! The same for a network inside a network: host steps or not, it is run segment by segment (DynamicExecution).
    [[nodiscard]] static std::shared_ptr<LoadedProgram> load_in_segments(std::shared_ptr<vulkan::Device> device,
                                                                         std::shared_ptr<const plan::Program> program,
                                                                         std::span<const std::byte> weights, LogSink& log);
    ~LoadedProgram();

    [[nodiscard]] const plan::Program& program() const noexcept;
    [[nodiscard]] const std::shared_ptr<vulkan::Device>& device() const noexcept;

    struct State;
    [[nodiscard]] const State& state() const noexcept { return *state_; }

  private:
    friend class Execution;
    explicit LoadedProgram(std::unique_ptr<State> state);
    void run_init();
    std::unique_ptr<State> state_;
};

class Execution {
  public:
    explicit Execution(std::shared_ptr<LoadedProgram> program);
    ~Execution();

    //! Values of all symbols: evaluates every expression, plans the arena (which grows if it must) and checks limits
    //! (storage range, group counts).
    void set_symbols(std::span<const std::int64_t> symbols);
    //! Value of an expression for the current symbols; -1 where it depends on data that was not computed yet.
    [[nodiscard]] std::int64_t value(shape::Expr expr) const;
    //! What the last run found out about sizes is not true of the next one any more.
    void forget_results();
    //! Address (device or pinned host, in the flat space) of io tensor `index`; checked against the tensor's bytes when
    //! enqueued.
    void set_address(std::size_t index, std::uint64_t address);
    [[nodiscard]] std::uint64_t address(std::size_t index) const;
    //! The same for memory that has no address in the flat space.
    void set_memory(std::size_t index, Slice memory);
    //! Asked for memory for each output of a run, when its size is known: address for (io index, the user's address so far or 0, bytes), or
    //! nothing where the address set (or, for a size that only running the network tells, memory of the execution's own) is to be used.
    using OutputAllocator = std::function<std::optional<std::uint64_t>(std::size_t, std::uint64_t, std::uint64_t)>;
    void set_output_allocator(OutputAllocator allocator);
    //! Uses the caller's memory for the arena instead of its own; 0 goes back to its own.
    void set_arena(std::uint64_t address, std::uint64_t bytes);
    [[nodiscard]] std::uint64_t arena_bytes() const;

    //! Submits one inference. With the same symbols and addresses as one of the last few calls nothing is recorded or
    //! allocated. Work on another stream than last time is ordered after it, since both use the same activations.
    void enqueue(stream::Stream& stream);
    //! The same for a caller who waits for the stream sooner or later: host work that has nothing to wait for is done at once, by this thread.
    void advance(stream::Stream& stream);
    //! Submits one inference and waits for it; learns how long that takes, so that later waits know how long to poll.
    void run(stream::Stream& stream);

    //! Runs once with a timestamp around every step and returns each step's milliseconds (program order). Slower than
    //! enqueue; waits.
    [[nodiscard]] std::vector<float> time_steps(stream::Stream& stream);

    [[nodiscard]] std::uint64_t recordings()
        const noexcept; // how many command buffers were recorded so far: tests and reports
    //! Barriers of the command buffer for the current symbols and addresses (recorded if it is not yet): too few are a
    //! race that no result need show, so tests count them.
    [[nodiscard]] std::uint32_t barriers();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace tensorvk::runtime
