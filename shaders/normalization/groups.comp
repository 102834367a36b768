// (x - mean) / sqrt(variance + epsilon) of groups of channels, each with all its positions, or x / sqrt(mean square + epsilon), then a pointwise
// program. A workgroup takes a group, and reads it again where it is more than the lanes can keep; or it takes a part of one, in two dispatches:
// the first leaves mean and squares of the parts, of which each workgroup of the second makes those of its group (Chan et al., 1979). A group
// lies in one piece, or, with the channels last, as a few neighbouring elements of each position. VEC4: elements come in fours.
#version 450
#extension GL_GOOGLE_include_directive : require
#ifdef HALF
#extension GL_EXT_shader_16bit_storage : require
#endif
#include "common/interface.glsl"
#include "common/epilogue.glsl"

STORAGE(0, readonly, x)
layout(binding = 1) buffer Statistics { float statistics[]; }; // of each part: mean, sum of squared differences from it
STORAGE(3, writeonly, y)

#define COUNT P(0)      // workgroups
#define CHANNELS P(1)   // of a picture
#define POSITIONS P(2)
#define GROUPS P(3)     // of a picture
#define PARTS P(4)      // of a group
#define PART_UNITS P(5) // the last part may have fewer
#define CENTRED (G(2) != 0)
#define EPSILON intBitsToFloat(G(3))
#define LANES G(4)
#define STAGE G(6)
#define WHOLE 0
#define STATISTICS 1
#define RESULTS 2
#define CHANNELS_LAST (G(7) != 0)
const int KEPT = G(5) > 0 ? G(5) : 1; // units of a lane: all that it reads, where G(5) is not 0
const bool KEEPS = G(5) > 0;

#ifdef VEC4
#define VALUE vec4
#define WIDTH 4
#define READ(i) LOAD4(x, IN_HALF, i)
#define SUM(v) (((v).x + (v).y) + ((v).z + (v).w))
#define WRITE(i, value) STORE4(y, OUT_HALF, i, value)
// Four neighbours are of one channel, or of four where these are last.
#define UNIT_OPERAND(k, same, channel)                                                                                 \
    (!POINTWISE_USES_##k ? vec4(0.0)                                                                                   \
     : OPERAND_KIND(k) == KIND_SAME || (OPERAND_KIND(k) == KIND_CHANNEL && CHANNELS_LAST)                              \
         ? LOAD4(op##k, OPERAND_HALF(k), OPERAND_INDEX(k, same, channel) >> 2) : vec4(LOAD(op##k, OPERAND_HALF(k), OPERAND_INDEX(k, same, channel))))
#else
#define VALUE float
#define WIDTH 1
#define READ(i) LOAD(x, IN_HALF, i)
#define SUM(v) (v)
#define WRITE(i, value) STORE(y, OUT_HALF, i, value)
#define UNIT_OPERAND(k, same, channel) OPERAND(k, same, channel)
#endif

VALUE finish_unit(VALUE value, int same, int channel) {
    if (POINTWISE_EMPTY) return value;
    return pointwise(value, UNIT_OPERAND(0, same, channel), UNIT_OPERAND(1, same, channel), UNIT_OPERAND(2, same, channel), UNIT_OPERAND(3, same, channel));
}

shared float partial[2 * 512]; // LANES is a power of two, at most 512

float join(float mine, int which) {
    int lane = int(gl_LocalInvocationID.x);
    int at = which * 512;
    partial[at + lane] = mine;
    for (int half_size = LANES / 2; half_size > 0; half_size /= 2) {
        barrier();
        if (lane < half_size) partial[at + lane] += partial[at + lane + half_size];
    }
    barrier();
    return partial[at];
}

int units() { return quick_div(CHANNELS, GROUPS) * POSITIONS / WIDTH; }
int part_units(int part) { return min(PART_UNITS, units() - part * PART_UNITS); }

// Where unit i of a group lies, in units, and its first channel in the group.
ivec2 place(int i) {
    if (CHANNELS_LAST) {
        int inner = quick_div(CHANNELS, GROUPS) / WIDTH;
        int position = quick_div(i, inner);
        int channel = i - position * inner;
        return ivec2(position * (CHANNELS / WIDTH) + channel, channel * WIDTH);
    }
    return ivec2(i, quick_div(i * WIDTH, POSITIONS));
}

#define EACH(i, k, BODY)                                                                                                            \
    {                                                                                                                               \
        if (KEEPS) {                                                                                                                \
            [[unroll]] for (int k = 0; k < KEPT; ++k) { int i = first + k * LANES; if (i < end) { BODY } }                         \
        } else {                                                                                                                    \
            const int k = 0;                                                                                                        \
            MANY_ROUNDS(i, first, end, LANES, 4, BODY)                                                                              \
        }                                                                                                                           \
    }
#define VALUE_OF(i, k) (KEEPS ? kept[k] : READ(base + place(i).x))

void main() {
    int workgroup = int(flat_group());
    if (workgroup >= COUNT) return;
    int row = quick_div(workgroup, PARTS);
    int part = workgroup - row * PARTS;
    int picture = quick_div(row, GROUPS);
    int first_channel = (row - picture * GROUPS) * quick_div(CHANNELS, GROUPS);
    int base = CHANNELS_LAST ? (picture * POSITIONS * CHANNELS + first_channel) / WIDTH : row * units();
    int first = part * PART_UNITS + int(gl_LocalInvocationID.x);
    int end = part * PART_UNITS + part_units(part);
    VALUE kept[KEPT];
    if (KEEPS) EACH(i, k, kept[k] = READ(base + place(i).x);)
    float mean = 0.0;
    float square = 0.0;
    if (STAGE == RESULTS) {
        float elements = float(units()) * WIDTH;
        if (CENTRED) {
            for (int p = int(gl_LocalInvocationID.x); p < PARTS; p += LANES) mean += float(part_units(p)) * WIDTH * statistics[2 * (row * PARTS + p)];
            mean = join(mean, 0) / elements;
        }
        for (int p = int(gl_LocalInvocationID.x); p < PARTS; p += LANES) {
            float d = statistics[2 * (row * PARTS + p)] - mean;
            square += statistics[2 * (row * PARTS + p) + 1] + float(part_units(p)) * WIDTH * d * d;
        }
        square = join(square, 1) / elements;
    } else {
        float elements = float(part_units(part)) * WIDTH;
        if (CENTRED) {
            EACH(i, k, mean += SUM(VALUE_OF(i, k));)
            mean = join(mean, 0) / elements;
        }
        EACH(i, k, VALUE d = VALUE_OF(i, k) - mean; square += SUM(d * d);)
        square = join(square, 1);
        if (STAGE == STATISTICS) {
            if (gl_LocalInvocationID.x == 0u) {
                statistics[2 * workgroup] = mean;
                statistics[2 * workgroup + 1] = square;
            }
            return;
        }
        square /= elements;
    }
    float scale = 1.0 / sqrt(square + EPSILON);
    EACH(i, k, ivec2 at = place(i); VALUE v = finish_unit((VALUE_OF(i, k) - mean) * scale, (base + at.x) * WIDTH, first_channel + at.y); WRITE((base + at.x), v))
}
