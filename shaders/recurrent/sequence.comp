// RNN, GRU and LSTM: steps FIRST .. LAST of a sequence. What the inputs add to the gates is there already (`sums`, a product over all steps).
// A workgroup has UNITS units of one direction for ROWS rows of the batch: their gates' products with the whole state before, from shared memory,
// SLICES of it apart, then activations. With all units in one workgroup it goes through all steps alone; with some of them a dispatch makes one
// step, and the states of all units go through memory. Weights are read again in every step (from caches), or kept in registers (KEPT).
// Equations and order of gates are ONNX's: LSTM i o f c, GRU z r h.
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#ifdef HALF
#extension GL_EXT_shader_16bit_storage : require
#endif
#include "common/interface.glsl"
#include "common/storage.glsl"
#include "recurrent/activation.glsl"

layout(set = 0, binding = 0) readonly buffer Sums { float sums[]; };       // [row of X][direction][gate][unit]
layout(set = 0, binding = 1) readonly buffer Weights { vec4 weights[]; };  // by pack.comp
layout(set = 0, binding = 2) readonly buffer Lengths { int lengths[]; };
STORAGE(3, readonly, state_before)
STORAGE(4, readonly, cells_before)
STORAGE(5, writeonly, all)
STORAGE(6, writeonly, state_after)
STORAGE(7, writeonly, cells_after)

#define STEPS P(0)
#define BATCH P(1)
#define DIRECTIONS P(2)
#define UNIT_GROUPS P(3)
#define COUNT P(4) // steps of this dispatch
#define FIRST P(5)

const int GATES = G(0) > 0 ? G(0) : 4;
#define GRU (GATES == 3)
#define LSTM (GATES == 4)
#define REVERSED ((G(1) & 1) != 0)
#define BATCH_FIRST ((G(1) & 2) != 0)
#define COUPLES_FORGET ((G(1) & 8) != 0)
#define CLIP intBitsToFloat(G(2))
#define HAS(place) ((G(3) & (1 << (place))) != 0) // a binding that is bound; 8: peephole weights
#define PEEPHOLES HAS(8)
#define IS_HALF(place) ((G(4) & (1 << (place))) != 0)
const int HIDDEN = G(5) > 0 ? G(5) : 4;
const int UNITS = G(6) > 0 ? G(6) : 4; // of a workgroup: fours
const int ROWS = G(7) > 0 ? G(7) : 1;
const int SLICES = G(8) > 0 ? G(8) : 1;
const int KEPT = G(9) > 0 ? G(9) : 1; // fours of weights that an invocation keeps
#define KEEPS (G(9) > 0)

const int LINE = (HIDDEN + 3) / 4;     // fours of a line of weights
const int VECTORS = UNITS / 4 * GATES; // fours of gates of a workgroup
const int STRIDE = KEPT * SLICES > 4 * LINE ? KEPT * SLICES : 4 * LINE;
// GRU's last gate multiplies another state, once the reset gate is known. (Arithmetic: glslang makes invalid SPIR-V of && between such constants.)
const int SEES = GATES == 3 ? 1 - ((G(1) >> 2) & 1) : 0;
#define SEES_RESET (SEES != 0)

shared float state[ROWS * STRIDE];
shared float seen[SEES > 0 ? ROWS * STRIDE : 1];
shared float cells[ROWS * UNITS];
shared vec4 partial[ROWS * SLICES * VECTORS];

int me() { return int(gl_LocalInvocationIndex); }
#define THREADS int(gl_WorkGroupSize.x)

int unit_group = int(gl_WorkGroupID.z) % UNIT_GROUPS;
int direction = int(gl_WorkGroupID.z) / UNIT_GROUPS;
int row0 = int(flat_group()) * ROWS;
int unit0 = unit_group * UNITS;
vec4 kept[KEPT];

vec4 weight(int gate, int line, int four) { return weights[((direction * GATES + gate) * (HIDDEN + 3) + line) * LINE + min(unit0 / 4 + four, LINE - 1)]; }
float number(int gate, int line, int unit) { return weights[((direction * GATES + gate) * (HIDDEN + 3) + line) * LINE + unit / 4][unit % 4]; }

