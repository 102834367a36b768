// Rows of a product (rows.glsl) and how floats are finished and stored.
#ifndef TENSORVK_PRODUCT
#define TENSORVK_PRODUCT

#include "common/epilogue.glsl"
#include "convolution/rows.glsl"

#define Y_FIRST G(15) // element of the first result: the output may be a part of a larger value
int result_offset(int part) { return Y_FIRST + part_output(part); }

// Four neighbouring columns of one row to the output: epilogue and store. `y` is the element of the row's (and part's) channel 0, `column`
// counts within the part. Columns beyond the last are padding.
#define GATHER4(k, y)                                                                                                    \
    (!POINTWISE_USES_##k ? vec4(0.0) : vec4(LOAD(op##k, OPERAND_HALF(k), OPERAND_INDEX(k, y, first)),                              \
        last < 1 ? 0.0 : LOAD(op##k, OPERAND_HALF(k), OPERAND_INDEX(k, y + Y_CHANNEL, first + 1)),                                 \
        last < 2 ? 0.0 : LOAD(op##k, OPERAND_HALF(k), OPERAND_INDEX(k, y + 2 * Y_CHANNEL, first + 2)),                             \
        last < 3 ? 0.0 : LOAD(op##k, OPERAND_HALF(k), OPERAND_INDEX(k, y + 3 * Y_CHANNEL, first + 3))))

#define DEFINE_STORE_COLUMNS(output)                                                                                              \
    void store_columns(vec4 value, int y, int part, int column) {                                                                 \
        if (column >= COLUMNS) return;                                                                                            \
        int first = part_channel(part) + column;                                                                                \
        y += column * Y_CHANNEL;                                                                                                  \
        if (OUTPUT_VECTORS) {                                                                                                     \
            value = finish4(value, y, first);                                                                                     \
            STORE4(output, OUT_HALF, y >> 2, value)                                                                               \
        } else {                                                                                                                  \
            int last = COLUMNS - 1 - column;                                                                                      \
            if (!POINTWISE_EMPTY)                                                                                                 \
                value = pointwise(value, GATHER4(0, y), GATHER4(1, y), GATHER4(2, y), GATHER4(3, y)); \
            STORE(output, OUT_HALF, y, value.x)                                                                                   \
            if (last >= 1) STORE(output, OUT_HALF, y + Y_CHANNEL, value.y)                                                        \
            if (last >= 2) STORE(output, OUT_HALF, y + 2 * Y_CHANNEL, value.z)                                                    \
            if (last >= 3) STORE(output, OUT_HALF, y + 3 * Y_CHANNEL, value.w)                                                    \
        }                                                                                                                         \
    }

#endif
