#include "builder/builder.hpp"

#include <algorithm>
#include <chrono>

#include "builder/emit.hpp"
#include "builder/prefetch.hpp"
#include "builder/profiles.hpp"
#include "builder/report.hpp"
#include "builder/shipped_timings.hpp"
#include "builder/timing_file.hpp"
#include "builder/tuner.hpp"
#include "compiler/compile.hpp"
#include "kernels/cpu/component.hpp"
#include "plan/file.hpp"
#include "runtime/device_key.hpp"
#include "support/error.hpp"
#include "tactics/matrix_units.hpp"
#include "vulkan/absence.hpp"
#include "vulkan/device.hpp"

namespace tensorvk::builder {

namespace {

//! What every Vulkan 1.2 device has: the limits that the specification guarantees. 16-bit storage is taken for granted here only because kernels use it where
//! the network's own edges have such types.
vulkan::DeviceCaps portable_caps() {
    vulkan::DeviceCaps caps;
    caps.fp16_storage = true;
    caps.limits.max_storage_range = std::uint64_t{1} << 27;
    caps.limits.max_push_constant_bytes = 128;
    caps.limits.max_shared_memory = 16384;
    caps.limits.max_workgroup_invocations = 128;
    caps.limits.max_workgroup_size = {128, 128, 64};
    caps.limits.max_group_count = {65535, 65535, 65535};
    caps.limits.max_storage_bindings = 8;
    caps.limits.storage_offset_alignment = 256;
    return caps;
}

class Progress {
public:
    Progress(const Options& options) : options_(options) {}
    void step(const char* phase, int done, int steps) const {
        if (options_.progress && !options_.progress(phase, done, steps)) {
            throw InvalidState(text("The build was cancelled by its progress monitor in phase '", phase, "', step ", done, " of ", steps, "."));
        }
    }

private:
    const Options& options_;
};

std::vector<std::vector<std::int64_t>> opt_shapes(const plan::Profile& profile) {
    std::vector<std::vector<std::int64_t>> shapes;
    for (const plan::Profile::Range& range : profile.inputs) {
        shapes.push_back(range.opt);
    }
    return shapes;
}

int operation_count(const compiler::Compiled& network) {
    int count = static_cast<int>(network.operations.size());
    for (const compiler::Compiled& body : network.bodies) {
        count += operation_count(body);
    }
    return count;
}

struct StepCount {
    std::size_t dispatches = 0;
    std::size_t host = 0;
};

StepCount step_count(const plan::Program& program) {
    StepCount count;
    for (const plan::Step& step : program.steps) {
        ++(step.host ? count.host : count.dispatches);
    }
    for (const plan::Program& body : program.bodies) {
        const StepCount inner = step_count(body);
        count.dispatches += inner.dispatches;
        count.host += inner.host;
    }
    return count;
}

//! What no shapes can change is refused here, not when the plan is loaded.
void check_sizes(const plan::Program& program, std::uint64_t most) {
    for (const plan::Step& step : program.steps) {
        for (const plan::Binding& binding : step.bindings) {
            const plan::Buffer& buffer = program.buffers[static_cast<std::size_t>(binding.buffer)];
            const std::int64_t bytes = program.exprs.value(buffer.bytes).value_or(0);
            if (!step.host && static_cast<std::uint64_t>(bytes) > most) {
                throw InvalidArgument(text("Layer '", step.layer, "' needs tensor '", buffer.name, "' of ", bytes,
                                           " bytes, this device binds at most ", most, " at once: use smaller shapes."));
            }
        }
    }
    for (const plan::Program& body : program.bodies) {
        check_sizes(body, most);
    }
}

//! Whether it, or a network that it runs, computes tensors of this type.
bool computes(const graph::Network& network, DataType type) {
    return std::ranges::any_of(network.layers(), [&](const auto& layer) {
        const auto* control = std::get_if<graph::ControlAttributes>(&layer->attributes);
        const auto inside = [&](const auto& body) { return computes(*body, type); };
        return std::ranges::any_of(layer->outputs, [&](const graph::Tensor* t) { return t->dtype == type && t->constant == nullptr; }) ||
               (control != nullptr && std::ranges::any_of(control->bodies, inside));
    });
}

//! Why nothing can be computed with bfloat16, or empty.
std::string refuse_bf16(const Options& options, const vulkan::DeviceCaps& caps) {
    if (!caps.host_kernels) return "only functions of the host compute with bfloat16, and they serve devices whose memory is the host's";
    if (!options.host_tactics) return "only functions of the host compute with bfloat16, and the tactic source HOST is switched off";
    if (kernels::cpu::component().kernels.empty()) return "products of bfloat16 are oneDNN's, which is not there";
    if (kernels::cpu::find("cpu/matrix:bf16") == nullptr) return "this processor has no instructions for bfloat16 (AVX512_BF16 or AMX)";
    return {};
}

//! What floats are between operations. Where both flags are set and bfloat16 can be had it is that: functions of the host compute with it, while
//! they widen float16 before and round after.
DataType wished_type(const Options& options, const vulkan::Device& device, LogSink& log) {
    if (options.bf16) {
        const std::string why = refuse_bf16(options, device.caps());
        if (why.empty()) return DataType::kBF16;
        log.log(Severity::kWARNING, text("BuilderFlag.BF16 has no effect on ", device.offer().name, ": ", why, "."));
    }
    if (options.fp16) {
        if (device.caps().fp16_storage) return DataType::kHALF;
        log.log(Severity::kWARNING, text("BuilderFlag.FP16 has no effect: ", device.offer().name, " cannot store 16-bit values in buffers."));
    }
    return DataType::kFLOAT;
}

//! What floats are where the network says that they are not float32. Networks with both short types have float16.
DataType stated_type(const graph::Network& network, const Options& options, const vulkan::Device& device, LogSink& log) {
    const bool halves = computes(network, DataType::kHALF), shorts = computes(network, DataType::kBF16);
    if (halves && device.caps().fp16_storage) return DataType::kHALF;
    if (halves) log.log(Severity::kWARNING, text("Tensors of float16 are computed in float32: ", device.offer().name, " cannot store 16-bit values in buffers."));
    if (!shorts) return DataType::kFLOAT;
    const std::string why = refuse_bf16(options, device.caps());
    if (why.empty()) return DataType::kBF16;
    log.log(Severity::kINFO, text("Tensors of bfloat16 are computed in float32 on ", device.offer().name, ": ", why, "."));
    return DataType::kFLOAT;
}

//! Whether it, or a network that it runs, makes 8-bit integers of numbers.
bool quantizes(const compiler::Compiled& network) {
    const auto quantizing = [](const kernels::PointwiseSlot& slot) { return slot.op == kernels::PointwiseOp::kQUANTIZE; };
    return std::ranges::any_of(network.operations, [&](const auto& operation) { return std::ranges::any_of(operation.epilogue.slots, quantizing); }) ||
           std::ranges::any_of(network.bodies, quantizes);
}

//! Halves stay on matrix units, as products that take any number of columns. CPU drivers end long loops (tactics/rounds.hpp).
compiler::AttentionLimits attention_limits(DataType internal, const vulkan::DeviceCaps& caps) {
    constexpr std::uint32_t kRoomy = 32768; // bytes of shared memory, which tactics/attention.cpp fits its tiles into
    constexpr std::int64_t kShort = 1 << 19;
    if (internal == DataType::kHALF && tactics::refuse_half_matrices(caps).empty() && caps.subgroup_shuffle) return {.side = 16, .most = 128};
    compiler::AttentionLimits limits{.side = 1, .most = caps.limits.max_shared_memory >= kRoomy ? 256 : 128};
    if (caps.is_cpu) limits.elements = kShort;
    return limits;
}

constexpr std::int64_t kVector = 16; // bytes that kernels read together

compiler::Target target_of(DataType internal, const Options& options, const vulkan::Device& device) {
    const bool host = options.host_tactics && device.caps().host_kernels;
    const bool shaders = !host && internal != DataType::kBF16;
    return {.internal = internal,
            .host_tiles = host,
            .normalizations = shaders,
            .attention = shaders ? attention_limits(internal, device.caps()) : compiler::AttentionLimits{},
            .normalized_products = shaders && internal == DataType::kHALF && tactics::refuse_normalized_rows(device.caps()).empty(),
            .row_moments = shaders && internal == DataType::kHALF && tactics::refuse_row_moments(device.caps()).empty(),
            .placements = !host,
            .pictures_in_rows = !device.caps().is_cpu,
            .views = {.alignment = std::max<std::int64_t>(kVector, static_cast<std::int64_t>(device.caps().limits.storage_offset_alignment)), .gaps = !host},
            .typed = options.strongly_typed && internal != DataType::kFLOAT};
}

//! Times are said here alone: a plan's report is the same whenever its timing cache is.
void log_passes(const compiler::Compiled& network, LogSink& log) {
    std::string off;
    for (const compiler::PassReport& pass : pass_reports(network)) {
        if (pass.off) {
            off += text(off.empty() ? "" : ", ", pass.name);
        } else {
            log.log(Severity::kVERBOSE, text("Pass ", pass.name, ": ", pass.before, " -> ", pass.after, " operations, ", pass.changed, " new or changed, ", pass.milliseconds, " ms."));
        }
    }
    if (!off.empty()) log.log(Severity::kINFO, text("Passes that TENSORVK_DISABLE_PASSES switches off: ", off, "."));
}

//! Whether it copies ranges of values, which may stay where they are.
bool slices(const compiler::Compiled& network) {
    const auto is_range = [](const tactics::Operation& operation) {
        const auto* copy = std::get_if<tactics::Copy>(&operation.kind);
        return copy != nullptr && copy->destination_axis < 0;
    };
    return std::ranges::any_of(network.operations, is_range) || std::ranges::any_of(network.bodies, slices);
}

//! Whether what was compiled for no device in particular is what this target wants.
bool is_portable(const compiler::Target& target, const compiler::Compiled& portable) {
    return target.internal == DataType::kFLOAT && !target.normalizations && !target.placements && !(target.host_tiles && quantizes(portable)) &&
           !slices(portable);
}

plan::Program portable_program(const compiler::Compiled& network) {
    const vulkan::DeviceCaps caps = portable_caps();
    return emit(network, caps, [&](const compiler::Compiled& part, const tactics::Operation& operation) {
               return choose_untimed(part, operation, caps, false);
           }).program;
}

//! With a timing cache. A device without shaders has no other source of tactics than the host.
Options usable(Options options, const vulkan::Device& device, LogSink& log) {
    if (!options.host_tactics && !device.caps().shaders) {
        log.log(Severity::kWARNING, text("The tactic source HOST stays on: ", device.offer().name, " has no other."));
        options.host_tactics = true;
    }
    if (options.timing_cache == nullptr) options.timing_cache = std::make_shared<TimingCache>();
    return options;
}

} // namespace

std::vector<std::byte> build_plan(const graph::Network& network, const Options& wished, LogSink& log) {
    const auto begin = std::chrono::steady_clock::now();
    const auto device = vulkan::Device::current();
    vulkan::say_absence(log);
    const Options options = usable(wished, *device, log);
    const Progress progress(options);
    progress.step("Compiling", 0, 2);
    plan::Plan plan;
    plan.profiles = resolve_profiles(network, options.profiles, log);
    const DataType internal = options.strongly_typed ? stated_type(network, options, *device, log) : wished_type(options, *device, log);
    compiler::WeightStore weights;
    compiler::Compiled portable = compiler::compile(network, {}, weights);
    progress.step("Compiling", 1, 2);
    const compiler::Target target = target_of(internal, options, *device);
    compiler::Compiled tuned = is_portable(target, portable) ? portable : compiler::compile(network, target, weights);
    if (!options.profiles.empty()) { // what is made up allows nearly everything, and would refuse what nobody asks for
        for (compiler::Compiled* compiled : {&portable, &tuned}) bound_symbols(compiled->program, plan.profiles);
    }
    log_passes(tuned, log);
    progress.step("Compiling", 2, 2);

    TimingFile file(options.disable_timing_cache ? std::string() : options.timing_cache_path, log);
    Tuner tuner(device, options, tuned, symbol_values(tuned.program, opt_shapes(plan.profiles[0])), weights.bytes(), log, Budget(options.tactic_time_budget),
                {file.cache(), shipped_timings(options.shipped_timings, device->offer(), log)});
    try {
        tuner.time_all([&](const char* phase, int done, int all) { progress.step(phase, done, all); });
    } catch (...) { // cancelled, perhaps: what was timed until then is worth keeping
        file.merge(*options.timing_cache);
        throw;
    }
    file.merge(*options.timing_cache);
    Emitted emitted = emit(tuned, device->caps(), [&](const compiler::Compiled&, const tactics::Operation& operation) { return tuner.choose(operation); });
    if (!device->caps().is_cpu) add_prefetches(emitted.program, device->caps());
    check_sizes(emitted.program, device->caps().limits.max_storage_range);
    const StepCount count = step_count(emitted.program);

    plan.name = network.name;
    plan.portable = portable_program(portable);
    plan.report_json = report_json(tuned, emitted);
    plan.tuned.push_back({runtime::device_key(*device), std::move(emitted.program)});
    plan.weights = weights.take();
    plan.builder_flags = options.flags;
    plan.profiling_verbosity = options.profiling_verbosity;
    std::vector<std::byte> bytes = plan::write_plan(plan);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    log.log(Severity::kINFO, text("Built '", network.name, "' for ", device->offer().name, ": ", network.layers().size(), " layers became ", operation_count(tuned),
                                  " operations: ", count.dispatches, " dispatches and ", count.host, " host steps; ", bytes.size(), " bytes in ",
                                  seconds.count(), " s."));
    return bytes;
}

} // namespace tensorvk::builder
