// Element-wise functions whose built-in form is inexact for large or special arguments, or missing. All on vec4: drivers drop the
// components that nobody uses.
#ifndef TENSORVK_POINTWISE_MATH
#define TENSORVK_POINTWISE_MATH

// Mesa's driver for CPUs makes anything of a division by a constant 0, and 0 of a constant 0 that is divided: IEEE 754's results, by their bits.
vec4 pw_div(vec4 a, vec4 b) {
    uvec4 infinite = ((floatBitsToUint(a) ^ floatBitsToUint(b)) & 0x80000000u) | 0x7f800000u;
    bvec4 none = bvec4(uvec4(equal(a, vec4(0.0))) | uvec4(isnan(a)));
    vec4 by_zero = uintBitsToFloat(mix(infinite, uvec4(0x7fc00000u), none));
    return mix(mix(a / b, by_zero, equal(b, vec4(0.0))), b, isnan(b));
}

vec4 pw_sigmoid(vec4 x) {
    vec4 e = exp(-abs(x)); // never overflows
    vec4 r = 1.0 / (1.0 + e);
    return mix(e * r, r, greaterThanEqual(x, vec4(0.0)));
}

vec4 pw_tanh(vec4 x) {
    vec4 e = exp(-2.0 * abs(x));
    vec4 large = sign(x) * ((1.0 - e) / (1.0 + e));
    vec4 s = x * x; // 1 - e loses digits near zero: the series instead
    vec4 small = x * (1.0 + s * (-1.0 / 3.0 + s * (2.0 / 15.0 - s * (17.0 / 315.0))));
    return mix(large, small, lessThan(abs(x), vec4(0.25)));
}

// exp(x) - 1 loses digits near zero: the series instead.
vec4 pw_expm1(vec4 x) {
    vec4 small = x * (1.0 + x * (1.0 / 2.0) * (1.0 + x * (1.0 / 3.0) * (1.0 + x * (1.0 / 4.0) * (1.0 + x * (1.0 / 5.0) * (1.0 + x * (1.0 / 6.0))))));
    return mix(exp(x) - 1.0, small, lessThan(abs(x), vec4(0.3)));
}

vec4 pw_softplus(vec4 x) {
    vec4 e = exp(-abs(x)); // log(1 + e) loses the digits of a small e
    vec4 rest = mix(log(1.0 + e), e * (1.0 - e * (0.5 - e * (1.0 / 3.0 - e * 0.25))), lessThan(e, vec4(0.03)));
    return max(x, vec4(0.0)) + rest;
}

// Abramowitz and Stegun 7.1.26: absolute error below 1.5e-7; the first terms of the series where that would be a large relative error.
vec4 pw_erf(vec4 x) {
    vec4 a = abs(x);
    vec4 t = 1.0 / (1.0 + 0.3275911 * a);
    vec4 p = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
    vec4 large = sign(x) * (1.0 - p * exp(-a * a));
    vec4 s = x * x;
    vec4 small = x * (1.1283791671 + s * (-0.3761263890 + s * (0.1128379167 + s * (-0.0268661706 + s * 0.0052239776))));
    return mix(large, small, lessThan(a, vec4(0.4)));
}

vec4 pw_gelu_erf(vec4 x) { return 0.5 * x * (1.0 + pw_erf(x * 0.70710678118)); }
vec4 pw_gelu_tanh(vec4 x) { return 0.5 * x * (1.0 + pw_tanh(0.79788456080 * (x + 0.044715 * x * x * x))); }

// numpy's power: integral exponents of negative bases, 0 ** 0 = 1, x ** 0.5 through sqrt.
vec4 pw_pow(vec4 a, vec4 b) {
    vec4 magnitude = abs(a);
    vec4 r = exp2(b * log2(magnitude));
    bvec4 integral = equal(floor(b), b);
    vec4 odd = b - 2.0 * floor(0.5 * b); // 1 for odd integers
    r = mix(r, -r, equal(odd * vec4(lessThan(a, vec4(0.0))), vec4(1.0)));
    r = mix(r, vec4(uintBitsToFloat(0x7fc00000u)), equal(vec4(lessThan(a, vec4(0.0))) * vec4(not(integral)), vec4(1.0)));
    r = mix(r, mix(vec4(0.0), vec4(uintBitsToFloat(0x7f800000u)), lessThan(b, vec4(0.0))), equal(a, vec4(0.0)));
    r = mix(r, vec4(1.0), equal(b, vec4(0.0)));
    r = mix(r, a, equal(b, vec4(1.0)));
    r = mix(r, a * a, equal(b, vec4(2.0)));
    r = mix(r, a * a * a, equal(b, vec4(3.0)));
    r = mix(r, sqrt(a), equal(b, vec4(0.5)));
    return mix(r, 1.0 / a, equal(b, vec4(-1.0)));
}

vec4 pw_high_half(vec4 x) { return uintBitsToFloat(floatBitsToUint(x) & 0xfffff000u); }

