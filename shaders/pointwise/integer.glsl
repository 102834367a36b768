// The integer half of pointwise programs: exact for INT.
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
        INT immediate = int_of(intBitsToFloat(immediates[i]));
        INT a = PW_ARGUMENT((code >> 8) & 255);
        INT b = PW_ARGUMENT((code >> 16) & 255);
        INT c = PW_ARGUMENT((code >> 24) & 255);
        r = pw_int_apply(code & 255, a, b, c);
        v[i + 1] = r;
    }
    return r;
}
