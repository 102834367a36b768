// What stands behind engines and contexts. These files are in the lean library: nothing here knows networks or the
// builder.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "api/reporter.hpp"
#include "runtime/context.hpp"
#include "runtime/engine.hpp"
#include "tensorvk/runtime.h"

namespace tensorvk::api {

struct EngineState {
    std::shared_ptr<runtime::Engine> engine;
    std::shared_ptr<Reporter> reporter;
    std::vector<std::string> binding_names; // all profiles'

    EngineState(std::shared_ptr<runtime::Engine> loaded, std::shared_ptr<Reporter> reporter_);
    [[nodiscard]] std::size_t tensor_count() const { return engine->tensors().size(); }
    //! Index of the tensor behind a binding of any profile. Throws InvalidArgument.
    [[nodiscard]] std::size_t tensor_of_binding(std::int32_t binding) const;
};

struct ContextState {
    std::shared_ptr<EngineState> engine;
    std::shared_ptr<Reporter> reporter;
    runtime::Context context;
    std::shared_ptr<IProfiler> profiler;
    bool emits_profile = true;
    bool debug_sync = false;
    std::string name;
    void* input_consumed = nullptr;
    ProfilingVerbosity nvtx_verbosity = ProfilingVerbosity::kLAYER_NAMES_ONLY;
    std::size_t persistent_cache_limit = 0;
    std::map<std::size_t, std::shared_ptr<IOutputAllocator>> output_allocators; // by tensor index

    explicit ContextState(std::shared_ptr<EngineState> state)
        : engine(std::move(state)), reporter(Reporter::child_of(engine->reporter)), context(engine->engine) {}

    //! Throws InvalidArgument for a tensor that is no output.
    [[nodiscard]] std::size_t output_index(const std::string& tensor) const;
    void set_output_allocator(const std::string& tensor, std::shared_ptr<IOutputAllocator> allocator);
    //! One inference whose outputs are where the allocators say.
    void enqueue_allocating(stream::Stream& stream);

    //! One inference on a stream, timed by layer when a profiler wants that.
    void enqueue(stream::Stream& stream);
    //! Takes addresses in binding order: of all profiles, or of the active one alone.
    void set_bindings(std::span<const std::uint64_t> bindings);
    [[nodiscard]] std::vector<std::uint64_t> addresses_of(std::span<const std::uint64_t> bindings) const;
    void report_layers(stream::Stream& stream);
};

//! The doors for the bindings.
struct RuntimeAccess {
    static const std::shared_ptr<EngineState>& state(const ICudaEngine& engine) { return engine.state_; }
    static ContextState& state(const IExecutionContext& context) { return *context.state_; }
    static Reporter& reporter(const IEngineInspector& inspector) { return *inspector.state_->reporter; }
    static const std::shared_ptr<Reporter>& reporter(const IRuntime& runtime) { return runtime.reporter_; }
    //! As IRuntime::deserializeCudaEngine, of bytes that stay.
    [[nodiscard]] static ICudaEngine* deserialize(IRuntime& runtime, runtime::PlanBytes plan);
};

//! One binding list, with its length checked, as executeV2 and enqueueV2 run it.
bool execute_bindings(IExecutionContext& context, std::span<const std::uint64_t> bindings);
bool enqueue_bindings(IExecutionContext& context, std::span<const std::uint64_t> bindings, std::uint64_t stream,
                      std::uint64_t consumed);

} // namespace tensorvk::api
