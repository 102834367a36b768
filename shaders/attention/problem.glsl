// What the kernels of attention share: y = softmax(SCALE * q k^T + mask) v for each batch and head. Columns of q, k, v and y lie side by side; batches,
// heads and rows lie where their strides say, and GROUP heads of q share one of k and v. cpp/src/tactics/attention.cpp writes the parameters.
#ifndef TENSORVK_ATTENTION_PROBLEM
#define TENSORVK_ATTENTION_PROBLEM

#include "common/storage.glsl"

#define ROWS P(0)    // of q and y
#define KEYS P(1)    // rows of k and v, columns of the scores
// Strides of batch, head and row, in elements.
#define Q_AT(place) ((place).x * P(2) + (place).y * P(3) + (place).z * P(4))
#define K_AT(place) ((place).x * P(5) + (place).y / GROUP * P(6) + (place).z * P(7))
#define V_AT(place) ((place).x * P(8) + (place).y / GROUP * P(9) + (place).z * P(10))
#define Y_AT(place) ((place).x * P(11) + (place).y * P(12) + (place).z * P(13))
#define MASK_AT(place, key) ((place).x * P(14) + (place).y * P(15) + (place).z * P(16) + (key) * P(17))

#define HEADS P(18)
#define BEFORE P(19) // a row sees as many keys as there are rows before it, itself and this many more
#define COUNT P(20)  // of what the grid counts

// Known when the plan is made, but parameters all the same: on CPU drivers the pipelines of several problems are one.
#define SCALE intBitsToFloat(P(21))
#define SOFTCAP intBitsToFloat(P(22)) // 0: none
#define GROUP P(23)
#define MASKED ((P(24) & 1) != 0)
#define MASK_HALF ((P(24) & 2) != 0)
#define MASK_BOOL ((P(24) & 4) != 0)
#define CAUSAL ((P(24) & 8) != 0)
#define ZEROS ((P(24) & 16) != 0) // are what a row gives that sees no key; else it is no number, as of a softmax of minus infinity
#define MASK_HIDES ((P(24) & 32) != 0) // where a boolean is true; else where it is false
#define HIDDEN_SCORE intBitsToFloat(P(25)) // what a boolean gives a key that it hides

#define IS_HALF (G(0) != 0) // q, k, v and y
#define DEPTH G(3)          // columns of q and k
#define WIDTH G(4)          // columns of v and y

STORAGE(3, readonly, mask)
layout(set = 0, binding = 3) readonly buffer MaskWords { uint mask_words[]; };

#define HIDDEN uintBitsToFloat(0xff800000u) // the score of a key that a row does not see: minus infinity

// How many keys the row sees, from the first one on.
int keys_seen(int row) { return CAUSAL ? clamp(row + 1 + BEFORE, 0, KEYS) : KEYS; }

// What the softmax takes of a product of row place.z with a key. It may be anything where the row does not see the key.
float finished(float product, ivec3 place, int key) {
    if (CAUSAL && key > place.z + BEFORE) return HIDDEN;
    float score = product * SCALE;
    if (SOFTCAP > 0.0) score = SOFTCAP * tanh(clamp(score / SOFTCAP, -15.0, 15.0)); // beyond, it is 1, or on some devices no number
    if (!MASKED) return score;
    int at = MASK_AT(place, key);
    if (MASK_BOOL) return (bitfieldExtract(mask_words[at >> 2], 8 * (at & 3), 8) != 0u) != MASK_HIDES ? score : HIDDEN_SCORE;
    return score + LOAD(mask, MASK_HALF, at);
}

// A sum of weighted values by the sum of the weights.
vec4 quotient(vec4 value, float total) {
    if (total != 0.0) return value / total;
    return vec4(ZEROS || KEYS == 0 ? 0.0 : uintBitsToFloat(0x7fc00000u));
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
