// A product of 8-bit integers through shared memory, four products and their sum an instruction, for GPUs. The tiling is that of
// convolution/shared.comp with words of four channels in the place of floats: K counts words. Everything is signed: uint8 inputs get their
// top bit flipped (128 less, as their zero point), weights are packed less their zero point. A zero point of the inputs is taken out at the
// end, times the sums of the weights that are multiplied; outside of the picture lies the zero point.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_EXT_spirv_intrinsics : require
#include "common/interface.glsl"
#include "convolution/rows.glsl"
#include "quantized/epilogue.glsl"
#include "quantized/columns.glsl"

// OpSDot on words of four: dotPacked4x8EXT by another name, since not every glslang knows GL_EXT_integer_dot_product. The capabilities are
// DotProductInput4x8BitPacked and DotProduct; the format 0 is PackedVectorFormat4x8Bit.
spirv_instruction(extensions = ["SPV_KHR_integer_dot_product"], capabilities = [6018, 6019], id = 4450)
int dot_of_words(int a, int b, spirv_literal int format);

WORDS(0, readonly, x)
layout(set = 0, binding = 1) readonly buffer Weights { ivec4 weights[]; };

// Sizes; the choice is for the defaults, which must be positive too.
const int TILE_ROWS = G(4) > 0 ? G(4) : 16;
const int TILE_COLUMNS = G(5) > 0 ? G(5) : 16;
const int TILE_DEPTH = G(6) > 0 ? G(6) : 16;       // words
const int THREAD_ROWS = G(7) > 0 ? G(7) : 4;       // multiples of 4
const int THREAD_COLUMNS = G(8) > 0 ? G(8) : 4;
const int THREADS = G(9) > 0 ? G(9) : 16;
#define X_ZERO G(10)                               // of signed inputs
#define WIDE (G(11) != 0)                          // channels come in sixteens: loads of four words
#define FLIP (TYPE_X == TYPE_I8 ? 0u : 0x80808080u)
#define OUTSIDE ((X_ZERO & 255) * 0x01010101)

const int ROW_VECTORS = THREAD_ROWS / 4;
const int COLUMN_VECTORS = THREAD_COLUMNS / 4;
const int ROW_LANES = TILE_ROWS / THREAD_ROWS;
const int COLUMN_LANES = TILE_COLUMNS / THREAD_COLUMNS;
const int DEPTH_VECTORS = TILE_DEPTH / 4;
const int INPUT_LOADS = (TILE_ROWS * DEPTH_VECTORS + THREADS - 1) / THREADS;
const int WEIGHT_LOADS = (TILE_DEPTH * TILE_COLUMNS / 4 + THREADS - 1) / THREADS;
const int INPUT_STRIDE = TILE_ROWS / 4 + 1; // in fours; the one keeps writers of one column off one bank
const int SUMS = THREAD_ROWS * COLUMN_VECTORS;

shared ivec4 inputs[TILE_DEPTH * INPUT_STRIDE];
shared ivec4 columns[TILE_DEPTH * TILE_COLUMNS / 4];

int thread;
int origin[INPUT_LOADS];
ivec3 from[INPUT_LOADS];
ivec4 next_inputs[INPUT_LOADS];
ivec4 next_weights[WEIGHT_LOADS];

// Element of a row's input `channel` elements along K; -1 outside.
int element_at(int i, int channel) {
    int tap = channel / CHANNELS;
    int position = input_position(origin[i], from[i], tap_shift(tap));
    return position >= 0 && channel < DEPTH ? position + channel - tap * CHANNELS : -1;
}

int word_at(int i, int k) {
    int at = element_at(i, 4 * k);
    int word = int(x[max(at, 0) >> 2] ^ FLIP);
    return at >= 0 ? word : OUTSIDE;
}

