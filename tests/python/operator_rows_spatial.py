"""Rows of operators on images: windows, sampling between pixels, regions, and forms of known ones that layers do not have."""

from __future__ import annotations

import numpy as np
from operator_row import Array, Row, f32, i64

_NONE = np.array([], np.float32)


def _grid(*shape: int) -> Array:
    """Places from a little outside of the image to a little outside on the other side."""
    return 1.2 * f32(*shape)


def _regions(count: int, width: float, height: float) -> Array:
    corners = np.sort(np.random.default_rng(3).uniform(0, 1, (count, 2, 2)), axis=1).astype(np.float32)
    return (corners * np.array([width, height], np.float32)).reshape(count, 4)


_RESIZED = [
    ("antialias_linear", {"mode": "linear", "antialias": 1}, i64(1, 3, 5, 6), 18),
    ("antialias_cubic", {"mode": "cubic", "antialias": 1, "exclude_outside": 0}, i64(1, 3, 5, 6), 18),
    ("not_larger", {"mode": "nearest", "keep_aspect_ratio_policy": "not_larger", "axes": [2, 3]}, i64(7, 8), 18),
    ("not_smaller", {"mode": "linear", "keep_aspect_ratio_policy": "not_smaller", "axes": [2, 3]}, i64(7, 8), 18),
    ("symmetric", {"mode": "linear", "coordinate_transformation_mode": "half_pixel_symmetric"}, i64(1, 3, 20, 5), 19),
    ("channels", {"mode": "linear"}, i64(2, 5, 11, 13), 13),
]

SPATIAL: list[Row] = [
    *(
        Row("GridSample", ((2, 3, 7, 9),), {"mode": mode, "padding_mode": padding, "align_corners": align}, (_grid(2, 5, 3, 2),), opset=16, note=f"{mode}_{padding}_{align}", tolerance=2e-5)
        for mode in ("bilinear", "nearest", "bicubic")
        for padding in ("zeros", "border", "reflection")
        for align in (0, 1)
    ),
    Row("GridSample", ((1, 2, 3, 5, 7),), {"mode": "linear"}, (_grid(1, 2, 3, 4, 3),), opset=20, note="volume"),
    Row("GridSample", ((2, 3, 7, 9), (2, 5, 3, 2)), opset=16, low=-1.1, high=1.1, note="data"),
    *(Row("AffineGrid", ((2, 2, 3),), {"align_corners": align}, (i64(2, 3, 5, 7),), opset=20, note=f"align{align}") for align in (0, 1)),
    Row("AffineGrid", ((1, 3, 4),), {}, (i64(1, 1, 3, 5, 7),), opset=20, note="volume"),
    *(Row("Resize", ((1, 3, 11, 13),), attributes, (_NONE, _NONE, sizes), opset=opset, note=note, tolerance=2e-5) for note, attributes, sizes, opset in _RESIZED),
    Row("Resize", ((1, 3, 11, 13), ), {"mode": "linear", "coordinate_transformation_mode": "tf_crop_and_resize", "extrapolation_value": 2.0}, (np.array([0, 0, 0.2, 0.3, 1, 1, 1.1, 0.8], np.float32), _NONE, i64(1, 3, 5, 6)), note="crop"),
    Row("LpPool", ((2, 3, 9, 11),), {"kernel_shape": [3, 2], "strides": [2, 1], "pads": [1, 0, 1, 1]}, note="p2"),
    Row("LpPool", ((1, 3, 17),), {"kernel_shape": [4], "p": 1}, note="1d"),
    Row("GlobalLpPool", ((2, 3, 5, 7),)),
    Row("GlobalLpPool", ((2, 3, 5),), {"p": 3}, low=0.1, note="p3"),
    Row("Col2Im", ((2, 12, 20),), {"strides": [1, 1]}, (i64(5, 6), i64(2, 2)), opset=18),
    Row("Col2Im", ((1, 9, 24),), {"strides": [2, 2], "pads": [1, 1, 1, 2], "dilations": [1, 1]}, (i64(7, 10), i64(3, 3)), opset=18, note="pads"),
    Row("DeformConv", ((1, 4, 7, 8), (6, 2, 3, 3), (1, 18, 5, 6)), {"group": 2}, opset=19, tolerance=2e-5),
    Row("DeformConv", ((1, 4, 7, 8), (3, 4, 2, 3), (1, 24, 5, 8), (3,), (1, 12, 5, 8)), {"offset_group": 2, "pads": [0, 1, 0, 1], "dilations": [2, 1]}, opset=19, note="mask", tolerance=2e-5),
    *(Row("RoiAlign", ((2, 3, 9, 11),), {"output_height": 3, "output_width": 4, "spatial_scale": 0.5, "sampling_ratio": ratio}, (_regions(4, 20, 16), i64(0, 1, 1, 0)), note=f"ratio{ratio}") for ratio in (0, 2)),
    Row("RoiAlign", ((2, 3, 9, 11),), {"output_height": 2, "output_width": 2, "sampling_ratio": 2, "mode": "max"}, (_regions(3, 10, 8), i64(1, 0, 1)), note="max"),
    Row("MaxRoiPool", ((1, 3, 9, 11),), {"pooled_shape": [2, 3]}, (np.concatenate([np.zeros((3, 1), np.float32), np.round(_regions(3, 10, 8))], axis=1),)),
    Row("MaxPool", ((2, 3, 9, 11),), {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}, outputs=2, note="indices"),
    Row("MaxPool", ((1, 2, 6, 7),), {"kernel_shape": [2, 2], "storage_order": 1}, outputs=2, note="column_major"),
    *(Row("MaxPool", ((1, 3, 9, 11),), {"kernel_shape": [3, 2]}, dtype=dtype, low=0, high=120, note=str(np.dtype(dtype))) for dtype in (np.int8, np.uint8)),
    Row("MaxUnpool", ((1, 1, 2, 2),), {"kernel_shape": [2, 2], "strides": [2, 2]}, (i64(5, 7, 13, 15).reshape(1, 1, 2, 2),)),
    Row("Conv", ((2, 4, 9, 8), (6, 2, 3, 3), (6,)), {"group": 2, "strides": [2, 1], "pads": [1, 0, 1, 2]}, note="data", tolerance=2e-5),
    Row("Conv", ((1, 3, 17), (5, 3, 4)), {"auto_pad": "SAME_LOWER", "dilations": [2]}, note="data_1d", tolerance=2e-5),
    Row("ConvTranspose", ((1, 4, 5, 6), (4, 3, 3, 3), (6,)), {"group": 2, "strides": [2, 2], "pads": [1, 1, 0, 1], "output_padding": [1, 0]}, note="data", tolerance=2e-5),
    Row("ConvTranspose", ((1, 2, 7), (2, 3, 3)), {"strides": [2], "output_shape": [14]}, note="data_1d", tolerance=2e-5),
    Row("BatchNormalization", ((2, 6, 5, 7), (6,), (6,), (6,), (6,)), low=0.1, opset=15, note="data"),
    Row("BatchNormalization", ((2, 6, 5, 7), (6,), (6,), (6,), (6,)), {"training_mode": 1, "momentum": 0.8}, outputs=3, low=0.1, opset=15, note="training"),
    Row("LayerNormalization", ((2, 3, 5, 7),), {"axis": 2}, (f32(5, 7), f32(5, 7, seed=1)), outputs=3, note="statistics"),
    *(Row("Pad", ((2, 3, 4, 5),), {"mode": mode}, (i64(1, 2, 1, 2, 1, 1, 2, 3),), note=f"{mode}_all_axes") for mode in ("edge", "reflect")),
    Row("Tile", ((2, 1, 3, 2, 3),), constants=(i64(2, 3, 2, 1, 2),), note="many_axes"),
]  # fmt: skip

