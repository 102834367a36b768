"""Operators on [N, C, spatial...]: convolution, pooling, resampling; and recurrence and attention over sequences."""

from __future__ import annotations

from typing import Any

import numpy as np

from .draw import Call, Draw, Redraw, Value, extent, fixed
from .recipe import Make, Recipe


def window(d: Draw, x: Value, dilate: bool = True) -> dict[str, Any]:
    """A kernel that fits x in every run, with pads smaller than the kernel."""
    spatial = x.dims[2:]
    kernel = [d.integer(1, min(4, min(dim))) for dim in spatial if min(dim) > 0]
    if len(kernel) != len(spatial):
        raise Redraw
    attributes: dict[str, Any] = {"kernel_shape": kernel}
    if d.chance(0.5):
        attributes["strides"] = [d.integer(1, 3) for _ in kernel]
    if dilate and d.chance(0.3):
        attributes["dilations"] = [
            d.integer(1, 2) if 2 * k <= min(dim) else 1 for k, dim in zip(kernel, spatial, strict=True)
        ]
    if d.chance(0.2):
        attributes["auto_pad"] = d.pick(["SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET"])
        if attributes["auto_pad"].startswith("SAME"):
            attributes.pop("dilations", None)
            # Windows that leave gaps would need padding below zero, which is cut to zero by some and not by others.
            strides = attributes.get("strides", [1] * len(kernel))
            attributes["strides"] = [min(pair) for pair in zip(strides, kernel, strict=True)]
    elif d.chance(0.5):
        attributes["pads"] = [d.integer(0, k - 1) for _ in range(2) for k in kernel]
    return attributes


