// int64 as two 32-bit words (low, high): needs no shaderInt64, so plans that compute with it run on every device. Wraps like int64_t.
#define INT uvec2

uvec2 int_of(int x) { return uvec2(uint(x), x < 0 ? 0xffffffffu : 0u); }

uvec2 int_of(float x) { return float_to_long(x); }

// The nearest int.
int saturated(uvec2 a) {
    bool fits = int(a.y) == int(a.x) >> 31;
    return fits ? int(a.x) : int(a.y) < 0 ? -2147483647 - 1 : 2147483647;
}

uvec2 long_add(uvec2 a, uvec2 b) {
    uint low = a.x + b.x;
    return uvec2(low, a.y + b.y + uint(low < a.x));
}

uvec2 long_sub(uvec2 a, uvec2 b) { return uvec2(a.x - b.x, a.y - b.y - uint(a.x < b.x)); }

uvec2 long_negated(uvec2 a) { return long_sub(uvec2(0u), a); }

uvec2 long_mul(uvec2 a, uvec2 b) {
    uint high, low;
    umulExtended(a.x, b.x, high, low);
    return uvec2(low, high + a.x * b.y + a.y * b.x);
}

bool unsigned_less(uvec2 a, uvec2 b) { return a.y < b.y || a.y == b.y && a.x < b.x; }

bool long_negative(uvec2 a) { return int(a.y) < 0; }

bool long_less(uvec2 a, uvec2 b) { return a.y == b.y ? a.x < b.x : int(a.y) < int(b.y); }

uvec2 long_abs(uvec2 a) { return long_negative(a) ? long_negated(a) : a; }

uvec2 doubled(uvec2 a, uint bit) { return uvec2(a.x << 1 | bit, a.y << 1 | a.x >> 31); }

// Bit by bit, as on paper; 0 for b = 0.
uvec2 long_div(uvec2 a, uvec2 b) {
    if (b == uvec2(0u)) return uvec2(0u);
    uvec2 quotient = long_abs(a); // its bits leave on the left, the quotient's come in on the right
    uvec2 divisor = long_abs(b);
    uvec2 rest = uvec2(0u);
    for (int i = 0; i < 64; ++i) {
        rest = doubled(rest, quotient.y >> 31);
        bool goes = !unsigned_less(rest, divisor);
        rest = goes ? long_sub(rest, divisor) : rest;
        quotient = doubled(quotient, uint(goes));
    }
    return long_negative(a) != long_negative(b) ? long_negated(quotient) : quotient;
}

// Numbers of PointwiseOp.
uvec2 pw_int_apply(int op, uvec2 a, uvec2 b, uvec2 c) {
    const uvec2 zero = uvec2(0u);
    uvec2 r = a;
    switch (op) {
    case 1: r = long_add(a, b); break;
    case 2: r = long_sub(a, b); break;
    case 3: r = long_mul(a, b); break;
    case 4: r = long_div(a, b); break;
    case 5: r = long_less(a, b) ? b : a; break;
    case 6: r = long_less(a, b) ? a : b; break;
    case 8: {
        uvec2 q = long_div(a, b);
        bool rest = b != zero && long_mul(q, b) != a;
        r = rest && long_negative(a) != long_negative(b) ? long_sub(q, uvec2(1u, 0u)) : q;
        break;
    }
    case 10: r = uvec2(uint(a == b), 0u); break;
    case 11: r = uvec2(uint(long_less(b, a)), 0u); break;
    case 12: r = uvec2(uint(long_less(a, b)), 0u); break;
    case 13: r = uvec2(uint(a != zero && b != zero), 0u); break;
    case 14: r = uvec2(uint(a != zero || b != zero), 0u); break;
    case 15: r = uvec2(uint((a != zero) != (b != zero)), 0u); break;
    case 20: r = long_negative(a) ? zero : a; break;
    case 34: r = long_abs(a); break;
    case 35: r = long_negated(a); break;
    case 50: r = uvec2(uint(a == zero), 0u); break;
    case 51: r = long_negative(a) ? uvec2(0xffffffffu) : uvec2(uint(a != zero), 0u); break;
    case 62: r = a != zero ? b : c; break;
    case PW_SWITCH: break;
    }
    return r;
}
