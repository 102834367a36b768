// Convolution as a product through shared memory, for GPUs.
//
// A workgroup computes TILE_ROWS positions times TILE_COLUMNS channels, an invocation THREAD_ROWS times THREAD_COLUMNS of them in registers
// (as fours that lie TILE / 2 apart, so that neighbours read neighbouring shared memory). Per step of TILE_DEPTH along K all invocations
// write the step's inputs (transposed: K is the slow axis) and weights from registers to shared memory, fetch the next step's from
// memory into registers, and multiply. With SPLITS > 1 each workgroup sums one slice of K, and convolution/sum adds the slices.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#ifdef HALF
#extension GL_EXT_shader_16bit_storage : require
#endif
#include "common/interface.glsl"
#include "convolution/product.glsl"

STORAGE(0, readonly, x)
STORAGE(1, readonly, weights)
layout(set = 0, binding = 2) readonly buffer Bias { float bias[]; };
STORAGE(3, writeonly, y)
// Slices of K: [split][row][part][padded columns]; in the output's place when there are several.
layout(set = 0, binding = 3) writeonly buffer Slices { vec4 slices[]; };
DEFINE_STORE_COLUMNS(y)

// Sizes; the choice is for the defaults, which must be positive too.
const int TILE_ROWS = G(4) > 0 ? G(4) : 16;
const int TILE_COLUMNS = G(5) > 0 ? G(5) : 16;
const int TILE_DEPTH = G(6) > 0 ? G(6) : 16;
const int THREAD_ROWS = G(7) > 0 ? G(7) : 4;       // multiples of 4
const int THREAD_COLUMNS = G(8) > 0 ? G(8) : 4;
const int THREADS = G(9) > 0 ? G(9) : 16;          // (TILE_ROWS / THREAD_ROWS) * (TILE_COLUMNS / THREAD_COLUMNS)
const int SPLITS = G(10) > 0 ? G(10) : 1;

const int ROW_VECTORS = THREAD_ROWS / 4;
const int COLUMN_VECTORS = THREAD_COLUMNS / 4;
const int ROW_LANES = TILE_ROWS / THREAD_ROWS;
const int COLUMN_LANES = TILE_COLUMNS / THREAD_COLUMNS;
const int DEPTH_VECTORS = TILE_DEPTH / 4;
// Fours of inputs and of weights that an invocation brings per step.
const int INPUT_LOADS = (TILE_ROWS * DEPTH_VECTORS + THREADS - 1) / THREADS;
const int WEIGHT_LOADS = (TILE_DEPTH * TILE_COLUMNS / 4 + THREADS - 1) / THREADS;
const int INPUT_STRIDE = TILE_ROWS / 4 + 1; // in fours; the one keeps writers of one column off one bank
const int SUMS = THREAD_ROWS * COLUMN_VECTORS;

shared vec4 inputs[TILE_DEPTH * INPUT_STRIDE];
shared vec4 columns[TILE_DEPTH * TILE_COLUMNS / 4];

int thread;
int origin[INPUT_LOADS];
ivec3 from[INPUT_LOADS];
vec4 next_inputs[INPUT_LOADS];
vec4 next_weights[WEIGHT_LOADS];

float input_at(int i, int k) {
    int tap = k / CHANNELS;
    int position = input_position(origin[i], from[i], tap_shift(tap));
    bool inside = position >= 0 && k < DEPTH;
    float value = LOAD(x, IN_HALF, inside ? position + (k - tap * CHANNELS) * X_CHANNEL : 0);
    return inside ? value : 0.0;
}

void fetch(int k0, int first_vector, int weight_part) {
    [[unroll]] for (int i = 0; i < INPUT_LOADS; ++i) {
        int k = k0 + (thread + i * THREADS) % DEPTH_VECTORS * 4;
        if (INPUT_VECTORS) {
            int tap = k / CHANNELS;
            int position = input_position(origin[i], from[i], tap_shift(tap));
            bool inside = position >= 0 && k < DEPTH;
            vec4 value = LOAD4(x, IN_HALF, inside ? (position + k - tap * CHANNELS) >> 2 : 0);
            next_inputs[i] = inside ? value : vec4(0.0);
        } else {
            next_inputs[i] = vec4(input_at(i, k), input_at(i, k + 1), input_at(i, k + 2), input_at(i, k + 3));
        }
    }
    int row_vectors = WEIGHT_STRIDE >> 2;
    [[unroll]] for (int i = 0; i < WEIGHT_LOADS; ++i) {
        int at = thread + i * THREADS;
        // The packed matrix is padded to whole steps of K; columns beyond the last are never stored.
        int k = min(k0 + at / (TILE_COLUMNS / 4), PADDED_DEPTH - 1);
        next_weights[i] = LOAD4(weights, FACTOR_HALF, weight_part + k * row_vectors + min(first_vector + at % (TILE_COLUMNS / 4), row_vectors - 1));
    }
}

