#include "runtime/loaded_program.hpp"

#include "runtime/recorder.hpp"
#include "runtime/submissions.hpp"
#include "support/error.hpp"

namespace tensorvk::runtime {
namespace {

// Expressions of init steps are constants, so symbols may have any value; those that do not compute for it are not used
// either.
std::vector<std::int64_t> constant_values(const shape::ExprPool& exprs) {
    std::vector<std::int64_t> values(exprs.size(), 0);
    for (std::size_t i = 0; i < values.size(); ++i) {
        values[i] = exprs.value(shape::Expr{static_cast<std::int32_t>(i)}).value_or(0);
    }
    return values;
}

// Dispatches between host steps are programs of their own.
void load_segments(LoadedProgram::State& state, std::span<const std::byte> weights, LogSink& log) {
    state.plan_weights = weights;
    state.segments = plan::split(*state.program);
    for (const plan::Segment& segment : state.segments) {
        state.segment_programs.push_back(
            segment.dispatches ? LoadedProgram::load(state.device, segment.dispatches, weights, log) : nullptr);
    }
    for (const plan::Program& body : state.program->bodies) {
        // Aliases: the body lives as long as the program that it is part of.
        state.bodies.push_back(
            LoadedProgram::load_in_segments(state.device, std::shared_ptr<const plan::Program>(state.program, &body), weights, log));
    }
}

} // namespace

LoadedProgram::LoadedProgram(std::unique_ptr<State> state) : state_(std::move(state)) {
}
LoadedProgram::~LoadedProgram() = default;

const plan::Program& LoadedProgram::program() const noexcept {
    return *state_->program;
}
const std::shared_ptr<vulkan::Device>& LoadedProgram::device() const noexcept {
    return state_->device;
}

void LoadedProgram::run_init() {
    const plan::Program& program = *state_->program;
    const Pipelines pipelines = make_pipelines(state_->device, program.init);
    std::vector<vulkan::BufferView> views;
    for (const Slice& slice : state_->weights) {
        views.push_back(slice.memory ? slice.view()
                                     : vulkan::BufferView{state_->nothing.get(), 0, state_->nothing->size()});
    }
    pad(views);
    const std::vector<std::int64_t> values = constant_values(program.exprs);
    const std::vector<HostKernel> host_kernels = find_host_kernels(program.init);
    const auto stream = stream::Stream::default_of(state_->device);
    const bool limited = state_->device->caps().submission_limit.count() > 0;
    for (const StepRange& range : limited ? group_ranges(program.init) : step_ranges(program.init)) {
        const std::size_t count = range.last - range.first;
        if (range.host) {
            stream->synchronize();
            for (std::size_t i = range.first; i < range.last; ++i) {
                prepare_host_kernel(program, program.init[i], host_kernels[i], values, views)();
            }
            continue;
        }
        const auto commands = std::make_shared<vulkan::CommandBuffer>(state_->device);
        commands->begin();
        record_steps(*commands, {std::span(program.init).subspan(range.first, count),
                                 std::span(pipelines).subspan(range.first, count), values, views});
        commands->end();
        stream->submit(commands);
    }
    stream->synchronize();
}

std::shared_ptr<LoadedProgram> LoadedProgram::load_in_segments(std::shared_ptr<vulkan::Device> device,
                                                               std::shared_ptr<const plan::Program> program,
                                                               std::span<const std::byte> weights, LogSink& log) {
    check_kernels(program->steps);
    auto state = std::make_unique<State>();
    state->device = std::move(device);
    state->program = std::move(program);
    load_segments(*state, weights, log);
    return std::shared_ptr<LoadedProgram>(new LoadedProgram(std::move(state)));
}

std::shared_ptr<LoadedProgram> LoadedProgram::load(std::shared_ptr<vulkan::Device> device,
                                                   std::shared_ptr<const plan::Program> program,
                                                   std::span<const std::byte> weights, LogSink& log) {
    constexpr std::uint64_t kNothingBytes = 256;
    if (program->has_host_steps()) {
        return load_in_segments(std::move(device), std::move(program), weights, log);
    }
    check_kernels(program->init);
    check_kernels(program->steps);
    auto state = std::make_unique<State>();
    state->device = std::move(device);
    state->program = std::move(program);
    state->weights = upload_weights(state->device, *state->program, weights);
    state->pipelines = make_pipelines(state->device, state->program->steps);
    state->host_kernels = find_host_kernels(state->program->steps);
    state->ranges = step_ranges(state->program->steps);
    state->nothing = std::make_shared<vulkan::Buffer>(state->device, kNothingBytes);
    std::shared_ptr<LoadedProgram> loaded(new LoadedProgram(std::move(state)));
    const plan::Program& body = loaded->program();
    if (!body.init.empty()) {
        loaded->run_init();
    }
    release_unused(body, loaded->state_->weights);
    log.log(Severity::kVERBOSE, text("Loaded a program of ", body.steps.size(), " steps and ", body.init.size(),
                                     " preparing ones on ", loaded->device()->offer().name, "."));
    return loaded;
}

} // namespace tensorvk::runtime
