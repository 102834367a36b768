// Kernels that read both factors where they lie: which tile of which of the result's matrices a workgroup computes, and how a factor lies.
// A line is a row of a or a column of b, the depth runs along K.
#ifndef TENSORVK_MATRIX_TILES
#define TENSORVK_MATRIX_TILES

#define A_LIES G(2)
#define B_LIES G(3)
#define BY_DEPTH(lies) (((lies) & 1) != 0) // neighbours in memory are those along the depth, else those along the lines
#define WIDE(lies) (((lies) & 2) != 0)     // they begin at multiples of four elements (of eight where a kernel loads eights), and so many lie together

struct Tile {
    int matrix;      // number among the result's
    int row, column; // first ones
};

// COUNT counts tiles; neighbours read the same rows.
Tile tile_of(int group, int rows, int columns) {
    int down = (M + rows - 1) / rows;
    int across = (N + columns - 1) / columns;
    return Tile(group / across / down, group / across % down * rows, group % across * columns);
}

// Coordinates (line, depth) of an element of a factor's tile, counted as it lies.
ivec2 spot(int element, int lies, int lines, int depth) {
    return BY_DEPTH(lies) ? ivec2(element / depth, element % depth) : ivec2(element % lines, element / lines);
}

#endif
