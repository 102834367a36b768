"""Quantized operators of ONNX Runtime's domain com.microsoft."""

from __future__ import annotations

from typing import Any

import numpy as np
from microsoft_case import Array, Case, f, f32, i8, i32, s8, u8, z8

SHAPE = (2, 3, 17)
# A quotient halfway between two steps is rounded the other way when its last bit differs: ONNX Runtime multiplies by
# a reciprocal. The product of two numbers here is 0.012 steps times an integer, which is such a half at odd multiples
# of 125.
ON_A_TIE = 1
# GPUs' own exponential functions are off by some units in the last place, which may carry a quotient over a half.
APPROXIMATED = 1


def binary(op: str, note: str, a: Array, b: Array, *zeros: Array | None, steps: int = 0) -> Case:
    inputs = (a, f(0.02), zeros[0], b, f(0.03), zeros[1], f(0.05), zeros[2])
    return Case(op, note, inputs, constants=(4, 5, 6, 7), steps=steps)


def unary(
    op: str, note: str, x: Array, x_zero: Array, y_zero: Array, scale: float = 0.05, steps: int = 0, **attributes: Any
) -> Case:
    return Case(op, note, (x, f(0.03), x_zero, f(scale), y_zero), attributes, (1, 2, 3, 4), steps=steps)


ELEMENTWISE = [
    *(
        binary(op, "uint8", u8(*SHAPE), u8(*SHAPE, seed=1), z8(128), z8(100), z8(90))
        for op in ("QLinearAdd", "QLinearMul")
    ),
    *(
        binary(op, "int8 broadcast", i8(*SHAPE), i8(3, 1, seed=1), s8(-3), s8(5), s8(0), steps=steps)
        for op, steps in (("QLinearAdd", 0), ("QLinearMul", ON_A_TIE))
    ),
    unary("QLinearSigmoid", "uint8", u8(*SHAPE), z8(128), z8(0), 1 / 256, steps=APPROXIMATED),
    unary("QLinearSigmoid", "int8", i8(*SHAPE), s8(3), s8(-128), 1 / 256, steps=APPROXIMATED),
    unary("QLinearLeakyRelu", "uint8", u8(*SHAPE), z8(128), z8(90), alpha=0.2),
    unary("QLinearLeakyRelu", "int8", i8(*SHAPE), s8(3), s8(-20)),
    unary("QLinearSoftmax", "last axis", u8(*SHAPE), z8(128), z8(0), 1 / 256, steps=APPROXIMATED, axis=-1, opset=13),
    *(
        unary(
            "QLinearSoftmax",
            f"flattens {opset}",
            i8(*SHAPE),
            s8(3),
            s8(-128),
            1 / 256,
            steps=APPROXIMATED,
            axis=1,
            opset=opset,
        )
        for opset in (11, 12)
    ),
]


def where(x: Array, y: Array, c: Array, *parameters: Array) -> Case:
    xs, xz, ys, yz, zs, zz = parameters
    return Case(
        "QLinearWhere",
        f"{x.dtype} {y.shape}",
        (c, x, xs, xz, y, ys, yz, zs, zz),
        constants=(2, 3, 5, 6, 7, 8),
    )


def reduced_mean(axes: tuple[int, ...], keep: bool) -> Any:
    def mean(x: Array, scale: Array, zero: Array, y_scale: Array, y_zero: Array) -> Array:
        y = ((x.astype(np.float64) - float(zero)) * float(scale)).mean(axes, keepdims=keep)
        return np.clip(np.rint(y / float(y_scale)) + float(y_zero), 0, 255).astype(np.uint8)

    return mean


