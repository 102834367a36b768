// out[o, k, i] = data[o, indices[k], i], in units of neighbouring bytes. Negative indices count from the end; what lies outside all the same
// is moved to the nearest valid index, so that no index reads foreign memory.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common/interface.glsl"
#include "common/unit.glsl"

layout(binding = 0) readonly buffer Data { STORED data[]; };
layout(binding = 1) readonly buffer Indices { int indices[]; };
layout(binding = 2) TARGET buffer Output { STORED result[]; };

#define COUNT P(0) // units of the output
#define INNER P(1) // units behind the axis
#define INDICES P(2)
#define EXTENT P(3) // of the gathered axis
#define LONG_INDICES (G(0) != 0)

void main() {
    int index = int(flat_invocation());
    if (index >= COUNT) return;
    int row = quick_div(index, INNER);
    int inner = index - row * INNER;
    int outer = quick_div(row, INDICES);
    int k = row - outer * INDICES;
    int at = LONG_INDICES ? indices[2 * k] : indices[k]; // the low word: axes are shorter than 2^31
    at = clamp(at < 0 ? at + EXTENT : at, 0, EXTENT - 1);
    STORE_UNIT(result, index, LOAD_UNIT(data, (outer * EXTENT + at) * INNER + inner))
}
