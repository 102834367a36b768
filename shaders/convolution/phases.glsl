// A transposed convolution as convolutions of its phases. Along an axis with stride s, the output o = s q + a takes w[k] x[i] where s i + k - pre = o: of the
// window every s-th tap from `first` on, from the inputs q + from, q + from - 1, ... So the outputs of a phase (one `a` for each axis) are those of a convolution
// at stride 1, with only the taps that it uses. With a dilation d and s = 1 the inputs are q + from - d, ... Axes are depth, line, column.
#ifndef TENSORVK_PHASES
#define TENSORVK_PHASES

struct Phase {
    ivec3 at;    // of its first output
    ivec3 first; // tap
    ivec3 from;  // the input of that, for the first output
    ivec3 taps;
};

Phase phase_of(int index, ivec3 kernel, ivec3 stride, ivec3 pre) {
    Phase phase;
    phase.at = ivec3(index / (stride.y * stride.z), index / stride.z % stride.y, index % stride.z);
    ivec3 before = phase.at + pre;
    phase.from = before / stride;
    phase.first = before - phase.from * stride;
    // Unsigned: where the stride divides the kernel, a driver sees that all phases have as many.
    uvec3 rest = uvec3(kernel - kernel / stride * stride);
    phase.taps = kernel / stride + ivec3(lessThan(uvec3(phase.first), rest));
    return phase;
}

// Place in the window of the n-th tap of a phase.
ivec3 window_place(Phase phase, int n, ivec3 stride) {
    ivec3 taps = max(phase.taps, ivec3(1));
    int line = n / taps.z;
    return phase.first + stride * ivec3(line / taps.y, line % taps.y, n % taps.z);
}

#endif
