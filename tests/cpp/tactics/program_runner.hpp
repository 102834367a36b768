// Runs a program's steps, shaders on the device and host kernels on this thread, with the vulkan room alone: tests and benchmarks of
// tactics, below the runtime.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "kernels/cpu/kernel.hpp"
#include "plan/program.hpp"
#include "vulkan/buffer.hpp"
#include "vulkan/command_buffer.hpp"
#include "vulkan/device.hpp"
#include "vulkan/timeline.hpp"

namespace tensorvk::test {

class ProgramRunner {
  public:
    //! Every buffer of the program gets memory of its own, filled with 0xFF (NaN as a float): what a kernel forgets to
    //! write shows. As much lies behind it, where nothing may be written.
    ProgramRunner(std::shared_ptr<vulkan::Device> device, const plan::Program& program,
                  std::span<const std::int64_t> symbols);

    void write(std::int32_t buffer, std::span<const std::byte> bytes);
    [[nodiscard]] std::vector<std::byte> read(std::int32_t buffer, std::size_t bytes);
    void run_init();
    void run();
    //! With twice as many workgroups along y: those behind the last, as grids of more than 65535 groups have them, must do nothing.
    void run_spilled();
    //! Whether nothing was written behind any buffer.
    [[nodiscard]] bool intact();
    //! Milliseconds of one run of the steps on the device: best of `passes`, each of `repeats` runs back to back.
    [[nodiscard]] double time(int passes, int repeats);

  private:
    void run_steps(std::span<const plan::Step> steps);
    void run_on_host(const plan::Step& step);
    void record(vulkan::CommandBuffer& commands, std::span<const plan::Step> steps);
    void submit(vulkan::CommandBuffer& commands);
    [[nodiscard]] vulkan::BufferView view(std::int32_t buffer, std::uint64_t bytes) const;

    std::shared_ptr<vulkan::Device> device_;
    const plan::Program& program_;
    std::vector<std::int64_t> values_; // of all expressions
    std::vector<std::unique_ptr<vulkan::Buffer>> buffers_;
    std::uint32_t rows_of_groups_ = 1; // times those of a step along y
    vulkan::CommandBuffer commands_;
    vulkan::Timeline timeline_;
    std::uint64_t submitted_ = 0;
    std::map<const plan::Step*, kernels::cpu::Keep> kept_;
};

} // namespace tensorvk::test
