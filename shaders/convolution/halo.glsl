// Convolutions whose windows overlap, on matrix units: sizes of a tile, and the part of the picture that all of its windows cover (the positions and their halo), which lies in
// the first COLUMNS_AT elements of `staged` for CHUNK channels at a time. What includes it defines UNIT_SHIFT, since an element of `x` and of `staged` is 2^UNIT_SHIFT
// channels of a pixel, and LOAD_UNIT(i), element i of `x` as it is staged, and OUTSIDE, what is beside the picture. cpp/src/tactics/halo.cpp writes the constants.
#ifndef TENSORVK_HALO
#define TENSORVK_HALO

#include "convolution/rows.glsl"

#define TILES_DOWN P(28) // of a picture
#define TILES_ACROSS P(29)
#define OUT_LINES (OUT_PLANE / OUT_WIDTH)

// The choice is for the defaults, which must be positive too.
const int LINES = G(4) > 0 ? G(4) : 4; // of positions
const int TILE_COLUMNS = G(5) > 0 ? G(5) : 32;
const int CHUNK = G(6) > 0 ? G(6) : 32;     // channels at a time: 16, 32 or 64
const int WARP_LINES = G(7) > 0 ? G(7) : 1; // of a subgroup
const int WARP_COLUMNS = G(8) > 0 ? G(8) : 16;
const int THREADS = G(9) > 0 ? G(9) : 128; // 32 * (LINES / WARP_LINES) * (TILE_COLUMNS / WARP_COLUMNS) * SHARING
const int TAPS_DOWN = G(17) > 0 ? G(17) : 1;
const int TAPS_ACROSS = G(18) > 0 ? G(18) : 1;
const int STRIDE_LINES = G(19) > 0 ? G(19) : 1;
const int STRIDE_PIXELS = G(20) > 0 ? G(20) : 1;
const int APART_LINES = G(21) > 0 ? G(21) : 1; // taps of a window
const int APART_PIXELS = G(22) > 0 ? G(22) : 1;
const int SPLITS = G(23) > 0 ? G(23) : 1; // of the channels

const int SIDE = 16; // of a fragment, and positions of a line
const int TAPS = TAPS_DOWN * TAPS_ACROSS;
const int COLUMN_FRAGMENTS = WARP_COLUMNS / SIDE;
const int WARPS_DOWN = LINES / WARP_LINES;
const int WARPS = WARPS_DOWN * (TILE_COLUMNS / WARP_COLUMNS);            // parts of the tile
const int SHARING = THREADS / 32 / WARPS > 0 ? THREADS / 32 / WARPS : 1; // subgroups of each, as in convolution/coopmat
const int CHUNK_SHIFT = CHUNK == 16 ? 4 : CHUNK == 32 ? 5 : 6;
const int CHUNK_UNITS = CHUNK >> UNIT_SHIFT; // of which eight times as many divide THREADS
const int PIXEL = CHUNK_UNITS + 1;           // an odd number, so that neighbours lie in other banks
const int PART_LINES = (LINES - 1) * STRIDE_LINES + (TAPS_DOWN - 1) * APART_LINES + 1; // of the picture
const int PART_WIDTH = (SIDE - 1) * STRIDE_PIXELS + (TAPS_ACROSS - 1) * APART_PIXELS + 1;
const int PIXELS = PART_LINES * PART_WIDTH;
// Pixels that neighbouring positions read with one tap lie side by side: those that are a stride apart.
const int SIDE_BY_SIDE = (PART_WIDTH + STRIDE_PIXELS - 1) / STRIDE_PIXELS;
const int LINE = SIDE_BY_SIDE * STRIDE_PIXELS; // places of a line
#define PLACE(x) (STRIDE_PIXELS == 1 ? (x) : (x) % STRIDE_PIXELS * SIDE_BY_SIDE + (x) / STRIDE_PIXELS)
const int LOAD_PIXELS = THREADS / CHUNK_UNITS; // that one load of all threads covers
const int INPUT_LOADS = (PIXELS + LOAD_PIXELS - 1) / LOAD_PIXELS;
const int WINDOW_LINES = (WARP_LINES - 1) * STRIDE_LINES + (TAPS_DOWN - 1) * APART_LINES + 1; // of the picture, of a subgroup
const int WARP_FOURS = WARP_COLUMNS / 4;
const int RESULT_STRIDE = WARP_FOURS + 1; // in fours of sums
const int LANES = 32;
const int ROUND_PIXELS = LANES / WARP_FOURS; // of the epilogue
const int TURN_PIXELS = SHARING * ROUND_PIXELS; // from round to round of a subgroup, a divisor of SIDE
const int COLUMNS_AT = PART_LINES * LINE * PIXEL; // where the weights of a chunk lie
const int RESULTS_SIZE = THREADS / LANES * SIDE * RESULT_STRIDE;