SELECTIONS = [
    where(
        u8(2, 3, 5),
        u8(2, 3, 5, seed=1),
        u8(2, 3, 5, seed=2) > 127,
        f(0.02),
        z8(128),
        f(0.03),
        z8(100),
        f(0.025),
        z8(110),
    ),
    where(i8(2, 3, 5), i8(5, seed=1), u8(3, 1, seed=2) > 127, f(0.02), s8(3), f(0.02), s8(3), f(0.02), s8(3)),
    where(i8(3, 5), np.array(-7, np.int8), u8(3, 5, seed=2) > 127, f(0.02), s8(3), f(0.04), s8(0), f(0.03), s8(-5)),
    *(
        Case(
            "QLinearReduceMean",
            f"{axes} {keep}",
            (u8(3, 5, 7), f(0.02), z8(128), f(0.01), z8(100)),
            {"axes": list(axes), "keepdims": keep},
            (1, 2, 3, 4),
            reference=reduced_mean(axes, keep),
        )
        for axes, keep in [((1,), True), ((-1, 0), False)]
    ),
    Case(
        "QLinearConcat",
        "axis 1",
        (f(0.03), z8(100), u8(2, 3, 5), f(0.02), z8(128), u8(2, 1, 5, seed=1), f(0.03), z8(100)),
        {"axis": 1},
        (0, 1, 3, 4, 6, 7),
    ),
    Case(
        "QLinearConcat",
        "int8",
        (f(0.03), s8(10), i8(3), f(0.02), s8(0), i8(17, seed=1), f(0.05), s8(-10)),
        {"axis": 0},
        (0, 1, 3, 4, 6, 7),
    ),
]


def pooled(op: str, note: str, x: Array, **attributes: Any) -> Case:
    zeros = (s8(3), s8(-5)) if x.dtype == np.int8 else (z8(128), z8(100))
    return Case(op, note, (x, f(0.02), zeros[0], f(0.015), zeros[1]), attributes, (1, 2, 3, 4))


def convolved(note: str, x: Array, w: Array, *, bias: bool, per_map: bool = False, **attributes: Any) -> Case:
    maps = w.shape[0]
    scale = f32(maps, low=0.001, high=0.004) if per_map else f(0.003)
    w_zero = np.zeros(maps if per_map else (), w.dtype)
    zeros = (s8(3), s8(-5)) if x.dtype == np.int8 else (z8(128), z8(100))
    b = (i32(*range(-300, -300 + 100 * maps, 100)),) if bias else ()
    inputs = (x, f(0.02), zeros[0], w, scale, w_zero, f(0.05), zeros[1], *b)
    return Case("QLinearConv", note, inputs, attributes, tuple(range(1, len(inputs))))


WINDOWS = [
    pooled("QLinearAveragePool", "uint8", u8(2, 3, 9, 11), kernel_shape=[3, 2], strides=[2, 1], pads=[1, 0, 1, 1]),
    pooled(
        "QLinearAveragePool",
        "padding counts",
        i8(2, 3, 9, 11),
        kernel_shape=[3, 3],
        pads=[1, 1, 1, 1],
        count_include_pad=1,
    ),
    pooled(
        "QLinearAveragePool", "channels last", u8(2, 9, 11, 3), kernel_shape=[3, 3], strides=[2, 2], channels_last=1
    ),
    pooled("QLinearGlobalAveragePool", "uint8", u8(2, 3, 9, 11)),
    pooled("QLinearGlobalAveragePool", "channels last", u8(2, 9, 11, 3), channels_last=1),
    convolved(
        "channels last", u8(2, 9, 11, 3), i8(5, 3, 3, 3), bias=True, channels_last=1, pads=[1, 1, 1, 1], strides=[2, 1]
    ),
    convolved(
        "channels last per map", u8(1, 7, 5, 4), i8(6, 2, 3, 3), bias=False, per_map=True, channels_last=1, group=2
    ),
    convolved("channels first", u8(2, 3, 9, 11), i8(5, 3, 3, 3), bias=True, pads=[1, 1, 1, 1]),
]

