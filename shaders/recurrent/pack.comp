// Recurrent weights as sequence.comp reads them. For each direction and gate: HIDDEN lines of R's transpose, a line of the input's bias, one of the
// state's and one of peephole weights. Units of a line lie together and are padded to fours.
#version 450
#extension GL_GOOGLE_include_directive : require
#ifdef HALF
#extension GL_EXT_shader_16bit_storage : require
#endif
#include "common/interface.glsl"
#include "common/storage.glsl"

STORAGE(0, readonly, r)
STORAGE(1, readonly, bias)
STORAGE(2, readonly, peephole)
layout(set = 0, binding = 3) writeonly buffer Packed { float packed_weights[]; };

#define COUNT P(0)
#define HIDDEN P(1)
#define WIDTH P(2)
#define GATES P(3)
#define R_HALF ((G(0) & 1) != 0)
#define BIAS_HALF ((G(0) & 2) != 0)
#define PEEPHOLE_HALF ((G(0) & 4) != 0)
#define HAS_BIAS (G(1) != 0)
#define HAS_PEEPHOLE (G(2) != 0)

float number(int part, int line, int unit) {
    if (unit >= HIDDEN) return 0.0;
    if (line < HIDDEN) return LOAD(r, R_HALF, (part * HIDDEN + unit) * HIDDEN + line);
    int direction = part / GATES;
    int gate = part % GATES;
    if (line < HIDDEN + 2) { // all of the input's before those of the state
        int which = line - HIDDEN;
        return HAS_BIAS ? LOAD(bias, BIAS_HALF, ((direction * 2 + which) * GATES + gate) * HIDDEN + unit) : 0.0;
    }
    return HAS_PEEPHOLE && gate < 3 ? LOAD(peephole, PEEPHOLE_HALF, (direction * 3 + gate) * HIDDEN + unit) : 0.0;
}

void main() {
    int index = int(flat_invocation());
    if (index >= COUNT) return;
    int line = index / WIDTH;
    packed_weights[index] = number(line / (HIDDEN + 3), line % (HIDDEN + 3), index % WIDTH);
}
