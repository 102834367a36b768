"""Operators that work element by element."""

from __future__ import annotations

from typing import Any

import numpy as np

from .draw import TYPES, Call, Dims, Draw, Redraw, Value, fixed, within
from .recipe import Make, Recipe, apart, differ, onnx_type

_WIDE = 9.0
_BITS = (np.int32, np.int64, np.int8, np.uint8)


def plain(op: str) -> Make:
    return lambda d, x: Call(op, [x])


def with_attributes(op: str, **ranges: tuple[float, float]) -> Make:
    """Real attributes, each drawn from its range or left out."""
    return lambda d, x: Call(op, [x], d.some({name: d.real(*ends) for name, ends in ranges.items()}))


def broadcast_dims(d: Draw, dims: Dims) -> Dims:
    """Extents that broadcast with the given ones: some are 1, leading ones are missing, or new ones are there."""
    partner = [fixed(1) if d.chance(0.25) else (d.dim(7) if dim == fixed(1) and d.chance(0.5) else dim) for dim in dims]
    if d.chance(0.3):
        partner = partner[d.integer(0, len(partner)) :]
    elif len(partner) < 5 and d.chance(0.1):
        partner.insert(0, d.dim(3))
    return tuple(partner)


def partner(d: Draw, x: Value, low: float, high: float, dtype: Any = None) -> Value:
    return d.operand(dtype or x.dtype, broadcast_dims(d, x.dims), low, high)


def binary(op: str, low: float = -2.0, high: float = 2.0) -> Make:
    """The first input may come second, where the range allows it."""

    def make(d: Draw, x: Value) -> Call:
        inputs = [x, partner(d, x, low, high)]
        if d.chance(0.3) and within(x, low, high):
            inputs.reverse()
        return Call(op, inputs)

    return make


def divide(d: Draw, x: Value) -> Call:
    # Integer divisors that are not zero; reals far enough from it.
    return Call("Div", [x, partner(d, x, 1 if x.dtype not in (np.float32, np.float16) else 0.5, _WIDE)])


def modulo(d: Draw, x: Value) -> Call:
    real = x.dtype in (np.float32, np.float16)
    return Call("Mod", [x, partner(d, x, 1, _WIDE)], {"fmod": 1} if real else d.some({"fmod": 1}))


def variadic(op: str) -> Make:
    def make(d: Draw, x: Value) -> Call:
        inputs = [x] + [partner(d, x, -2, 2) for _ in range(d.integer(0, 3))]
        return Call(op, inputs)

    return make


def power(d: Draw, x: Value) -> Call:
    if x.dtype not in (np.float32, np.float16):
        return Call("Pow", [x, partner(d, x, 0, 3)])
    exponent = d.pick([2.0, 3.0, 0.5, -1.0, 1.0, 0.0])
    if d.chance(0.5):
        return Call("Pow", [x, d.constant(exponent, x.dtype)])
    if d.opset >= 12 and d.chance(0.3):
        return Call("Pow", [x, partner(d, x, -2, 3, d.pick([np.int32, np.int64, np.float32]))])
    return Call("Pow", [x, partner(d, x, -2, 2)])


def clip(d: Draw, x: Value) -> Call:
    low, high = d.real(-3, 1), d.real(0, 3)
    if d.opset < 11:
        return Call("Clip", [x], d.some({"min": low, "max": high}))
    if x.dtype is np.uint8:
        low = 1.0
    bounds = [d.maybe(d.constant(np.array(bound).astype(x.dtype))) for bound in (low, high)]
    while bounds and bounds[-1] is None:
        bounds.pop()
    return Call("Clip", [x, *bounds])


def cast(d: Draw, x: Value) -> Call:
    target = d.pick([t for t in TYPES if t is not np.float16 or d.chance(0.5)])
    if np.issubdtype(x.dtype, np.integer) and target in (np.int8, np.uint8):
        return Call("Cast", [x], {"to": onnx_type(target)})  # keeps the low bits
    if target is np.uint8 and not within(x, 0, 255):
        raise Redraw  # undefined by ONNX
    if target in (np.int8, np.uint8, np.float16) and not within(x, -127, 255 if target is np.uint8 else 127):
        raise Redraw
    return Call("Cast", [x], {"to": onnx_type(target)})


def cast_like(d: Draw, x: Value) -> Call:
    target = d.pick([np.float32, np.int32, np.int64, np.bool_])
    return Call("CastLike", [x, d.operand(target, (fixed(2),))])


def where(d: Draw, x: Value) -> Call:
    inputs = [x, partner(d, x, -2, 2)]
    if d.chance(0.5):
        inputs.reverse()
    return Call("Where", [d.operand(np.bool_, broadcast_dims(d, x.dims)), *inputs])


def prelu(d: Draw, x: Value) -> Call:
    # ONNX broadcasts the slope to x, never x to the slope.
    dims = [fixed(1) if d.chance(0.5) else dim for dim in x.dims]
    return Call("PRelu", [x, d.operand(x.dtype, tuple(dims[d.integer(0, len(dims)) :]), -1, 1)])


