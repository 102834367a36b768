// Elements of a convolution over one to three axes, one by one: parameters, places and what they read.
#ifndef TENSORVK_PLACES
#define TENSORVK_PLACES

#define COUNT P(0)
#define OUT_CHANNELS P(1)
#define OUT ivec3(P(2), P(3), P(4))
#define IN_CHANNELS P(5)
#define IN ivec3(P(6), P(7), P(8))
#define GROUPS P(9)
#define KERNEL ivec3(P(10), P(11), P(12))
#define STRIDE ivec3(P(13), P(14), P(15))
#define DILATION ivec3(P(16), P(17), P(18))
#define PRE ivec3(P(19), P(20), P(21))
#define IN_CHANNELS_LAST (P(22) != 0)
#define OUT_CHANNELS_LAST (P(23) != 0)

struct Place {
    int n, c;
    ivec3 at;
};

Place place(int index, ivec3 extent, int channels, bool channels_last) {
    Place p;
    if (channels_last) { p.c = index % channels; index /= channels; }
    p.at.z = index % extent.z; index /= extent.z;
    p.at.y = index % extent.y; index /= extent.y;
    p.at.x = index % extent.x; index /= extent.x;
    if (!channels_last) { p.c = index % channels; index /= channels; }
    p.n = index;
    return p;
}

int spatial(ivec3 at, ivec3 extent) { return (at.x * extent.y + at.y) * extent.z + at.z; }

// `mode`: G(1) of common/epilogue.glsl, of one operand.
int operand_index(int mode, int same, Place p, ivec3 extent, int channels) {
    int kind = mode >> 6;
    if (kind != 0) return kind == 1 ? same : kind == 2 ? p.c : 0;
    ivec3 full = ivec3((mode >> 2) & 1, (mode >> 3) & 1, (mode >> 4) & 1);
    ivec3 e = mix(ivec3(1), extent, equal(full, ivec3(1)));
    int n = (mode & 1) != 0 ? p.n : 0;
    int c = (mode & 2) != 0 ? p.c : 0;
    int channel_count = (mode & 2) != 0 ? channels : 1;
    int s = spatial(p.at * full, e);
    int plane = e.x * e.y * e.z;
    return (mode & 32) != 0 ? (n * plane + s) * channel_count + c : (n * channel_count + c) * plane + s;
}

// The input position that kernel element k reads; false: outside, or between two elements of a transposed convolution.
bool source(ivec3 o, ivec3 k, out ivec3 at) {
#ifdef TRANSPOSED
    ivec3 spread = o + PRE - k * DILATION;
    at = spread / STRIDE;
    return all(greaterThanEqual(spread, ivec3(0))) && at * STRIDE == spread && all(lessThan(at, IN));
#else
    at = o * STRIDE - PRE + k * DILATION;
    return all(greaterThanEqual(at, ivec3(0))) && all(lessThan(at, IN));
#endif
}

#endif
