#include "kernels/cpu/epilogue.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "support/checked.hpp"
#include "support/error.hpp"

namespace tensorvk::kernels::cpu {

//! Up to kChunk elements of the output.
struct Epilogue::Piece {
    std::int64_t at = 0, step = 1, channel = 0;
    int count = 0;
    bool along_channels = false;
    bool like_the_last = false; // same channels as the piece before, which is still in memory
};

namespace {

constexpr std::size_t kOutputBinding = 3, kFirstBinding = 4;

std::int64_t last_element(const std::vector<std::int64_t>& extents, const std::vector<std::int64_t>& strides) {
    std::int64_t last = 0;
    for (std::size_t axis = 0; axis < extents.size(); ++axis) last = checked_add(last, checked_mul(extents[axis] - 1, strides[axis]));
    return last;
}

//! Repeats the first `period` numbers up to `count`.
void repeat(float* numbers, std::int64_t period, std::int64_t count) {
    for (std::int64_t there = period; there < count; there *= 2) {
        std::memcpy(numbers + there, numbers, sizeof(float) * static_cast<std::size_t>(std::min(there, count - there)));
    }
}

template <typename T>
void scatter(const std::byte* from, int count, std::int64_t step, void* to, std::int64_t at) {
    const T* in = reinterpret_cast<const T*>(from);
    for (int i = 0; i < count; ++i) static_cast<T*>(to)[at + i * step] = in[i];
}

void scatter(const std::byte* from, Word type, int count, std::int64_t step, void* to, std::int64_t at) {
    switch (bytes_of(type)) {
    case 1: return scatter<std::uint8_t>(from, count, step, to, at);
    case 2: return scatter<std::uint16_t>(from, count, step, to, at);
    case 4: return scatter<std::uint32_t>(from, count, step, to, at);
    default: return scatter<std::uint64_t>(from, count, step, to, at);
    }
}

} // namespace

Epilogue::Epilogue(const Launch& launch, Output output, std::uint32_t types, const GeneralStrides& general)
    : program_(launch.program(PointwiseProgram::kMaxOperands)), output_(std::move(output)), empty_(program_.empty()) {
    channels_ = output_.extents.at(output_.channel_axis);
    const std::int64_t count = checked_volume(output_.extents);
    y_ = launch.buffer<std::byte>(kOutputBinding, checked_mul(count, bytes_of(output_.type)));
    const auto modes = static_cast<std::uint32_t>(launch.geometry(1));
    std::array<bool, PointwiseProgram::kMaxOperands> read{};
    for (const PointwiseSlot& slot : program_.slots) {
        for (const PointwiseArg& arg : {slot.a, slot.b, slot.c}) {
            if (arg.kind == PointwiseArg::Kind::kOPERAND) read[arg.index] = true;
        }
    }
    for (std::size_t k = 0; k < read.size() && count > 0; ++k) {
        if (!read[k]) continue;
        const std::uint32_t mode = modes >> (8 * k) & 255, type = types >> (4 * k) & 15;
        if (type >= kWordTypes) {
            throw InvalidPlan(text("Layer '", launch.layer(), "' of the plan has an operand of type number ", type, ": rebuild the plan."));
        }
        Operand operand{.index = k, .lies = static_cast<Lies>(mode >> 6), .type = static_cast<Word>(type), .strides = {}};
        std::int64_t elements = operand.lies == Lies::kSAME ? count : operand.lies == Lies::kPER_CHANNEL ? channels_ : 1;
        if (operand.lies == Lies::kGENERAL) {
            operand.strides = general(mode);
            elements = checked_add(last_element(output_.extents, operand.strides), 1);
        }
        operand.data = launch.buffer<const std::byte>(kFirstBinding + k, checked_mul(elements, bytes_of(operand.type)));
        operands_.push_back(std::move(operand));
    }
    if (empty_) program_.slots.push_back({PointwiseOp::kNOP, {}, {}, {}, 0.0f});
}

Epilogue::Epilogue(PointwiseProgram program, Output output, std::vector<Operand> operands, void* y)
    : program_(std::move(program)), output_(std::move(output)), empty_(program_.empty()), operands_(std::move(operands)), y_(y),
      channels_(output_.extents.at(output_.channel_axis)) {
    if (empty_) program_.slots.push_back({PointwiseOp::kNOP, {}, {}, {}, 0.0f});
}

void Epilogue::general(const Operand& operand, const Piece& piece, float* out) const {
    const std::vector<std::int64_t>& extents = output_.extents;
    const std::size_t inner = extents.size() - 1;
    for (std::int64_t done = 0; done < piece.count;) {
        std::int64_t rest = piece.at + done * piece.step, offset = 0;
        const std::int64_t place = rest % extents[inner];
        for (std::size_t axis = extents.size(); axis-- > 0; rest /= extents[axis]) offset += rest % extents[axis] * operand.strides[axis];
        const std::int64_t run = piece.step == 1 ? std::min<std::int64_t>(piece.count - done, extents[inner] - place) : 1;
        chunks<float>().load(operand.type, operand.data + offset * bytes_of(operand.type), operand.strides[inner], static_cast<int>(run), out + done);
        done += run;
    }
}

const float* Epilogue::numbers(const Operand& operand, const Piece& piece, float* memory) const {
    const auto load = [&](std::int64_t first, std::int64_t stride, std::int64_t count) {
        chunks<float>().load(operand.type, operand.data + first * bytes_of(operand.type), stride, static_cast<int>(count), memory);
    };
    switch (operand.lies) {
    case Lies::kSAME:
        if (operand.type == Word::kF32 && piece.step == 1) return reinterpret_cast<const float*>(operand.data) + piece.at;
        load(piece.at, piece.step, piece.count);
        break;
    case Lies::kPER_CHANNEL:
        if (piece.like_the_last) break;
        if (!piece.along_channels) {
            load(piece.channel, 0, piece.count);
        } else if (piece.channel + piece.count <= channels_) {
            if (operand.type == Word::kF32) return reinterpret_cast<const float*>(operand.data) + piece.channel;
            load(piece.channel, 1, piece.count);
        } else { // whole rows of few channels
            load(0, 1, channels_);
            repeat(memory, channels_, piece.count);
        }
        break;
    case Lies::kSCALAR:
        if (!piece.like_the_last) load(0, 0, kChunk);
        break;
    case Lies::kGENERAL: general(operand, piece, memory); break;
    }
    return memory;
}

template <typename Sum>
void Epilogue::finish(const Sum* sums, const Piece& piece, std::byte* to) const {
    static thread_local ChunkMemory<float> memory;
    // As integers: float would round them.
    const bool same_type = empty_ && output_.type == (std::is_same_v<Sum, float> ? Word::kF32 : Word::kI32);
    if (same_type) {
        if (piece.step == 1) {
            std::memmove(to, sums, sizeof(Sum) * static_cast<std::size_t>(piece.count));
        } else {
            scatter<Sum>(reinterpret_cast<const std::byte*>(sums), piece.count, piece.step, y_, piece.at);
        }
        return;
    }
    ChunkTask<float> now;
    now.slots = program_.slots.data();
    now.slot_count = static_cast<int>(program_.slots.size());
    now.count = piece.count;
    now.out_type = output_.type;
    now.memory = &memory;
    if constexpr (std::is_same_v<Sum, float>) {
        now.value = sums;
    } else {
        chunks<float>().load(Word::kI32, sums, 1, piece.count, memory.operands[0]);
        now.value = memory.operands[0];
    }
    for (const Operand& operand : operands_) now.operands[operand.index] = numbers(operand, piece, memory.operands[operand.index + 1]);
    alignas(8) std::byte apart[8 * kChunk];
    now.out = piece.step == 1 ? to : apart;
    chunks<float>().run(now);
    if (piece.step != 1) scatter(apart, output_.type, piece.count, piece.step, y_, piece.at);
}

template <typename Sum>
void Epilogue::along_channels(const Sum* sums, std::int64_t at, std::int64_t count, std::int64_t channel) const {
    const bool in_place = static_cast<const void*>(sums) == row(at);
    if (!empty_ || !in_place) finish_rows(sums, at, count, channel, row(at));
}

bool Epilogue::same_everywhere() const {
    return std::ranges::all_of(operands_, [](const Operand& operand) { return operand.lies == Lies::kPER_CHANNEL || operand.lies == Lies::kSCALAR; });
}

template <typename Sum>
void Epilogue::rows_apart(const Sum* sums, std::int64_t count, std::byte* to) const {
    finish_rows(sums, 0, count, 0, to);
}

template <typename Sum>
void Epilogue::finish_rows(const Sum* sums, std::int64_t at, std::int64_t count, std::int64_t channel, std::byte* to) const {
    const bool rows = channel == 0 && count > channels_ && channels_ <= kChunk / 2; // several in a piece
    for (std::int64_t done = 0; done < count;) {
        Piece piece{.at = at + done, .channel = rows ? 0 : (channel + done) % channels_, .along_channels = true};
        const std::int64_t most = rows ? kChunk / channels_ * channels_ : std::min<std::int64_t>(kChunk, channels_ - piece.channel);
        piece.count = static_cast<int>(std::min(most, count - done));
        piece.like_the_last = rows && done > 0;
        finish(sums + done, piece, to + done * bytes_of(output_.type));
        done += piece.count;
    }
}

template <typename Sum>
void Epilogue::along_places(const Sum* sums, std::int64_t at, std::int64_t step, std::int64_t count, std::int64_t channel) const {
    for (std::int64_t done = 0; done < count;) {
        const auto n = static_cast<int>(std::min<std::int64_t>(kChunk, count - done));
        const Piece piece{.at = at + done * step, .step = step, .channel = channel, .count = n, .along_channels = false, .like_the_last = false};
        finish(sums + done, piece, row(piece.at));
        done += n;
    }
}

Epilogue matrix_epilogue(const Launch& launch, Word type, std::uint32_t types) {
    constexpr std::size_t kBatchAxes = 6;
    std::vector<std::int64_t> extents;
    for (std::size_t i = 0; i < kBatchAxes; ++i) extents.push_back(launch.param(8 + i));
    extents.push_back(launch.param(1));
    extents.push_back(launch.param(2));
    const std::size_t axes = extents.size();
    const auto strides = [&](std::uint32_t mode) {
        std::vector<std::int64_t> out(axes, 0);
        std::int64_t stride = 1;
        for (std::size_t axis = axes; axis-- > axes - 5;) {
            if ((mode >> (axis - (axes - 5)) & 1) == 0) continue;
            out[axis] = stride;
            stride = checked_mul(stride, extents[axis]);
        }
        return out;
    };
    return {launch, {extents, axes - 1, type}, types, strides};
}

template void Epilogue::along_channels(const float*, std::int64_t, std::int64_t, std::int64_t) const;
template void Epilogue::along_channels(const std::int32_t*, std::int64_t, std::int64_t, std::int64_t) const;
template void Epilogue::rows_apart(const float*, std::int64_t, std::byte*) const;
template void Epilogue::rows_apart(const std::int32_t*, std::int64_t, std::byte*) const;
template void Epilogue::along_places(const float*, std::int64_t, std::int64_t, std::int64_t, std::int64_t) const;
template void Epilogue::along_places(const std::int32_t*, std::int64_t, std::int64_t, std::int64_t, std::int64_t) const;

} // namespace tensorvk::kernels::cpu
