#include "tactics/program_runner.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "kernels/embedded.hpp"
#include "kernels/used_cases.hpp"
#include "support/error.hpp"
#include "vulkan/pipeline_cache.hpp"

namespace tensorvk::test {
namespace {

constexpr std::uint64_t kAlign = 256;
constexpr std::size_t kPushBytes = plan::kMaxParams * sizeof(std::int32_t);

//! The same kernel, which plays matrix units (shaders/common/matrices.glsl).
std::vector<std::uint32_t> played_code(std::string id) {
#ifdef TVK_PLAYED_MATRICES
    std::ranges::replace(id, ':', '/');
    std::ifstream file(std::filesystem::path(TVK_PLAYED_MATRICES) / (id + ".spv"), std::ios::binary);
    const std::string bytes(std::istreambuf_iterator<char>(file), {});
    std::vector<std::uint32_t> code(bytes.size() / sizeof(std::uint32_t));
    std::memcpy(code.data(), bytes.data(), bytes.size());
    if (!code.empty()) return code;
#endif
    throw InternalError(text("Kernel ", id, " wants matrix units, which this device has not, and there is no code that plays them."));
}

std::vector<std::uint32_t> code_of(const kernels::EmbeddedKernel& kernel, bool has_matrix_units) {
    const std::string id = kernel.id;
    const bool on_units = id.find("coopmat:") != std::string::npos || id.starts_with("convolution/window:");
    if (!has_matrix_units && on_units) return played_code(id);
    const std::span<const std::uint32_t> embedded = kernels::embedded_spirv(kernel);
    return {embedded.begin(), embedded.end()};
}

std::shared_ptr<const vulkan::Pipeline> pipeline(vulkan::Device& device, const plan::Step& step) {
    const kernels::EmbeddedKernel* kernel = kernels::find_embedded(step.kernel);
    if (kernel == nullptr) throw InternalError(text("No kernel ", step.kernel, " in this build."));
    std::vector<vulkan::SpecConstant> constants;
    for (const plan::SpecConstant& constant : step.spec) {
        constants.push_back({constant.id, static_cast<std::uint32_t>(constant.value)});
    }
    const std::vector<std::uint32_t> code = kernels::keep_used_cases(code_of(*kernel, device.caps().cooperative_matrix), step.spec);
    return device.pipelines().get({.spirv = code,
                                   .constants = constants,
                                   .bindings = static_cast<std::uint32_t>(step.bindings.size()),
                                   .push_constant_bytes = kPushBytes,
                                   .name = step.kernel});
}

} // namespace

ProgramRunner::ProgramRunner(std::shared_ptr<vulkan::Device> device, const plan::Program& program,
                             std::span<const std::int64_t> symbols)
    : device_(std::move(device)),
      program_(program),
      values_(program.exprs.evaluate(symbols)),
      commands_(device_),
      timeline_(device_) {
    commands_.begin();
    for (const plan::Buffer& buffer : program.buffers) {
        const auto bytes = static_cast<std::uint64_t>(values_[static_cast<std::size_t>(buffer.bytes.id)]);
        buffers_.push_back(std::make_unique<vulkan::Buffer>(device_, 2 * std::max((bytes + kAlign - 1) / kAlign * kAlign, kAlign)));
        commands_.fill({buffers_.back().get(), 0, buffers_.back()->size()}, 0xFFFFFFFFU);
    }
    commands_.end();
    submit(commands_);
}

vulkan::BufferView ProgramRunner::view(std::int32_t buffer, std::uint64_t bytes) const {
    return {buffers_[static_cast<std::size_t>(buffer)].get(), 0, bytes};
}

void ProgramRunner::submit(vulkan::CommandBuffer& commands) {
    device_->queue(0).submit(commands.handle(), {}, timeline_.point(++submitted_));
    timeline_.wait(submitted_);
}

void ProgramRunner::write(std::int32_t buffer, std::span<const std::byte> bytes) {
    if (bytes.empty()) return;
    vulkan::Buffer staging(device_, bytes.size(), vulkan::BufferPlace::kHost);
    std::memcpy(staging.mapped(), bytes.data(), bytes.size());
    commands_.begin();
    commands_.copy({&staging, 0, bytes.size()}, view(buffer, bytes.size()));
    commands_.end();
    submit(commands_);
}

std::vector<std::byte> ProgramRunner::read(std::int32_t buffer, std::size_t bytes) {
    if (bytes == 0) return {};
    vulkan::Buffer staging(device_, bytes, vulkan::BufferPlace::kHost);
    commands_.begin();
    commands_.copy(view(buffer, bytes), {&staging, 0, bytes});
    commands_.end();
    submit(commands_);
    return {staging.mapped(), staging.mapped() + bytes};
}

void ProgramRunner::run_on_host(const plan::Step& step) {
    const kernels::cpu::Kernel* kernel = kernels::cpu::find(step.kernel);
    if (kernel == nullptr) throw InternalError(text("No kernel ", step.kernel, " in this build."));
    std::vector<std::int64_t> params;
    for (const shape::Expr param : step.params) params.push_back(values_[static_cast<std::size_t>(param.id)]);
    std::vector<std::span<std::byte>> memory;
    for (const plan::Binding& binding : step.bindings) {
        const vulkan::Buffer& buffer = *buffers_[static_cast<std::size_t>(binding.buffer)];
        memory.emplace_back(buffer.mapped(), buffer.size());
    }
    kernel->prepare({step, params, memory, kept_[&step]})();
}

void ProgramRunner::run_steps(std::span<const plan::Step> steps) {
    while (!steps.empty()) {
        if (kernels::cpu::is_cpu_kernel(steps.front().kernel)) {
            run_on_host(steps.front());
            steps = steps.subspan(1);
            continue;
        }
        const auto end = std::ranges::find_if(steps, [](const plan::Step& step) { return kernels::cpu::is_cpu_kernel(step.kernel); });
        const auto count = static_cast<std::size_t>(end - steps.begin());
        commands_.begin();
        record(commands_, steps.first(count));
        commands_.end();
        submit(commands_);
        steps = steps.subspan(count);
    }
}

void ProgramRunner::record(vulkan::CommandBuffer& commands, std::span<const plan::Step> steps) {
    std::int32_t group = steps.empty() ? 0 : steps.front().group;
    for (const plan::Step& step : steps) {
        if (step.group != group) commands.compute_barrier();
        group = step.group;
        std::array<std::int32_t, plan::kMaxParams> push{};
        for (std::size_t i = 0; i < step.params.size(); ++i) {
            push[i] = static_cast<std::int32_t>(values_[static_cast<std::size_t>(step.params[i].id)]);
        }
        std::array<std::uint32_t, 3> groups{};
        for (std::size_t i = 0; i < groups.size(); ++i) {
            groups[i] = static_cast<std::uint32_t>(values_[static_cast<std::size_t>(step.groups[i].id)]);
        }
        groups[1] *= rows_of_groups_;
        if (groups[0] == 0 || groups[1] == 0 || groups[2] == 0) continue;
        std::vector<vulkan::BufferView> views;
        for (const plan::Binding& binding : step.bindings) {
            views.push_back(view(binding.buffer, buffers_[static_cast<std::size_t>(binding.buffer)]->size()));
        }
        const std::shared_ptr<const vulkan::Pipeline> compiled = pipeline(*device_, step);
        commands.keep(compiled);
        commands.dispatch(*compiled, views, std::as_bytes(std::span(push)), groups);
    }
}

void ProgramRunner::run_init() {
    for (const plan::Step& step : program_.init) run_steps({&step, 1});
}

void ProgramRunner::run() { run_steps(program_.steps); }

void ProgramRunner::run_spilled() {
    rows_of_groups_ = 2;
    run();
    rows_of_groups_ = 1;
}

bool ProgramRunner::intact() {
    for (const std::unique_ptr<vulkan::Buffer>& buffer : buffers_) {
        const std::uint64_t half = buffer->size() / 2;
        vulkan::Buffer staging(device_, half, vulkan::BufferPlace::kHost);
        commands_.begin();
        commands_.copy({buffer.get(), half, half}, {&staging, 0, half});
        commands_.end();
        submit(commands_);
        if (std::any_of(staging.mapped(), staging.mapped() + half, [](std::byte byte) { return byte != std::byte{0xFF}; })) return false;
    }
    return true;
}

double ProgramRunner::time(int passes, int repeats) {
    run(); // a CPU driver compiles here
    const bool host = std::ranges::any_of(program_.steps, [](const plan::Step& step) { return kernels::cpu::is_cpu_kernel(step.kernel); });
    if (!host) {
        commands_.begin();
        for (int i = 0; i < repeats; ++i) {
            record(commands_, program_.steps);
            commands_.compute_barrier();
        }
        commands_.end();
    }
    double best = 1e30;
    for (int pass = 0; pass < passes; ++pass) {
        const auto start = std::chrono::steady_clock::now();
        for (int i = 0; host && i < repeats; ++i) run();
        if (!host) submit(commands_);
        const std::chrono::duration<double, std::milli> wall = std::chrono::steady_clock::now() - start;
        best = std::min(best, wall.count() / repeats);
    }
    return best;
}

} // namespace tensorvk::test