def dropout(d: Draw, x: Value) -> Call:
    if d.opset < 12:
        return Call("Dropout", [x], d.some({"ratio": 0.3}), d.integer(1, 2))
    inputs = [x, d.constant(0.3, np.float32), d.constant(False, np.bool_)][: d.integer(1, 3)]
    return Call("Dropout", inputs, {}, d.integer(1, 2))


def gelu(d: Draw, x: Value) -> Call:
    return Call("Gelu", [x], d.some({"approximate": d.pick(["none", "tanh"])}))


def is_infinite(d: Draw, x: Value) -> Call:
    return Call("IsInf", [x], d.some({"detect_positive": d.integer(0, 1), "detect_negative": d.integer(0, 1)}))


def shift(d: Draw, x: Value) -> Call:
    return Call("BitShift", [x, partner(d, x, 0, 6)], {"direction": d.pick(["LEFT", "RIGHT"])})


UNARY = {
    "Abs": {}, "Cos": {}, "Erf": {}, "Exp": {}, "HardSwish": {"since": 14}, "Identity": {"weight": 0.3}, "IsNaN": {"since": 9, "weight": 0.2},
    "Mish": {"since": 18}, "Neg": {}, "Not": {"types": (np.bool_,)}, "Relu": {"low": -_WIDE, "high": _WIDE, "weight": 2}, "Sigmoid": {"low": -_WIDE, "high": _WIDE, "weight": 2},
    "Sin": {}, "Sinh": {"since": 9}, "Cosh": {"since": 9}, "Softplus": {}, "Softsign": {}, "Tanh": {"low": -_WIDE, "high": _WIDE},
    "Tan": {"low": -1.2, "high": 1.2}, "Asin": {"low": -0.9, "high": 0.9}, "Acos": {"low": -0.9, "high": 0.9}, "Atan": {}, "Asinh": {"since": 9},
    "Acosh": {"low": 1.1, "high": _WIDE, "since": 9}, "Atanh": {"low": -0.9, "high": 0.9, "since": 9}, "Log": {"low": 0.1, "high": _WIDE}, "Sqrt": {"low": 0.01, "high": _WIDE},
    "Reciprocal": {"low": 0.5, "high": _WIDE}, "Floor": {"steady": apart(1e-3)}, "Ceil": {"steady": apart(1e-3)}, "Round": {"since": 11, "steady": apart(1e-3)},
    "Sign": {"since": 9, "steady": apart(1e-3)}, "BitwiseNot": {"since": 18, "types": _BITS},
}  # fmt: skip

ATTRIBUTED = {
    "Celu": ({"alpha": (0.5, 2.0)}, 12), "Elu": ({"alpha": (0.5, 2.0)}, 7), "LeakyRelu": ({"alpha": (0.01, 0.5)}, 7), "Selu": ({"alpha": (0.5, 2.0), "gamma": (0.5, 2.0)}, 7),
    "HardSigmoid": ({"alpha": (0.1, 0.5), "beta": (0.2, 0.8)}, 7), "Swish": ({"alpha": (0.5, 2.0)}, 24),
}  # fmt: skip

POINTWISE = [
    *(Recipe(op, plain(op), **options) for op, options in UNARY.items()),
    *(Recipe(op, with_attributes(op, **ranges), since=since) for op, (ranges, since) in ATTRIBUTED.items()),
    # They jump at alpha and lambd; margins as for rounding.
    Recipe("ThresholdedRelu", with_attributes("ThresholdedRelu", alpha=(0.5, 1.5)), since=10, weight=0),
    Recipe("Shrink", with_attributes("Shrink", lambd=(0.3, 0.8), bias=(0.0, 0.4)), since=9, weight=0),
    Recipe("Gelu", gelu, since=20),
    Recipe("IsInf", is_infinite, since=10, weight=0.2),
    *(Recipe(op, binary(op), weight=2) for op in ("Add", "Sub", "Mul")),
    Recipe("Div", divide, low=-_WIDE, high=_WIDE),
    *(Recipe(op, variadic(op)) for op in ("Max", "Min", "Sum", "Mean")),
    Recipe("Mod", modulo, low=0, high=_WIDE, since=10, steady=lambda inputs: inputs[0].dtype.kind != "f"),
    Recipe("Pow", power, low=0.3, high=3.0, tolerance=5e-5),
    Recipe("Clip", clip),
    Recipe("Cast", cast, low=-300, high=300, since=9, steady=apart(1e-3)),
    Recipe("CastLike", cast_like, since=15, steady=apart(1e-3), weight=0.3),
    Recipe("Where", where, since=9),
    Recipe("PRelu", prelu, ranks=(1, 5)),
    Recipe("Dropout", dropout, weight=0.3),
    *(Recipe(op, binary(op), types=(np.bool_,)) for op in ("And", "Or", "Xor")),
    *(Recipe(op, binary(op), since=7, steady=differ(1e-3)) for op in ("Equal", "Greater", "Less")),
    *(Recipe(op, binary(op), since=12, steady=differ(1e-3)) for op in ("GreaterOrEqual", "LessOrEqual")),
    *(Recipe(op, binary(op, -99, 99), since=18, types=_BITS, low=-99, high=99, weight=0.3) for op in ("BitwiseAnd", "BitwiseOr", "BitwiseXor")),
    Recipe("BitShift", shift, since=11, types=(np.uint8,), high=99, weight=0.1),
]  # fmt: skip