void fetch(int k0, int first_vector, int weight_part) {
    [[unroll]] for (int i = 0; i < INPUT_LOADS; ++i) {
        int k = k0 + (thread + i * THREADS) % DEPTH_VECTORS * 4;
        if (WIDE) {
            int at = element_at(i, 4 * k);
            ivec4 words = ivec4(x_4[max(at, 0) >> 4] ^ FLIP);
            next_inputs[i] = at >= 0 ? words : ivec4(OUTSIDE);
        } else {
            next_inputs[i] = ivec4(word_at(i, k), word_at(i, k + 1), word_at(i, k + 2), word_at(i, k + 3));
        }
    }
    int row_vectors = WEIGHT_STRIDE >> 2;
    [[unroll]] for (int i = 0; i < WEIGHT_LOADS; ++i) {
        int at = thread + i * THREADS;
        int k = min(k0 + at / (TILE_COLUMNS / 4), PADDED_DEPTH / 4 - 1);
        next_weights[i] = weights[weight_part + k * row_vectors + min(first_vector + at % (TILE_COLUMNS / 4), row_vectors - 1)];
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
    int part = grid_slice();
    begin_part(part);
    int row0 = row_group() * TILE_ROWS;
    int first_vector = column_group() * (TILE_COLUMNS / 4);
    int weight_part = (part * WEIGHT_PART) >> 4;
    [[unroll]] for (int i = 0; i < INPUT_LOADS; ++i) {
        Row row = row_of(min(row0 + (thread + i * THREADS) / DEPTH_VECTORS, ROWS - 1));
        origin[i] = row.x + part_input(part);
        from[i] = row.from;
    }
    int row_lane = thread / COLUMN_LANES;
    int column_lane = thread % COLUMN_LANES;
    ivec4 sum[SUMS];
    ivec4 weight_sum[COLUMN_VECTORS];
    [[unroll]] for (int i = 0; i < SUMS; ++i) sum[i] = ivec4(0);
    [[unroll]] for (int c = 0; c < COLUMN_VECTORS; ++c) weight_sum[c] = ivec4(0);

    int steps = used_steps(4 * TILE_DEPTH);
    fetch(0, first_vector, weight_part);
    for (int s = 0; s < steps; ++s) {
        barrier();
        publish();
        barrier();
        // One step too many at the end: a branch around it costs more than the load.
        fetch((s + 1) * TILE_DEPTH, first_vector, weight_part);
        [[unroll]] for (int k = 0; k < TILE_DEPTH; ++k) {
            ivec4 b[COLUMN_VECTORS];
            [[unroll]] for (int c = 0; c < COLUMN_VECTORS; ++c) {
                b[c] = columns[k * (TILE_COLUMNS / 4) + c * COLUMN_LANES + column_lane];
                if (X_ZERO != 0) {
                    [[unroll]] for (int e = 0; e < 4; ++e) weight_sum[c][e] += dot_of_words(b[c][e], 0x01010101, 0);
                }
            }
            [[unroll]] for (int r = 0; r < ROW_VECTORS; ++r) {
                ivec4 a = inputs[k * INPUT_STRIDE + r * ROW_LANES + row_lane];
                [[unroll]] for (int j = 0; j < 4; ++j) {
                    [[unroll]] for (int c = 0; c < COLUMN_VECTORS; ++c) {
                        int i = (r * 4 + j) * COLUMN_VECTORS + c;
                        [[unroll]] for (int e = 0; e < 4; ++e) sum[i][e] += dot_of_words(a[j], b[c][e], 0);
                    }
                }
            }
        }
    }

    // The epilogue is in the shader once, in a loop over copies of the sums.
    ivec4 finished[SUMS];
    [[unroll]] for (int i = 0; i < SUMS; ++i) finished[i] = sum[i] - X_ZERO * weight_sum[i % COLUMN_VECTORS];
    int offset = part_output(part);
    for (int r = 0; r < THREAD_ROWS; ++r) {
        int row = row0 + ((r / 4) * ROW_LANES + row_lane) * 4 + r % 4;
        if (row < ROWS) {
            int base = row_of(row).y;
            if (CROPPED && base < 0) continue;
            for (int c = 0; c < COLUMN_VECTORS; ++c)
                store_columns(finished[r * COLUMN_VECTORS + c], base + offset, part, 4 * (first_vector + c * COLUMN_LANES + column_lane));
        }
    }
}
