"""Quantize and dequantize layers change places with others only where every number stays what it was."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from engines import Array
from test_operator_forms import f, i8, run

ONE = "float s = {0.1}, uint8 z = {0}, int8 q = {0}"
PADS = "int64[4] p = {0, 1, 0, 1}"
INTEGERS = i8([-3, -1, 0, 2, 30, 127])
NUMBERS = INTEGERS * np.float32(0.1)


@pytest.mark.parametrize(
    ("graph", "x", "expected"),
    [
        pytest.param(
            f"(float[1, 2] x) => (uint8[] y) <float s = {{0.1}}, uint8 t = {{10}}, {PADS}>"
            " { a = Pad(x, p) y = QuantizeLinear(a, s, t) }",
            f([1, 2]),
            [[[10, 20, 30, 10]]],
            id="padding is quantized too",
        ),
        pytest.param(
            f"(float[1, 2] x) => (uint8[] y) <float s = {{0.1}}, uint8 t = {{10}}, {PADS}, float v = {{1000}}>"
            " { a = Pad(x, p, v) y = QuantizeLinear(a, s, t) }",
            f([1, 2]),
            [[[255, 20, 30, 255]]],
            id="padding saturates",
        ),
        pytest.param(
            f"(float[1, 2] x) => (float[] y, float[] w) <{ONE}>"
            " { a = QuantizeLinear(x, s, z) b = QuantizeLinear(x, s, q)"
            " y = DequantizeLinear(a, s, z) w = DequantizeLinear(b, s, q) }",
            f([-3, 2]),
            [[[0, 2]], [[-3, 2]]],
            id="two types of one tensor",
        ),
        pytest.param(
            f"(int8[1, 6] x) => (float[] y) <{ONE}>"
            " { r = DequantizeLinear(x, s, q) a = QuantizeLinear(r, s, z) y = DequantizeLinear(a, s, z) }",
            INTEGERS,
            [np.maximum(NUMBERS, 0)],
            id="another type",
        ),
        pytest.param(
            f"(int8[1, 6] x) => (float[] y) <{ONE}, {PADS}, float v = {{0.03}}>"
            " { r = DequantizeLinear(x, s, q) a = Pad(r, p, v) y = Neg(a) }",
            INTEGERS,
            [-np.pad(NUMBERS, ((0, 0), (1, 1)), constant_values=0.03)],
            id="padding between two steps",
        ),
        pytest.param(
            f"(int8[1, 6] x) => (float[] y) <{ONE}, float t = {{0.3}}>"
            " { r = DequantizeLinear(x, s, q) g = DequantizeLinear(x, t, q) a = Concat <axis = 1> (r, g) y = Neg(a) }",
            INTEGERS,
            [-np.concatenate([NUMBERS, 3 * NUMBERS], 1)],
            id="parts of two scales",
        ),
        pytest.param(
            f"(float[1, 2] x) => (int8[] y, float[] w) <{ONE}>"
            " { a = Transpose(x) y = QuantizeLinear(a, s, q) w = Neg(a) }",
            f([1, 2]),
            [[[10], [20]], [[-1], [-2]]],
            id="numbers that another layer reads",
        ),
        pytest.param(
            "(float[2, 2] x) => (int8[] y) <float[2] s = {0.1, 0.2}, int8[2] q = {0, 0}>"
            " { a = Transpose(x) y = QuantizeLinear <axis = 1> (a, s, q) }",
            np.float32([[1, 2], [3, 4]]),
            [[[10, 15], [20, 20]]],
            id="turned channels have scales of their own",
        ),
        pytest.param(
            "(float[2, 2] x) => (int8[] y) <float[4] s = {0.1, 0.2, 0.4, 0.5}, int8[4] q = {0, 0, 0, 0},"
            f" {PADS}, float v = {{2}}>"
            " { a = Pad(x, p, v) y = QuantizeLinear <axis = 1> (a, s, q) }",
            np.float32([[1, 2], [3, 4]]),
            [[[20, 5, 5, 4], [20, 15, 10, 4]]],
            id="padded channels have scales of their own",
        ),
    ],
)
def test_moving_a_quantization_changes_no_number(graph: str, x: Array, expected: list[Any]) -> None:
    for actual, reference in zip(run(graph, 13, {"x": x}), expected, strict=True):
        np.testing.assert_allclose(actual, reference, rtol=1e-6, atol=1e-6)  # some roundings to float32
