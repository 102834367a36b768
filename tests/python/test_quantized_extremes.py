"""Products of 8-bit integers at the ends of what they may be: ties, and sums that float32 does not hold."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper
from test_quantized import F, _quantize, _run, _sums


@pytest.mark.parametrize("level", [0, 3])
def test_ties_are_rounded_before_an_odd_zero_point_is_added(level: int) -> None:
    """Scales that are powers of two: half of the quotients lie in the middle between two integers."""
    rng = np.random.default_rng(1)
    x = rng.integers(-8, 8, (1, 16, 9, 9)).astype(np.int8)
    w = rng.integers(-3, 4, (32, 16, 1, 1)).astype(np.int8)
    nodes = [
        helper.make_node("DequantizeLinear", ["x", "xs"], ["xf"]),
        helper.make_node("DequantizeLinear", ["w", "ws"], ["wf"]),
        helper.make_node("Conv", ["xf", "wf"], ["c"]),
        helper.make_node("QuantizeLinear", ["c", "ys", "yz"], ["y"]),
    ]
    constants = {"w": w, "ws": F(0.5), "xs": F(0.5), "ys": F(0.5), "yz": np.int8(3)}
    expected = _quantize(_sums(x, w, 1, 0, 1, 1).astype(F) * F(0.25), 0.5, 3, np.int8)
    np.testing.assert_array_equal(_run(nodes, {"x": x}, constants, ("y", TensorProto.INT8), level=level), expected)


@pytest.mark.parametrize("level", [0, 3])
@pytest.mark.parametrize("channels", [515, 777, 2001])
def test_sums_that_float32_does_not_hold_are_exact(channels: int, level: int) -> None:
    """255 times 127 times the channels: more than 2^24, and odd."""
    x = np.full((1, channels, 3, 5), 255, np.uint8)
    x[0, 0] = 254
    w = np.full((8, channels, 1, 1), 127, np.int8)
    w[::2] = -127
    convolution = [helper.make_node("ConvInteger", ["x", "w"], ["y"])]
    actual = _run(convolution, {"x": x}, {"w": w}, ("y", TensorProto.INT32), level=level)
    np.testing.assert_array_equal(actual, _sums(x, w, 1, 0, 1, 1))
    a, b = np.ascontiguousarray(x[0, :, 0].T), np.ascontiguousarray(w[:, :, 0, 0].T)
    product = [helper.make_node("MatMulInteger", ["a", "b"], ["y"])]
    actual = _run(product, {"a": a}, {"b": b}, ("y", TensorProto.INT32), level=level)
    np.testing.assert_array_equal(actual, a.astype(np.int64) @ b.astype(np.int64))
