// Convolution as a matrix product: rows are output positions, columns output channels, K runs over the kernel's taps and the input channels
// of a group (channels fastest). The matrix of inputs is never written down; input_position() finds its elements. Parameters of
// convolution/tile, convolution/shared and convolution/coopmat, in the order in which cpp/src/tactics/product.cpp writes them.
//
// A dispatch computes several products, numbered by the grid's z ("part"): the groups of a convolution, and of each the phases of a transposed
// one (phases.glsl); or the matrices of a batch. Rows of a phase are the positions of the coarse grid that each phase has one output for.
#ifndef TENSORVK_PRODUCT_ROWS
#define TENSORVK_PRODUCT_ROWS

#include "common/divide.glsl"
#include "convolution/phases.glsl"

// Volumes and transposed convolutions. All their numbers that never change are constants of the pipeline, so that other products hold nothing of it.
#define VOLUME ((G(16) & 1) != 0)
#define PHASES ((G(16) & 2) != 0)
#define CROPPED ((G(16) & 4) != 0) // some phases have no output at the last positions
#define GENERAL (G(16) != 0)

#define ROWS P(0)          // output positions of all pictures
#define OUT_WIDTH P(1)
#define OUT_PLANE P(2)     // output positions of one picture
#define IN_HEIGHT P(3)
#define IN_WIDTH P(4)
#define X_PICTURE P(5)     // element strides of the input
#define X_LINE P(6)
#define X_PIXEL P(7)
#define X_CHANNEL P(8)
#define X_SLICE (IN_HEIGHT * X_LINE)
// P(9) .. P(15): the window of a picture; what a volume or a transposed convolution has beside its constants.
#define OUT_HEIGHT P(9)
#define IN_DEPTH P(10)
#define OUT ivec3(P(11), P(12), P(13)) // extents of the whole output
// Depth, line, column. WINDOW_* are the constants of a volume or a transposed convolution.
#define WINDOW_KERNEL ivec3(G(17), G(18), G(19))
#define WINDOW_STRIDE ivec3(G(20), G(21), G(22)) // of phases: from output to output
#define WINDOW_PRE ivec3(G(26), G(27), G(28))
#define KERNEL_WIDTH (PHASES ? max(phase.taps.z, 1) : GENERAL ? G(19) : P(9))
#define KERNEL_HEIGHT (PHASES ? max(phase.taps.y, 1) : G(18)) // of a volume
#define STRIDE (GENERAL ? WINDOW_STRIDE : ivec3(1, P(10), P(11)))
#define DILATION (GENERAL ? ivec3(G(23), G(24), G(25)) : ivec3(1, P(12), P(13))) // of phases: negative
#define PRE (GENERAL ? WINDOW_PRE : ivec3(0, P(14), P(15)))
#define CHANNELS P(16)     // input channels of a group
#define DEPTH (PHASES ? phase.taps.x * phase.taps.y * phase.taps.z * CHANNELS : P(17)) // K = taps * CHANNELS
#define COLUMNS P(18)      // output channels of a part
#define WEIGHT_STRIDE P(19) // elements from row to row of the packed weights, a multiple of 4
#define Y_PICTURE P(20)    // element strides of the output
#define Y_LINE P(21)
#define Y_PIXEL P(22)
#define Y_CHANNEL P(23)
#define Y_SLICE (OUT.y * Y_LINE)
#define X_GROUP P(24)      // elements from group to group
#define WEIGHT_PART P(25)  // elements from part to part
#define PADDED_DEPTH (WEIGHT_PART / WEIGHT_STRIDE)
#define Y_GROUP P(26)
#define CHANNEL_GROUP P(27) // first channel of group i is i * CHANNEL_GROUP

#define INPUT_VECTORS (G(2) != 0)  // channels are neighbours, in fours: vec4 loads
#define OUTPUT_VECTORS (G(3) != 0) // the same for the output

// The part that is computed. Before its rows and its K are asked for, begin_part() chooses it.
Phase phase;
int phases() { return PHASES ? G(20) * G(21) * G(22) : 1; }
void begin_part(int part) {
    if (PHASES) phase = phase_of(part % phases(), WINDOW_KERNEL, WINDOW_STRIDE, WINDOW_PRE);
}
// Of `depth` each, of those along the padded K, the ones that the part's own K reaches into.
int used_steps(int depth) { return (PHASES ? DEPTH + depth - 1 : PADDED_DEPTH) / depth; }
int part_input(int part) { return part / phases() * X_GROUP; }
int part_output(int part) { return part / phases() * Y_GROUP; }
int part_channel(int part) { return part / phases() * CHANNEL_GROUP; }

