#include <algorithm>

#include "api/convert.hpp"
#include "api/runtime_state.hpp"
#include "stream/event.hpp"

namespace tensorvk {

using api::guarded;
using api::succeeds;

namespace {

std::uint64_t handle(const void* pointer) {
    return reinterpret_cast<std::uintptr_t>(pointer);
}
void* pointer(std::uint64_t address) {
    return reinterpret_cast<void*>(static_cast<std::uintptr_t>(address));
}

} // namespace

namespace api {

void ContextState::report_layers(stream::Stream& stream) {
    for (const runtime::LayerTime& time : context.time_layers(stream)) {
        profiler->reportLayerTime(time.layer.c_str(), time.milliseconds);
    }
}

void ContextState::enqueue(stream::Stream& stream) {
    if (profiler != nullptr && emits_profile) {
        report_layers(stream);
    } else {
        context.enqueue(stream);
    }
    if (input_consumed != nullptr) {
        stream::Event::from_handle(handle(input_consumed))->record(stream);
    }
    if (debug_sync) {
        stream.synchronize();
    }
}

std::vector<std::uint64_t> ContextState::addresses_of(std::span<const std::uint64_t> bindings) const {
    const std::size_t count = engine->tensor_count();
    if (bindings.size() != count && bindings.size() != engine->binding_names.size()) {
        throw InvalidArgument(text(bindings.size(), " bindings were given, but engine '", engine->engine->name(),
                                   "' has ", count, " inputs and outputs",
                                   engine->engine->profile_count() > 1
                                       ? text(" (or ", engine->binding_names.size(), " bindings over all profiles)")
                                       : text(""),
                                   ": give one address each, in the order of the bindings."));
    }
    const std::size_t first = bindings.size() == count ? 0 : static_cast<std::size_t>(context.active_profile()) * count;
    const auto own = bindings.subspan(first, count);
    return {own.begin(), own.end()};
}

void ContextState::set_bindings(std::span<const std::uint64_t> bindings) {
    const auto addresses = addresses_of(bindings);
    for (std::size_t i = 0; i < addresses.size(); ++i) {
        context.set_tensor_address(i, addresses[i]);
    }
}

bool execute_bindings(IExecutionContext& context, std::span<const std::uint64_t> bindings) {
    ContextState& state = RuntimeAccess::state(context);
    return succeeds(*state.reporter, [&] {
        if (state.profiler == nullptr) {
            state.context.execute(state.addresses_of(bindings));
            return;
        }
        state.set_bindings(bindings);
        const auto stream = stream::Stream::default_of(state.engine->engine->device());
        state.enqueue(*stream);
        stream->synchronize();
    });
}

bool enqueue_bindings(IExecutionContext& context, std::span<const std::uint64_t> bindings, std::uint64_t stream,
                      std::uint64_t consumed) {
    ContextState& state = RuntimeAccess::state(context);
    return succeeds(*state.reporter, [&] {
        const auto target = stream::Stream::from_handle(stream);
        state.set_bindings(bindings);
        state.enqueue(*target);
        if (consumed != 0) {
            stream::Event::from_handle(consumed)->record(*target);
        }
    });
}

namespace {

//! C++ gives bindings without their number: those of the profiles before the active one are skipped, as TensorRT does.
std::vector<std::uint64_t> active_bindings(const ContextState& state, void* const* bindings) {
    if (bindings == nullptr) {
        throw InvalidArgument("The list of bindings is null; give one address for each input and output.");
    }
    const std::size_t count = state.engine->tensor_count();
    std::vector<std::uint64_t> addresses;
    for (std::size_t i = 0; i < count; ++i) {
        addresses.push_back(handle(bindings[static_cast<std::size_t>(state.context.active_profile()) * count + i]));
    }
    return addresses;
}

} // namespace
} // namespace api

IExecutionContext::IExecutionContext(const ICudaEngine& engine, std::unique_ptr<api::ContextState> state)
    : engine_(&engine), state_(std::move(state)) {
}
IExecutionContext::~IExecutionContext() = default;

bool IExecutionContext::setInputShape(const char* name, const Dims& shape) {
    return succeeds(*state_->reporter,
                    [&] { state_->context.set_input_shape(api::required(name, "name"), api::view(shape)); });
}
Dims IExecutionContext::getTensorShape(const char* name) const {
    return guarded(*state_->reporter, api::no_dims(),
                   [&] { return api::to_dims(state_->context.tensor_shape(api::required(name, "name"))); });
}
Dims IExecutionContext::getTensorStrides(const char* name) const {
    return guarded(*state_->reporter, api::no_dims(),
                   [&] { return api::to_dims(state_->context.tensor_strides(api::required(name, "name"))); });
}
bool IExecutionContext::setTensorAddress(const char* name, void* address) {
    return succeeds(*state_->reporter,
                    [&] { state_->context.set_tensor_address(api::required(name, "name"), handle(address)); });
}
const void* IExecutionContext::getTensorAddress(const char* name) const {
    return guarded(*state_->reporter, static_cast<const void*>(nullptr), [&]() -> const void* {
        return pointer(state_->context.tensor_address(api::required(name, "name")));
    });
}
int64_t IExecutionContext::getMaxOutputSize(const char* name) const {
    return guarded(*state_->reporter, int64_t{-1},
                   [&] { return static_cast<int64_t>(state_->context.max_output_size(api::required(name, "name"))); });
}

int32_t IExecutionContext::inferShapes(int32_t count, const char** names) {
    return guarded(*state_->reporter, -1, [&] {
        const std::vector<std::string> missing = state_->context.missing_shapes();
        for (std::size_t i = 0; i < missing.size() && i < static_cast<std::size_t>(std::max(count, 0)); ++i) {
            names[i] = state_->engine->engine->tensors()[state_->engine->engine->tensor_index(missing[i])].name.c_str();
        }
        if (missing.empty()) {
            state_->context.check_shapes();
        }
        return static_cast<int32_t>(missing.size());
    });
}

bool IExecutionContext::enqueueV3(void* stream) {
    return succeeds(*state_->reporter, [&] { state_->enqueue_allocating(*stream::Stream::from_handle(handle(stream))); });
}
bool IExecutionContext::executeV2(void* const* bindings) {
    return guarded(*state_->reporter, false,
                   [&] { return api::execute_bindings(*this, api::active_bindings(*state_, bindings)); });
}
bool IExecutionContext::enqueueV2(void* const* bindings, void* stream, void* inputConsumed) {
    return guarded(*state_->reporter, false, [&] {
        const std::uint64_t event = inputConsumed == nullptr ? 0 : handle(*static_cast<void**>(inputConsumed));
        return api::enqueue_bindings(*this, api::active_bindings(*state_, bindings), handle(stream), event);
    });
}

bool IExecutionContext::setBindingDimensions(int32_t binding, const Dims& shape) {
    return succeeds(*state_->reporter, [&] {
        const auto& tensor = state_->engine->engine->tensors()[state_->engine->tensor_of_binding(binding)];
        state_->context.set_input_shape(tensor.name, api::view(shape));
    });
}
Dims IExecutionContext::getBindingDimensions(int32_t binding) const {
    return guarded(*state_->reporter, api::no_dims(), [&] {
        return api::to_dims(state_->context.tensor_shape(
            state_->engine->engine->tensors()[state_->engine->tensor_of_binding(binding)].name));
    });
}
Dims IExecutionContext::getStrides(int32_t binding) const {
    return guarded(*state_->reporter, api::no_dims(), [&] {
        return api::to_dims(state_->context.tensor_strides(
            state_->engine->engine->tensors()[state_->engine->tensor_of_binding(binding)].name));
    });
}
bool IExecutionContext::allInputDimensionsSpecified() const {
    return state_->context.all_shapes_known();
}

bool IExecutionContext::setOptimizationProfile(int32_t profile) {
    return succeeds(*state_->reporter, [&] { state_->context.set_active_profile(profile); });
}
bool IExecutionContext::setOptimizationProfileAsync(int32_t profile, void*) {
    return setOptimizationProfile(profile);
}
int32_t IExecutionContext::getOptimizationProfile() const {
    return state_->context.active_profile();
}

void IExecutionContext::setProfiler(IProfiler* profiler) {
    state_->profiler = api::unowned(profiler);
}
IProfiler* IExecutionContext::getProfiler() const {
    return state_->profiler.get();
}
void IExecutionContext::setEnqueueEmitsProfile(bool emit) {
    state_->emits_profile = emit;
}
bool IExecutionContext::getEnqueueEmitsProfile() const {
    return state_->emits_profile;
}

bool IExecutionContext::reportToProfiler() {
    return succeeds(*state_->reporter, [&] {
        if (state_->profiler == nullptr) {
            throw InvalidState("There is no profiler to report to; set one on the execution context first.");
        }
        state_->report_layers(*stream::Stream::default_of(state_->engine->engine->device()));
    });
}

void IExecutionContext::setDebugSync(bool sync) {
    state_->debug_sync = sync;
}
bool IExecutionContext::getDebugSync() const {
    return state_->debug_sync;
}
void IExecutionContext::setName(const char* name) {
    state_->name = name == nullptr ? "" : name;
}
const char* IExecutionContext::getName() const {
    return state_->name.c_str();
}

void IExecutionContext::setDeviceMemory(void* memory) {
    setDeviceMemoryV2(memory, static_cast<int64_t>(state_->engine->engine->device_memory_size()));
}
void IExecutionContext::setDeviceMemoryV2(void* memory, int64_t bytes) {
    succeeds(*state_->reporter, [&] {
        if (bytes < 0) {
            throw InvalidArgument(
                text("The size of the device memory was ", bytes, " bytes; it must not be negative."));
        }
        state_->context.set_device_memory(handle(memory), static_cast<std::uint64_t>(bytes));
    });
}
std::size_t IExecutionContext::updateDeviceMemorySizeForShapes() {
    return guarded(*state_->reporter, std::size_t{0}, [&] {
        return static_cast<std::size_t>(state_->engine->engine->device_memory_size(state_->context.active_profile()));
    });
}

bool IExecutionContext::setInputConsumedEvent(void* event) {
    state_->input_consumed = event;
    return true;
}
void* IExecutionContext::getInputConsumedEvent() const {
    return state_->input_consumed;
}
void IExecutionContext::setNvtxVerbosity(ProfilingVerbosity verbosity) {
    state_->nvtx_verbosity = verbosity;
}
ProfilingVerbosity IExecutionContext::getNvtxVerbosity() const {
    return state_->nvtx_verbosity;
}
void IExecutionContext::setPersistentCacheLimit(std::size_t bytes) {
    state_->persistent_cache_limit = bytes;
}
std::size_t IExecutionContext::getPersistentCacheLimit() const {
    return state_->persistent_cache_limit;
}
void IExecutionContext::setErrorRecorder(IErrorRecorder* recorder) {
    state_->reporter->set_recorder(api::unowned(recorder));
}
IErrorRecorder* IExecutionContext::getErrorRecorder() const {
    return state_->reporter->recorder().get();
}

} // namespace tensorvk
