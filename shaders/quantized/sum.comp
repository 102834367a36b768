// Adds the slices of the depth that quantized/coopmat left ([split][row][part][padded columns]), then the bias, the pointwise program and the store. Four
// channels of one position per invocation.
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common/interface.glsl"
#include "convolution/rows.glsl"
#include "quantized/epilogue.glsl"
#include "quantized/columns.glsl"

layout(set = 0, binding = 0) readonly buffer Slices { ivec4 slices[]; };

#define SPLITS G(10)
#define PARTS G(11)

void main() {
    int index = int(flat_invocation());
    int row_vectors = WEIGHT_STRIDE >> 2;
    int count = ROWS * PARTS * row_vectors;
    if (index >= count) return;
    int vector = index % row_vectors;
    int part = index / row_vectors % PARTS;
    int row = index / row_vectors / PARTS;
    ivec4 sum = ivec4(0);
    for (int s = 0; s < SPLITS; ++s) sum += slices[s * count + index];
    begin_part(part);
    int y_row = row_of(row).y;
    if (!CROPPED || y_row >= 0) store_columns(sum, y_row + part_output(part), part, 4 * vector);
}