// a - q * b without a rounding of the product (Dekker, 1971): of halves of 12 bits float32 holds every product. fma() need not be one operation.
vec4 pw_remainder(vec4 a, vec4 q, vec4 b) {
    vec4 qh = pw_high_half(q), bh = pw_high_half(b);
    precise vec4 ql = q - qh;
    precise vec4 bl = b - bh;
    precise vec4 r = (((a - qh * bh) - qh * bl) - ql * bh) - ql * bl;
    return r;
}

// The quotient may be off by rounding, which floor would turn into a whole unit.
vec4 pw_floor_div(vec4 a, vec4 b) {
    vec4 q = floor(pw_div(a, b));
    vec4 r = pw_remainder(a, q, b) * sign(b);
    q = mix(q, q + 1.0, greaterThanEqual(r, abs(b)));
    return mix(q, q - 1.0, lessThan(r, vec4(0.0)));
}

// NaN in either argument gives NaN, as numpy has it.
vec4 pw_max(vec4 a, vec4 b) { return mix(mix(a, b, lessThan(a, b)), b, isnan(b)); }
vec4 pw_min(vec4 a, vec4 b) { return mix(mix(a, b, lessThan(b, a)), b, isnan(b)); }

vec4 pw_round_half_even(vec4 x) { return roundEven(x); }

#ifdef PW_QUANTIZES
const float PW_WHOLE = 12582912.0; // 1.5 * 2^23: what is added to it is rounded to a whole number, whose bits are the lowest
const float PW_DIVISION_ERROR = 9.5367431640625e-7; // 2^-20 of a quotient: more than any device's

// The integer nearest to a / b near ties: a is compared with b * tie, exactly, since b in two halves of 12 bits times a tie of up to 12
// bits is exact, and so are both differences. `gap` is where quotients begin that do not round to the tie.
vec4 pw_quantize_ties(vec4 a, vec4 b) {
    vec4 numerator = abs(a);
    vec4 denominator = abs(b);
    vec4 q = numerator / denominator;
    vec4 tie = floor(q) + 0.5;
    vec4 high = uintBitsToFloat(floatBitsToUint(denominator) & 0xfffff000u);
    precise vec4 rest = numerator - high * tie;
    precise vec4 off = rest - (denominator - high) * tie;
    vec4 gap = denominator * (uintBitsToFloat(floatBitsToUint(tie) & 0x7f800000u) * 5.9604644775390625e-8); // 2^-24
    vec4 below = mix(gap, 0.5 * gap, equal(tie, vec4(0.5))); // quotients lie closer below a power of two
    vec4 down = tie - 0.5;
    vec4 r = mix(down, tie + 0.5, notEqual(fract(0.5 * down), vec4(0.0)));
    r = mix(r, tie + 0.5, greaterThan(off, gap));
    r = mix(r, down, lessThan(off, -below));
    bvec4 clear = greaterThan(abs(q - tie), q * PW_DIVISION_ERROR);
    clear = bvec4(uvec4(clear) | uvec4(greaterThan(q, vec4(2048.0))) | uvec4(isnan(q))); // large ones saturate whatever they are
    r = mix(r, roundEven(q), clear);
    return mix(r, -r, notEqual(lessThan(a, vec4(0.0)), lessThan(b, vec4(0.0))));
}

// The integer nearest to a / b, halves to even, of the quotient as IEEE division rounds it. Devices divide with an error of a few units in the
// last place, which tells only at ties. They are rare, and what tells them apart takes most of the instructions.
vec4 pw_quantize(vec4 a, vec4 b) {
    vec4 q = a / b;
    precise vec4 shifted = q + PW_WHOLE; // rounds, as roundEven() does, which is slow on GPUs; what is too large for it goes on below
    precise vec4 r = shifted - PW_WHOLE;
    vec4 off = abs(q - r) + abs(q) * PW_DIVISION_ERROR;
    if (max(max(off.x, off.y), max(off.z, off.w)) < 0.5) return r;
    return pw_quantize_ties(a, b);
}
#endif

// Drivers may be wrong by 4096 units in the last place in atan, asin and acos. Reduced to at most tan(pi / 8) by atan(x) = pi / 4 + atan((x - 1) / (x + 1))
// and pi / 2 - atan(1 / x); the polynomial is that of atanf in the Cephes library.
vec4 pw_atan(vec4 v) {
    const vec4 x = abs(v);
    const bvec4 middle = greaterThan(x, vec4(0.41421356237)); // tan(pi / 8)
    const bvec4 far = greaterThan(x, vec4(2.41421356237));    // tan(3 pi / 8)
    const vec4 t = mix(mix(x, (x - 1.0) / (x + 1.0), middle), -1.0 / x, far);
    const vec4 start = mix(mix(vec4(0.0), vec4(0.78539816340), middle), vec4(1.57079632679), far);
    const vec4 z = t * t;
    const vec4 series = ((8.05374449538e-2 * z - 1.38776856032e-1) * z + 1.99777106478e-1) * z - 3.33329491539e-1;
    const vec4 magnitude = start + (series * z * t + t);
    return uintBitsToFloat(floatBitsToUint(magnitude) | (floatBitsToUint(v) & uvec4(0x80000000u)));
}
// At 1 the quotients are infinite, as they should.
vec4 pw_asin(vec4 x) { return pw_atan(x / sqrt((1.0 - x) * (1.0 + x))); }
vec4 pw_acos(vec4 x) { return 2.0 * pw_atan(sqrt((1.0 - x) / (1.0 + x))); }

