#include <algorithm>

#include "api/convert.hpp"
#include "api/host_memory.hpp"
#include "api/runtime_state.hpp"
#include "support/dtype.hpp"

namespace tensorvk {

using api::guarded;

namespace api {

EngineState::EngineState(std::shared_ptr<runtime::Engine> loaded, std::shared_ptr<Reporter> reporter_)
    : engine(std::move(loaded)), reporter(std::move(reporter_)) {
    for (std::int32_t profile = 0; profile < engine->profile_count(); ++profile) {
        for (const runtime::TensorInfo& tensor : engine->tensors()) {
            binding_names.push_back(profile == 0 ? tensor.name : text(tensor.name, " [profile ", profile, "]"));
        }
    }
}

std::size_t EngineState::tensor_of_binding(std::int32_t binding) const {
    if (binding < 0 || static_cast<std::size_t>(binding) >= binding_names.size()) {
        throw InvalidArgument(text("Binding ", binding, " does not exist: engine '", engine->name(), "' has ",
                                   binding_names.size(), " (", tensor_count(), " inputs and outputs times ",
                                   engine->profile_count(), " profiles)."));
    }
    return static_cast<std::size_t>(binding) % tensor_count();
}

namespace {

//! What `ask` says about the tensor of that name, or `neutral`.
template <typename Result, typename Ask>
Result about(const EngineState& state, const char* name, Result neutral, Ask&& ask) {
    return guarded(*state.reporter, neutral, [&]() -> Result {
        return ask(state.engine->tensors()[state.engine->tensor_index(required(name, "name"))]);
    });
}

template <typename Result, typename Ask>
Result about(const EngineState& state, std::int32_t binding, Result neutral, Ask&& ask) {
    return guarded(*state.reporter, neutral,
                   [&]() -> Result { return ask(state.engine->tensors()[state.tensor_of_binding(binding)]); });
}

} // namespace
} // namespace api

const char* ICudaEngine::getName() const {
    return state_->engine->name().c_str();
}
int32_t ICudaEngine::getNbIOTensors() const {
    return static_cast<int32_t>(state_->tensor_count());
}

const char* ICudaEngine::getIOTensorName(int32_t index) const {
    return guarded(*state_->reporter, static_cast<const char*>(nullptr), [&] {
        if (index < 0 || index >= getNbIOTensors()) {
            throw InvalidArgument(text("There is no input or output number ", index, ": engine '", getName(), "' has ",
                                       getNbIOTensors(), "."));
        }
        return state_->engine->tensors()[static_cast<std::size_t>(index)].name.c_str();
    });
}

Dims ICudaEngine::getTensorShape(const char* name) const {
    return api::about(*state_, name, api::no_dims(), [](const auto& tensor) { return api::to_dims(tensor.dims); });
}
DataType ICudaEngine::getTensorDataType(const char* name) const {
    return api::about(*state_, name, DataType::kFLOAT, [](const auto& tensor) { return tensor.dtype; });
}
TensorIOMode ICudaEngine::getTensorIOMode(const char* name) const {
    return api::about(*state_, name, TensorIOMode::kNONE, [](const auto& tensor) { return tensor.mode; });
}
TensorLocation ICudaEngine::getTensorLocation(const char* name) const {
    return api::about(*state_, name, TensorLocation::kDEVICE, [](const auto&) { return TensorLocation::kDEVICE; });
}
bool ICudaEngine::isShapeInferenceIO(const char* name) const {
    return api::about(*state_, name, false, [](const auto&) { return false; });
}
int32_t ICudaEngine::getTensorBytesPerComponent(const char* name, int32_t) const {
    return api::about(*state_, name, -1,
                      [](const auto& tensor) { return static_cast<int32_t>(dtype_size(tensor.dtype)); });
}
int32_t ICudaEngine::getTensorComponentsPerElement(const char* name, int32_t) const {
    return api::about(*state_, name, -1, [](const auto&) { return 1; });
}
TensorFormat ICudaEngine::getTensorFormat(const char* name, int32_t) const {
    return api::about(*state_, name, TensorFormat::kLINEAR, [](const auto&) { return TensorFormat::kLINEAR; });
}
const char* ICudaEngine::getTensorFormatDesc(const char* name, int32_t) const {
    return api::about(*state_, name, static_cast<const char*>(nullptr), [](const auto& tensor) {
        return tensor.dtype == DataType::kHALF
                   ? "Row major linear FP16 format (kLINEAR)"
                   : (tensor.dtype == DataType::kFLOAT ? "Row major linear FP32 format (kLINEAR)"
                                                       : "Row major linear format (kLINEAR)");
    });
}
int32_t ICudaEngine::getTensorVectorizedDim(const char* name, int32_t) const {
    return api::about(*state_, name, -1, [](const auto&) { return -1; });
}

int32_t ICudaEngine::getNbOptimizationProfiles() const {
    return state_->engine->profile_count();
}

Dims ICudaEngine::getProfileShape(const char* name, int32_t profile, OptProfileSelector select) const {
    return guarded(*state_->reporter, api::no_dims(), [&] {
        return api::to_dims(state_->engine->profile_shape(api::required(name, "name"), profile, select));
    });
}

int32_t ICudaEngine::getNbBindings() const {
    return static_cast<int32_t>(state_->binding_names.size());
}

int32_t ICudaEngine::getBindingIndex(const char* name) const {
    const auto& names = state_->binding_names;
    const auto found = name == nullptr ? names.end() : std::ranges::find(names, name);
    return found == names.end() ? -1 : static_cast<int32_t>(found - names.begin());
}

const char* ICudaEngine::getBindingName(int32_t binding) const {
    return guarded(*state_->reporter, static_cast<const char*>(nullptr), [&] {
        (void)state_->tensor_of_binding(binding); // throws when there is none
        return state_->binding_names[static_cast<std::size_t>(binding)].c_str();
    });
}

bool ICudaEngine::bindingIsInput(int32_t binding) const {
    return api::about(*state_, binding, false, [](const auto& tensor) { return tensor.mode == TensorIOMode::kINPUT; });
}
Dims ICudaEngine::getBindingDimensions(int32_t binding) const {
    return api::about(*state_, binding, api::no_dims(), [](const auto& tensor) { return api::to_dims(tensor.dims); });
}
DataType ICudaEngine::getBindingDataType(int32_t binding) const {
    return api::about(*state_, binding, DataType::kFLOAT, [](const auto& tensor) { return tensor.dtype; });
}
TensorLocation ICudaEngine::getLocation(int32_t binding) const {
    return api::about(*state_, binding, TensorLocation::kDEVICE, [](const auto&) { return TensorLocation::kDEVICE; });
}
Dims ICudaEngine::getProfileDimensions(int32_t binding, int32_t profile, OptProfileSelector select) const {
    return api::about(*state_, binding, api::no_dims(), [&](const auto& tensor) {
        return api::to_dims(state_->engine->profile_shape(tensor.name, profile, select));
    });
}

int32_t ICudaEngine::getNbLayers() const {
    return static_cast<int32_t>(state_->engine->layers().size());
}

std::size_t ICudaEngine::getDeviceMemorySize() const {
    return guarded(*state_->reporter, std::size_t{0},
                   [&] { return static_cast<std::size_t>(state_->engine->device_memory_size()); });
}
std::size_t ICudaEngine::getDeviceMemorySizeForProfile(int32_t profile) const {
    return guarded(*state_->reporter, std::size_t{0},
                   [&] { return static_cast<std::size_t>(state_->engine->device_memory_size(profile)); });
}
ProfilingVerbosity ICudaEngine::getProfilingVerbosity() const {
    return static_cast<ProfilingVerbosity>(state_->engine->profiling_verbosity());
}

IHostMemory* ICudaEngine::serialize() const {
    return guarded(*state_->reporter, static_cast<IHostMemory*>(nullptr), [&]() -> IHostMemory* {
        const auto bytes = state_->engine->serialize();
        return new api::HostMemory({bytes.begin(), bytes.end()});
    });
}

IExecutionContext* ICudaEngine::createExecutionContext(ExecutionContextAllocationStrategy) {
    return guarded(*state_->reporter, static_cast<IExecutionContext*>(nullptr),
                   [&] { return new IExecutionContext(*this, std::make_unique<api::ContextState>(state_)); });
}
IExecutionContext* ICudaEngine::createExecutionContextWithoutDeviceMemory() {
    return createExecutionContext(ExecutionContextAllocationStrategy::kUSER_MANAGED);
}
IEngineInspector* ICudaEngine::createEngineInspector() const {
    return new IEngineInspector(state_);
}

void ICudaEngine::setErrorRecorder(IErrorRecorder* recorder) {
    state_->reporter->set_recorder(api::unowned(recorder));
}
IErrorRecorder* ICudaEngine::getErrorRecorder() const {
    return state_->reporter->recorder().get();
}

} // namespace tensorvk
