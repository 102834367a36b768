// The integer half of pointwise programs: exact for INT (int or int64_t). Division by zero gives 0.
INT pw_int_apply(int op, INT a, INT b, INT c) {
    const INT zero = INT(0);
    INT r = a;
    switch (op) {
    case 1: r = a + b; break;
    case 2: r = a - b; break;
    case 3: r = a * b; break;
    case 4: r = b == zero ? zero : a / b; break;
    case 5: r = a > b ? a : b; break;
    case 6: r = a < b ? a : b; break;
    case 8: {
        INT q = b == zero ? zero : a / b;
        r = q * b != a && (a < zero) != (b < zero) ? q - INT(1) : q;
        break;
    }
    case 10: r = INT(a == b); break;
    case 11: r = INT(a > b); break;
    case 12: r = INT(a < b); break;
    case 13: r = INT(a != zero && b != zero); break;
    case 14: r = INT(a != zero || b != zero); break;
    case 15: r = INT((a != zero) != (b != zero)); break;
    case 20: r = a < zero ? zero : a; break;
    case 34: r = a < zero ? -a : a; break;
    case 35: r = -a; break;
    case 50: r = INT(a == zero); break;
    case 51: r = INT(a > zero) - INT(a < zero); break;
    case 62: r = a != zero ? b : c; break;
    }
    return r;
}

INT pointwise_int(INT value, INT op0, INT op1, INT op2, INT op3) {
    const int codes[12] = int[](PW_CODE0, PW_CODE1, PW_CODE2, PW_CODE3, PW_CODE4, PW_CODE5,
                                PW_CODE6, PW_CODE7, PW_CODE8, PW_CODE9, PW_CODE10, PW_CODE11);
    const int immediates[12] = int[](PW_IMM0, PW_IMM1, PW_IMM2, PW_IMM3, PW_IMM4, PW_IMM5,
                                     PW_IMM6, PW_IMM7, PW_IMM8, PW_IMM9, PW_IMM10, PW_IMM11);
    INT v[17];
    v[0] = value;
    v[13] = op0;
    v[14] = op1;
    v[15] = op2;
    v[16] = op3;
    INT r = value;
    [[unroll]] for (int i = 0; i < PW_COUNT; ++i) {
        int code = codes[i];
        INT immediate = INT(intBitsToFloat(immediates[i]));
        INT a = PW_ARGUMENT((code >> 8) & 255);
        INT b = PW_ARGUMENT((code >> 16) & 255);
        INT c = PW_ARGUMENT((code >> 24) & 255);
        r = pw_int_apply(code & 255, a, b, c);
        v[i + 1] = r;
    }
    return r;
}