_BATCH = (1, 2, 3)
_PLANE = {(0, 2): (3, 8, 17), (0, 3): (4, 9, 11)}
SPATIAL_DYNAMIC: list[Row] = [
    Row("GridSample", ((2, 3, 8, 9), (2, 5, 4, 2)), {"padding_mode": "border"}, opset=16, low=-1.1, high=1.1, dynamic={**_PLANE, (0, 0): _BATCH, (1, 0): _BATCH, (1, 1): (1, 5, 7)}),
    Row("AffineGrid", ((2, 2, 3),), {}, (i64(2, 3, 5, 7),), opset=20, dynamic={(0, 0): (2, 2, 2)}, note="data"),
    Row("Resize", ((1, 3, 8, 9),), {"mode": "cubic", "antialias": 1}, (_NONE, _NONE, i64(1, 3, 6, 7)), opset=18, dynamic={(0, 2): (7, 8, 17), (0, 3): (8, 9, 11)}, tolerance=2e-5, note="antialias"),
    Row("Resize", ((1, 3, 8, 9),), {"mode": "linear", "coordinate_transformation_mode": "half_pixel_symmetric"}, (_NONE, np.array([1, 1, 0.7, 1.3], np.float32)), opset=19, dynamic=_PLANE, tolerance=2e-5, note="symmetric_scales"),
    Row("LpPool", ((1, 4, 8, 9),), {"kernel_shape": [3, 2], "strides": [2, 2], "pads": [1, 0, 1, 0]}, dynamic=_PLANE),
    Row("GlobalLpPool", ((1, 4, 8, 9),), dynamic=_PLANE),
    Row("MaxPool", ((1, 4, 8, 9),), {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1}, outputs=2, dynamic=_PLANE, note="indices"),
    Row("MaxPool", ((1, 4, 8, 9),), {"kernel_shape": [2, 3], "auto_pad": "SAME_UPPER", "strides": [2, 2]}, dtype=np.int8, low=-120, high=120, dynamic=_PLANE, note="same_i8"),
    Row("Conv", ((2, 4, 8, 9), (6, 4, 3, 3)), {"strides": [2, 1], "pads": [1, 1, 1, 1]}, dynamic={(0, 0): _BATCH, **_PLANE}, note="data", tolerance=2e-5),
    Row("ConvTranspose", ((1, 4, 8, 9), (4, 3, 3, 3)), {"strides": [2, 2], "pads": [1, 1, 1, 1]}, dynamic=_PLANE, note="data", tolerance=2e-5),
    Row("DeformConv", ((2, 4, 8, 9), (3, 4, 3, 3), (2, 18, 8, 9)), {"pads": [1, 1, 1, 1]}, opset=19, dynamic={(0, 0): _BATCH, (2, 0): _BATCH}, tolerance=2e-5),
    Row("RoiAlign", ((1, 3, 8, 9), (4, 4)), {"output_height": 2, "output_width": 3, "sampling_ratio": 2}, (i64(0, 0, 0, 0),), low=0, high=8, dynamic=_PLANE),
    Row("BatchNormalization", ((2, 5, 8, 9), (5,), (5,), (5,), (5,)), low=0.1, opset=15, dynamic=_PLANE, note="data"),
    Row("LayerNormalization", ((2, 5, 8, 9),), {"axis": 3}, (f32(9),), outputs=3, dynamic={(0, 0): _BATCH, (0, 2): (1, 8, 17)}, note="statistics"),
    Row("Pad", ((2, 3, 8, 9),), {"mode": "reflect"}, (i64(1, 2, 1, 2, 1, 1, 2, 3),), dynamic=_PLANE, note="all_axes"),
]  # fmt: skip
