// Weights in ONNX's order -> the matrix that products read: [part][panel of columns][K][columns of the panel], padded with zeros; one panel
// of all columns is [part][K][columns]. K runs over taps, channels fastest.
// Also biases: weights of one input channel and one tap.
#version 450
#extension GL_GOOGLE_include_directive : require
#ifdef HALF
#extension GL_EXT_shader_16bit_storage : require
#endif
#include "common/interface.glsl"
#include "convolution/phases.glsl"

#ifdef BYTES
// 8-bit integers as floats, less their zero point.
layout(set = 0, binding = 0) readonly buffer Weights { uint weights[]; };
#define IS_SIGNED (P(15) != 0)
#define W_ZERO P(16)
float weight(int i) {
    uint bits = bitfieldExtract(weights[i >> 2], 8 * (i & 3), 8);
    return float((IS_SIGNED ? bitfieldExtract(int(bits), 0, 8) : int(bits)) - W_ZERO);
}
#elif defined(BLOCKS)
// Of a matrix product, in blocks of few bits.
#define BLOCKS_BINDING 0
#define BLOCK_DEPTH P(4)
#define BLOCK_COLUMNS P(3)
#include "matrix/blocks.glsl"
float weight(int i) {
    int k = i / BLOCK_COLUMNS, column = i % BLOCK_COLUMNS;
    uvec2 codes = eight_at(k / 8 * 8, column);
    vec4 four = four_codes((k & 4) == 0 ? codes.x : codes.y) - offset_of(zero_of(k / BLOCK, column));
    return four[k & 3] * OUT_OF_PLACE[k & 3] * scale_of(k / BLOCK, column);
}
#else
layout(set = 0, binding = 0) readonly buffer Weights { float weights[]; };
float weight(int i) { return weights[i]; }
#endif
#ifdef HALF
layout(set = 0, binding = 1) writeonly buffer Packed { float16_t packed_weights[]; };
#define VALUE(v) float16_t(v)
#else
layout(set = 0, binding = 1) writeonly buffer Packed { float packed_weights[]; };
#define VALUE(v) (v)
#endif

#define COUNT P(0)
#define PADDED_COLUMNS P(1)
#define PADDED_DEPTH P(2)
#define COLUMNS P(3)
#define CHANNELS P(4)
#define TAPS P(5)
#define TRANSPOSED (P(6) != 0)    // source is [in, out / groups, kernel...] instead of [out, in / groups, kernel...]
#define PHASES P(7)               // parts of each group: phases of a transposed convolution, which have some of the taps each; 0: it is none
#define ZERO (P(8) != 0)          // there is no source: zeros
#define PANEL P(9)                // neighbouring columns; a divisor of PADDED_COLUMNS
// Of a picture that has been widened (tactics/packing.hpp): CHANNELS and TAPS are those of the wide one.
#define SOURCE_CHANNELS P(10)     // 0: it has not been
#define PIXELS P(11)
#define KERNEL_WIDTH P(12)        // of the source
#define SHIFT P(13)
#define UNITS P(14)               // taps of a line of the wide one

// Of phases: the whole window.
#define KERNEL ivec3(P(17), P(18), P(19))
#define STRIDE ivec3(P(20), P(21), P(22))
#define PRE ivec3(P(23), P(24), P(25))

// Where channel `channel` at tap `tap` of the wide picture comes from: tap and channel of the source, or -1.
ivec2 narrow(int tap, int channel) {
    int each = CHANNELS / PIXELS;
    int column = tap % UNITS * PIXELS + channel / each - SHIFT;
    bool inside = column >= 0 && column < KERNEL_WIDTH && channel % each < SOURCE_CHANNELS;
    return inside ? ivec2(tap / UNITS * KERNEL_WIDTH + column, channel % each) : ivec2(-1);
}

void main() {
    int index = int(flat_invocation());
    if (index >= COUNT) return;
    int k = index / PANEL % PADDED_DEPTH;
    int panel = index / PANEL / PADDED_DEPTH;
    int panels = PADDED_COLUMNS / PANEL;
    int column = panel % panels * PANEL + index % PANEL;
    int part = panel / panels;
    int group = PHASES > 0 ? part / PHASES : part;
    int tap = k / CHANNELS;
    int channel = k % CHANNELS;
    bool padding = ZERO || column >= COLUMNS;
    int channels = CHANNELS;
    int taps = TAPS;
    if (PHASES > 0) {
        Phase phase = phase_of(part % PHASES, KERNEL, STRIDE, PRE);
        ivec3 at = window_place(phase, tap, STRIDE);
        padding = padding || tap >= phase.taps.x * phase.taps.y * phase.taps.z;
        tap = (at.x * KERNEL.y + at.y) * KERNEL.z + at.z;
    } else {
        padding = padding || tap >= TAPS;
    }
    if (SOURCE_CHANNELS > 0) {
        ivec2 from = narrow(tap, channel);
        padding = padding || from.x < 0;
        taps = TAPS / UNITS * KERNEL_WIDTH;
        tap = from.x;
        channel = from.y;
        channels = SOURCE_CHANNELS;
    }
    int source = TRANSPOSED ? ((group * channels + channel) * COLUMNS + column) * taps + tap
                            : ((group * COLUMNS + column) * channels + channel) * taps + tap;
    packed_weights[index] = VALUE(padding ? 0.0 : weight(source));
}
