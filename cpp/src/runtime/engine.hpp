// An engine: a plan on a device, shared by threads. Weights are uploaded once; contexts run it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "plan/program.hpp"
#include "runtime/executor.hpp"
#include "support/log.hpp"
#include "vulkan/device.hpp"

namespace tensorvk::runtime {

using Shape = std::vector<std::int64_t>; // -1: not known yet

//! What the network's user sees of an input or output. Inputs come first, each in network order.
struct TensorInfo {
    std::string name;
    DataType dtype = DataType::kFLOAT;
    TensorIOMode mode = TensorIOMode::kNONE;
    Shape dims; // -1 for dynamic dimensions
};

//! A plan's bytes, and what keeps them: they stay as they are while `owner` lives.
struct PlanBytes {
    std::shared_ptr<const void> owner;
    std::span<const std::byte> bytes;

    [[nodiscard]] static PlanBytes copy_of(std::span<const std::byte> bytes);
};

class Engine {
  public:
    //! Reads and checks the plan, picks the program tuned for this device (or the portable one, and logs that), uploads
    //! weights and makes pipelines. Weights that functions of the host read stay in `plan`. Throws InvalidPlan, OutOfMemory,
    //! DeviceLost.
    [[nodiscard]] static std::shared_ptr<Engine> load(std::shared_ptr<vulkan::Device> device, PlanBytes plan,
                                                      LogSink& log);
    //! Of bytes that may go: they are copied.
    [[nodiscard]] static std::shared_ptr<Engine> load(std::shared_ptr<vulkan::Device> device,
                                                      std::span<const std::byte> plan, LogSink& log);
    ~Engine();
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    [[nodiscard]] const std::string& name() const noexcept;
    [[nodiscard]] const std::vector<TensorInfo>& tensors() const noexcept;
    [[nodiscard]] std::optional<std::size_t> find_tensor(std::string_view name) const noexcept;
    //! Index of a tensor; throws InvalidArgument that lists the names there are.
    [[nodiscard]] std::size_t tensor_index(std::string_view name) const;

    [[nodiscard]] std::int32_t profile_count() const noexcept;
    //! min, opt or max shape of an input; of an output, the shape that it has when all inputs have theirs. Throws
    //! InvalidArgument for unknown names and profiles.
    [[nodiscard]] Shape profile_shape(std::string_view name, std::int32_t profile,
                                             OptProfileSelector selector) const;

    //! Bytes of activations that a context needs at the profile's max shapes, or the most of all profiles.
    [[nodiscard]] std::uint64_t device_memory_size(std::int32_t profile) const;
    [[nodiscard]] std::uint64_t device_memory_size() const;
    //! Bytes of an output at the profile's max shapes.
    [[nodiscard]] std::uint64_t max_output_size(std::string_view name, std::int32_t profile) const;

    //! The bytes that the engine was loaded from.
    [[nodiscard]] std::span<const std::byte> serialize() const noexcept;
    [[nodiscard]] const std::string& report_json() const noexcept;
    //! False: the plan has no program for this device (or needs kernels this library does not have), so the portable
    //! one runs.
    [[nodiscard]] bool tuned() const noexcept;
    [[nodiscard]] std::uint32_t builder_flags() const noexcept;
    [[nodiscard]] std::uint32_t profiling_verbosity() const noexcept;
    //! The program that runs: one step per dispatch, for inspectors.
    [[nodiscard]] const plan::Program& program() const noexcept;
    //! Names of the layers that run, in order, each once.
    [[nodiscard]] const std::vector<std::string>& layers() const noexcept;
    //! For each step of program(), its layer's index in layers().
    [[nodiscard]] const std::vector<std::size_t>& layer_of_step() const noexcept;
    [[nodiscard]] const std::shared_ptr<vulkan::Device>& device() const noexcept;

    struct State;

  private:
    friend class Context;
    explicit Engine(std::unique_ptr<State> state);
    [[nodiscard]] const std::shared_ptr<LoadedProgram>& loaded() const noexcept;
    [[nodiscard]] const plan::Profile& profile(std::int32_t index) const;

    std::unique_ptr<State> state_;
};

} // namespace tensorvk::runtime
