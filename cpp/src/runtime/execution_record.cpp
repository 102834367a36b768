// Recording: a program for one set of shapes and addresses becomes command buffers and host work.
#include <algorithm>
#include <array>
#include <ranges>

#include "runtime/execution_state.hpp"
#include "runtime/recorder.hpp"
#include "stream/device_context.hpp"
#include "support/error.hpp"
#include "support/parallel_for.hpp"

namespace tensorvk::runtime {

std::vector<vulkan::BufferView> Execution::State::views() const {
    const LoadedProgram::State& state = body();
    std::vector<vulkan::BufferView> out(program().buffers.size(), {state.nothing.get(), 0, state.nothing->size()});
    for (std::size_t i = 0; i < out.size(); ++i) {
        const std::int64_t offset = memory.offsets[i];
        if (state.weights[i].memory) {
            out[i] = state.weights[i].view();
        } else if (offset != plan::MemoryPlan::kNowhere) {
            out[i] = {arena.memory.get(), arena.offset + static_cast<std::uint64_t>(offset),
                      bytes_of(static_cast<std::int32_t>(i))};
        }
    }
    for (std::size_t i = 0; i < io.size(); ++i) {
        if (io[i].memory) {
            out[static_cast<std::size_t>(program().io[i].buffer)] = io[i].view();
        }
    }
    pad(out);
    return out;
}

//! Behind the buffers that they lie in, whose place bounce() may change.
void Execution::State::place_views(std::vector<vulkan::BufferView>& all) const {
    for (std::size_t i = 0; i < all.size(); ++i) {
        const plan::Buffer& buffer = program().buffers[i];
        if (buffer.kind != plan::BufferKind::kVIEW) continue;
        const vulkan::BufferView& whole = all[static_cast<std::size_t>(buffer.whole)];
        if (values[static_cast<std::size_t>(buffer.bytes.id)] == 0 || whole.buffer == body().nothing.get()) continue; // nothing reads it here
        const auto offset = static_cast<std::uint64_t>(values[static_cast<std::size_t>(buffer.offset.id)]);
        if (offset >= whole.size || offset % alignment() != 0) {
            throw InvalidPlan(text("Buffer '", buffer.name, "' would begin at byte ", offset, " of one of ", whole.size, " bytes; the plan is damaged or made for another device, build it again."));
        }
        all[i] = {whole.buffer, whole.offset + offset, whole.size - offset};
    }
}

// Kernels bind aligned memory only: tensors that lie elsewhere are copied.
bool Execution::State::bounce(vulkan::CommandBuffer& commands, std::vector<vulkan::BufferView>& all,
                              std::vector<Slice>& staging) const {
    bool copied = false;
    staging.assign(io.size(), {});
    for (std::size_t i = 0; i < io.size(); ++i) {
        if (io[i].memory == nullptr || io[i].offset % alignment() == 0) {
            continue;
        }
        staging[i] = {std::make_shared<vulkan::Buffer>(body().device, io[i].size), 0, io[i].size};
        commands.keep(staging[i].memory);
        all[static_cast<std::size_t>(program().io[i].buffer)] = {staging[i].memory.get(), 0,
                                                                 staging[i].memory->capacity()};
        if (program().io[i].mode == TensorIOMode::kINPUT) {
            commands.copy(io[i].view(), staging[i].view());
            copied = true;
        }
    }
    if (copied) {
        commands.full_barrier();
    }
    return copied;
}

bool Execution::State::bounce_back(vulkan::CommandBuffer& commands, const std::vector<Slice>& staging) const {
    bool waited = false;
    for (std::size_t i = 0; i < io.size(); ++i) {
        if (staging[i].memory && program().io[i].mode == TensorIOMode::kOUTPUT) {
            if (!waited) {
                commands.full_barrier();
                waited = true;
            }
            commands.copy(staging[i].view(), io[i].view());
        }
    }
    return waited;
}

std::shared_ptr<vulkan::CommandBuffer> Execution::State::begin_commands() const {
    auto commands = std::make_shared<vulkan::CommandBuffer>(body().device);
    commands->begin();
    commands->keep(loaded);
    commands->keep(arena.memory);
    for (const Slice& slice : io) {
        commands->keep(slice.memory);
    }
    return commands;
}

RecordInput Execution::State::steps_of(const StepRange& range, std::span<const vulkan::BufferView> all) const {
    const std::size_t count = range.last - range.first;
    return {std::span(program().steps).subspan(range.first, count), std::span(body().pipelines).subspan(range.first, count), values, all};
}

kernels::cpu::Run Execution::State::prepare_host(std::size_t index, std::span<const vulkan::BufferView> all) const {
    return prepare_host_kernel(program(), program().steps[index], body().host_kernels[index], values, all);
}

std::vector<HostWork::Part> Execution::State::prepare_hosts(const StepRange& range, std::span<const vulkan::BufferView> all) const {
    constexpr std::int64_t kWorthThreads = 2; // kernels that are compiled: some 0.3 ms each
    std::vector<HostWork::Part> parts(range.last - range.first);
    const auto prepare_one = [&](std::size_t i) { parts[i] = {prepare_host(range.first + i, all), &program().steps[range.first + i].layer}; };
    const auto first = body().host_kernels.begin() + static_cast<std::ptrdiff_t>(range.first);
    const auto compiled = std::count_if(first, first + static_cast<std::ptrdiff_t>(parts.size()), [](const HostKernel& host) { return host.kernel->makes_code; });
    if (compiled >= kWorthThreads) {
        parallel_for(parts.size(), prepare_one);
    } else {
        for (std::size_t i = 0; i < parts.size(); ++i) prepare_one(i);
    }
    return parts;
}

const std::vector<StepRange>& Execution::State::submissions() {
    return group_times ? group_times->submissions(*symbols, body().device->caps().submission_limit) : body().ranges;
}

bool Execution::State::outgrown(Recording& known) {
    if (!group_times || !known.first_stream || !known.first_stream->timeline.reached(known.first_value)) return false;
    for (const Piece& piece : known.pieces) {
        std::array<std::uint64_t, 2> times{};
        if (!piece.timestamps || !piece.timestamps->read(0, times)) continue; // while it runs again there are none
        const auto took = std::chrono::nanoseconds(static_cast<std::int64_t>(piece.timestamps->elapsed_ns(times[0], times[1])));
        group_times->learn(known.symbols, piece.steps, took);
    }
    if (known.cut_by == group_times->version()) return false;
    known.cut_by = group_times->version();
    const auto has_steps = [](const Piece& piece) { return piece.steps.first != piece.steps.last; }; // the others copy alone
    return !std::ranges::equal(known.pieces | std::views::filter(has_steps), submissions(), {}, &Piece::steps);
}

std::vector<Piece> Execution::State::record() {
    std::vector<vulkan::BufferView> all = views();
    std::vector<Slice> staging;
    std::vector<Piece> pieces;
    std::shared_ptr<vulkan::CommandBuffer> commands = begin_commands();
    bool used = bounce(*commands, all, staging);
    place_views(all);
    Piece piece; // in the making
    const auto end = [&] {
        if (used) {
            commands->end();
            piece.commands = std::move(commands);
            pieces.push_back(std::exchange(piece, {}));
            commands = begin_commands();
            used = false;
        }
    };
    for (const StepRange& range : submissions()) {
        if (!range.host) {
            if (piece.steps.last > 0) end();
            piece.steps = range;
            piece.timestamps = record_piece(*commands, steps_of(range, all));
            used = true;
            continue;
        }
        end();
        auto work = std::make_shared<HostWork>();
        work->kept = {loaded, arena.memory};
        for (const Slice& slice : io) work->kept.push_back(slice.memory);
        for (const Slice& slice : staging) work->kept.push_back(slice.memory);
        work->parts = prepare_hosts(range, all);
        pieces.push_back({nullptr, std::move(work), range});
    }
    used = bounce_back(*commands, staging) || used || pieces.empty();
    end();
    return pieces;
}

std::shared_ptr<const vulkan::TimestampPool> Execution::State::record_piece(vulkan::CommandBuffer& commands, const RecordInput& steps) const {
    if (!group_times || !body().device->caps().timestamps) {
        record_steps(commands, steps);
        return nullptr;
    }
    auto timestamps = std::make_shared<vulkan::TimestampPool>(body().device, 2);
    commands.keep(timestamps);
    commands.reset_timestamps(*timestamps, 0, 2);
    commands.write_timestamp(*timestamps, 0);
    record_steps(commands, steps);
    commands.write_timestamp(*timestamps, 1);
    return timestamps;
}

std::vector<float> Execution::State::time_steps(stream::Stream& stream) {
    prepare();
    order_after_last(stream);
    std::vector<vulkan::BufferView> all = views();
    std::vector<Slice> staging;
    const auto submit = [&](const std::shared_ptr<vulkan::CommandBuffer>& commands) {
        commands->end();
        stream.submit(commands);
    };
    const std::shared_ptr<vulkan::CommandBuffer> before = begin_commands();
    if (bounce(*before, all, staging)) submit(before);
    place_views(all);
    std::vector<float> milliseconds(program().steps.size());
    std::vector<std::pair<std::size_t, std::shared_ptr<const vulkan::TimestampPool>>> running; // by the first step
    const auto collect = [&] {
        stream.synchronize();
        for (const auto& [first, timestamps] : running) {
            const std::vector<std::uint64_t> times = timestamps->read(0, timestamps->count());
            for (std::size_t i = 0; i + 1 < times.size(); ++i) {
                milliseconds[first + i] = static_cast<float>(timestamps->elapsed_ns(times[i], times[i + 1]) * 1e-6);
            }
        }
        running.clear();
    };
    for (const StepRange& range : group_times ? group_times->groups() : body().ranges) {
        const std::size_t count = range.last - range.first;
        if (range.host) {
            collect();
            for (std::size_t i = range.first; i < range.last; ++i) {
                const kernels::cpu::Run run = prepare_host(i, all);
                const auto start = std::chrono::steady_clock::now();
                run();
                milliseconds[i] = std::chrono::duration<float, std::milli>(std::chrono::steady_clock::now() - start).count();
            }
            continue;
        }
        const auto timestamps = std::make_shared<vulkan::TimestampPool>(body().device, static_cast<std::uint32_t>(count + 1));
        const std::shared_ptr<vulkan::CommandBuffer> commands = begin_commands();
        record_timed_steps(*commands, steps_of(range, all), *timestamps);
        submit(commands);
        running.emplace_back(range.first, timestamps);
    }
    collect();
    const std::shared_ptr<vulkan::CommandBuffer> after = begin_commands();
    if (bounce_back(*after, staging)) {
        submit(after);
        stream.synchronize();
    }
    return milliseconds;
}

Recording& Execution::State::recording() {
    Recording* const known = recordings.find(*symbols, io, arena);
    if (known != nullptr && !outgrown(*known)) {
        return *known;
    }
    std::vector<Piece> pieces = record();
    const std::uint64_t cut_by = group_times ? group_times->version() : 0;
    Recording& place = known != nullptr ? *known : recordings.take_place();
    place.first_stream = nullptr;
    place.cut_by = cut_by;
    place.symbols = *symbols;
    place.io = io;
    place.arena = arena;
    place.pieces = std::move(pieces);
    ++recorded;
    return place;
}

} // namespace tensorvk::runtime
