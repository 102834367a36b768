// Activations of recurrent layers: a pointwise program whose slots stand each alone, one for each activation of each direction. Where both directions
// have the same, the driver folds the choice away.
#ifndef TENSORVK_RECURRENT_ACTIVATION
#define TENSORVK_RECURRENT_ACTIVATION

#include "common/pointwise_math.glsl"

layout(constant_id = 40) const int CODE0 = 0;
layout(constant_id = 41) const int ALPHA0 = 0;
layout(constant_id = 42) const int CODE1 = 0;
layout(constant_id = 43) const int ALPHA1 = 0;
layout(constant_id = 44) const int CODE2 = 0;
layout(constant_id = 45) const int ALPHA2 = 0;
layout(constant_id = 46) const int CODE3 = 0;
layout(constant_id = 47) const int ALPHA3 = 0;
layout(constant_id = 48) const int CODE4 = 0;
layout(constant_id = 49) const int ALPHA4 = 0;
layout(constant_id = 50) const int CODE5 = 0;
layout(constant_id = 51) const int ALPHA5 = 0;

// Numbers of PointwiseOp (cpp/src/kernels/pointwise_program.hpp), those that tactics/recurrent.cpp lists.
float activated(int code, float alpha, float x) {
    switch (code & 255) {
    case 20: return x < 0.0 ? 0.0 : x; // keeps NaN
    case 21: return pw_sigmoid(vec4(x)).x;
    case 22: return pw_tanh(vec4(x)).x;
    case 23: return x >= 0.0 ? x : alpha * pw_expm1(vec4(x)).x;
    case 24: return x / (1.0 + abs(x));
    case 25: return pw_softplus(vec4(x)).x;
    case 60: return x >= 0.0 ? x : alpha * x;
    case 61: return x > alpha ? x : 0.0;
    }
    return x;
}

float activation(int slot, float x) {
    int code = slot == 0 ? CODE0 : slot == 1 ? CODE1 : slot == 2 ? CODE2 : slot == 3 ? CODE3 : slot == 4 ? CODE4 : CODE5;
    int alpha = slot == 0 ? ALPHA0 : slot == 1 ? ALPHA1 : slot == 2 ? ALPHA2 : slot == 3 ? ALPHA3 : slot == 4 ? ALPHA4 : ALPHA5;
    return activated(code, intBitsToFloat(alpha), x);
}

#endif