// Drivers may be wrong by 2^-11 in sin and cos, so by anything in tan, and promise nothing beyond [-pi, pi]. Reduced to [-pi / 4, pi / 4] by
// multiples of pi / 2 in three parts, the first two short enough for exact products; the polynomials are those of sinf and cosf in the Cephes library.
struct PwArc {
    vec4 sine, cosine; // of what is left
    vec4 turn;         // quarter turns taken off: 0 to 3
    bvec4 far;         // too many quarter turns for exact products
};
PwArc pw_reduce(vec4 x) {
    const vec4 k = roundEven(x * 0.63661977237);
    precise vec4 r = ((x - k * 1.5703125) - k * 4.837512969970703125e-4) - k * 7.54978995489188216e-8;
    r = mix(r, x, equal(k, vec4(0.0))); // keeps -0
    const vec4 z = r * r;
    PwArc arc;
    arc.sine = ((-1.9515295891e-4 * z + 8.3321608736e-3) * z - 1.6666654611e-1) * z * r + r;
    arc.cosine = ((2.443315711809948e-5 * z - 1.388731625493765e-3) * z + 4.166664568298827e-2) * z * z - 0.5 * z + 1.0;
    arc.turn = k - 4.0 * floor(0.25 * k);
    arc.far = greaterThan(abs(k), vec4(65536.0));
    return arc;
}
vec4 pw_turned(vec4 even, vec4 odd, vec4 turn) {
    const vec4 r = mix(even, odd, equal(fract(0.5 * turn), vec4(0.5)));
    return mix(r, -r, greaterThan(turn, vec4(1.5)));
}
vec4 pw_sin(vec4 x) {
    const PwArc arc = pw_reduce(x);
    return mix(pw_turned(arc.sine, arc.cosine, arc.turn), sin(x), arc.far);
}
vec4 pw_cos(vec4 x) {
    const PwArc arc = pw_reduce(x);
    return mix(pw_turned(arc.cosine, -arc.sine, arc.turn), cos(x), arc.far);
}
vec4 pw_tan(vec4 x) {
    const PwArc arc = pw_reduce(x);
    return mix(mix(arc.sine / arc.cosine, -arc.cosine / arc.sine, equal(fract(0.5 * arc.turn), vec4(0.5))), tan(x), arc.far);
}

// To the nearest float16, ties to even, by integers: a driver may fold packing and unpacking to nothing, and round as it likes.
vec4 pw_round_half(vec4 x) {
    const uvec4 bits = floatBitsToUint(x);
    const uvec4 magnitude = bits & 0x7fffffffu;
    const uvec4 rounded = (magnitude + 0xfffu + ((magnitude >> 13) & 1u)) & 0xffffe000u;
    vec4 r = uintBitsToFloat(rounded);
    r = mix(r, roundEven(abs(x) * 16777216.0) * 5.9604644775390625e-8, lessThan(magnitude, uvec4(0x38800000u))); // subnormal: multiples of 2^-24
    r = mix(r, uintBitsToFloat(uvec4(0x7f800000u)), greaterThanEqual(rounded, uvec4(0x47800000u)));              // from 2^16
    r = mix(r, abs(x), greaterThan(magnitude, uvec4(0x7f800000u)));                                             // NaN
    return uintBitsToFloat(floatBitsToUint(r) | (bits & 0x80000000u));
}

// Differences and logarithms of what is nearly 1 lose digits near zero: the series instead.
vec4 pw_sinh(vec4 x) {
    vec4 s = x * x;
    vec4 small = x * (1.0 + s * (1.0 / 6.0 + s * (1.0 / 120.0 + s * (1.0 / 5040.0))));
    return mix(sinh(x), small, lessThan(abs(x), vec4(0.5)));
}
vec4 pw_asinh(vec4 x) {
    vec4 s = x * x;
    vec4 small = x * (1.0 + s * (-1.0 / 6.0 + s * (3.0 / 40.0 - s * (15.0 / 336.0 - s * (105.0 / 3456.0)))));
    vec4 large = sign(x) * log(abs(x) + sqrt(s + 1.0)); // without the cancellation for negative x
    return mix(large, small, lessThan(abs(x), vec4(0.25)));
}
vec4 pw_atanh(vec4 x) {
    vec4 s = x * x;
    vec4 small = x * (1.0 + s * (1.0 / 3.0 + s * (1.0 / 5.0 + s * (1.0 / 7.0 + s * (1.0 / 9.0)))));
    return mix(atanh(x), small, lessThan(abs(x), vec4(0.25)));
}

#endif
