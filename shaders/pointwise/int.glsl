// int, for programs over types of up to 32 bits. Division by zero gives 0.
#define INT int

int int_of(int x) { return x; }

int int_of(float x) { return int(x); }

int saturated(int a) { return a; }

// Numbers of PointwiseOp.
int pw_int_apply(int op, int a, int b, int c) {
    const int zero = 0;
    int r = a;
    switch (op) {
    case 1: r = a + b; break;
    case 2: r = a - b; break;
    case 3: r = a * b; break;
    case 4: r = b == zero ? zero : a / b; break;
    case 5: r = a > b ? a : b; break;
    case 6: r = a < b ? a : b; break;
    case 8: {
        int q = b == zero ? zero : a / b;
        r = b != zero && q * b != a && (a < zero) != (b < zero) ? q - 1 : q;
        break;
    }
    case 10: r = int(a == b); break;
    case 11: r = int(a > b); break;
    case 12: r = int(a < b); break;
    case 13: r = int(a != zero && b != zero); break;
    case 14: r = int(a != zero || b != zero); break;
    case 15: r = int((a != zero) != (b != zero)); break;
    case 20: r = a < zero ? zero : a; break;
    case 34: r = a < zero ? -a : a; break;
    case 35: r = -a; break;
    case 50: r = int(a == zero); break;
    case 51: r = int(a > zero) - int(a < zero); break;
    case 62: r = a != zero ? b : c; break;
    case PW_SWITCH: break;
    }
    return r;
}
