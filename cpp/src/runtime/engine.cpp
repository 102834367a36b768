#include "runtime/engine.hpp"

#include <algorithm>

#include "plan/file.hpp"
#include "plan/memory_plan.hpp"
#include "plan/validate.hpp"
#include "runtime/device_key.hpp"
#include "runtime/engine_state.hpp"
#include "runtime/host_kernel.hpp"
#include "support/error.hpp"
#include "vulkan/absence.hpp"

namespace tensorvk::runtime {
namespace {

std::shared_ptr<LoadedProgram> load_portable(const std::shared_ptr<vulkan::Device>& device, plan::StoredPlan& stored,
                                             LogSink& log) {
    return LoadedProgram::load(device, std::make_shared<const plan::Program>(std::move(stored.plan.portable)),
                               stored.weights, log);
}

// Picks the program for this device. What the plan's other programs need of memory is given back.
std::shared_ptr<LoadedProgram> load_best(const std::shared_ptr<vulkan::Device>& device, plan::StoredPlan& stored,
                                         LogSink& log, bool& tuned) {
    const plan::DeviceKey key = device_key(*device);
    std::vector<plan::TunedProgram> programs = std::move(stored.plan.tuned);
    auto mine = std::find_if(programs.begin(), programs.end(), [&](const plan::TunedProgram& t) { return t.device == key; });
    if (mine == programs.end() && device->caps().host_kernels) {
        mine = std::find_if(programs.begin(), programs.end(), [](const plan::TunedProgram& t) { return runs_on_host(t.program); });
        if (mine != programs.end()) log.log(Severity::kINFO, text("The plan's section for ", mine->device.name, " serves ", key.name, " too: it consists of functions of the host."));
    }
    tuned = mine != programs.end();
    if (!tuned) {
        log.log(programs.empty() ? Severity::kINFO : Severity::kWARNING,
                text("The plan holds no section for ", key.name,
                     "; running untuned on generic kernels. Build it on this device for full speed."));
        return load_portable(device, stored, log);
    }
    try {
        return LoadedProgram::load(device, std::make_shared<const plan::Program>(std::move(mine->program)),
                                   stored.weights, log);
    } catch (const InvalidPlan& error) {
        tuned = false;
        log.log(Severity::kWARNING, text("The plan's section for ", mine->device.name, " cannot be used (", error.what(),
                                         "); running untuned on generic kernels."));
        return load_portable(device, stored, log);
    }
}

std::vector<TensorInfo> tensor_infos(const plan::Program& program) {
    std::vector<TensorInfo> infos;
    for (const plan::IoTensor& tensor : program.io) {
        TensorInfo info{tensor.name, tensor.dtype, tensor.mode, {}};
        for (const shape::Expr dim : tensor.dims) {
            info.dims.push_back(program.exprs.value(dim).value_or(-1));
        }
        infos.push_back(std::move(info));
    }
    return infos;
}

// Numbers of all expressions, with the most that host steps may find out; -1 where nobody knows.
std::vector<std::int64_t> most_values(const plan::Program& program, const std::vector<std::int64_t>& symbols) {
    std::vector<std::optional<std::int64_t>> known;
    for (const std::int64_t value : symbols) {
        known.push_back(value < 0 ? std::nullopt : std::optional(value));
    }
    for (const plan::Step& step : program.steps) {
        for (const plan::Definition& definition : step.host ? step.host->definitions : std::vector<plan::Definition>{}) {
            if (definition.most.valid()) {
                known[static_cast<std::size_t>(definition.symbol)] =
                    program.exprs.evaluate_known(known)[static_cast<std::size_t>(definition.most.id)];
            }
        }
    }
    std::vector<std::int64_t> values;
    for (const auto& value : program.exprs.evaluate_known(known)) {
        values.push_back(value.value_or(-1));
    }
    return values;
}

std::vector<Shape> input_shapes(const plan::Profile& profile, OptProfileSelector selector) {
    constexpr Shape plan::Profile::Range::* kMembers[] = {&plan::Profile::Range::min, &plan::Profile::Range::opt,
                                                          &plan::Profile::Range::max};
    const auto member = static_cast<std::size_t>(selector);
    if (member >= std::size(kMembers)) {
        throw InvalidArgument(text("Profile selector ", static_cast<int>(selector), " is none of min, opt and max."));
    }
    std::vector<Shape> shapes;
    for (const plan::Profile::Range& range : profile.inputs) {
        shapes.push_back(range.*kMembers[member]);
    }
    return shapes;
}

ProfileSizes profile_sizes(const plan::Program& program, const plan::Profile& profile) {
    constexpr std::uint64_t kAlignment = 256;
    const std::vector<Shape> shapes = input_shapes(profile, OptProfileSelector::kMAX);
    const std::vector<std::int64_t> values = most_values(program, plan::symbols_of(program, shapes));
    ProfileSizes sizes;
    sizes.activations = program.has_host_steps() ? 0 : plan::plan_memory(program, values, kAlignment).total;
    for (const plan::IoTensor& tensor : program.io) {
        const shape::Expr bytes = program.buffers[static_cast<std::size_t>(tensor.buffer)].bytes;
        sizes.tensors.push_back(static_cast<std::uint64_t>(values[static_cast<std::size_t>(bytes.id)]));
    }
    return sizes;
}

void list_layers(const plan::Program& program, Engine::State& state) {
    for (const plan::Step& step : program.steps) {
        const auto known = std::find(state.layers.begin(), state.layers.end(), step.layer);
        state.layer_of_step.push_back(static_cast<std::size_t>(known - state.layers.begin()));
        if (known == state.layers.end()) {
            state.layers.push_back(step.layer);
        }
    }
}

std::string names_of(const std::vector<TensorInfo>& tensors) {
    std::string names;
    for (const TensorInfo& tensor : tensors) {
        names += (names.empty() ? "" : ", ") + tensor.name;
    }
    return names;
}

} // namespace

Engine::Engine(std::unique_ptr<State> state) : state_(std::move(state)) {
}
Engine::~Engine() = default;

PlanBytes PlanBytes::copy_of(std::span<const std::byte> bytes) {
    const auto copy = std::make_shared<const std::vector<std::byte>>(bytes.begin(), bytes.end());
    return {copy, *copy};
}

std::shared_ptr<Engine> Engine::load(std::shared_ptr<vulkan::Device> device, std::span<const std::byte> plan,
                                     LogSink& log) {
    return load(std::move(device), PlanBytes::copy_of(plan), log);
}

std::shared_ptr<Engine> Engine::load(std::shared_ptr<vulkan::Device> device, PlanBytes plan, LogSink& log) {
    vulkan::say_absence(log);
    auto state = std::make_unique<State>();
    state->stored = std::move(plan);
    plan::StoredPlan stored = plan::read_plan(state->stored.bytes);
    state->loaded = load_best(device, stored, log, state->tuned);
    state->plan = std::move(stored.plan);
    const plan::Program& program = state->loaded->program();
    state->tensors = tensor_infos(program);
    for (const plan::Profile& profile : state->plan.profiles) {
        state->sizes.push_back(profile_sizes(program, profile));
    }
    list_layers(program, *state);
    return std::shared_ptr<Engine>(new Engine(std::move(state)));
}

const std::string& Engine::name() const noexcept {
    return state_->plan.name;
}
const std::vector<TensorInfo>& Engine::tensors() const noexcept {
    return state_->tensors;
}

std::optional<std::size_t> Engine::find_tensor(std::string_view name) const noexcept {
    const auto found = std::find_if(state_->tensors.begin(), state_->tensors.end(),
                                    [&](const TensorInfo& t) { return t.name == name; });
    return found == state_->tensors.end() ? std::nullopt
                                          : std::optional(static_cast<std::size_t>(found - state_->tensors.begin()));
}

std::size_t Engine::tensor_index(std::string_view name) const {
    if (const auto index = find_tensor(name)) {
        return *index;
    }
    throw InvalidArgument(
        text("The engine has no input or output '", name, "'; it has: ", names_of(state_->tensors), "."));
}

std::int32_t Engine::profile_count() const noexcept {
    return static_cast<std::int32_t>(state_->plan.profiles.size());
}

const plan::Profile& Engine::profile(std::int32_t index) const {
    if (index < 0 || index >= profile_count()) {
        throw InvalidArgument(text("Optimization profile ", index, " is not there: the engine has ", profile_count(),
                                   ", counted from 0."));
    }
    return state_->plan.profiles[static_cast<std::size_t>(index)];
}

Shape Engine::profile_shape(std::string_view name, std::int32_t profile_index, OptProfileSelector selector) const {
    const std::size_t index = tensor_index(name);
    const std::vector<Shape> inputs = input_shapes(profile(profile_index), selector);
    if (state_->tensors[index].mode == TensorIOMode::kINPUT) {
        return inputs[index];
    }
    const std::vector<std::int64_t> values = most_values(program(), plan::symbols_of(program(), inputs));
    Shape shape;
    for (const shape::Expr dim : program().io[index].dims) {
        shape.push_back(values[static_cast<std::size_t>(dim.id)]);
    }
    return shape;
}

std::uint64_t Engine::device_memory_size(std::int32_t profile_index) const {
    (void)profile(profile_index);
    return state_->sizes[static_cast<std::size_t>(profile_index)].activations;
}

std::uint64_t Engine::device_memory_size() const {
    std::uint64_t most = 0;
    for (const ProfileSizes& sizes : state_->sizes) {
        most = std::max(most, sizes.activations);
    }
    return most;
}

std::uint64_t Engine::max_output_size(std::string_view name, std::int32_t profile_index) const {
    const std::size_t index = tensor_index(name);
    (void)profile(profile_index);
    return state_->sizes[static_cast<std::size_t>(profile_index)].tensors[index];
}

std::span<const std::byte> Engine::serialize() const noexcept {
    return state_->stored.bytes;
}
const std::string& Engine::report_json() const noexcept {
    return state_->plan.report_json;
}
bool Engine::tuned() const noexcept {
    return state_->tuned;
}
std::uint32_t Engine::builder_flags() const noexcept {
    return state_->plan.builder_flags;
}
std::uint32_t Engine::profiling_verbosity() const noexcept {
    return state_->plan.profiling_verbosity;
}
const plan::Program& Engine::program() const noexcept {
    return state_->loaded->program();
}
const std::vector<std::string>& Engine::layers() const noexcept {
    return state_->layers;
}
const std::vector<std::size_t>& Engine::layer_of_step() const noexcept {
    return state_->layer_of_step;
}
const std::shared_ptr<vulkan::Device>& Engine::device() const noexcept {
    return state_->loaded->device();
}
const std::shared_ptr<LoadedProgram>& Engine::loaded() const noexcept {
    return state_->loaded;
}

} // namespace tensorvk::runtime
