// The last few command buffers of an execution, by what they were recorded for.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "runtime/weights.hpp"
#include "vulkan/command_buffer.hpp"

namespace tensorvk::runtime {

struct Recording {
    std::vector<std::int64_t> symbols;
    std::vector<Slice> io; // keeps the users' buffers alive, so that equal handles mean equal memory
    Slice arena;
    std::shared_ptr<const vulkan::CommandBuffer> commands; // null: free place
    std::chrono::nanoseconds expected{0};                  // of a run; zero: not known
    std::uint64_t timed_runs = 0;
    std::uint64_t last_use = 0;

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
