// Four neighbouring columns of one row of a quantized product: bias, epilogue, store (binding 3). Geometry: convolution/rows.glsl. Outputs of
// less than 32 bits are stored in whole words, so their columns have to come in fours.
#ifndef TENSORVK_QUANTIZED_COLUMNS
#define TENSORVK_QUANTIZED_COLUMNS

WORDS(3, writeonly, y)

#define OPERAND_INDEX(k, same, channel) \
    (OPERAND_KIND(k) == KIND_SAME ? (same) : OPERAND_KIND(k) == KIND_CHANNEL ? (channel) : 0)

// Four elements as they lie there: who asks ahead of time must not wait for them before they are needed.
#define RAW4_WORDS(name, type, i)                                                      \
    ((type) == TYPE_F32 ? name##_4[(i) >> 2]                                           \
     : (type) == TYPE_F16 ? uvec4(name[(i) >> 1], name[((i) >> 1) + 1], 0u, 0u) : uvec4(name[(i) >> 2], 0u, 0u, 0u))
// Bytes become floats by their bits: conversions are slow on GPUs.
vec4 floats_of(int type, uvec4 raw) {
    if (type == TYPE_F32) return uintBitsToFloat(raw);
    if (type == TYPE_F16) return vec4(unpackHalf2x16(raw.x), unpackHalf2x16(raw.y));
    // The first byte in the last bits of 2^23, the second in those above of 2^15, the others like these.
    uint turned = type == TYPE_I8 ? 0x80u : 0u;
    uint even = 0x4b000000u | turned, odd = 0x47000000u | turned << 8, upper = raw.x >> 16;
    uvec4 bits = uvec4((raw.x & 0xffu) ^ even, (raw.x & 0xff00u) ^ odd, (upper & 0xffu) ^ even, (upper & 0xff00u) ^ odd);
    return uintBitsToFloat(bits) - (vec4(8388608.0, 32768.0, 8388608.0, 32768.0) + float(turned));
}
#define LOAD4_WORDS(name, type, i) floats_of(type, RAW4_WORDS(name, type, i))
#define OPERAND4(k, same, channel)                                                                                          \
    (!POINTWISE_USES_##k ? vec4(0.0)                                                                                        \
     : OPERAND_KIND(k) == KIND_SAME || OPERAND_KIND(k) == KIND_CHANNEL                                                      \
         ? LOAD4_WORDS(op##k, TYPE_OPERAND(k), OPERAND_INDEX(k, same, channel)) : vec4(ELEMENT(op##k, TYPE_OPERAND(k), 0)))
#define ONE(k, i) ELEMENT(op##k, TYPE_OPERAND(k), OPERAND_INDEX(k, y0 + i * Y_CHANNEL, first + i))
#define GATHER4(k)                                                                                                          \
    (!POINTWISE_USES_##k ? vec4(0.0) : vec4(ONE(k, 0), last < 1 ? 0.0 : ONE(k, 1), last < 2 ? 0.0 : ONE(k, 2), last < 3 ? 0.0 : ONE(k, 3)))

void store4(int at, ivec4 sum, vec4 value) {
    if (TYPE_Y == TYPE_F32 || TYPE_Y == TYPE_I32) {
        y_4[at >> 2] = TYPE_Y == TYPE_F32 ? floatBitsToUint(value) : uvec4(STORES_SUMS ? sum : ivec4(value));
    } else if (TYPE_Y == TYPE_F16) {
        y[at >> 1] = packHalf2x16(value.xy);
        y[(at >> 1) + 1] = packHalf2x16(value.zw);
    } else {
        y[at >> 2] = pw_bytes(TYPE_Y == TYPE_I8, value);
    }
}

uint word_of(int sum, float value) { return STORES_SUMS ? uint(sum) : float_to_words(TYPE_Y, value).x; }

ivec4 with_bias(ivec4 sum, int first) {
    int b = BIAS_AT + first;
    return sum + ivec4(parameters[b], parameters[b + 1], parameters[b + 2], parameters[b + 3]);
}

// For kernels that read ahead of time what four columns that lie together need beside their sums: what is the same in every row, and what is not.
struct Operands {
    vec4 a, b, c, d;
};
struct RawOperands {
    uvec4 a, b, c, d;
};
#define IF_COLUMN(k, first) (OPERAND_KIND(k) == KIND_SAME ? vec4(0.0) : OPERAND4(k, 0, first))
#define IF_ROW(k, y0) (POINTWISE_USES_##k && OPERAND_KIND(k) == KIND_SAME ? RAW4_WORDS(op##k, TYPE_OPERAND(k), y0) : uvec4(0u))
Operands column_operands(int first) { return Operands(IF_COLUMN(0, first), IF_COLUMN(1, first), IF_COLUMN(2, first), IF_COLUMN(3, first)); }
RawOperands row_operands(int y0) { return RawOperands(IF_ROW(0, y0), IF_ROW(1, y0), IF_ROW(2, y0), IF_ROW(3, y0)); }

#include "quantized/line.glsl"

// `sum` includes the bias.
void finish_columns(ivec4 sum, int y0, Operands column, RawOperands row) {
#define CHOOSE(k, name) (OPERAND_KIND(k) == KIND_SAME ? floats_of(TYPE_OPERAND(k), row.name) : column.name)
    store4(y0, sum, pointwise(vec4(sum), CHOOSE(0, a), CHOOSE(1, b), CHOOSE(2, c), CHOOSE(3, d)));
}

// Where the program is a line: stores its bytes; false: not all of them are sure. Who has many results asks the program (program_columns()) for those that
// are not only behind a round of them: in between it would take the registers and instructions of all.
bool line_columns(vec4 sum, Line line, int y0, RawOperands row) {
    uint bytes;
    bool clear = line_bytes(TYPE_Y == TYPE_I8, sum, line, row, bytes);
    y[y0 >> 2] = bytes;
    return clear;
}

// `y0` is the element of the row's (and part's) channel 0, `column` counts within the part. Columns beyond the last are padding.
void program_columns(ivec4 sum, int y0, int part, int column) {
    if (column >= COLUMNS) return;
    int first = part_channel(part) + column;
    sum = with_bias(sum, first);
    y0 += column * Y_CHANNEL;
    vec4 value = vec4(sum);
    if (OUTPUT_VECTORS) {
        if (!POINTWISE_EMPTY)
            value = pointwise(value, OPERAND4(0, y0, first), OPERAND4(1, y0, first), OPERAND4(2, y0, first), OPERAND4(3, y0, first));
        store4(y0, sum, value);
    } else {
        int last = COLUMNS - 1 - column;
        if (!POINTWISE_EMPTY) value = pointwise(value, GATHER4(0), GATHER4(1), GATHER4(2), GATHER4(3));
        y[y0] = word_of(sum.x, value.x);
        if (last >= 1) y[y0 + Y_CHANNEL] = word_of(sum.y, value.y);
        if (last >= 2) y[y0 + 2 * Y_CHANNEL] = word_of(sum.z, value.z);
        if (last >= 3) y[y0 + 3 * Y_CHANNEL] = word_of(sum.w, value.w);
    }
}

// The same, by the line where the program is one.
void store_columns(ivec4 sum, int y0, int part, int column) {
    if (IS_LINE && OUTPUT_VECTORS && column < COLUMNS) {
        int first = part_channel(part) + column, at = y0 + column * Y_CHANNEL;
        if (line_columns(vec4(sum), line_of(with_bias(ivec4(0), first), column_operands(first)), at, row_operands(at))) return;
    }
    program_columns(sum, y0, part, column);
}

#endif
