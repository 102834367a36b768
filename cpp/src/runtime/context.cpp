#include "runtime/context.hpp"

#include <algorithm>
#include <atomic>

#include "plan/validate.hpp"
#include "runtime/busy.hpp"
#include "support/error.hpp"

namespace tensorvk::runtime {

struct Context::State {
    explicit State(std::shared_ptr<Engine> owner, const std::shared_ptr<LoadedProgram>& program)
        : engine(std::move(owner)), execution(program), stream(stream::Stream::default_of(engine->device())) {}

    std::shared_ptr<Engine> engine;
    Execution execution;
    std::shared_ptr<stream::Stream> stream; // of execute()
    std::atomic<bool> busy{false};
    std::int32_t profile = 0;
    std::vector<Shape> inputs;  // by input; -1 where not set
    bool shapes_known = false;  // the execution has the inputs' shapes
    bool shapes_changed = true; // since the execution got them

    [[nodiscard]] const TensorInfo& tensor(std::size_t index) const { return engine->tensors()[index]; }
    void forget_shapes();
    [[nodiscard]] bool is_missing(std::size_t input) const;
    [[nodiscard]] bool any_missing() const;
    [[nodiscard]] std::size_t dynamic_inputs() const;
    void update();
    void require_shapes();
    [[nodiscard]] std::string missing_text() const;
    [[nodiscard]] Shape shape_of(std::size_t index) const;
};

void Context::State::forget_shapes() {
    inputs.clear();
    for (const TensorInfo& info : engine->tensors()) {
        if (info.mode == TensorIOMode::kINPUT) {
            inputs.push_back(info.dims);
        }
    }
    shapes_known = false;
    shapes_changed = true;
    update();
}

bool Context::State::is_missing(std::size_t input) const {
    return std::find(inputs[input].begin(), inputs[input].end(), -1) != inputs[input].end();
}

bool Context::State::any_missing() const {
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        if (is_missing(i)) {
            return true;
        }
    }
    return false;
}

std::size_t Context::State::dynamic_inputs() const {
    const std::vector<TensorInfo>& tensors = engine->tensors();
    return static_cast<std::size_t>(std::count_if(tensors.begin(), tensors.end(), [](const TensorInfo& info) {
        return info.mode == TensorIOMode::kINPUT &&
               std::find(info.dims.begin(), info.dims.end(), -1) != info.dims.end();
    }));
}

// Gives the shapes to the execution as soon as there are all of them.
void Context::State::update() {
    if (shapes_changed && !any_missing()) {
        shapes_known = false;
        execution.set_symbols(plan::symbols_of(engine->program(), inputs));
        shapes_known = true;
        shapes_changed = false;
    }
}

std::string Context::State::missing_text() const {
    std::string names;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        if (is_missing(i)) {
            names += (names.empty() ? "'" : ", '") + tensor(i).name + "'";
        }
    }
    return names;
}

void Context::State::require_shapes() {
    if (any_missing()) {
        throw InvalidState(
            text("The shapes of dynamic inputs are not set yet: ", missing_text(), ". Set them before running."));
    }
    update();
}

Shape Context::State::shape_of(std::size_t index) const {
    const TensorInfo& info = tensor(index);
    if (info.mode == TensorIOMode::kINPUT) {
        return inputs[index];
    }
    Shape dims = info.dims;
    for (std::size_t axis = 0; axis < dims.size() && shapes_known; ++axis) {
        dims[axis] = execution.value(engine->program().io[index].dims[axis]);
    }
    return dims;
}

Context::Context(std::shared_ptr<Engine> engine) {
    const std::shared_ptr<LoadedProgram> program = engine->loaded();
    state_ = std::make_unique<State>(std::move(engine), program);
    state_->forget_shapes();
}

Context::~Context() = default;

const std::shared_ptr<Engine>& Context::engine() const noexcept {
    return state_->engine;
}
std::int32_t Context::active_profile() const noexcept {
    return state_->profile;
}

void Context::set_active_profile(std::int32_t profile) {
    const Busy busy(state_->busy);
    (void)state_->engine->profile(profile);
    state_->profile = profile;
    state_->forget_shapes();
}

