// One thread's way of running an engine: shapes, addresses, activations. Keeps its engine alive. Use by two threads at
// once is refused.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/engine.hpp"
#include "stream/stream.hpp"

namespace tensorvk::runtime {

struct LayerTime {
    std::string layer;
    float milliseconds = 0.0F;
};

class Context {
  public:
    //! Activations are allocated when the first run needs them. Profile 0 is active; a network without dynamic
    //! dimensions is ready to run.
    explicit Context(std::shared_ptr<Engine> engine);
    ~Context();
    Context(const Context&) = delete;
    Context& operator=(const Context&) = delete;

    [[nodiscard]] const std::shared_ptr<Engine>& engine() const noexcept;

    [[nodiscard]] std::int32_t active_profile() const noexcept;
    //! Forgets the shapes of dynamic inputs. Throws InvalidArgument for a profile that is not there.
    void set_active_profile(std::int32_t profile);

    //! Throws InvalidArgument naming tensor and axis, with the value given and the active profile's range.
    void set_input_shape(std::string_view name, std::span<const std::int64_t> dims);
    //! Shape of an input or output; -1 where it depends on shapes not set yet.
    [[nodiscard]] Shape tensor_shape(std::string_view name) const;
    //! In elements, row-major; -1 where unknown.
    [[nodiscard]] Shape tensor_strides(std::string_view name) const;
    //! Inputs whose shapes are still missing.
    [[nodiscard]] std::vector<std::string> missing_shapes() const;
    [[nodiscard]] bool all_shapes_known() const noexcept;
    //! Throws InvalidArgument where the inputs' shapes, which are all set, do not go together.
    void check_shapes();
    //! Bytes for the current shapes. Throws InvalidState while shapes are missing.
    [[nodiscard]] std::uint64_t tensor_bytes(std::string_view name) const;
    //! Most bytes that the output can have in the active profile.
    [[nodiscard]] std::uint64_t max_output_size(std::string_view name) const;

    //! Device or pinned host memory in the flat space; checked when enqueued. 0 takes it back.
    void set_tensor_address(std::string_view name, std::uint64_t address);
    [[nodiscard]] std::uint64_t tensor_address(std::string_view name) const;
    //! The same by index into Engine::tensors().
    void set_tensor_address(std::size_t index, std::uint64_t address);

    //! Asked for memory for outputs while a run is on its way; see Execution.
    void set_output_allocator(Execution::OutputAllocator allocator);

    //! Uses the caller's memory for activations; 0 goes back to the context's own.
    void set_device_memory(std::uint64_t address, std::uint64_t bytes);

    //! One inference in the stream's order. Throws InvalidState (shapes missing, used by two threads), InvalidArgument
    //! (addresses).
    void enqueue(stream::Stream& stream);
    //! One inference with these addresses (one per tensor, in order) on the device's default stream; returns when it is
    //! done.
    void execute(std::span<const std::uint64_t> addresses);

    //! Runs once and returns each layer's time, in the order of Engine::layers(). Waits.
    [[nodiscard]] std::vector<LayerTime> time_layers(stream::Stream& stream);

    //! Command buffers recorded so far.
    [[nodiscard]] std::uint64_t recordings() const noexcept;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace tensorvk::runtime
