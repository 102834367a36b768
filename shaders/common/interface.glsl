// What every kernel shares with plan::Step: workgroup size, parameters, geometry, the flattened grid. Numbers of the constants:
// cpp/src/plan/program.hpp. A shader starts with
//   #version 450
//   #extension GL_GOOGLE_include_directive : require
//   #include "common/interface.glsl"
#ifndef TENSORVK_INTERFACE
#define TENSORVK_INTERFACE

layout(local_size_x_id = 0, local_size_y_id = 1, local_size_z_id = 2) in;

// 120 bytes: every device has 128.
layout(push_constant) uniform PushConstants { int v[30]; } push;

#define FROM_PUSH_CONSTANT (-2147483647 - 1)

layout(constant_id = 10) const int S0 = FROM_PUSH_CONSTANT;
layout(constant_id = 11) const int S1 = FROM_PUSH_CONSTANT;
layout(constant_id = 12) const int S2 = FROM_PUSH_CONSTANT;
layout(constant_id = 13) const int S3 = FROM_PUSH_CONSTANT;
layout(constant_id = 14) const int S4 = FROM_PUSH_CONSTANT;
layout(constant_id = 15) const int S5 = FROM_PUSH_CONSTANT;
layout(constant_id = 16) const int S6 = FROM_PUSH_CONSTANT;
layout(constant_id = 17) const int S7 = FROM_PUSH_CONSTANT;
layout(constant_id = 18) const int S8 = FROM_PUSH_CONSTANT;
layout(constant_id = 19) const int S9 = FROM_PUSH_CONSTANT;
layout(constant_id = 20) const int S10 = FROM_PUSH_CONSTANT;
layout(constant_id = 21) const int S11 = FROM_PUSH_CONSTANT;
layout(constant_id = 22) const int S12 = FROM_PUSH_CONSTANT;
layout(constant_id = 23) const int S13 = FROM_PUSH_CONSTANT;
layout(constant_id = 24) const int S14 = FROM_PUSH_CONSTANT;
layout(constant_id = 25) const int S15 = FROM_PUSH_CONSTANT;
layout(constant_id = 26) const int S16 = FROM_PUSH_CONSTANT;
layout(constant_id = 27) const int S17 = FROM_PUSH_CONSTANT;
layout(constant_id = 28) const int S18 = FROM_PUSH_CONSTANT;
layout(constant_id = 29) const int S19 = FROM_PUSH_CONSTANT;
layout(constant_id = 30) const int S20 = FROM_PUSH_CONSTANT;
layout(constant_id = 31) const int S21 = FROM_PUSH_CONSTANT;
layout(constant_id = 32) const int S22 = FROM_PUSH_CONSTANT;
layout(constant_id = 33) const int S23 = FROM_PUSH_CONSTANT;
layout(constant_id = 34) const int S24 = FROM_PUSH_CONSTANT;
layout(constant_id = 35) const int S25 = FROM_PUSH_CONSTANT;
layout(constant_id = 36) const int S26 = FROM_PUSH_CONSTANT;
layout(constant_id = 37) const int S27 = FROM_PUSH_CONSTANT;
layout(constant_id = 38) const int S28 = FROM_PUSH_CONSTANT;
layout(constant_id = 39) const int S29 = FROM_PUSH_CONSTANT;

// Parameter i (a literal): the specialization constant when it was given, else the push constant. The driver folds the choice.
#define P(i) (S##i != FROM_PUSH_CONSTANT ? S##i : push.v[i])
#define IS_CONSTANT(i) (S##i != FROM_PUSH_CONSTANT)

// Numbers that are always known when the pipeline is made: tile sizes, modes.
layout(constant_id = 80) const int G0 = 0;
layout(constant_id = 81) const int G1 = 0;
layout(constant_id = 82) const int G2 = 0;
layout(constant_id = 83) const int G3 = 0;
layout(constant_id = 84) const int G4 = 0;
layout(constant_id = 85) const int G5 = 0;
layout(constant_id = 86) const int G6 = 0;
layout(constant_id = 87) const int G7 = 0;
layout(constant_id = 88) const int G8 = 0;
layout(constant_id = 89) const int G9 = 0;
layout(constant_id = 90) const int G10 = 0;
layout(constant_id = 91) const int G11 = 0;
layout(constant_id = 92) const int G12 = 0;
layout(constant_id = 93) const int G13 = 0;
layout(constant_id = 94) const int G14 = 0;
layout(constant_id = 95) const int G15 = 0;
layout(constant_id = 96) const int G16 = 0;
layout(constant_id = 97) const int G17 = 0;
layout(constant_id = 98) const int G18 = 0;
layout(constant_id = 99) const int G19 = 0;
layout(constant_id = 100) const int G20 = 0;
layout(constant_id = 101) const int G21 = 0;
layout(constant_id = 102) const int G22 = 0;
layout(constant_id = 103) const int G23 = 0;
layout(constant_id = 104) const int G24 = 0;
layout(constant_id = 105) const int G25 = 0;
layout(constant_id = 106) const int G26 = 0;
layout(constant_id = 107) const int G27 = 0;
layout(constant_id = 108) const int G28 = 0;
#define G(i) G##i

// Grids of one dimension are spilled to y above 65535 groups, so the last groups may lie outside: kernels compare with their count.
uint flat_group() { return gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x; }
uint flat_invocation() { return flat_group() * gl_WorkGroupSize.x + gl_LocalInvocationID.x; }

// n / d for 0 <= n < 2^31 - 64 and d >= 1. Integer division is one lane at a time on CPU drivers; this one is not. The first quotient is
// off by rounding, the second one repairs it, the last line what that one rounded.
int quick_div(int n, int d) {
    float divisor = float(d);
    int q = int(float(n) / divisor);
    int s = int(floor(float(n - q * d) / divisor));
    int r = n - (q + s) * d;
    return q + s + (r >= d ? 1 : 0) - (r < 0 ? 1 : 0);
}

// n / d for 0 <= n < SMALL_DIV_END and d >= 1. Compilers do not see before it is too late that d is a constant, and conversions to integers, which their division
// and quick_div() take, are slow on GPUs as well. Added to 2^23 the quotient is rounded to nearest, as GPUs do, into the lowest bits, where it is at most one too large.
#define SMALL_DIV_END (1 << 20)
int small_div(int n, int d) {
    int q = floatBitsToInt(float(n) * (1.0 / float(d)) + 8388608.0) - 0x4b000000;
    return q + (n - q * d >> 31);
}

#extension GL_EXT_control_flow_attributes : require
// for (int i = first; i < end; i += step) BODY, some bodies a round: Mesa's CPU driver silently ends an invocation's loops after 65535 rounds in
// all (tactics/rounds.hpp). The body must not leave the loop, and its commas stand in parentheses.
#define MANY_ROUNDS(i, first, end, step, BODIES, BODY)                                        \
    {                                                                                         \
        int round_ = first;                                                                   \
        for (; round_ < (end) - (BODIES - 1) * (step); round_ += BODIES * (step)) {           \
            [[unroll]] for (int body_ = 0; body_ < BODIES; ++body_) {                         \
                const int i = round_ + body_ * (step);                                        \
                BODY                                                                          \
            }                                                                                 \
        }                                                                                     \
        for (; round_ < (end); round_ += step) {                                              \
            const int i = round_;                                                             \
            BODY                                                                              \
        }                                                                                     \
    }

#endif
