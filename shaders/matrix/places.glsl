// Elements of a matrix product, one by one: parameters, places and what they read.
#ifndef TENSORVK_MATRIX_PLACES
#define TENSORVK_MATRIX_PLACES

#define COUNT P(0)
#define M P(1)
#define N P(2)
#define K P(3)
#define A_ROW P(4)
#define A_COLUMN P(5)
#define B_ROW P(6)
#define B_COLUMN P(7)
// Leading axes of the result, outermost first, and the factors' strides along them.
#define BATCH int[6](P(8), P(9), P(10), P(11), P(12), P(13))
#define A_BATCH int[6](P(14), P(15), P(16), P(17), P(18), P(19))
#define B_BATCH int[6](P(20), P(21), P(22), P(23), P(24), P(25))

struct Place {
    int a, b;       // first elements of the factors
    int at[5];      // in the last five axes of the result
    int extent[5];  // of those
};

// The first element of one of the result's matrices.
Place place_of_matrix(int matrix) {
    int batch[6] = BATCH;
    int a_batch[6] = A_BATCH;
    int b_batch[6] = B_BATCH;
    Place p = Place(0, 0, int[5](0, 0, 0, 0, 0), int[5](batch[3], batch[4], batch[5], M, N));
    for (int axis = 5; axis >= 0; --axis) {
        int i = matrix % batch[axis];
        matrix /= batch[axis];
        p.a += i * a_batch[axis];
        p.b += i * b_batch[axis];
        if (axis >= 3) p.at[axis - 3] = i;
    }
    return p;
}

Place place(int index) {
    int row = index / N % M;
    int column = index % N;
    Place p = place_of_matrix(index / N / M);
    p.a += row * A_ROW;
    p.b += column * B_COLUMN;
    p.at[3] = row;
    p.at[4] = column;
    return p;
}

// An operand that extends along any of the last five axes: bit i of its mode = axis i of those.
int operand_index(int mode, int same, Place p) {
    int kind = mode >> 6;
    if (kind != 0) return kind == 1 ? same : kind == 2 ? p.at[4] : 0;
    int index = 0;
    for (int axis = 0; axis < 5; ++axis) {
        if ((mode & (1 << axis)) != 0) index = index * p.extent[axis] + p.at[axis];
    }
    return index;
}

#endif
