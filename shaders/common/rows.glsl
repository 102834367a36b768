// Rows: a result for each index of the kept axes, computed from LENGTH elements along the reduced axes. Every axis has strides of its own,
// so any axes of any layout serve. One invocation computes a result, or a whole workgroup does (LANES > 1).
#ifndef TENSORVK_ROWS
#define TENSORVK_ROWS

#extension GL_EXT_control_flow_attributes : require

#define COUNT P(0)  // results, in units of what an invocation handles
#define LENGTH P(1) // elements of one result
// Axes from the slowest; the first one's extent is not needed.
#define KEPT_EXTENTS int[](0, P(2), P(3), P(4))
#define KEPT_IN_STRIDES int[](P(5), P(6), P(7), P(8))
#define KEPT_OUT_STRIDES int[](P(9), P(10), P(11), P(12))
#define REDUCED_EXTENTS int[](0, P(13), P(14), P(15))
#define REDUCED_STRIDES int[](P(16), P(17), P(18), P(19))
#define KEPT_AXES G(0)
#define REDUCED_AXES G(1)
#define LANES G(2)

// Where the row begins in the input and in the output.
ivec2 row_base(int row) {
    int extents[4] = KEPT_EXTENTS;
    int in_strides[4] = KEPT_IN_STRIDES;
    int out_strides[4] = KEPT_OUT_STRIDES;
    ivec2 base = ivec2(0);
    int rest = row;
    [[unroll]] for (int j = 0; j < KEPT_AXES; ++j) {
        int axis = KEPT_AXES - 1 - j;
        int outer = axis > 0 ? quick_div(rest, extents[axis]) : 0;
        int c = rest - outer * (axis > 0 ? extents[axis] : 0);
        rest = outer;
        base += c * ivec2(in_strides[axis], out_strides[axis]);
    }
    return base;
}

// Distance of a row's element from its begin.
int element_offset(int element) {
    int extents[4] = REDUCED_EXTENTS;
    int strides[4] = REDUCED_STRIDES;
    int offset = 0;
    int rest = element;
    [[unroll]] for (int j = 0; j < REDUCED_AXES; ++j) {
        int axis = REDUCED_AXES - 1 - j;
        int outer = axis > 0 ? quick_div(rest, extents[axis]) : 0;
        offset += (rest - outer * (axis > 0 ? extents[axis] : 0)) * strides[axis];
        rest = outer;
    }
    return offset;
}

int row_of_invocation() { return LANES > 1 ? int(flat_group()) : int(flat_invocation()); }
int first_element() { return LANES > 1 ? int(gl_LocalInvocationID.x) : 0; }

#endif
