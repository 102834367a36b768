// Storage buffers of floats, or, in variants with HALF defined (they need 16-bit storage), of floats or halves by a constant. Values are
// always floats in registers.
//
//   STORAGE(3, writeonly, y)           declares binding 3
//   LOAD(x, half, i)  LOAD4(x, half, i)     element i, or elements 4i .. 4i + 3; `half` is a specialization constant
//   STORE(y, half, i, value)  STORE4(y, half, i, value)
#ifndef TENSORVK_STORAGE
#define TENSORVK_STORAGE

#ifdef HALF
#define STORAGE(slot, access, name)                                             \
    layout(set = 0, binding = slot) access buffer name##F { float name##_f[]; };     \
    layout(set = 0, binding = slot) access buffer name##F4 { vec4 name##_f4[]; };    \
    layout(set = 0, binding = slot) access buffer name##H { float16_t name##_h[]; }; \
    layout(set = 0, binding = slot) access buffer name##H4 { f16vec4 name##_h4[]; };
#define LOAD(name, half, i) ((half) ? float(name##_h[i]) : name##_f[i])
#define LOAD4(name, half, i) ((half) ? vec4(name##_h4[i]) : name##_f4[i])
#define STORE(name, half, i, value) { if (half) name##_h[i] = float16_t(value); else name##_f[i] = value; }
#define STORE4(name, half, i, value) { if (half) name##_h4[i] = f16vec4(value); else name##_f4[i] = value; }
#else
#define STORAGE(slot, access, name)                                          \
    layout(set = 0, binding = slot) access buffer name##F { float name##_f[]; };  \
    layout(set = 0, binding = slot) access buffer name##F4 { vec4 name##_f4[]; };
#define LOAD(name, half, i) (name##_f[i])
#define LOAD4(name, half, i) (name##_f4[i])
#define STORE(name, half, i, value) { name##_f[i] = value; }
#define STORE4(name, half, i, value) { name##_f4[i] = value; }
#endif

#endif
