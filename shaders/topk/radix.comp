// The k largest (or smallest) elements along an axis, in order, and their places; a workgroup a row, which it reads the same few times for any k.
// Each element is a number that grows the better it is: its value in 32 bits, then its place. Byte by byte, from the highest, the lanes count the
// elements by that byte among those that agree with the k-th best so far; where the k-th best falls is its byte. What is not worse than it
// are k elements exactly, which each lane puts in order by counting the better ones.
#version 450
#extension GL_GOOGLE_include_directive : require
#ifdef HALF
#extension GL_EXT_shader_16bit_storage : require
#endif
#include "common/interface.glsl"
#include "common/rows.glsl"
#include "common/storage.glsl"

STORAGE(0, readonly, x)
STORAGE(1, writeonly, values)
layout(binding = 2) writeonly buffer Indices { int indices[]; };

#define IN_STRIDE P(16)
#define OUT_STRIDE P(20)
#define K P(21) // at most 256
#define SMALLEST (G(3) != 0)
#define IN_HALF ((G(4) & 1) != 0)
#define OUT_HALF ((G(4) & 2) != 0)
#define WANTS_VALUES ((G(5) & 1) != 0)
#define WANTS_INDICES ((G(5) & 2) != 0)
#define LONG_INDICES ((G(5) & 4) != 0)
#define LAST_FIRST ((G(5) & 8) != 0)
#define NAN_LAST ((G(5) & 16) != 0)
#define PLACE_BITS G(6) // a multiple of 8: places are below 2 to their number

shared uint histogram[256];
shared uint coarse[16]; // sums of 16 neighbours each
shared uint chosen, wanted, gathered;
shared uvec2 best[256];

// Larger is better: zeros of both signs are equal.
uint value_key(float v) {
    if (isnan(v)) return NAN_LAST ? 0u : 0xffffffffu;
    uint bits = v == 0.0 ? 0u : floatBitsToUint(v);
    uint rising = (bits & 0x80000000u) != 0u ? ~bits : bits | 0x80000000u;
    return SMALLEST ? ~rising : rising;
}
uint place_key(int i) { return uint(LAST_FIRST ? i : LENGTH - 1 - i); }
int place_of(uint key) { return LAST_FIRST ? int(key) : LENGTH - 1 - int(key); }
uvec2 key_of(int base, int i) { return uvec2(value_key(LOAD(x, IN_HALF, base + i * IN_STRIDE)), place_key(i)); }
bool better(uvec2 a, uvec2 b) { return a.x > b.x || (a.x == b.x && a.y > b.y); }

// The byte of the one that is `wanted` from the top; `wanted` becomes its number among those with this byte.
void choose() {
    int lane = int(gl_LocalInvocationID.x);
    if (lane < 16) {
        uint sum = 0u;
        for (int i = 0; i < 16; ++i) sum += histogram[16 * lane + i];
        coarse[lane] = sum;
    }
    barrier();
    if (lane == 0) {
        uint left = wanted;
        int group = 15;
        while (group > 0 && coarse[group] < left) left -= coarse[group--];
        int at = 16 * group + 15;
        while (at > 16 * group && histogram[at] < left) left -= histogram[at--];
        chosen = uint(at);
        wanted = left;
    }
    barrier();
}

void main() {
    int row = row_of_invocation();
    if (row >= COUNT) return;
    ivec2 base = row_base(row);
    int lane = int(gl_LocalInvocationID.x);
    if (lane == 0) {
        wanted = uint(K);
        gathered = 0u;
    }
    uvec2 known = uvec2(0u); // the k-th best, as far as it is known
    uvec2 mask = uvec2(0u);  // and which bits are
    for (int pass = 0; pass < 4 + PLACE_BITS / 8; ++pass) {
        bool by_value = pass < 4;
        int shift = by_value ? 24 - 8 * pass : PLACE_BITS - 8 - 8 * (pass - 4);
        for (int i = lane; i < 256; i += LANES) histogram[i] = 0u;
        barrier();
        MANY_ROUNDS(i, lane, LENGTH, LANES, 8,
            uvec2 key = key_of(base.x, i);
            if ((key & mask) == known) atomicAdd(histogram[((by_value ? key.x : key.y) >> shift) & 255u], 1u);)
        barrier();
        choose();
        if (by_value) {
            known.x |= chosen << shift;
            mask.x |= 255u << shift;
        } else {
            known.y |= chosen << shift;
            mask.y |= 255u << shift;
        }
    }
    MANY_ROUNDS(i, lane, LENGTH, LANES, 8,
        uvec2 key = key_of(base.x, i);
        if (!better(known, key)) best[atomicAdd(gathered, 1u) & 255u] = key;)
    barrier();
    for (int j = lane; j < K; j += LANES) {
        uvec2 mine = best[j];
        int place = 0;
        for (int other = 0; other < K; ++other) place += better(best[other], mine) ? 1 : 0;
        int at = place_of(mine.y);
        int to = base.y + place * OUT_STRIDE;
        if (WANTS_VALUES) STORE(values, OUT_HALF, to, LOAD(x, IN_HALF, (base.x + at * IN_STRIDE)))
        if (WANTS_INDICES) {
            if (LONG_INDICES) {
                indices[2 * to] = at;
                indices[2 * to + 1] = 0;
            } else {
                indices[to] = at;
            }
        }
    }
}
