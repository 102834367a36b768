// cpu/pointwise: a chain of element-wise operations with broadcasting, written in the output's memory order.
//
//   parameters  extents of the axes, slowest first; then for each tensor its stride along each axis, in elements
//   geometry    0: axes, 1: tensors (the value and the operands)
//   bindings    the tensors, then the output
#include <array>
#include <vector>

#include "kernels/cpu/catalogue.hpp"
#include "kernels/cpu/chunk.hpp"
#include "kernels/cpu/pointwise.hpp"
#include "kernels/cpu/workers.hpp"
#include "support/checked.hpp"
#include "support/error.hpp"

namespace tensorvk::kernels::cpu {

namespace {

constexpr std::size_t kMostTensors = PointwiseProgram::kMaxOperands + 1;

enum class Lies { kSAME, kONE, kBROADCAST }; // as the output; one number for all; otherwise

struct Task {
    PointwiseTask task;
    std::vector<Lies> lies; // by tensor
    std::int64_t count = 1;
};

//! `n` numbers of a tensor from element `first` of the output on.
void unpack(const PointwiseTask& task, const PointwiseTensor& tensor, std::int64_t first, std::int64_t n, float* out) {
    const std::size_t last = task.extents.size() - 1;
    std::array<std::int64_t, plan::kMaxParams> at{};
    std::int64_t rest = first, offset = 0;
    for (std::size_t axis = task.extents.size(); axis-- > 0;) {
        at[axis] = rest % task.extents[axis];
        rest /= task.extents[axis];
        offset += at[axis] * tensor.strides[axis];
    }
    while (n > 0) {
        const std::int64_t run = std::min(n, task.extents[last] - at[last]);
        const std::int64_t stride = tensor.strides[last];
        const float* from = tensor.data + offset;
        if (stride == 0) {
            std::fill_n(out, run, *from);
        } else if (stride == 1) {
            std::copy_n(from, run, out);
        } else {
            for (std::int64_t i = 0; i < run; ++i) out[i] = from[i * stride];
        }
        out += run;
        n -= run;
        at[last] += run;
        offset += run * stride;
        for (std::size_t axis = last; axis > 0 && at[axis] == task.extents[axis]; --axis) {
            offset += tensor.strides[axis - 1] - task.extents[axis] * tensor.strides[axis];
            at[axis] = 0;
            ++at[axis - 1];
        }
    }
}

void run(const Task& all, std::int64_t first, std::int64_t last) {
    static thread_local ChunkMemory memory;
    const PointwiseTask& task = all.task;
    const ChunkFunction apply = chunk();
    ChunkTask now;
    now.slots = task.program.slots.data();
    now.slot_count = static_cast<int>(task.program.slots.size());
    now.memory = &memory;
    for (std::size_t t = 0; t < task.tensors.size(); ++t) {
        if (all.lies[t] == Lies::kONE) std::fill_n(memory.operands[t], kChunk, *task.tensors[t].data);
    }
    for (std::int64_t at = first; at < last; at += kChunk) {
        const std::int64_t n = std::min<std::int64_t>(kChunk, last - at);
        now.count = static_cast<int>(n);
        now.out = task.out + at;
        for (std::size_t t = 0; t < task.tensors.size(); ++t) {
            const PointwiseTensor& tensor = task.tensors[t];
            if (all.lies[t] == Lies::kBROADCAST) unpack(task, tensor, at, n, memory.operands[t]);
            (t == 0 ? now.value : now.operands[t - 1]) = all.lies[t] == Lies::kSAME ? tensor.data + at : memory.operands[t];
        }
        apply(now);
    }
}

//! Elements from the first to the last that the tensor's strides reach.
std::int64_t reach(const std::vector<std::int64_t>& extents, const std::vector<std::int64_t>& strides, const std::string& layer) {
    std::int64_t last = 0;
    for (std::size_t axis = 0; axis < extents.size(); ++axis) {
        if (strides[axis] < 0) throw InvalidPlan(text("Layer '", layer, "' of the plan reads a tensor backwards: rebuild the plan."));
        last = checked_add(last, checked_mul(extents[axis] - 1, strides[axis]));
    }
    return last + 1;
}

Lies lies(const std::vector<std::int64_t>& extents, const std::vector<std::int64_t>& strides) {
    std::int64_t stride = 1;
    bool same = true, one = true;
    for (std::size_t axis = extents.size(); axis-- > 0;) {
        same = same && (extents[axis] == 1 || strides[axis] == stride);
        one = one && (extents[axis] == 1 || strides[axis] == 0);
        stride *= extents[axis];
    }
    return same ? Lies::kSAME : one ? Lies::kONE : Lies::kBROADCAST;
}

} // namespace

Run pointwise_run(PointwiseTask task) {
    auto all = std::make_shared<Task>();
    if (task.program.empty()) task.program.slots.push_back({PointwiseOp::kNOP, {}, {}, {}, 0.0f});
    for (const std::int64_t extent : task.extents) {
        all->count *= extent;
    }
    if (all->count == 0) return [] {};
    for (const PointwiseTensor& tensor : task.tensors) {
        all->lies.push_back(lies(task.extents, tensor.strides));
    }
    all->task = std::move(task);
    return [all] { spread(all->count, 4 * kChunk, [&](std::int64_t first, std::int64_t last) { run(*all, first, last); }); };
}

Run prepare_pointwise(const Launch& launch) {
    PointwiseTask task;
    const auto axes = static_cast<std::size_t>(launch.geometry(0)), tensors = static_cast<std::size_t>(launch.geometry(1));
    if (axes == 0 || tensors == 0 || tensors > kMostTensors || axes + axes * tensors > plan::kMaxParams) {
        throw InvalidPlan(text("Layer '", launch.layer(), "' of the plan has ", tensors, " tensors of ", axes, " axes: rebuild the plan."));
    }
    task.program = launch.program(tensors - 1);
    for (std::size_t axis = 0; axis < axes; ++axis) {
        task.extents.push_back(launch.param(axis));
    }
    const std::int64_t count = checked_volume(task.extents);
    task.out = launch.buffer<float>(tensors, count);
    for (std::size_t t = 0; t < tensors && count > 0; ++t) {
        PointwiseTensor tensor;
        for (std::size_t axis = 0; axis < axes; ++axis) tensor.strides.push_back(launch.param(axes * (t + 1) + axis));
        tensor.data = launch.buffer<const float>(t, reach(task.extents, tensor.strides, launch.layer()));
        task.tensors.push_back(std::move(tensor));
    }
    return pointwise_run(std::move(task));
}

} // namespace tensorvk::kernels::cpu
