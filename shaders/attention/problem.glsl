// What the kernels of attention share: y = softmax(SCALE * q k^T + mask) v for each batch and head. Columns of q, k, v and y lie side by side; batches,
// heads and rows lie where their strides say. cpp/src/tactics/attention.cpp writes the parameters.
#ifndef TENSORVK_ATTENTION_PROBLEM
#define TENSORVK_ATTENTION_PROBLEM

#include "common/storage.glsl"

#define ROWS P(0)    // of q and y
#define KEYS P(1)    // rows of k and v, columns of the scores
// Strides of batch, head and row, in elements.
#define Q_AT(place) ((place).x * P(2) + (place).y * P(3) + (place).z * P(4))
#define K_AT(place) ((place).x * P(5) + (place).y * P(6) + (place).z * P(7))
#define V_AT(place) ((place).x * P(8) + (place).y * P(9) + (place).z * P(10))
#define Y_AT(place) ((place).x * P(11) + (place).y * P(12) + (place).z * P(13))
#define MASK_AT(place, key) ((place).x * P(14) + (place).y * P(15) + (place).z * P(16) + (key) * P(17))

#define COUNT P(18) // of what the grid counts
#define HEADS P(19)

#define MASK_HALF ((G(0) & 1) != 0)
#define MASKED (G(1) != 0)
#define SCALE intBitsToFloat(G(2))
#define DEPTH G(3) // columns of q and k
#define WIDTH G(4) // columns of v and y
#define IS_HALF (G(8) != 0) // q, k, v and y

STORAGE(3, readonly, mask)

#define HIDDEN uintBitsToFloat(0xff800000u) // the score of a key that a row does not see: minus infinity

// What the softmax takes of a product of row place.z with a key.
float finished(float product, ivec3 place, int key) {
    float score = product * SCALE;
    if (MASKED) score += LOAD(mask, MASK_HALF, MASK_AT(place, key));
    return score;
}

// What scores are lowered by before exp, where `largest` may be that of a row that sees no key yet.
float lowered_by(float largest) { return largest == HIDDEN ? 0.0 : largest; }

// Elements 4 * four .. of a row that begins at `at`; zeros behind the last of its columns.
#define LOAD_COLUMNS(name, at, four, columns)                                                                                        \
    ((columns) % 4 == 0 ? LOAD4(name, IS_HALF, ((at) >> 2) + (four))                                                                 \
                        : vec4(LOAD(name, IS_HALF, (at) + 4 * (four)), 4 * (four) + 1 < (columns) ? LOAD(name, IS_HALF, (at) + 4 * (four) + 1) : 0.0, \
                               4 * (four) + 2 < (columns) ? LOAD(name, IS_HALF, (at) + 4 * (four) + 2) : 0.0,                        \
                               4 * (four) + 3 < (columns) ? LOAD(name, IS_HALF, (at) + 4 * (four) + 3) : 0.0))
#define STORE_COLUMNS(name, at, four, columns, value)                                        \
    if ((columns) % 4 == 0) {                                                                \
        STORE4(name, IS_HALF, ((at) >> 2) + (four), value)                                   \
    } else {                                                                                 \
        [[unroll]] for (int i_ = 0; i_ < 4; ++i_)                                            \
            if (4 * (four) + i_ < (columns)) STORE(name, IS_HALF, (at) + 4 * (four) + i_, value[i_]) \
    }

#endif