int length_of(int row) { return HAS(2) ? clamp(lengths[row], 0, STEPS) : STEPS; }
int state_at(int row, int unit) { return (BATCH_FIRST ? row * DIRECTIONS + direction : direction * BATCH + row) * HIDDEN + unit; }

// Gates from .. to - 1 of all rows times `from`, a state in shared memory.
#define MULTIPLY(source, from, to)                                                                                              \
    for (int item = me(); item < VECTORS * SLICES; item += THREADS) {                                                           \
        int vector = item % VECTORS;                                                                                            \
        int slice = item / VECTORS;                                                                                             \
        int gate = vector / (UNITS / 4);                                                                                        \
        if (gate < (from) || gate >= (to)) continue;                                                                            \
        vec4 sum[ROWS];                                                                                                         \
        [[unroll]] for (int r = 0; r < ROWS; ++r) sum[r] = vec4(0.0);                                                           \
        if (KEEPS) {                                                                                                            \
            [[unroll]] for (int i = 0; i < KEPT; ++i) {                                                                         \
                [[unroll]] for (int r = 0; r < ROWS; ++r) sum[r] = fma(kept[i], vec4(source[r * STRIDE + slice + i * SLICES]), sum[r]); \
            }                                                                                                                   \
        } else {                                                                                                                \
            MANY_ROUNDS(k, slice, HIDDEN, SLICES, 8,                                                                            \
                vec4 w = weight(gate, k, vector % (UNITS / 4));                                                                 \
                [[unroll]] for (int r = 0; r < ROWS; ++r) sum[r] = fma(w, vec4(source[r * STRIDE + k]), sum[r]);)               \
        }                                                                                                                       \
        [[unroll]] for (int r = 0; r < ROWS; ++r) partial[(r * SLICES + slice) * VECTORS + vector] = sum[r];                    \
    }

// For each unit of the workgroup in each of its rows: UNIT within the workgroup, `unit` within the state.
#define EACH_UNIT(BODY)                                                   \
    for (int place = me(); place < ROWS * UNITS; place += THREADS) {      \
        int r = place / UNITS;                                            \
        int unit = unit0 + place % UNITS;                                 \
        int row = row0 + r;                                               \
        if (unit < HIDDEN && row < BATCH) { BODY }                        \
    }

float product_of(int r, int gate, int unit) {
    float sum = 0.0;
    int vector = gate * (UNITS / 4) + (unit - unit0) / 4;
    MANY_ROUNDS(slice, 0, SLICES, 1, 4, sum += partial[(r * SLICES + slice) * VECTORS + vector][unit % 4];)
    return sum;
}

float limited(float x) { return CLIP > 0.0 ? clamp(x, -CLIP, CLIP) : x; }
float gate_of(int r, int gate, int unit, int from) {
    return product_of(r, gate, unit) + number(gate, HIDDEN, unit) + number(gate, HIDDEN + 1, unit) + sums[from + gate * HIDDEN + unit];
}

float lstm(int r, int unit, int from) {
    int at = r * UNITS + unit - unit0;
    float before = cells[at];
    float i = gate_of(r, 0, unit, from);
    float f = gate_of(r, 2, unit, from);
    if (PEEPHOLES) {
        i += number(0, HIDDEN + 2, unit) * before;
        f += number(2, HIDDEN + 2, unit) * before;
    }
    i = activation(direction * 3, limited(i));
    f = COUPLES_FORGET ? 1.0 - i : activation(direction * 3, limited(f));
    float c = f * before + i * activation(direction * 3 + 1, limited(gate_of(r, 3, unit, from)));
    cells[at] = c;
    float o = gate_of(r, 1, unit, from);
    if (PEEPHOLES) o += number(1, HIDDEN + 2, unit) * c;
    return activation(direction * 3, limited(o)) * activation(direction * 3 + 2, c);
}

