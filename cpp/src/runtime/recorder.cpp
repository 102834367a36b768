#include "runtime/recorder.hpp"

#include <algorithm>
#include <array>

#include "plan/validate.hpp"
#include "support/error.hpp"

namespace tensorvk::runtime {
namespace {

std::int64_t value_of(std::span<const std::int64_t> values, shape::Expr e) {
    return values[static_cast<std::size_t>(e.id)];
}

bool is_specialized(const plan::Step& step, std::size_t param) {
    const auto id = static_cast<std::uint32_t>(plan::kSpecParam + param);
    return std::any_of(step.spec.begin(), step.spec.end(), [id](const plan::SpecConstant& c) { return c.id == id; });
}

bool fits(std::int64_t value) {
    return value >= INT32_MIN && value <= INT32_MAX;
}

void check_params(const plan::Step& step, std::span<const std::int64_t> values) {
    for (std::size_t i = 0; i < step.params.size(); ++i) {
        const std::int64_t value = value_of(values, step.params[i]);
        if (!fits(value) && !is_specialized(step, i)) {
            throw InvalidArgument(text("Layer '", step.layer, "' would count up to ", value,
                                       " for these input shapes, beyond 32 bits: use smaller shapes."));
        }
    }
}

void check_groups(const plan::Step& step, std::span<const std::int64_t> values, const vulkan::DeviceLimits& limits) {
    for (std::size_t axis = 0; axis < step.groups.size(); ++axis) {
        const std::int64_t count = value_of(values, step.groups[axis]);
        if (count < 0 || count > std::int64_t{limits.max_group_count[axis]}) {
            throw InvalidArgument(text("Layer '", step.layer, "' would run ", count, " groups in dimension ", axis,
                                       " for these input shapes, this device allows 0 to ",
                                       limits.max_group_count[axis], ": use smaller shapes."));
        }
    }
}

using Push = std::array<std::int32_t, plan::kMaxParams>;

std::array<std::uint32_t, 3> groups_of(const plan::Step& step, std::span<const std::int64_t> values) {
    std::array<std::uint32_t, 3> groups{};
    for (std::size_t axis = 0; axis < groups.size(); ++axis) {
        groups[axis] = static_cast<std::uint32_t>(value_of(values, step.groups[axis]));
    }
    return groups;
}

bool has_work(const std::array<std::uint32_t, 3>& groups) {
    return groups[0] != 0 && groups[1] != 0 && groups[2] != 0;
}

void dispatch(vulkan::CommandBuffer& commands, const RecordInput& input, std::size_t index,
              const std::array<std::uint32_t, 3>& groups) {
    const plan::Step& step = input.steps[index];
    Push push{};
    for (std::size_t i = 0; i < step.params.size(); ++i) {
        const std::int64_t value = value_of(input.values, step.params[i]);
        push[i] = fits(value) ? static_cast<std::int32_t>(value) : 0; // beyond 32 bits: specialized, not read from here
    }
    std::array<vulkan::BufferView, plan::kMaxBindings> views;
    for (std::size_t i = 0; i < step.bindings.size(); ++i) {
        views[i] = input.views[static_cast<std::size_t>(step.bindings[i].buffer)];
    }
    commands.dispatch(*input.pipelines[index], std::span(views).first(step.bindings.size()),
                      std::as_bytes(std::span(push)), groups);
}

} // namespace

void check_limits(const plan::Program& program, std::span<const std::int64_t> values,
                  const vulkan::DeviceLimits& limits) {
    for (const plan::Buffer& buffer : program.buffers) {
        const std::int64_t bytes = value_of(values, buffer.bytes);
        if (bytes < 0 || static_cast<std::uint64_t>(bytes) > limits.max_storage_range) {
            throw InvalidArgument(text("Tensor '", buffer.name, "' would have ", bytes,
                                       " bytes for these input shapes, this device binds at most ",
                                       limits.max_storage_range, " at once: use smaller shapes."));
        }
    }
    for (const plan::Step& step : program.steps) {
        check_params(step, values);
        check_groups(step, values, limits);
    }
}

void pad(std::vector<vulkan::BufferView>& views) {
    constexpr std::uint64_t kPadding = vulkan::Buffer::kPadding;
    for (vulkan::BufferView& view : views) {
        const std::uint64_t padded = (view.size + kPadding - 1) / kPadding * kPadding;
        view.size = std::min(padded, view.buffer->capacity() - view.offset);
    }
}

void record_steps(vulkan::CommandBuffer& commands, const RecordInput& input) {
    bool dispatched = false;
    std::int32_t group = 0; // of the latest dispatch
    for (std::size_t i = 0; i < input.steps.size(); ++i) {
        const auto groups = groups_of(input.steps[i], input.values);
        if (!has_work(groups)) {
            continue;
        }
        if (dispatched && input.steps[i].group != group) {
            commands.compute_barrier();
        }
        dispatch(commands, input, i, groups);
        dispatched = true;
        group = input.steps[i].group;
    }
}

void record_timed_steps(vulkan::CommandBuffer& commands, const RecordInput& input,
                        const vulkan::TimestampPool& timestamps) {
    commands.reset_timestamps(timestamps, 0, static_cast<std::uint32_t>(input.steps.size() + 1));
    commands.write_timestamp(timestamps, 0);
    for (std::size_t i = 0; i < input.steps.size(); ++i) {
        const auto groups = groups_of(input.steps[i], input.values);
        if (has_work(groups)) {
            dispatch(commands, input, i, groups);
            commands.compute_barrier();
        }
        commands.write_timestamp(timestamps, static_cast<std::uint32_t>(i + 1));
    }
}

} // namespace tensorvk::runtime