A = u8(2, 5, 17)
B = i8(17, 9, seed=1)
PRODUCTS = [
    Case("MatMulIntegerToFloat", "plain", (A, B, f(0.02), f(0.03)), {}, (1, 3)),
    Case(
        "MatMulIntegerToFloat",
        "zero points and bias",
        (A, B, f(0.02), f(0.03), z8(120), s8(4), f32(9)),
        {},
        (1, 3, 4, 5, 6),
    ),
    Case(
        "MatMulIntegerToFloat",
        "per column",
        (A, B, f(0.02), f32(9, low=0.01, high=0.05), z8(120), i8(9, low=-5, high=5), f32(9)),
        {},
        (1, 3, 4, 5, 6),
    ),
    Case("MatMulIntegerToFloat", "signed", (i8(3, 17), B, f(0.02), f(0.03), s8(5)), {}, (1, 3)),
    Case("DynamicQuantizeMatMul", "plain", (f32(2, 5, 17), B, f(0.03)), {}, (1, 2)),
    Case("DynamicQuantizeMatMul", "zero point and bias", (f32(3, 17), B, f(0.03), s8(4), f32(9)), {}, (1, 2, 3, 4)),
    Case(
        "DynamicQuantizeMatMul",
        "per column",
        (f32(3, 17), B, f32(9, low=0.01, high=0.05), i8(9, low=-5, high=5)),
        {},
        (1, 2, 3),
    ),
    Case(
        "QGemm",
        "float result",
        (u8(5, 17), f(0.02), z8(120), B, f(0.03), s8(0), i32(*range(9))),
        {"alpha": 0.5},
        (1, 2, 3, 4, 5, 6),
    ),
    Case(
        "QGemm",
        "quantized",
        (
            u8(5, 17),
            f(0.02),
            z8(120),
            i8(9, 17),
            f32(9, low=0.01, high=0.05),
            i8(9, low=-5, high=5),
            i32(*range(9)),
            f(0.5),
            z8(99),
        ),
        {"transB": 1},
        (1, 2, 3, 4, 5, 6, 7, 8),
    ),
]


def lstm(
    note: str, direction: str, *, per_column: bool = False, weights: Any = i8, extras: bool = True, **attributes: Any
) -> Case:
    steps, batch, size, hidden = 4, 2, 5, 3
    d = 2 if direction == "bidirectional" else 1
    columns = (d, 4 * hidden) if per_column else (d,)
    zero = np.zeros(columns, np.int8) if weights is i8 else np.full(columns, 128, np.uint8)
    quantized = [f32(*columns, low=0.005, high=0.01), zero, f32(*columns, low=0.005, high=0.01, seed=1), zero]
    more = [
        f32(d, 8 * hidden, seed=4),
        i32(4, 2),
        f32(d, batch, hidden, seed=5, low=-1, high=1),
        f32(d, batch, hidden, seed=6),
        f32(d, 3 * hidden, seed=7),
    ]
    inputs = (
        f32(steps, batch, size),
        weights(d, size, 4 * hidden),
        weights(d, hidden, 4 * hidden, seed=1),
        *(more if extras else [None] * 5),
        *quantized,
    )
    given = {"hidden_size": hidden, "direction": direction, **attributes}
    return Case("DynamicQuantizeLSTM", note, inputs, given, (1, 2, 3, 8, 9, 10, 11), outputs=3, tolerance=1e-5)


QUANTIZED = [
    *ELEMENTWISE,
    *SELECTIONS,
    *WINDOWS,
    *PRODUCTS,
    lstm("forward", "forward", extras=False),
    lstm("reverse", "reverse", weights=u8, extras=False),
    lstm("both", "bidirectional", extras=False, per_column=True),
    lstm("everything", "forward"),
    Case("QuantizeLinear", "uint8", (f32(3, 17), f(0.02), z8(128)), {}, (1, 2)),
    Case("QuantizeLinear", "per axis", (f32(3, 17), f32(3, low=0.01, high=0.05), i8(3)), {"axis": 0}, (1, 2)),
    Case("DequantizeLinear", "int8", (i8(3, 17), f(0.02), s8(3)), {}, (1, 2)),
    Case("DequantizeLinear", "per axis", (u8(3, 17), f32(17, low=0.01, high=0.05), u8(17)), {"axis": 1}, (1, 2)),
]
