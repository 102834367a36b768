// The last few recordings of an execution (command buffers, host kernels ready to run), by what they were recorded for.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kernels/cpu/kernel.hpp"
#include "runtime/host_kernel.hpp"
#include "runtime/weights.hpp"
#include "stream/stream.hpp"
#include "vulkan/command_buffer.hpp"
#include "vulkan/timestamps.hpp"

namespace tensorvk::runtime {

//! Host kernels that run one after the other, ready to be called again and again.
struct HostWork {
    struct Part {
        kernels::cpu::Run run;
        const std::string* layer;
    };
    std::vector<Part> parts;
    std::vector<std::shared_ptr<const void>> kept; // what the parts point into

    //! Throws OutOfMemory with the layer's name.
    void run() const;
};

//! A part of a program that is given to a stream as one piece of work: either of the two.
struct Piece {
    std::shared_ptr<const vulkan::CommandBuffer> commands;
    std::shared_ptr<const HostWork> host;
    StepRange steps{};
    std::shared_ptr<const vulkan::TimestampPool> timestamps{}; // before and behind the steps, where their time decides about cuts
};

struct Recording {
    std::vector<std::int64_t> symbols;
    std::vector<Slice> io; // keeps the users' buffers alive, so that equal handles mean equal memory
    Slice arena;
    std::vector<Piece> pieces;              // none: free place
    std::chrono::nanoseconds expected{0};                  // of a run; zero: not known
    std::uint64_t timed_runs = 0;
    std::shared_ptr<stream::StreamState> first_stream; // null: it did not run yet
    std::uint64_t first_value = 0;                     // of the first run's last piece
    std::uint64_t cut_by = 0;                          // GroupTimes::version() that its cuts are right for
    std::uint64_t last_use = 0;

    [[nodiscard]] bool is_all_host() const noexcept {
        return std::ranges::all_of(pieces, [](const Piece& piece) { return piece.host != nullptr; });
    }
    //! A run took this long, from submission to the host's knowing.
    void learn(std::chrono::nanoseconds took) noexcept;

    [[nodiscard]] bool is_for(std::span<const std::int64_t> for_symbols, std::span<const Slice> for_io,
                              const Slice& for_arena) const noexcept;
};

class Recordings {
  public:
    static constexpr std::size_t kCapacity = 8;

    //! The recording made for exactly this, or nullptr.
    [[nodiscard]] Recording* find(std::span<const std::int64_t> symbols, std::span<const Slice> io,
                                  const Slice& arena) noexcept;
    //! A place for a new recording: a free one, else the one used least recently. Streams keep what they still run.
    [[nodiscard]] Recording& take_place();
    //! Forgets recordings that use other activations than `memory`.
    void keep_only(const vulkan::Buffer* memory);

  private:
    std::array<Recording, kCapacity> places_;
    std::uint64_t clock_ = 0;
};

} // namespace tensorvk::runtime
