// What the kernels of attention share: y = softmax(SCALE * q k^T + mask) v for each batch and head. Columns of q, k, v and y lie side by side; batches,
// heads and rows lie where their strides say. cpp/src/tactics/attention.cpp writes the parameters.
#ifndef TENSORVK_ATTENTION_PROBLEM
#define TENSORVK_ATTENTION_PROBLEM

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

#endif
