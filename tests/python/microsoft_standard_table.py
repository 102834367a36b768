"""Operators of ONNX Runtime's domain com.microsoft that nearly equal ones of the default domain."""

from __future__ import annotations

import numpy as np
from microsoft_case import Array, Case, f32, i32, u8


def i64(*values: int) -> Array:
    return np.array(values, np.int64)


def regular(*shape: int) -> Array:
    """Matrices with an inverse: rounding is not made much of."""
    return f32(*shape, low=-0.3, high=0.3) + np.eye(shape[-1], dtype=np.float32)


def in_parts(x: Array) -> Array:
    return np.stack([x.real, x.imag], -1)


def convolved(x: Array, w: Array, b: Array) -> Array:
    x = np.pad(x.astype(np.float64), ((0, 0), (1, 1), (1, 1), (0, 0)))
    return np.asarray(
        np.einsum("nhwcij,ocij->nhwo", np.lib.stride_tricks.sliding_window_view(x, (3, 3), (1, 2)), w) + b
    )


IMAGE = f32(2, 3, 5, 7)
GRID = f32(2, 4, 3, 2, seed=1, low=-1.2, high=1.2)
STANDARD = [
    Case("Pad", "constant", (f32(3, 5), i64(1, 0, 2, 3), np.array([1.5], np.float32)), {"mode": "constant"}, (1, 2)),
    Case("Pad", "reflect", (f32(3, 5), i64(1, 2, 0, 3)), {"mode": "reflect"}, (1,)),
    Case("Pad", "edge, row of pads", (f32(3, 5), i64(1, 2, 0, 3).reshape(1, 4)), {"mode": "edge"}, (1,)),
    Case("Pad", "pads as data", (f32(3, 5), i64(1, 0, 2, 3)), {"mode": "constant"}),
    Case("Trilu", "upper", (f32(2, 5, 7),), {"upper": 1}),
    Case("Trilu", "lower", (f32(2, 5, 7), np.array(-1, np.int64)), {"upper": 0}, (1,)),
    Case("Range", "vectors", (i32(3), i32(17), i32(5)), {}, (0, 1, 2)),
    Case("Range", "without delta", (np.array(2.0, np.float32), np.array(6.5, np.float32)), {}, (0, 1)),
    Case("Unique", "floats", (np.array([2, 1, 1, 3, 4, 3, 2], np.float32),), outputs=3),
    Case("GatherND", "rows", (f32(3, 5, 7), i64(0, 1, 2, 4, 1, 0).reshape(3, 2))),
    Case("GatherND", "elements", (f32(3, 5), i32(0, 1, 2, 4).reshape(2, 2))),
    Case("ExpandDims", "front", (f32(3, 5), np.array(0, np.int32)), {}, (1,)),
    Case("ExpandDims", "from the end", (f32(3, 5), np.array(-2, np.int32)), {}, (1,)),
    *(
        Case(
            "GridSample",
            f"{mode} {padding} {corners}",
            (IMAGE, GRID),
            {"mode": mode, "padding_mode": padding, "align_corners": corners},
            tolerance=1e-4,  # positions are rounded to 1e-7 of the image, beside slopes of its whole range in one pixel
        )
        for mode, padding, corners in [
            ("bilinear", "zeros", 0),
            ("bilinear", "border", 1),
            ("nearest", "reflection", 0),
            ("bicubic", "zeros", 1),
        ]
    ),
    Case("Rfft", "one axis", (f32(2, 3, 9),), {"signal_ndim": 1}, reference=lambda x: in_parts(np.fft.rfft(x))),
    Case("Rfft", "two axes", (f32(2, 5, 8),), {"signal_ndim": 2}, reference=lambda x: in_parts(np.fft.rfft2(x))),
    Case(
        "Irfft",
        "one axis",
        (f32(2, 5, 2),),
        {"signal_ndim": 1},
        reference=lambda x: np.fft.irfft(x[..., 0] + 1j * x[..., 1]),
    ),
    Case(
        "Irfft",
        "two axes",
        (f32(3, 5, 5, 2),),
        {"signal_ndim": 2},
        reference=lambda x: np.fft.irfft2(x[..., 0] + 1j * x[..., 1]),
    ),
    Case(
        "NhwcConv",
        "bias",
        (f32(1, 5, 7, 3), f32(4, 3, 3, 3, seed=1), f32(4, seed=2)),
        {"pads": [1, 1, 1, 1]},
        (1, 2),
        reference=convolved,
    ),
    Case("Inverse", "one", (regular(5, 5),), tolerance=3e-5),
    Case("Inverse", "batch", (regular(3, 1, 7, 7),), tolerance=3e-5),
    Case("CDist", "euclidean", (f32(5, 7), f32(3, 7, seed=1)), {"metric": "euclidean"}),
    # ONNX Runtime subtracts products from squares: digits are lost where vectors are near each other.
    Case("CDist", "squared", (f32(17, 3), f32(1, 3, seed=1)), {"metric": "sqeuclidean"}),
    Case("NhwcMaxPool", "uint8", (u8(2, 9, 11, 3),), {"kernel_shape": [3, 2], "strides": [2, 1], "pads": [1, 0, 1, 1]}),
    Case(
        "CausalConvWithState",
        "silu",
        (f32(2, 5, 9), f32(5, 1, 4, seed=1), f32(5, seed=2), f32(2, 5, 3, seed=3)),
        {"activation": "silu"},
        outputs=2,
    ),
    Case("CausalConvWithState", "first", (f32(2, 5, 9), f32(5, 1, 4, seed=1)), outputs=2),
]