// The grid of a tiled product (add_tile_grid() in cpp/src/tactics/product.cpp): row tiles run over x and spill to y above 65535, z counts
// column tiles inside slices (parts and cuts of K).
#define COLUMN_GROUPS (G(12) > 0 ? G(12) : 1)
int row_group() { return int(flat_group()); }
int column_group() { return int(gl_WorkGroupID.z) % COLUMN_GROUPS; }
// For kernels with TILE_ROWS and TILE_COLUMNS: no tile that runs has rows, or columns, behind the last. A grid that spills to y has groups behind the last tile.
#define WHOLE_ROWS ((int(IS_CONSTANT(0)) & int(S0 % TILE_ROWS == 0) & int(S0 / TILE_ROWS <= 65535)) != 0)
#define WHOLE_COLUMNS ((int(IS_CONSTANT(18)) & int(S18 % TILE_COLUMNS == 0)) != 0)
int grid_slice() { return int(gl_WorkGroupID.z) / COLUMN_GROUPS; }
int grid_slices() { return int(gl_NumWorkGroups.z) / COLUMN_GROUPS; }

struct Row {
    int x;      // element of the input picture's origin
    ivec3 from; // first depth, line and column that the kernel covers, may be outside
    int y;      // element of the output; negative: it has none there
};

int x_offset(ivec3 at) { return (VOLUME ? at.x * X_SLICE : 0) + at.y * X_LINE + at.z * X_PIXEL; }
int y_offset(ivec3 at) { return (VOLUME ? at.x * Y_SLICE : 0) + at.y * Y_LINE + at.z * Y_PIXEL; }

#define FEW_ROWS ((int(IS_CONSTANT(0)) & int(S0 < SMALL_DIV_END)) != 0)
#define FEW_TERMS ((int(IS_CONSTANT(17)) & int(S17 < SMALL_DIV_END)) != 0) // of each sum
ivec2 split_row(int row, int extent) {
    if (!FEW_ROWS) return divide(row, extent);
    int quotient = small_div(row, extent);
    return ivec2(quotient, row - quotient * extent);
}

Row row_of(int row) {
    ivec2 picture = split_row(row, OUT_PLANE);
    ivec3 at = ivec3(0, split_row(picture.y, OUT_WIDTH));
    if (VOLUME) at.xy = split_row(at.y, OUT_HEIGHT);
    ivec3 from = PHASES ? at + phase.from : at * STRIDE - PRE;
    if (PHASES) at = at * WINDOW_STRIDE + phase.at;
    bool outside = CROPPED && any(greaterThanEqual(at, OUT));
    return Row(picture.x * X_PICTURE, from, outside ? -1 : picture.x * Y_PICTURE + y_offset(at));
}

// Whether positions follow one another in memory without gaps, so that row i lies i pixels behind the first. Where sizes are known when the pipeline is made,
// so is this, and instructions that are not there need not come from memory.
bool positions_are_dense(int picture, int line, int pixel) {
    return (line == OUT_WIDTH * pixel || OUT_WIDTH == OUT_PLANE) && (picture == OUT_PLANE * pixel || OUT_PLANE == ROWS);
}
#define Y_DENSE (!GENERAL && positions_are_dense(Y_PICTURE, Y_LINE, Y_PIXEL))
// The input's positions are the output's: windows of one tap, stride 1 and no padding.
#define X_DENSE                                                                                                        \
    (!GENERAL && CHANNELS == DEPTH && STRIDE == ivec3(1) && PRE == ivec3(0) && OUT_WIDTH == IN_WIDTH && OUT_PLANE == IN_HEIGHT * IN_WIDTH && \
     positions_are_dense(X_PICTURE, X_LINE, X_PIXEL))

// The tap of term k.
int tap_of(int k) { return CHANNELS == DEPTH ? 0 : FEW_TERMS ? small_div(k, CHANNELS) : k / CHANNELS; }

// How far the window's n-th tap lies from its first one.
ivec3 tap_shift(int n) {
    int line = FEW_TERMS ? small_div(n, KERNEL_WIDTH) : n / KERNEL_WIDTH;
    ivec3 tap = ivec3(0, line, n - line * KERNEL_WIDTH);
    if (VOLUME) tap.xy = ivec2(line / KERNEL_HEIGHT, line % KERNEL_HEIGHT);
    return tap * DILATION;
}

bool is_inside(ivec3 at) {
    return (!VOLUME || uint(at.x) < uint(IN_DEPTH)) && uint(at.y) < uint(IN_HEIGHT) && uint(at.z) < uint(IN_WIDTH);
}

// Element of a row's input at a tap, channel 0; -1 outside of the picture.
int input_position(int origin, ivec3 from, ivec3 shift) {
    ivec3 at = from + shift;
    return is_inside(at) ? origin + x_offset(at) : -1;
}

#endif