def conv(d: Draw, x: Value) -> Call:
    attributes = window(d, x)
    c = extent(x.dims[1])
    if c == 0:
        raise Redraw
    group = d.pick([1, 1, c, *(n for n in range(2, c) if c % n == 0)])
    m = group * d.integer(1, 3 if group > 1 else 9)
    w = d.array(x.dtype, (m, c // group, *attributes["kernel_shape"]), -1, 1)
    inputs = [x, d.weights(w) if d.chance(0.9) else d.operand(x.dtype, tuple(fixed(n) for n in w.shape), -1, 1)]
    if d.chance(0.5):
        inputs.append(d.weights(d.array(x.dtype, (m,))))
    if d.chance(0.3):
        del attributes["kernel_shape"]
    return Call("Conv", inputs, attributes | ({"group": group} if group > 1 else {}))


def conv_transpose(d: Draw, x: Value) -> Call:
    attributes = window(d, x)
    attributes.pop("auto_pad", None)
    c = extent(x.dims[1])
    if c == 0:
        raise Redraw
    group = d.pick([1, 1, c, *(n for n in range(2, c) if c % n == 0)])
    m = d.integer(1, 4)
    if "strides" in attributes and d.chance(0.4):
        attributes["output_padding"] = [d.integer(0, s - 1) for s in attributes["strides"]]
    inputs = [x, d.weights(d.array(x.dtype, (c, m, *attributes["kernel_shape"]), -1, 1))]
    if d.chance(0.5):
        inputs.append(d.weights(d.array(x.dtype, (m * group,))))
    return Call("ConvTranspose", inputs, attributes | ({"group": group} if group > 1 else {}))


def pool(op: str) -> Make:
    def make(d: Draw, x: Value) -> Call:
        attributes = window(d, x, (op == "MaxPool" and d.opset >= 10) or d.opset >= 19)
        if "auto_pad" not in attributes and d.opset >= 10:
            attributes |= d.some({"ceil_mode": d.integer(0, 1)})
        if op == "AveragePool":
            attributes |= d.some({"count_include_pad": d.integer(0, 1)})
        # Before its erratum ONNX let a window start in the padding; both sides follow PyTorch's rule only without dilations.
        if attributes.get("ceil_mode"):
            attributes.pop("dilations", None)
        outputs = d.integer(1, 2) if op == "MaxPool" and d.opset >= 8 and "auto_pad" not in attributes else 1
        return Call(op, [x], attributes, outputs)

    return make


def lp_pool(d: Draw, x: Value) -> Call:
    attributes = window(d, x, d.opset >= 18)
    return Call("LpPool", [x], attributes | d.some({"p": d.integer(1, 3)}))


def resize(d: Draw, x: Value) -> Call:
    """Nearest and linear, by scales; what is rarer is in the operator table."""
    scales = [1.0, 1.0, *(d.pick([0.5, 1.0, 2.0, 3.0]) for _ in x.dims[2:])]
    if any(int(n * s) == 0 for dim, s in zip(x.dims, scales, strict=True) for n in dim):
        raise Redraw
    attributes: dict[str, Any] = {"mode": d.pick(["nearest", "linear"])}
    attributes["coordinate_transformation_mode"] = d.pick(["half_pixel", "asymmetric", "align_corners"])
    if attributes["mode"] == "nearest":
        attributes["coordinate_transformation_mode"] = "asymmetric"
        attributes["nearest_mode"] = "floor"
    return Call("Resize", [x, None, d.weights(np.array(scales, np.float32))], attributes)


def recurrent(op: str, gates: int) -> Make:
    """x: [time, batch, features]."""

    def make(d: Draw, x: Value) -> Call:
        direction = d.pick(["forward", "reverse", "bidirectional"])
        ways, hidden = 1 + (direction == "bidirectional"), d.integer(1, 5)
        if any(min(dim) == 0 for dim in x.dims):
            raise Redraw
        weights = [
            d.weights(d.array(x.dtype, (ways, gates * hidden, n), -0.5, 0.5)) for n in (extent(x.dims[2]), hidden)
        ]
        inputs: list[Value | None] = [x, *weights]
        inputs.append(d.weights(d.array(x.dtype, (ways, 2 * gates * hidden))) if d.chance(0.5) else None)
        lengths = d.chance(0.3)
        inputs.append(d.operand(np.int32, (x.dims[1],), 1, min(x.dims[0])) if lengths else None)
        states = (fixed(ways), x.dims[1], fixed(hidden))
        inputs.append(d.operand(x.dtype, states) if d.chance(0.4) else None)
        if op == "LSTM":
            inputs.append(d.operand(x.dtype, states) if d.chance(0.4) else None)
            inputs.append(d.weights(d.array(x.dtype, (ways, 3 * hidden), -1, 1)) if d.chance(0.3) else None)
        while inputs[-1] is None:
            inputs.pop()
        attributes: dict[str, Any] = {"hidden_size": hidden, "direction": direction} | d.some({"clip": 0.8})
        if op == "GRU":
            attributes |= d.some({"linear_before_reset": d.integer(0, 1)})
        return Call(op, inputs, attributes, d.integer(1, 3 if op == "LSTM" else 2))

    return make


def attention(d: Draw, x: Value) -> Call:
    """x: [batch, heads, queries, size]; fewer heads of keys and values share them."""
    b, h, q, e = x.dims
    heads = extent(h)
    if heads == 0:
        raise Redraw
    kv = fixed(d.pick([n for n in range(1, heads + 1) if heads % n == 0]))
    keys, size = d.dim(9), d.dim(9)
    inputs: list[Value | None] = [x, d.operand(x.dtype, (b, kv, keys, e)), d.operand(x.dtype, (b, kv, keys, size))]
    attributes = d.some({"scale": d.real(0.1, 0.5), "softcap": 2.0})
    kind = d.integer(0, 2)
    if kind == 1:
        attributes["is_causal"] = 1
    elif kind == 2:
        inputs.append(d.operand(x.dtype, (q, keys)))
    return Call("Attention", inputs, attributes)


def global_pool(op: str) -> Make:
    return lambda d, x: Call(op, [x], d.some({"p": d.integer(1, 3)}) if op == "GlobalLpPool" else {})


WINDOWS = [
    Recipe("Conv", conv, ranks=(3, 5), weight=3, tolerance=4e-5),
    Recipe("ConvTranspose", conv_transpose, ranks=(3, 5), weight=0.5, tolerance=4e-5),
    Recipe("MaxPool", pool("MaxPool"), ranks=(3, 5), since=8),
    Recipe("AveragePool", pool("AveragePool"), ranks=(3, 5)),
    Recipe("LpPool", lp_pool, ranks=(3, 5), since=11, weight=0, tolerance=5e-5),
    # ONNX's evaluator, which stands in for float16, gives GlobalMaxPool's result another shape.
    *(
        Recipe(op, global_pool(op), ranks=(3, 5), types=(np.float32,), weight=0.5)
        for op in ("GlobalAveragePool", "GlobalMaxPool")
    ),
    Recipe("GlobalLpPool", global_pool("GlobalLpPool"), ranks=(3, 5), weight=0, tolerance=5e-5),
    Recipe("Resize", resize, ranks=(4, 4), since=11, types=(np.float32,), weight=0.5),
    *(Recipe(op, recurrent(op, gates), ranks=(3, 3), types=(np.float32,), weight=0.3, tolerance=1e-4) for op, gates in (("RNN", 1), ("GRU", 3), ("LSTM", 4))),
    Recipe("Attention", attention, ranks=(4, 4), types=(np.float32,), since=23, weight=0.5, tolerance=1e-4),
]  # fmt: skip
