// cpu/pointwise: a chain of element-wise operations with broadcasting, written in the output's memory order.
//
//   parameters  extents of the axes, slowest first; then for each tensor its stride along each axis, in elements
//   geometry    0: axes, 1: tensors (the value and the operands), 2: their types (Word), 4 bits each, and the output's in bits 20 to 23,
//               3: Arithmetic
//   bindings    the tensors, then the output
#include <algorithm>
#include <array>
#include <vector>

#include "kernels/cpu/catalogue.hpp"
#include "kernels/cpu/pointwise.hpp"
#include "kernels/cpu/workers.hpp"
#include "support/checked.hpp"
#include "support/error.hpp"

namespace tensorvk::kernels::cpu {

namespace {

constexpr std::size_t kMostTensors = PointwiseProgram::kMaxOperands + 1;

//! As the output, and ready to compute with; as the output, of another type; one number for all; one along the last axis, the same in each row;
//! otherwise.
enum class Lies { kSAME, kDENSE, kONE, kROW, kOTHER };

struct Task {
    PointwiseTask task;
    std::vector<Lies> lies; // by tensor
    std::int64_t count = 1;
    std::int64_t chunk = kChunk; // numbers at a time: whole rows where a tensor repeats with them or is turned
};

const void* element(const PointwiseTensor& tensor, std::int64_t index) { return static_cast<const std::byte*>(tensor.data) + index * bytes_of(tensor.type); }

//! Where the tensor's neighbours lie along the axis before the last: going along the last one meets another page with each number.
bool turned(const PointwiseTask& task, const PointwiseTensor& tensor) {
    const std::size_t last = task.extents.size() - 1;
    return last > 0 && task.extents[last] > 1 && tensor.strides[last] > 1 && tensor.strides[last - 1] == 1;
}

//! `rows` whole rows of such a tensor: read along the axis before the last, and turned in the cache.
template <typename T>
void unpack_turned(const PointwiseTask& task, const PointwiseTensor& tensor, std::int64_t offset, std::int64_t rows, T* out) {
    const std::int64_t length = task.extents.back(), stride = tensor.strides.back();
    T column[kChunk];
    for (std::int64_t c = 0; c < length; ++c) {
        chunks<T>().load(tensor.type, element(tensor, offset + c * stride), 1, static_cast<int>(rows), column);
        for (std::int64_t r = 0; r < rows; ++r) out[r * length + c] = column[r];
    }
}

//! `n` numbers of a tensor from element `first` of the output on.
template <typename T>
void unpack(const PointwiseTask& task, const PointwiseTensor& tensor, std::int64_t first, std::int64_t n, T* out) {
    const std::size_t last = task.extents.size() - 1;
    std::array<std::int64_t, plan::kMaxParams> at{};
    std::int64_t rest = first, offset = 0;
    for (std::size_t axis = task.extents.size(); axis-- > 0;) {
        at[axis] = rest % task.extents[axis];
        rest /= task.extents[axis];
        offset += at[axis] * tensor.strides[axis];
    }
    const bool turn = turned(task, tensor);
    while (n > 0) {
        const std::int64_t rows = turn && at[last] == 0 ? std::min(n / task.extents[last], task.extents[last - 1] - at[last - 1]) : 0;
        const std::size_t along = rows > 1 ? last - 1 : last;
        const std::int64_t run = rows > 1 ? rows : std::min(n, task.extents[last] - at[last]), stride = tensor.strides[along];
        if (rows > 1) {
            unpack_turned(task, tensor, offset, rows, out);
        } else {
            chunks<T>().load(tensor.type, element(tensor, offset), stride, static_cast<int>(run), out);
        }
        const std::int64_t numbers = rows > 1 ? rows * task.extents[last] : run;
        out += numbers;
        n -= numbers;
        at[along] += run;
        offset += run * stride;
        for (std::size_t axis = along; axis > 0 && at[axis] == task.extents[axis]; --axis) {
            offset += tensor.strides[axis - 1] - task.extents[axis] * tensor.strides[axis];
            at[axis] = 0;
            ++at[axis - 1];
        }
    }
}

template <typename T>
void run(const Task& all, std::int64_t first, std::int64_t last) {
    static thread_local ChunkMemory<T> memory;
    const PointwiseTask& task = all.task;
    const ChunkFunctions<T>& functions = chunks<T>();
    ChunkTask<T> now;
    now.out_type = task.out_type;
    now.slots = task.program.slots.data();
    now.slot_count = static_cast<int>(task.program.slots.size());
    now.memory = &memory;
    for (std::size_t t = 0; t < task.tensors.size(); ++t) {
        if (all.lies[t] == Lies::kONE) functions.load(task.tensors[t].type, task.tensors[t].data, 0, kChunk, memory.operands[t]);
        if (all.lies[t] == Lies::kROW) {
            const std::int64_t row = task.extents.back();
            for (std::int64_t at = 0; at < all.chunk; at += row) functions.load(task.tensors[t].type, task.tensors[t].data, 1, static_cast<int>(row), memory.operands[t] + at);
        }
    }
    for (std::int64_t at = first; at < last; at += all.chunk) {
        const std::int64_t n = std::min(all.chunk, last - at);
        now.count = static_cast<int>(n);
        now.out = static_cast<std::byte*>(task.out) + at * bytes_of(task.out_type);
        for (std::size_t t = 0; t < task.tensors.size(); ++t) {
            const PointwiseTensor& tensor = task.tensors[t];
            if (all.lies[t] == Lies::kOTHER) unpack(task, tensor, at, n, memory.operands[t]);
            if (all.lies[t] == Lies::kDENSE) functions.load(tensor.type, element(tensor, at), 1, now.count, memory.operands[t]);
            (t == 0 ? now.value : now.operands[t - 1]) = all.lies[t] == Lies::kSAME ? static_cast<const T*>(element(tensor, at)) : memory.operands[t];
        }
        functions.run(now);
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

Lies lies(const std::vector<std::int64_t>& extents, const std::vector<std::int64_t>& strides, bool ready) {
    std::int64_t stride = 1;
    bool same = true, one = true, row = extents.back() <= kChunk / 2 && strides.back() == 1;
    for (std::size_t axis = extents.size(); axis-- > 0;) {
        same = same && (extents[axis] == 1 || strides[axis] == stride);
        one = one && (extents[axis] == 1 || strides[axis] == 0);
        row = row && (axis + 1 == extents.size() || extents[axis] == 1 || strides[axis] == 0);
        stride *= extents[axis];
    }
    if (same) return ready ? Lies::kSAME : Lies::kDENSE;
    return one ? Lies::kONE : row ? Lies::kROW : Lies::kOTHER;
}

Word computed_in(Arithmetic arithmetic) {
    return arithmetic == Arithmetic::kFLOAT ? Word::kF32 : arithmetic == Arithmetic::kINT ? Word::kI32 : Word::kI64;
}

template <typename T>
Run spread_run(std::shared_ptr<const Task> all) {
    const std::int64_t chunks = (all->count + all->chunk - 1) / all->chunk;
    return [all = std::move(all), chunks] {
        spread(chunks, 4, [&](std::int64_t first, std::int64_t last) { run<T>(*all, first * all->chunk, std::min(last * all->chunk, all->count)); });
    };
}

Word word_of(const Launch& launch, std::size_t place) {
    const std::int32_t type = launch.geometry(2) >> (4 * place) & 15;
    if (type >= kWordTypes) throw InvalidPlan(text("Layer '", launch.layer(), "' of the plan has a tensor of type number ", type, ": rebuild the plan."));
    return static_cast<Word>(type);
}

} // namespace

Run pointwise_run(PointwiseTask task) {
    auto all = std::make_shared<Task>();
    if (task.arithmetic == Arithmetic::kFLOAT) task.program.slots.resize(slots_before_bounds(task.program, task.out_type));
    if (task.program.empty()) task.program.slots.push_back({PointwiseOp::kNOP, {}, {}, {}, 0.0f});
    for (const std::int64_t extent : task.extents) {
        all->count *= extent;
    }
    if (all->count == 0) return [] {};
    for (const PointwiseTensor& tensor : task.tensors) {
        all->lies.push_back(lies(task.extents, tensor.strides, tensor.type == computed_in(task.arithmetic)));
    }
    const bool turns = task.extents.back() <= kChunk && std::ranges::any_of(task.tensors, [&](const PointwiseTensor& tensor) { return turned(task, tensor); });
    if (turns || std::ranges::count(all->lies, Lies::kROW) > 0) all->chunk = kChunk / task.extents.back() * task.extents.back();
    all->task = std::move(task);
    switch (all->task.arithmetic) {
    case Arithmetic::kFLOAT: return spread_run<float>(all);
    case Arithmetic::kINT: return spread_run<std::int32_t>(all);
    case Arithmetic::kLONG: break;
    }
    return spread_run<std::int64_t>(all);
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
    const auto bytes = [](Word type, std::int64_t elements) { return checked_mul(bytes_of(type), elements); };
    constexpr std::size_t kOutputPlace = 5;
    task.out_type = word_of(launch, kOutputPlace);
    task.out = launch.buffer<std::byte>(tensors, bytes(task.out_type, count));
    const std::int32_t arithmetic = launch.geometry(3);
    const bool floats = task.out_type <= Word::kBF16;
    if (arithmetic < 0 || arithmetic > 2 || (arithmetic != 0 && floats)) {
        throw InvalidPlan(text("Layer '", launch.layer(), "' of the plan computes in number type ", arithmetic, ": rebuild the plan."));
    }
    task.arithmetic = static_cast<Arithmetic>(arithmetic);
    for (std::size_t t = 0; t < tensors && count > 0; ++t) {
        PointwiseTensor tensor;
        for (std::size_t axis = 0; axis < axes; ++axis) tensor.strides.push_back(launch.param(axes * (t + 1) + axis));
        tensor.type = word_of(launch, t);
        tensor.data = launch.buffer<const std::byte>(t, bytes(tensor.type, reach(task.extents, tensor.strides, launch.layer())));
        task.tensors.push_back(std::move(tensor));
    }
    return pointwise_run(std::move(task));
}

} // namespace tensorvk::kernels::cpu