#define WHOLE_LINES ((int(IS_CONSTANT(1)) & int(IS_CONSTANT(2)) & int(OUT_LINES % LINES == 0)) != 0)
#define WHOLE_WIDTH ((int(IS_CONSTANT(1)) & int(S1 % SIDE == 0)) != 0)

int thread;
// Eight neighbouring threads load the same unit of eight pixels, which lie in different banks.
const int UNITS_SHIFT = CHUNK_SHIFT - UNIT_SHIFT;
#define LANE_UNIT (thread >> 3 & CHUNK_UNITS - 1)
#define LANE_PIXEL(i) ((thread & 7) + (thread >> 3 + UNITS_SHIFT << 3) + (i) * LOAD_PIXELS)
int origin[INPUT_LOADS]; // element of `x` that this thread loads of the first chunk, negative outside of the picture
int place[INPUT_LOADS];  // of that pixel in a chunk
uvec4 next_inputs[INPUT_LOADS];

// The tile of this workgroup; false: it lies behind the last one.
int picture;
ivec2 first_position;
bool begin_tile() {
    ivec2 above = divide(row_group(), TILES_ACROSS);
    ivec2 tile = divide(above.x, TILES_DOWN);
    picture = tile.x;
    first_position = ivec2(tile.y * LINES, above.y * SIDE);
    return picture * OUT_PLANE < ROWS;
}

void place_inputs(int part) {
    ivec2 from = first_position * ivec2(STRIDE_LINES, STRIDE_PIXELS) - PRE.yz;
    [[unroll]] for (int i = 0; i < INPUT_LOADS; ++i) {
        int pixel = LANE_PIXEL(i);
        int line = small_div(pixel, PART_WIDTH);
        int across = pixel - line * PART_WIDTH;
        ivec2 at = from + ivec2(line, across);
        place[i] = STRIDE_PIXELS == 1 ? pixel : line * LINE + PLACE(across);
        bool inside = pixel < PIXELS && uint(at.x) < uint(IN_HEIGHT) && uint(at.y) < uint(IN_WIDTH);
        int element = picture * X_PICTURE + at.x * X_LINE + at.y * X_PIXEL + part_input(part);
        origin[i] = inside ? (element >> UNIT_SHIFT) + LANE_UNIT : -1;
    }
}

void fetch_inputs(int chunk) {
    [[unroll]] for (int i = 0; i < INPUT_LOADS; ++i) next_inputs[i] = origin[i] < 0 ? OUTSIDE : LOAD_UNIT(origin[i] + chunk * CHUNK_UNITS);
}

void publish_inputs() {
    [[unroll]] for (int i = 0; i < INPUT_LOADS; ++i) {
        if (PIXELS % LOAD_PIXELS == 0 || LANE_PIXEL(i) < PIXELS) staged[place[i] * PIXEL + LANE_UNIT] = next_inputs[i];
    }
}

// The chunks of a slice.
ivec2 chunks_of(int split) {
    int chunks = CHANNELS / CHUNK;
    int each = (chunks + SPLITS - 1) / SPLITS;
    return min(ivec2(split, split + 1) * each, chunks);
}

// The element of a position's first channel in the output. Positions beyond the last read what is there.
int y_of(ivec2 at, int offset) {
    int line = WHOLE_LINES ? at.x : min(at.x, OUT_LINES - 1);
    int pixel = WHOLE_WIDTH ? at.y : min(at.y, OUT_WIDTH - 1);
    return picture * Y_PICTURE + line * Y_LINE + pixel * Y_PIXEL + offset;
}
bool is_position(ivec2 at) { return (WHOLE_LINES || at.x < OUT_LINES) && (WHOLE_WIDTH || at.y < OUT_WIDTH); }
// That of the next round of the epilogue, which goes to the right and then down. Behind a subgroup's last one it may lie anywhere.
ivec2 next_position(ivec2 at, int right, int first_pixel) {
    return right + TURN_PIXELS < SIDE ? at + ivec2(0, TURN_PIXELS) : ivec2(min(at.x + 1, OUT_LINES - 1), first_pixel);
}
int row_of_position(ivec2 at) { return picture * OUT_PLANE + at.x * OUT_WIDTH + at.y; }

#endif
