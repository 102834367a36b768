// Adds the slices of K that convolution/shared or convolution/coopmat left ([split][row][part][padded columns]), then the bias, the
// pointwise program and the store. Four channels of one position per invocation. MOMENTS: as in convolution/coopmat.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#ifdef HALF
#extension GL_EXT_shader_16bit_storage : require
#endif
#include "common/interface.glsl"
#include "convolution/product.glsl"

layout(set = 0, binding = 0) readonly buffer Slices { vec4 slices[]; };
layout(set = 0, binding = 2) readonly buffer Bias { float bias[]; };
STORAGE(3, writeonly, y)
DEFINE_STORE_COLUMNS(y)

#define SPLITS G(10)
#define PARTS G(11)
#ifdef MOMENTS
const int THREADS = G(13) > 0 ? G(13) : 128;
#define LANES_MEET_IN_MEMORY // subgroups may be of any size
#include "convolution/results_moments.glsl"
#endif

void main() {
    int index = int(flat_invocation());
    int row_vectors = WEIGHT_STRIDE >> 2;
    int count = ROWS * PARTS * row_vectors;
#ifdef MOMENTS // one part, whose columns come in sixteens; what is behind the last goes along
    bool there = index < count;
    index = min(index, count - 1);
#else
    if (index >= count) return;
#endif
    int vector = index % row_vectors;
    int part = index / row_vectors % PARTS;
    int row = index / row_vectors / PARTS;

    int channel = part_channel(part) + 4 * vector;
    vec4 sum = vec4(bias[channel], bias[channel + 1], bias[channel + 2], bias[channel + 3]);
    [[unroll]] for (int s = 0; s < SPLITS; ++s) sum += slices[s * count + index];
    begin_part(part);
#ifdef MOMENTS
    int element = row * COLUMNS + 4 * vector; // rows are dense
    store_with_moments(finish4(sum, element, channel), element >> 2, there);
#else
    int y_row = Y_DENSE ? row * Y_PIXEL : row_of(row).y;
    if (!CROPPED || y_row >= 0) store_columns(sum, y_row + result_offset(part), part, 4 * vector);
#endif
}
