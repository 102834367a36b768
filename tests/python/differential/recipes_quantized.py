"""Quantized operators: integers with scales and zero points."""

from __future__ import annotations

from typing import Any

import numpy as np

from .draw import Call, Draw, Value, extent
from .recipe import Recipe

_BYTES = (np.int8, np.uint8)


def zero_point(d: Draw, dtype: Any, shape: tuple[int, ...] = ()) -> Value:
    return d.constant(d.array(dtype, shape, -9, 9))


def quantize(d: Draw, x: Value) -> Call:
    """Per tensor or per axis. Powers of two as scales: then no quotient is near a rounding border by rounding alone."""
    shape: tuple[int, ...] = ()
    attributes: dict[str, Any] = {}
    if d.opset >= 13 and x.rank and d.chance(0.4):
        axis = d.axis(x.rank)
        shape, attributes = (extent(x.dims[axis]),), {"axis": axis}
    scale = d.constant(np.asarray(2.0 ** d.rng.integers(-6, -1, shape), x.dtype))
    inputs = [x, scale]
    if d.chance(0.7):
        inputs.append(zero_point(d, d.pick(_BYTES), shape))
    return Call("QuantizeLinear", inputs, attributes)


def dequantize(d: Draw, x: Value) -> Call:
    shape: tuple[int, ...] = ()
    attributes: dict[str, Any] = {}
    if d.opset >= 13 and x.rank and d.chance(0.4):
        axis = d.axis(x.rank)
        shape, attributes = (extent(x.dims[axis]),), {"axis": axis}
    inputs = [x, d.constant(d.array(np.float32, shape, 0.01, 0.2))]
    if x.dtype is not np.int32 and d.chance(0.6):
        inputs.append(zero_point(d, x.dtype, shape))
    return Call("DequantizeLinear", inputs, attributes)


def matmul_integer(d: Draw, x: Value) -> Call:
    other = d.pick(_BYTES)
    inputs: list[Value | None] = [x, d.operand(other, (x.dims[-1], d.dim(9)), -99, 99)]
    if d.chance(0.6):
        inputs.append(zero_point(d, x.dtype))
        if d.chance(0.6):
            inputs.append(zero_point(d, other))
    return Call("MatMulInteger", inputs)


def conv_integer(d: Draw, x: Value) -> Call:
    k = [d.integer(1, max(1, min(3, min(dim)))) for dim in x.dims[2:]]
    # ONNX Runtime's kernel takes uint8 activations; weights of either type.
    inputs: list[Value | None] = [x, d.weights(d.array(np.uint8, (d.integer(1, 5), extent(x.dims[1]), *k), 0, 99))]
    if d.chance(0.5):
        inputs.append(zero_point(d, x.dtype))
    return Call(
        "ConvInteger",
        inputs,
        d.some({"strides": [d.integer(1, 2) for _ in k], "pads": [k_i // 2 for _ in range(2) for k_i in k]}),
    )


def qlinear_matmul(d: Draw, x: Value) -> Call:
    def scaled(dtype: Any) -> list[Value]:
        return [d.constant(2.0 ** d.integer(-6, -3), np.float32), zero_point(d, dtype)]

    return Call(
        "QLinearMatMul",
        [x, *scaled(x.dtype), d.operand(x.dtype, (x.dims[-1], d.dim(9)), -99, 99), *scaled(x.dtype), *scaled(x.dtype)],
    )


QUANTIZED = [
    Recipe("QuantizeLinear", quantize, ranks=(0, 5), types=(np.float32,), since=10, steady=lambda inputs: False),
    Recipe("DequantizeLinear", dequantize, ranks=(0, 5), low=-99, high=99, since=10, weight=0.3),
    Recipe("DynamicQuantizeLinear", lambda d, x: Call("DynamicQuantizeLinear", [x], {}, 3), ranks=(1, 4), since=11, steady=lambda inputs: False, weight=0),
    Recipe("MatMulInteger", matmul_integer, ranks=(2, 4), low=-99, high=99, since=10, weight=0.3),
    Recipe("ConvInteger", conv_integer, ranks=(3, 4), types=(np.uint8,), low=0, high=99, since=10, weight=0.3),
    Recipe("QLinearMatMul", qlinear_matmul, ranks=(2, 4), low=-99, high=99, types=_BYTES, since=10, weight=0),
]  # fmt: skip
