// Weights of 8 bits in ONNX's order -> the matrix that quantized/dot reads: [part][K / 4][columns], or, for quantized/coopmat, [part][columns][K / 4]: a
// word of four along K, less their zero point, padded with zeros. K runs over taps, channels fastest.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common/interface.glsl"
#include "convolution/phases.glsl"

layout(set = 0, binding = 0) readonly buffer Weights { uint weights[]; };
layout(set = 0, binding = 1) writeonly buffer Packed { uint packed_weights[]; };

#define COUNT P(0) // words
#define PADDED_COLUMNS P(1)
#define PADDED_WORDS P(2)
#define COLUMNS P(3)
#define CHANNELS P(4)
#define TAPS P(5)
#define TRANSPOSED (P(6) != 0)   // source is [in, out / groups, kernel...] instead of [out, in / groups, kernel...]
#define PHASES P(7)              // parts of each group: phases of a transposed convolution, which have some of the taps each; 0: it is none
#define IS_SIGNED (P(8) != 0)
#define ZERO P(9)
#define BY_COLUMNS (P(10) != 0)
// Of a picture that has been widened (tactics/packing.hpp): CHANNELS and TAPS are those of the wide one.
#define SOURCE_CHANNELS P(11)    // 0: it has not been
#define PIXELS P(12)
#define KERNEL_WIDTH P(13)       // of the source
// Of phases: the whole window.
#define KERNEL ivec3(P(14), P(15), P(16))
#define STRIDE ivec3(P(17), P(18), P(19))
#define PRE ivec3(P(20), P(21), P(22))

int weight(int i) {
    uint bits = bitfieldExtract(weights[i >> 2], 8 * (i & 3), 8);
    return (IS_SIGNED ? bitfieldExtract(int(bits), 0, 8) : int(bits)) - ZERO;
}

void main() {
    int index = int(flat_invocation());
    if (index >= COUNT) return;
    int column = BY_COLUMNS ? index / PADDED_WORDS % PADDED_COLUMNS : index % PADDED_COLUMNS;
    int first_word = BY_COLUMNS ? index % PADDED_WORDS : index / PADDED_COLUMNS % PADDED_WORDS;
    int part = index / PADDED_COLUMNS / PADDED_WORDS;
    int group = PHASES > 0 ? part / PHASES : part;
    Phase phase;
    int taps = TAPS;
    if (PHASES > 0) {
        phase = phase_of(part % PHASES, KERNEL, STRIDE, PRE);
        taps = phase.taps.x * phase.taps.y * phase.taps.z;
    }
    uint word = 0u;
    for (int j = 0; j < 4; ++j) {
        int k = 4 * first_word + j;
        int tap = k / CHANNELS;
        int channel = k % CHANNELS;
        bool padding = column >= COLUMNS || tap >= taps;
        if (PHASES > 0) {
            ivec3 at = window_place(phase, tap, STRIDE);
            tap = (at.x * KERNEL.y + at.y) * KERNEL.z + at.z;
        }
        int source = TRANSPOSED ? ((group * CHANNELS + channel) * COLUMNS + column) * TAPS + tap
                                : ((group * COLUMNS + column) * CHANNELS + channel) * TAPS + tap;
        if (SOURCE_CHANNELS > 0) {
            int each = CHANNELS / PIXELS, wide_width = (KERNEL_WIDTH + PIXELS - 1) / PIXELS;
            int pixel = tap % wide_width * PIXELS + channel / each;
            padding = padding || pixel >= KERNEL_WIDTH || channel % each >= SOURCE_CHANNELS;
            source = ((group * COLUMNS + column) * SOURCE_CHANNELS + channel % each) * (TAPS / wide_width * KERNEL_WIDTH) + tap / wide_width * KERNEL_WIDTH + pixel;
        }
        if (!padding) word |= (uint(weight(source)) & 255u) << (8 * j);
    }
    packed_weights[index] = word;
}
