// Programs that are a straight line of the sum and of an operand, bounded and rounded to a byte (cpp/src/kernels/quantized_line.hpp), in one multiplication
// instead of several, a bound and a division. Near ties, where roundings on the way tell, line_bytes() leaves them to the program: the bytes are the same.
//
// Numbers are in parts of the range between the bounds, so that bounding them takes no instruction: devices clamp to [0, 1] as they multiply.
//
// With u = 2^-24, S the sum of the magnitudes of the line's parts and q the quotient: the program is off by at most u S for each of its roundings, that of the
// sum to float and u |q|; the line by at most 14 u S, of which 3 are the factor and the sum, 7 what columns add and its products, 1 where a device rounds
// products before it adds, 3 the lower bound as a part. S is at most |q| + 2 |row| + 2 |columns|.
#ifndef TENSORVK_QUANTIZED_LINE
#define TENSORVK_QUANTIZED_LINE

layout(constant_id = 64) const int LINE_OPERANDS = 0; // 1 + of the sum, of rows << 4, of columns << 8; 1 << 12: the program is a line
layout(constant_id = 65) const int LINE_ZERO = 0;
layout(constant_id = 66) const int LINE_ROUNDINGS = 0;
layout(constant_id = 67) const int LINE_SUM = 0; // floats: factors and shift in parts of the range
layout(constant_id = 68) const int LINE_ROW = 0;
layout(constant_id = 69) const int LINE_COLUMN = 0;
layout(constant_id = 70) const int LINE_SHIFT = 0;
layout(constant_id = 71) const int LINE_LEAST = 0; // in steps of the output, whole
layout(constant_id = 72) const int LINE_RANGE = 0; // in steps

#define IS_LINE (LINE_OPERANDS != 0)
#define LINE_ERROR (float(LINE_ROUNDINGS + 16) * 5.9604644775390625e-8)
#define LINE_LARGE 0x6f000000u // bits of 2^95: sums of 32 bits times less are floats
#define LINE_PLACE(place) ((LINE_OPERANDS >> (place)) & 15)
#define LINE_OPERAND(operands, place) \
    (LINE_PLACE(place) == 1 ? operands.a : LINE_PLACE(place) == 2 ? operands.b : LINE_PLACE(place) == 3 ? operands.c : operands.d)

// Of four columns.
struct Line {
    vec4 factor, start;
    float clear; // no quotient that is farther from a tie than 0.5 less this rounds to another number
};

float largest(vec4 v) { return max(max(v.x, v.y), max(v.z, v.w)); }

Line line_of(ivec4 bias, Operands column) {
    vec4 factor = vec4(intBitsToFloat(LINE_SUM));
    if (LINE_PLACE(0) != 0) factor *= LINE_OPERAND(column, 0);
    vec4 moved = vec4(bias) * factor;
    vec4 own = LINE_PLACE(8) != 0 ? intBitsToFloat(LINE_COLUMN) * LINE_OPERAND(column, 8) : vec4(0.0);
    float apart = (largest(abs(moved) + abs(own)) + abs(intBitsToFloat(LINE_SHIFT))) * intBitsToFloat(LINE_RANGE) + 2.0 * abs(intBitsToFloat(LINE_LEAST));
    uvec4 exponent = floatBitsToUint(factor) & 0x7f800000u;
    bool small = max(max(exponent.x, exponent.y), max(exponent.z, exponent.w)) < LINE_LARGE; // not so of infinities, and of what is no number
    return Line(factor, moved + own + intBitsToFloat(LINE_SHIFT), small ? 0.5 - 2.0 * LINE_ERROR * apart : -1.0);
}

// Four results, or false. `sum` is without its bias. Numbers of the first and third get a whole number that puts the one beside them into the byte above.
bool line_bytes(bool is_signed, vec4 sum, Line line, RawOperands row, out uint bytes) {
    int type = LINE_PLACE(4) == 1 ? TYPE_OPERAND(0) : LINE_PLACE(4) == 2 ? TYPE_OPERAND(1) : LINE_PLACE(4) == 3 ? TYPE_OPERAND(2) : TYPE_OPERAND(3);
    vec4 operand = LINE_PLACE(4) != 0 ? floats_of(type, LINE_OPERAND(row, 4)) : vec4(0.0);
    vec4 start = LINE_PLACE(4) != 0 ? fma(operand, vec4(intBitsToFloat(LINE_ROW)), line.start) : line.start;
    float range = intBitsToFloat(LINE_RANGE);
    float lowest = float(LINE_ZERO) + intBitsToFloat(LINE_LEAST);
    float first = PW_WHOLE + 257.0 * lowest + (is_signed ? 128.0 : 0.0);
    vec4 whole = vec4(first, PW_WHOLE, first, PW_WHOLE);
    vec4 inside = clamp(fma(sum, line.factor, start), 0.0, 1.0);
    precise vec4 shifted = fma(inside, vec4(range), whole);
    precise vec4 rounded = shifted - whole; // less the lower bound
    vec4 off = abs(fma(inside, vec4(range), -rounded)) + LINE_ERROR * range * inside;
    if (LINE_PLACE(4) != 0) off += 2.0 * LINE_ERROR * range * abs(intBitsToFloat(LINE_ROW)) * abs(operand);
    uvec2 pairs = floatBitsToUint(shifted.xz + 256.0 * rounded.yw);
    bytes = (pairs.x & 0xffffu | pairs.y << 16) ^ (is_signed ? 0x00800080u : 0u);
    return largest(off) < line.clear;
}

#endif
