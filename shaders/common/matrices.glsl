// Matrices on matrix units: factors of 16 x 16 halves and sums of floats, or, with MATRICES_OF_BYTES, of 16 x 32 and 32 x 16 signed bytes and sums of int32. Both are loaded
// from and stored to the array `staged` of sixteen bytes each, which is declared before.
// A kernel with arrays of its own defines PLAYED_AT and PLAYED_STRIDE, which tell from an array's name where the same lies in `staged` when units are played.
//
// PLAYED_MATRICES: tests define it, to run what is around the units on devices without them. A factor is the place where it lies, each of 32 invocations has
// half a row of a sum, and what subgroups exchange goes through barriers of the workgroup.
#ifndef TENSORVK_MATRICES
#define TENSORVK_MATRICES

#ifdef PLAYED_MATRICES

#define SUBGROUP (int(gl_LocalInvocationIndex) / 32)
#define LANE (int(gl_LocalInvocationIndex) % 32)

struct Factor {
    int at, stride; // in sixteen bytes; at -1 it is all ones
    bool by_columns;
};
#define BY_gl_CooperativeMatrixLayoutRowMajor false
#define BY_gl_CooperativeMatrixLayoutColumnMajor true
#define MATRIX_A Factor
#define MATRIX_B Factor
#define MATRIX_SUM Sum
#define ONES_A Factor(-1, 0, false)

#ifdef MATRICES_OF_BYTES
#define TERMS 32
struct Sum {
    int half_row[8];
};
#define ZERO_SUM Sum(int[](0, 0, 0, 0, 0, 0, 0, 0))
#define BITS(number) uint(number)
int number_at(int at, int i) { return at < 0 ? 1 : bitfieldExtract(int(staged[at + i / 16][i % 16 / 4]), i % 4 * 8, 8); }
#else
#define TERMS 16
struct Sum {
    float half_row[8];
};
#define ZERO_SUM Sum(float[](0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0))
#define BITS(number) floatBitsToUint(number)
float number_at(int at, int i) { return unpackHalf2x16(staged[at + i / 8][i % 8 / 2])[i % 2]; }
#endif

#define NUMBER(factor, row, column) \
    number_at(factor.at + (factor.by_columns ? (column) : (row)) * factor.stride, factor.by_columns ? (row) : (column))

Sum multiply_add(Factor a, Factor b, Sum sum) {
    for (int k = 0; k < TERMS; ++k) {
        for (int i = 0; i < 8; ++i) sum.half_row[i] += NUMBER(a, LANE / 2, k) * NUMBER(b, k, LANE % 2 * 8 + i);
    }
    return sum;
}

void store_sum(Sum sum, int at, int stride) {
    for (int i = 0; i < 8; ++i) staged[at + LANE / 2 * stride + LANE % 2 * 2 + i / 4][i % 4] = BITS(sum.half_row[i]);
}

Sum less(Sum sum, Sum other, int times) {
    for (int i = 0; i < 8; ++i) sum.half_row[i] -= other.half_row[i] * times;
    return sum;
}

#ifndef PLAYED_AT
#define PLAYED_AT(array, at) at
#define PLAYED_STRIDE(array, stride) stride
#endif
#define coopMatLoad(matrix, array, at, stride, layout) matrix = Factor(PLAYED_AT(array, at), PLAYED_STRIDE(array, stride), BY_##layout)
#define coopMatMulAdd multiply_add
#define coopMatStore(matrix, array, at, stride, layout) store_sum(matrix, PLAYED_AT(array, at), PLAYED_STRIDE(array, stride))

void subgroup_exchange() { barrier(); }

#else

#define SUBGROUP int(gl_SubgroupID)
#define LANE int(gl_SubgroupInvocationID)
#ifdef MATRICES_OF_BYTES
#define MATRIX_A coopmat<int8_t, gl_ScopeSubgroup, 16, 32, gl_MatrixUseA>
#define MATRIX_B coopmat<int8_t, gl_ScopeSubgroup, 32, 16, gl_MatrixUseB>
#define MATRIX_SUM coopmat<int, gl_ScopeSubgroup, 16, 16, gl_MatrixUseAccumulator>
#define ZERO_SUM MATRIX_SUM(0)
#define ONES_A MATRIX_A(int8_t(1))
#else
#define MATRIX_A coopmat<float16_t, gl_ScopeSubgroup, 16, 16, gl_MatrixUseA>
#define MATRIX_B coopmat<float16_t, gl_ScopeSubgroup, 16, 16, gl_MatrixUseB>
#define MATRIX_SUM coopmat<float, gl_ScopeSubgroup, 16, 16, gl_MatrixUseAccumulator>
#define ZERO_SUM MATRIX_SUM(0.0)
#endif

#define less(sum, other, times) (sum) - (other) * (times)

// Lanes of a subgroup see what each other wrote to shared memory.
void subgroup_exchange() {
    controlBarrier(gl_ScopeSubgroup, gl_ScopeSubgroup, gl_StorageSemanticsShared, gl_SemanticsAcquireRelease);
}

#endif

// The same of several subgroups, which all subgroups call together; of one alone as above.
#define exchange_among(subgroups) { if ((subgroups) > 1) barrier(); else subgroup_exchange(); }

#endif
