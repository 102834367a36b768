// The body of chunk_*.cpp, which say for which instruction set: TVK_ISA names the namespace. Plain loops that the compiler makes vectors of;
// nothing of the standard library, since an inline function compiled here must not be linked into what runs on lesser processors.
#include "kernels/cpu/chunk.hpp"

#ifdef __AVX512BW__
#include <immintrin.h>
#endif

namespace tensorvk::kernels::cpu::TVK_ISA {

namespace {

#include "kernels/cpu/chunk_math.inl"
#include "kernels/cpu/chunk_words.inl"

template <typename F>
inline void each(int n, float* __restrict r, const float* a, F f) {
    for (int i = 0; i < n; ++i) r[i] = f(a[i]);
}
//! `b`: an array, or one number for all.
template <typename B, typename F>
inline void each(int n, float* __restrict r, const float* a, B b, F f) {
    for (int i = 0; i < n; ++i) r[i] = f(a[i], b[i]);
}
struct Same {
    float number;
    float operator[](int) const { return number; }
};

//! Operations of two arguments; false: it is none.
template <typename B>
bool binary(PointwiseOp op, int n, float* __restrict r, const float* a, B b) {
    switch (op) {
    case PointwiseOp::kADD: each(n, r, a, b, [](float x, float y) { return x + y; }); return true;
    case PointwiseOp::kSUB: each(n, r, a, b, [](float x, float y) { return x - y; }); return true;
    case PointwiseOp::kMUL: each(n, r, a, b, [](float x, float y) { return x * y; }); return true;
    case PointwiseOp::kDIV: each(n, r, a, b, [](float x, float y) { return x / y; }); return true;
    case PointwiseOp::kMAX: each(n, r, a, b, greater); return true;
    case PointwiseOp::kMIN: each(n, r, a, b, lesser); return true;
    case PointwiseOp::kPOW: each(n, r, a, b, power); return true;
    case PointwiseOp::kFLOOR_DIV: each(n, r, a, b, floor_quotient); return true;
    case PointwiseOp::kEQUAL: each(n, r, a, b, [](float x, float y) { return truth(x == y); }); return true;
    case PointwiseOp::kGREATER: each(n, r, a, b, [](float x, float y) { return truth(x > y); }); return true;
    case PointwiseOp::kLESS: each(n, r, a, b, [](float x, float y) { return truth(x < y); }); return true;
    case PointwiseOp::kAND: each(n, r, a, b, [](float x, float y) { return truth(x != 0.0f) * truth(y != 0.0f); }); return true;
    case PointwiseOp::kOR: each(n, r, a, b, [](float x, float y) { return x != 0.0f ? 1.0f : truth(y != 0.0f); }); return true;
    case PointwiseOp::kXOR: each(n, r, a, b, [](float x, float y) { return magnitude(truth(x != 0.0f) - truth(y != 0.0f)); }); return true;
    case PointwiseOp::kELU: each(n, r, a, b, [](float x, float y) { return x >= 0.0f ? x : y * expm1(x); }); return true;
    case PointwiseOp::kLEAKY_RELU: each(n, r, a, b, [](float x, float y) { return x >= 0.0f ? x : y * x; }); return true;
    case PointwiseOp::kTHRESHOLDED_RELU: each(n, r, a, b, [](float x, float y) { return x > y ? x : 0.0f; }); return true;
    case PointwiseOp::kQUANTIZE: each(n, r, a, b, [](float x, float y) { return nearest(x / y); }); return true;
    default: return false;
    }
}

void slot(PointwiseOp op, int n, float* __restrict r, const float* a, const float* b, const float* c) {
    if (binary(op, n, r, a, b)) return;
    switch (op) {
    case PointwiseOp::kNOP: return each(n, r, a, [](float x) { return x; });
    case PointwiseOp::kRELU: return each(n, r, a, [](float x) { return x < 0.0f ? 0.0f : x; });
    case PointwiseOp::kSIGMOID: return each(n, r, a, sigmoid);
    case PointwiseOp::kTANH: return each(n, r, a, tanh);
    case PointwiseOp::kSOFTSIGN: return each(n, r, a, [](float x) { return x / (1.0f + magnitude(x)); });
    case PointwiseOp::kSOFTPLUS: return each(n, r, a, softplus);
    case PointwiseOp::kGELU_ERF: return each(n, r, a, [](float x) { return 0.5f * x * (1.0f + erf(x * 0.70710678118f)); });
    case PointwiseOp::kGELU_TANH: return each(n, r, a, gelu_tanh);
    case PointwiseOp::kEXP: return each(n, r, a, exponential);
    case PointwiseOp::kLOG: return each(n, r, a, logarithm);
    case PointwiseOp::kSQRT: return each(n, r, a, root);
    case PointwiseOp::kRECIP: return each(n, r, a, [](float x) { return 1.0f / x; });
    case PointwiseOp::kABS: return each(n, r, a, magnitude);
    case PointwiseOp::kNEG: return each(n, r, a, [](float x) { return -x; });
    case PointwiseOp::kSIN: return each(n, r, a, sine);
    case PointwiseOp::kCOS: return each(n, r, a, cosine);
    case PointwiseOp::kTAN: return each(n, r, a, tangent);
    case PointwiseOp::kSINH: return each(n, r, a, sinh);
    case PointwiseOp::kCOSH: return each(n, r, a, cosh);
    case PointwiseOp::kASIN: return each(n, r, a, arcsine);
    case PointwiseOp::kACOS: return each(n, r, a, arccosine);
    case PointwiseOp::kATAN: return each(n, r, a, arctangent);
    case PointwiseOp::kASINH: return each(n, r, a, asinh);
    case PointwiseOp::kACOSH: return each(n, r, a, acosh);
    case PointwiseOp::kATANH: return each(n, r, a, atanh);
    case PointwiseOp::kCEIL: return each(n, r, a, ceiled);
    case PointwiseOp::kFLOOR: return each(n, r, a, floored);
    case PointwiseOp::kERF: return each(n, r, a, erf);
    case PointwiseOp::kNOT: return each(n, r, a, [](float x) { return truth(x == 0.0f); });
    case PointwiseOp::kSIGN: return each(n, r, a, [](float x) { return x > 0.0f ? 1.0f : x < 0.0f ? -1.0f : x; });
    case PointwiseOp::kROUND: return each(n, r, a, nearest);
    case PointwiseOp::kISINF: return each(n, r, a, [](float x) { return truth(magnitude(x) == kInfinity); });
    case PointwiseOp::kISNAN: return each(n, r, a, [](float x) { return truth(x != x); });
    case PointwiseOp::kSELECT:
        for (int i = 0; i < n; ++i) r[i] = a[i] != 0.0f ? b[i] : c[i];
        return;
    case PointwiseOp::kTRUNC: return each(n, r, a, truncated);
    case PointwiseOp::kROUND_HALF: return each(n, r, a, rounded_half);
    default: return; // a binary one
    }
}

// --- Integers: exact, wrapping. The operations are those of shaders/pointwise/int.glsl.

template <typename T>
struct Bits;
template <>
struct Bits<std::int32_t> { using Type = std::uint32_t; };
template <>
struct Bits<std::int64_t> { using Type = std::uint64_t; };

template <typename T, typename F>
inline void each_int(int n, T* __restrict r, const T* a, const T* b, F f) {
    for (int i = 0; i < n; ++i) r[i] = f(a[i], b[i]);
}
//! The least number divided by -1 wraps too.
template <typename T>
inline T quotient(T a, T b) {
    using U = typename Bits<T>::Type;
    return b == 0 ? 0 : b == -1 ? static_cast<T>(U{0} - static_cast<U>(a)) : a / b;
}
template <typename T>
inline T floor_quotient_int(T a, T b) {
    const T q = quotient(a, b);
    return b != 0 && b != -1 && q * b != a && (a < 0) != (b < 0) ? q - 1 : q;
}

template <typename T>
void slot_int(PointwiseOp op, int n, T* __restrict r, const T* a, const T* b, const T* c) {
    using U = typename Bits<T>::Type;
    switch (op) {
    case PointwiseOp::kADD: return each_int(n, r, a, b, [](T x, T y) { return static_cast<T>(static_cast<U>(x) + static_cast<U>(y)); });
    case PointwiseOp::kSUB: return each_int(n, r, a, b, [](T x, T y) { return static_cast<T>(static_cast<U>(x) - static_cast<U>(y)); });
    case PointwiseOp::kMUL: return each_int(n, r, a, b, [](T x, T y) { return static_cast<T>(static_cast<U>(x) * static_cast<U>(y)); });
    case PointwiseOp::kDIV: return each_int(n, r, a, b, quotient<T>);
    case PointwiseOp::kMAX: return each_int(n, r, a, b, [](T x, T y) { return x > y ? x : y; });
    case PointwiseOp::kMIN: return each_int(n, r, a, b, [](T x, T y) { return x < y ? x : y; });
    case PointwiseOp::kFLOOR_DIV: return each_int(n, r, a, b, floor_quotient_int<T>);
    case PointwiseOp::kEQUAL: return each_int(n, r, a, b, [](T x, T y) { return static_cast<T>(x == y); });
    case PointwiseOp::kGREATER: return each_int(n, r, a, b, [](T x, T y) { return static_cast<T>(x > y); });
    case PointwiseOp::kLESS: return each_int(n, r, a, b, [](T x, T y) { return static_cast<T>(x < y); });
    case PointwiseOp::kAND: return each_int(n, r, a, b, [](T x, T y) { return static_cast<T>((x != 0) & (y != 0)); });
    case PointwiseOp::kOR: return each_int(n, r, a, b, [](T x, T y) { return static_cast<T>((x != 0) | (y != 0)); });
    case PointwiseOp::kXOR: return each_int(n, r, a, b, [](T x, T y) { return static_cast<T>((x != 0) != (y != 0)); });
    case PointwiseOp::kRELU: return each_int(n, r, a, a, [](T x, T) { return x < 0 ? T{0} : x; });
    case PointwiseOp::kABS: return each_int(n, r, a, a, [](T x, T) { return x < 0 ? static_cast<T>(U{0} - static_cast<U>(x)) : x; });
    case PointwiseOp::kNEG: return each_int(n, r, a, a, [](T x, T) { return static_cast<T>(U{0} - static_cast<U>(x)); });
    case PointwiseOp::kNOT: return each_int(n, r, a, a, [](T x, T) { return static_cast<T>(x == 0); });
    case PointwiseOp::kSIGN: return each_int(n, r, a, a, [](T x, T) { return static_cast<T>((x > 0) - (x < 0)); });
    case PointwiseOp::kSELECT:
        for (int i = 0; i < n; ++i) r[i] = a[i] != 0 ? b[i] : c[i];
        return;
    default: // rounding leaves integers as they are; the tactic asks for nothing else
        for (int i = 0; i < n; ++i) r[i] = a[i];
    }
}

template <typename T>
const T* argument(const ChunkTask<T>& task, const PointwiseArg& arg) {
    switch (arg.kind) {
    case PointwiseArg::Kind::kVALUE: return arg.index == 0 ? task.value : task.memory->results[arg.index - 1];
    case PointwiseArg::Kind::kOPERAND: return task.operands[arg.index];
    case PointwiseArg::Kind::kIMMEDIATE: break;
    }
    return task.memory->immediate;
}

void apply(PointwiseOp op, int n, float* r, const float* a, const float* b, const float* c) { slot(op, n, r, a, b, c); }
template <typename T>
void apply(PointwiseOp op, int n, T* r, const T* a, const T* b, const T* c) {
    slot_int(op, n, r, a, b, c);
}

//! Most second arguments are numbers of the program, which need no array.
bool apply_number(PointwiseOp op, int n, float* r, const float* a, float number) { return binary(op, n, r, a, Same{number}); }
template <typename T>
bool apply_number(PointwiseOp, int, T*, const T*, float) {
    return false;
}

//! A last slot that quantizes by a number stores its bytes at once.
bool finish_in_bytes(const ChunkTask<float>& task, const PointwiseSlot& last, const float* a) {
    return last.op == PointwiseOp::kQUANTIZE && quantize(task.out_type, task.out, a, task.count, last.immediate);
}
template <typename T>
bool finish_in_bytes(const ChunkTask<T>&, const PointwiseSlot&, const T*) {
    return false;
}

template <typename T>
void run(const ChunkTask<T>& task) {
    for (int s = 0; s < task.slot_count; ++s) {
        const PointwiseSlot& now = task.slots[s];
        const bool number = now.b.kind == PointwiseArg::Kind::kIMMEDIATE && now.a.kind != PointwiseArg::Kind::kIMMEDIATE;
        if (number && s + 1 == task.slot_count && finish_in_bytes(task, now, argument(task, now.a))) return;
        if (number && apply_number(now.op, task.count, task.memory->results[s], argument(task, now.a), now.immediate)) continue;
        for (int i = 0; i < task.count; ++i) task.memory->immediate[i] = number_of<T>(now.immediate);
        apply(now.op, task.count, task.memory->results[s], argument(task, now.a), argument(task, now.b), argument(task, now.c));
    }
    store(task.out_type, task.out, task.memory->results[task.slot_count - 1], task.count);
}

#include "kernels/cpu/chunk_softmax.inl"

} // namespace

void run_chunk(const ChunkTask<float>& task) { run(task); }
void run_chunk(const ChunkTask<std::int32_t>& task) { run(task); }
void run_chunk(const ChunkTask<std::int64_t>& task) { run(task); }
void load_chunk(Word type, const void* from, std::int64_t stride, int count, float* out) { load(type, from, stride, count, out); }
void load_chunk(Word type, const void* from, std::int64_t stride, int count, std::int32_t* out) { load(type, from, stride, count, out); }
void load_chunk(Word type, const void* from, std::int64_t stride, int count, std::int64_t* out) { load(type, from, stride, count, out); }

void softmax_rows(const SoftmaxTask& task) {
    alignas(64) float x[kChunk], values[kChunk];
    const std::int64_t in = bytes_of(task.in_type) * task.length, out = bytes_of(task.out_type) * task.length;
    for (std::int64_t row = 0; row < task.rows; ++row) {
        const char* from = static_cast<const char*>(task.x) + row * in;
        if (task.length > kChunk) {
            long_softmax_row(task, from, static_cast<char*>(task.y) + row * out);
            continue;
        }
        if (task.in_type != Word::kF32) load(task.in_type, from, 1, static_cast<int>(task.length), x);
        softmax_row(task, task.in_type == Word::kF32 ? reinterpret_cast<const float*>(from) : x, values, static_cast<char*>(task.y) + row * out);
    }
}

} // namespace tensorvk::kernels::cpu::TVK_ISA