void publish() {
    [[unroll]] for (int i = 0; i < INPUT_LOADS; ++i) {
        int at = thread + i * THREADS;
        int row = at / DEPTH_VECTORS;
        if (TILE_ROWS * DEPTH_VECTORS % THREADS == 0 || row < TILE_ROWS) {
            [[unroll]] for (int j = 0; j < 4; ++j) inputs[(at % DEPTH_VECTORS * 4 + j) * INPUT_STRIDE + row / 4][row % 4] = next_inputs[i][j];
        }
    }
    [[unroll]] for (int i = 0; i < WEIGHT_LOADS; ++i) {
        int at = thread + i * THREADS;
        if (TILE_DEPTH * TILE_COLUMNS / 4 % THREADS == 0 || at < TILE_DEPTH * TILE_COLUMNS / 4) columns[at] = next_weights[i];
    }
}

void main() {
    thread = int(gl_LocalInvocationID.x);
    int part = grid_slice() / SPLITS;
    int split = grid_slice() % SPLITS;
    begin_part(part);
    int row0 = row_group() * TILE_ROWS;
    int first_vector = column_group() * (TILE_COLUMNS / 4);
    int weight_part = (part * WEIGHT_PART) >> 2;
    int parts = grid_slices() / SPLITS;

    [[unroll]] for (int i = 0; i < INPUT_LOADS; ++i) {
        Row row = row_of(min(row0 + (thread + i * THREADS) / DEPTH_VECTORS, ROWS - 1));
        origin[i] = row.x + part_input(part);
        from[i] = row.from;
    }

    int row_lane = thread / COLUMN_LANES;
    int column_lane = thread % COLUMN_LANES;
    vec4 sum[SUMS];
    [[unroll]] for (int i = 0; i < SUMS; ++i) sum[i] = vec4(0.0);

    int steps = (PADDED_DEPTH / TILE_DEPTH + SPLITS - 1) / SPLITS;
    int first = split * steps;
    int last = min(first + steps, used_steps(TILE_DEPTH));
    fetch(first * TILE_DEPTH, first_vector, weight_part);
    for (int s = first; s < last; ++s) {
        barrier();
        publish();
        barrier();
        // One step too many at the end: a branch around it costs more than the load.
        fetch((s + 1) * TILE_DEPTH, first_vector, weight_part);
        [[unroll]] for (int k = 0; k < TILE_DEPTH; ++k) {
            vec4 b[COLUMN_VECTORS];
            [[unroll]] for (int c = 0; c < COLUMN_VECTORS; ++c) b[c] = columns[k * (TILE_COLUMNS / 4) + c * COLUMN_LANES + column_lane];
            [[unroll]] for (int r = 0; r < ROW_VECTORS; ++r) {
                vec4 a = inputs[k * INPUT_STRIDE + r * ROW_LANES + row_lane];
                [[unroll]] for (int j = 0; j < 4; ++j) {
                    [[unroll]] for (int c = 0; c < COLUMN_VECTORS; ++c) {
                        int i = (r * 4 + j) * COLUMN_VECTORS + c;
                        sum[i] = fma(vec4(a[j]), b[c], sum[i]);
                    }
                }
            }
        }
    }

    int offset = result_offset(part);
    [[unroll]] for (int r = 0; r < THREAD_ROWS; ++r) {
        int row = row0 + ((r / 4) * ROW_LANES + row_lane) * 4 + r % 4;
        if (row < ROWS) {
            int base = row_of(row).y;
            if (CROPPED && SPLITS == 1 && base < 0) continue;
            [[unroll]] for (int c = 0; c < COLUMN_VECTORS; ++c) {
                int vector = first_vector + c * COLUMN_LANES + column_lane;
                vec4 value = sum[r * COLUMN_VECTORS + c];
                if (SPLITS > 1) {
                    if (vector < WEIGHT_STRIDE >> 2)
                        slices[((split * ROWS + row) * parts + part) * (WEIGHT_STRIDE >> 2) + vector] = value;
                } else {
                    int channel = part_channel(part) + 4 * min(vector, (WEIGHT_STRIDE >> 2) - 1);
                    value += vec4(bias[channel], bias[channel + 1], bias[channel + 2], bias[channel + 3]);
                    store_columns(value, base + offset, part, 4 * vector);
                }
            }
        }
    }
}
