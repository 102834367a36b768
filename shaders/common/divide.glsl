#ifndef TENSORVK_DIVIDE
#define TENSORVK_DIVIDE

// a / b and a % b for 0 <= a, 0 < b without integer division, which CPU drivers do lane by lane: two float quotients, then the remainder
// tells what rounding did.
ivec2 divide(int a, int b) {
    float inverse = 1.0 / float(b);
    int q = int(float(a) * inverse);
    q += int(floor(float(a - q * b) * inverse));
    int r = a - q * b;
    if (r < 0) { q -= 1; r += b; }
    if (r >= b) { q += 1; r -= b; }
    return ivec2(q, r);
}

#endif