void Context::set_input_shape(std::string_view name, std::span<const std::int64_t> dims) {
    const Busy busy(state_->busy);
    const std::size_t index = state_->engine->tensor_index(name);
    const TensorInfo& info = state_->tensor(index);
    if (info.mode != TensorIOMode::kINPUT) {
        throw InvalidArgument(text("Tensor '", name, "' is an output: its shape follows from the inputs' shapes."));
    }
    if (dims.size() != info.dims.size()) {
        throw InvalidArgument(
            text("Input '", name, "' has ", info.dims.size(), " dimensions, a shape of ", dims.size(), " is given."));
    }
    const plan::Profile::Range& range = state_->engine->profile(state_->profile).inputs[index];
    for (std::size_t axis = 0; axis < dims.size(); ++axis) {
        if (dims[axis] < range.min[axis] || dims[axis] > range.max[axis]) {
            throw InvalidArgument(text("Dimension ", axis, " of input '", name, "' is given as ", dims[axis],
                                       ", optimization profile ", state_->profile, " allows ", range.min[axis], " to ",
                                       range.max[axis], ": choose another profile or build one with a wider range."));
        }
    }
    state_->execution.forget_results();
    if (!std::equal(dims.begin(), dims.end(), state_->inputs[index].begin())) {
        const Shape before = state_->inputs[index];
        state_->inputs[index].assign(dims.begin(), dims.end());
        state_->shapes_known = false;
        state_->shapes_changed = true;
        try {
            state_->update();
        } catch (const Error&) {
            // Shapes that must agree are set one by one, so with several inputs the last word is spoken when the
            // network runs.
            if (state_->dynamic_inputs() == 1) {
                state_->inputs[index] = before;
                throw;
            }
        }
    }
}

Shape Context::tensor_shape(std::string_view name) const {
    return state_->shape_of(state_->engine->tensor_index(name));
}

Shape Context::tensor_strides(std::string_view name) const {
    const Shape dims = tensor_shape(name);
    Shape strides(dims.size(), 1);
    for (std::size_t axis = dims.size(); axis-- > 1;) {
        const bool known = strides[axis] >= 0 && dims[axis] >= 0;
        strides[axis - 1] = known ? strides[axis] * dims[axis] : -1;
    }
    return strides;
}

std::vector<std::string> Context::missing_shapes() const {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < state_->inputs.size(); ++i) {
        if (state_->is_missing(i)) {
            names.push_back(state_->tensor(i).name);
        }
    }
    return names;
}

bool Context::all_shapes_known() const noexcept {
    return !state_->any_missing();
}

void Context::check_shapes() {
    const Busy busy(state_->busy);
    state_->require_shapes();
}

std::uint64_t Context::tensor_bytes(std::string_view name) const {
    const std::size_t index = state_->engine->tensor_index(name);
    state_->require_shapes();
    const plan::Program& program = state_->engine->program();
    const auto buffer = static_cast<std::size_t>(program.io[index].buffer);
    const std::int64_t bytes = state_->execution.value(program.buffers[buffer].bytes);
    if (bytes < 0) {
        throw InvalidState(text("The size of output '", name, "' depends on data: it is known when the network has run."));
    }
    return static_cast<std::uint64_t>(bytes);
}

std::uint64_t Context::max_output_size(std::string_view name) const {
    return state_->engine->max_output_size(name, state_->profile);
}

void Context::set_tensor_address(std::string_view name, std::uint64_t address) {
    set_tensor_address(state_->engine->tensor_index(name), address);
}

void Context::set_tensor_address(std::size_t index, std::uint64_t address) {
    const Busy busy(state_->busy);
    if (index >= state_->engine->tensors().size()) {
        throw InvalidArgument(text("Tensor index ", index, " is not there: the engine has ",
                                   state_->engine->tensors().size(), " inputs and outputs, counted from 0."));
    }
    state_->execution.set_address(index, address);
}

std::uint64_t Context::tensor_address(std::string_view name) const {
    return state_->execution.address(state_->engine->tensor_index(name));
}

void Context::set_output_allocator(Execution::OutputAllocator allocator) {
    state_->execution.set_output_allocator(std::move(allocator));
}

void Context::set_device_memory(std::uint64_t address, std::uint64_t bytes) {
    const Busy busy(state_->busy);
    state_->execution.set_arena(address, bytes);
}

void Context::enqueue(stream::Stream& stream) {
    const Busy busy(state_->busy);
    state_->require_shapes();
    state_->execution.enqueue(stream);
}

void Context::execute(std::span<const std::uint64_t> addresses) {
    const Busy busy(state_->busy);
    if (addresses.size() != state_->engine->tensors().size()) {
        throw InvalidArgument(text(addresses.size(), " addresses are given for the engine's ",
                                   state_->engine->tensors().size(),
                                   " inputs and outputs: give one for each, inputs first."));
    }
    state_->require_shapes();
    for (std::size_t i = 0; i < addresses.size(); ++i) {
        state_->execution.set_address(i, addresses[i]);
    }
    state_->execution.run(*state_->stream);
}

std::vector<LayerTime> Context::time_layers(stream::Stream& stream) {
    const Busy busy(state_->busy);
    state_->require_shapes();
    const std::vector<float> steps = state_->execution.time_steps(stream);
    std::vector<LayerTime> layers;
    for (const std::string& layer : state_->engine->layers()) {
        layers.push_back({layer, 0.0F});
    }
    for (std::size_t i = 0; i < steps.size(); ++i) {
        layers[state_->engine->layer_of_step()[i]].milliseconds += steps[i];
    }
    return layers;
}

std::uint64_t Context::recordings() const noexcept {
    return state_->execution.recordings();
}

} // namespace tensorvk::runtime
