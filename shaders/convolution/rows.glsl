// Convolution as a matrix product: rows are output positions, columns output channels, K runs over the kernel's taps and the input channels
// of a group (channels fastest). The matrix of inputs is never written down; input_position() finds its elements. Parameters of
// convolution/tile, convolution/shared and convolution/coopmat, in the order in which cpp/src/tactics/product.cpp writes them.
//
// A dispatch computes several products, numbered by the grid's z ("part"): the groups of a convolution, the taps of a transposed
// convolution whose kernel is its stride (each writes every stride-th output), or the matrices of a batch.
#ifndef TENSORVK_PRODUCT_ROWS
#define TENSORVK_PRODUCT_ROWS

#include "common/divide.glsl"

#define ROWS P(0)          // output positions of all pictures
#define OUT_WIDTH P(1)
#define OUT_PLANE P(2)     // output positions of one picture
#define IN_HEIGHT P(3)
#define IN_WIDTH P(4)
#define X_PICTURE P(5)     // element strides of the input
#define X_LINE P(6)
#define X_PIXEL P(7)
#define X_CHANNEL P(8)
#define KERNEL_WIDTH P(9)
#define STRIDE ivec2(P(10), P(11)) // height, width
#define DILATION ivec2(P(12), P(13))
#define PRE ivec2(P(14), P(15))
#define CHANNELS P(16)     // input channels of a group
#define DEPTH P(17)        // K = taps * CHANNELS
#define COLUMNS P(18)      // output channels of a part
#define WEIGHT_STRIDE P(19) // elements from row to row of the packed weights, a multiple of 4
#define Y_PICTURE P(20)    // element strides of the output
#define Y_LINE P(21)
#define Y_PIXEL P(22)
#define Y_CHANNEL P(23)
#define X_PART P(24)       // elements from part to part
#define WEIGHT_PART P(25)
#define PART_WIDTH P(26)   // parts are numbered line * PART_WIDTH + column
#define PADDED_DEPTH (WEIGHT_PART / WEIGHT_STRIDE)
#define Y_PART_LINE P(27)
#define Y_PART_PIXEL P(28)
#define CHANNEL_PART P(29) // first channel of part i is i * CHANNEL_PART

#define INPUT_VECTORS (G(2) != 0)  // channels are neighbours, in fours: vec4 loads
#define OUTPUT_VECTORS (G(3) != 0) // the same for the output

// The grid of a tiled product (add_tile_grid() in cpp/src/tactics/product.cpp): row tiles run over x and spill to y above 65535, z counts
// column tiles inside slices (parts and cuts of K).
#define COLUMN_GROUPS (G(12) > 0 ? G(12) : 1)
int row_group() { return int(flat_group()); }
int column_group() { return int(gl_WorkGroupID.z) % COLUMN_GROUPS; }
int grid_slice() { return int(gl_WorkGroupID.z) / COLUMN_GROUPS; }
int grid_slices() { return int(gl_NumWorkGroups.z) / COLUMN_GROUPS; }

struct Row {
    int x;      // element of the input picture's origin
    ivec2 from; // first line and column that the kernel covers, may be outside
    int y;      // element of the output
};

Row row_of(int row) {
    ivec2 picture = divide(row, OUT_PLANE);
    ivec2 at = divide(picture.y, OUT_WIDTH);
    return Row(picture.x * X_PICTURE, at * STRIDE - PRE, picture.x * Y_PICTURE + at.x * Y_LINE + at.y * Y_PIXEL);
}

// Whether positions follow one another in memory without gaps, so that row i lies i pixels behind the first. Where sizes are known when the pipeline is made,
// so is this, and instructions that are not there need not come from memory.
bool positions_are_dense(int picture, int line, int pixel) {
    return (line == OUT_WIDTH * pixel || OUT_WIDTH == OUT_PLANE) && (picture == OUT_PLANE * pixel || OUT_PLANE == ROWS);
}
#define Y_DENSE positions_are_dense(Y_PICTURE, Y_LINE, Y_PIXEL)
// The input's positions are the output's: windows of one tap, stride 1 and no padding.
#define X_DENSE                                                                                                        \
    (CHANNELS == DEPTH && STRIDE == ivec2(1) && PRE == ivec2(0) && OUT_WIDTH == IN_WIDTH && OUT_PLANE == IN_HEIGHT * IN_WIDTH && \
     positions_are_dense(X_PICTURE, X_LINE, X_PIXEL))

// Element of a row's input at a tap, channel 0; -1 outside of the picture.
int input_position(int origin, ivec2 from, ivec2 tap) {
    ivec2 at = from + tap * DILATION;
    bool inside = at.x >= 0 && at.x < IN_HEIGHT && at.y >= 0 && at.y < IN_WIDTH;
    return inside ? origin + at.x * X_LINE + at.y * X_PIXEL : -1;
}

int part_offset(int part) { return part / PART_WIDTH * Y_PART_LINE + part % PART_WIDTH * Y_PART_PIXEL; }

#endif
