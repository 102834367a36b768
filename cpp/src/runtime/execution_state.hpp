// What is inside an Execution: shapes and what follows from them, addresses and what they point at, recordings.
#pragma once

#include <atomic>
#include <algorithm>
#include <optional>
#include <utility>

#include "plan/memory_plan.hpp"
#include "runtime/loaded_program.hpp"
#include "runtime/dynamic_execution.hpp"
#include "runtime/recorder.hpp"
#include "runtime/recordings.hpp"
#include "runtime/submissions.hpp"
#include "stream/address_space.hpp"
#include "stream/memory.hpp"
#include "vulkan/timestamps.hpp"

namespace tensorvk::runtime {

//! Device memory of the execution for an output whose size only running tells, where the user gave no address.
class OwnOutput {
  public:
    OwnOutput() = default;
    OwnOutput(const OwnOutput&) = delete;
    OwnOutput& operator=(const OwnOutput&) = delete;
    OwnOutput(OwnOutput&& other) noexcept : address_(std::exchange(other.address_, 0)), bytes_(other.bytes_) {}
    ~OwnOutput() { free(); }

    [[nodiscard]] std::uint64_t address() const noexcept { return address_; }
    //! The address of at least `bytes` (and at least one).
    [[nodiscard]] std::uint64_t hold(const std::shared_ptr<vulkan::Device>& device, std::uint64_t bytes) {
        const bool freed = address_ != 0 && !stream::AddressSpace::instance().holds(address_); // by the user, who can ask for the address
        if (address_ == 0 || freed || bytes_ < bytes) {
            free();
            address_ = stream::allocate_device(device, std::max<std::uint64_t>(bytes, 1));
            bytes_ = bytes;
        }
        return address_;
    }

  private:
    void free() noexcept {
        const std::uint64_t address = std::exchange(address_, 0);
        try {
            stream::free_device(address);
        } catch (const Error&) { // NOLINT(bugprone-empty-catch): the user freed it, or the device is lost; there is nothing left to free
        }
    }
    std::uint64_t address_ = 0;
    std::uint64_t bytes_ = 0;
};

struct Execution::State {
    std::shared_ptr<LoadedProgram> loaded;
    std::atomic<bool> busy{false};

    std::optional<std::vector<std::int64_t>> symbols; // none: set_symbols() was not called yet
    std::vector<std::int64_t> values;
    plan::MemoryPlan memory;

    std::vector<std::uint64_t> addresses; // by io tensor
    std::vector<Slice> given;             // by io tensor, memory without an address
    std::vector<Slice> io;                // both, resolved by the run in progress
    std::unique_ptr<DynamicExecution> dynamic; // runs programs with host steps
    std::shared_ptr<BlockPool> pool;           // of `dynamic`
    std::uint32_t runs_with_much_idle = 0;
    std::vector<OwnOutput> own_outputs; // by io tensor
    OutputAllocator output_allocator;
    void allocate_known_outputs();
    std::uint64_t user_arena = 0;
    std::uint64_t user_arena_bytes = 0;
    std::shared_ptr<vulkan::Buffer> own_arena;
    Slice arena;

    Recordings recordings;
    std::optional<GroupTimes> group_times; // where submissions are limited
    std::uint64_t recorded = 0;
    std::shared_ptr<stream::StreamState> last_stream;
    std::uint64_t last_value = 0;

    [[nodiscard]] const LoadedProgram::State& body() const noexcept { return *loaded->state_; }
    [[nodiscard]] const plan::Program& program() const noexcept { return *body().program; }
    [[nodiscard]] std::uint64_t alignment() const noexcept {
        return body().device->caps().limits.storage_offset_alignment;
    }
    [[nodiscard]] std::uint64_t bytes_of(std::int32_t buffer) const {
        const plan::Buffer& b = program().buffers[static_cast<std::size_t>(buffer)];
        return static_cast<std::uint64_t>(values[static_cast<std::size_t>(b.bytes.id)]);
    }

    [[nodiscard]] std::size_t input_symbols() const;
    void set_symbols(std::span<const std::int64_t> numbers);
    void set_known_symbols(std::span<const std::int64_t> numbers);
    [[nodiscard]] Slice resolve(std::uint64_t address, std::uint64_t bytes, const std::string& what) const;
    void resolve_io();
    void resolve_arena();
    void prepare();
    [[nodiscard]] std::vector<vulkan::BufferView> views() const;
    // execution_record.cpp. Whether anything was recorded:
    void place_views(std::vector<vulkan::BufferView>& all) const;
    bool bounce(vulkan::CommandBuffer& commands, std::vector<vulkan::BufferView>& views,
                std::vector<Slice>& staging) const;
    bool bounce_back(vulkan::CommandBuffer& commands, const std::vector<Slice>& staging) const;
    [[nodiscard]] std::shared_ptr<vulkan::CommandBuffer> begin_commands() const;
    [[nodiscard]] RecordInput steps_of(const StepRange& range, std::span<const vulkan::BufferView> all) const;
    [[nodiscard]] kernels::cpu::Run prepare_host(std::size_t step, std::span<const vulkan::BufferView> all) const;
    [[nodiscard]] std::vector<HostWork::Part> prepare_hosts(const StepRange& range, std::span<const vulkan::BufferView> all) const;
    [[nodiscard]] const std::vector<StepRange>& submissions();
    [[nodiscard]] std::vector<Piece> record();
    //! Reads how long the pieces took where that decides about cuts. Whether they are to be cut otherwise.
    [[nodiscard]] bool outgrown(Recording& known);
    //! The steps, with timestamps around them (in `commands`' keeping) where their time decides about cuts; else null.
    [[nodiscard]] std::shared_ptr<const vulkan::TimestampPool> record_piece(vulkan::CommandBuffer& commands, const RecordInput& steps) const;
    [[nodiscard]] Recording& recording();
    [[nodiscard]] std::vector<float> time_steps(stream::Stream& stream);
    void order_after_last(stream::Stream& stream);
    Recording& submit(stream::Stream& stream);
    //! Runs at once, on this thread, what is host work alone and has nothing to wait for. False: it is not so.
    bool run_here(stream::Stream& stream);
    void run_dynamic(stream::Stream& stream);
    [[nodiscard]] Value input_value(std::size_t index) const;
    [[nodiscard]] Slice user_memory(std::size_t index, std::uint64_t bytes) const;
    //! Bytes of an output; -1 where only running tells.
    [[nodiscard]] std::int64_t known_output_size(std::size_t index) const;
    //! Whether the output is in memory that the execution, not the user, holds.
    [[nodiscard]] bool is_in_own_memory(std::size_t index) const {
        return !own_outputs.empty() && addresses[index] != 0 && addresses[index] == own_outputs[index].address();
    }
    //! What the user's allocator says.
    [[nodiscard]] std::optional<std::uint64_t> allocated(std::size_t index, std::uint64_t bytes) const;
    [[nodiscard]] Slice known_output(std::size_t index) const;
    void deliver(std::size_t index, const Value& result, stream::Stream& stream);
};

} // namespace tensorvk::runtime