float gru(int r, int unit, int from) {
    float update = activation(direction * 2, limited(gate_of(r, 0, unit, from)));
    float recurrent = product_of(r, 2, unit) + number(2, HIDDEN + 1, unit);
    if (!SEES_RESET) recurrent *= activation(direction * 2, limited(gate_of(r, 1, unit, from)));
    float h = activation(direction * 2 + 1, limited(recurrent + number(2, HIDDEN, unit) + sums[from + 2 * HIDDEN + unit]));
    return (1.0 - update) * h + update * state[r * STRIDE + unit];
}

// The state after the step, from sums that begin at `from`.
float next_state(int r, int unit, int from) {
    if (LSTM) return lstm(r, unit, from);
    if (GRU) return gru(r, unit, from);
    return activation(direction, limited(gate_of(r, 0, unit, from)));
}

void load() {
    for (int i = me(); i < ROWS * STRIDE; i += THREADS) {
        int row = row0 + i / STRIDE;
        int unit = i % STRIDE;
        bool inside = HAS(3) && row < BATCH && unit < HIDDEN;
        state[i] = inside ? LOAD(state_before, IS_HALF(3), state_at(row, unit)) : 0.0;
        if (SEES_RESET) seen[i] = 0.0;
    }
    for (int i = me(); LSTM && i < ROWS * UNITS; i += THREADS) {
        int row = row0 + i / UNITS;
        int unit = unit0 + i % UNITS;
        bool inside = HAS(4) && row < BATCH && unit < HIDDEN;
        cells[i] = inside ? LOAD(cells_before, IS_HALF(4), state_at(row, unit)) : 0.0;
    }
    if (KEEPS) {
        int vector = me() % VECTORS;
        int slice = me() / VECTORS;
        [[unroll]] for (int i = 0; i < KEPT; ++i) {
            int k = slice + i * SLICES;
            kept[i] = slice < SLICES && k < HIDDEN ? weight(vector / (UNITS / 4), k, vector % (UNITS / 4)) : vec4(0.0);
        }
    }
}

// A row whose sequence has ended keeps its state and writes zeros behind its end.
void take_step(int step) {
    barrier();
    MULTIPLY(state, 0, SEES_RESET ? 2 : GATES)
    barrier();
    if (SEES_RESET) {
        EACH_UNIT(
            int end = length_of(row);
            int time = REVERSED || direction == 1 ? max(end - 1 - step, 0) : step;
            int from = ((BATCH_FIRST ? row * STEPS + time : time * BATCH + row) * DIRECTIONS + direction) * GATES * HIDDEN;
            seen[r * STRIDE + unit] = state[r * STRIDE + unit] * activation(direction * 2, limited(gate_of(r, 1, unit, from)));)
        barrier();
        MULTIPLY(seen, 2, 3)
        barrier();
    }
    EACH_UNIT(
        int end = length_of(row);
        bool runs = step < end;
        int time = runs && (REVERSED || direction == 1) ? end - 1 - step : step;
        float value = 0.0;
        if (runs) {
            value = next_state(r, unit, ((BATCH_FIRST ? row * STEPS + time : time * BATCH + row) * DIRECTIONS + direction) * GATES * HIDDEN);
            state[r * STRIDE + unit] = value;
        }
        int to = (BATCH_FIRST ? (row * STEPS + time) * DIRECTIONS + direction : (time * DIRECTIONS + direction) * BATCH + row) * HIDDEN + unit;
        if (HAS(5)) STORE(all, IS_HALF(5), to, value))
}

void main() {
    if (row0 >= BATCH) return;
    load();
    for (int step = FIRST; step < FIRST + COUNT; ++step) take_step(step);
    EACH_UNIT(
        if (HAS(6)) STORE(state_after, IS_HALF(6), state_at(row, unit), state[r * STRIDE + unit])
        if (HAS(7)) STORE(cells_after, IS_HALF(7), state_at(row, unit), cells[r * UNITS + unit - unit0]))
}
