"""Operators that move elements without computing, and those that make them."""

from __future__ import annotations

import numpy as np
from onnx import numpy_helper

from .draw import TYPES, Call, Dim, Draw, Redraw, Value, extent, fixed, is_fixed
from .recipe import Make, Recipe, onnx_type


def transpose(d: Draw, x: Value) -> Call:
    perm = [int(i) for i in d.rng.permutation(x.rank)]
    return Call("Transpose", [x], d.some({"perm": perm}) if perm else {})


def flatten(d: Draw, x: Value) -> Call:
    low = -x.rank if d.opset >= 11 else 0
    axis = {"axis": d.integer(low, x.rank)}
    return Call("Flatten", [x], d.some(axis) if x.rank else axis)


def axes_call(op: str, d: Draw, x: Value, axes: list[int], since: int, **attributes: int) -> Call:
    """Axes as an input since an opset, as an attribute before."""
    if d.opset >= since:
        return Call(op, [x, d.numbers(axes)], attributes)
    return Call(op, [x], {"axes": axes, **attributes})


def squeeze(d: Draw, x: Value) -> Call:
    ones = [axis for axis, dim in enumerate(x.dims) if dim == fixed(1)]
    if d.chance(0.2) and len(ones) == sum(1 in dim for dim in x.dims):
        return Call("Squeeze", [x])
    axes = d.subset(ones, 1)
    return axes_call("Squeeze", d, x, [a - x.rank if d.opset >= 11 and d.chance(0.3) else a for a in axes], 13)


def unsqueeze(d: Draw, x: Value) -> Call:
    rank = x.rank + d.integer(1, 2)
    axes = sorted(int(a) for a in d.rng.choice(rank, rank - x.rank, replace=False))
    return axes_call("Unsqueeze", d, x, [a - rank if d.opset >= 11 and d.chance(0.3) else a for a in axes], 13)


def reshape(d: Draw, x: Value) -> Call:
    """Neighbours merged or split; one extent may be -1, those that stay may be 0."""
    target: list[int | Dim] = list(x.dims)
    for _ in range(d.integer(0, 3)):
        if len(target) > 1 and d.chance(0.6):
            at = d.integer(0, len(target) - 2)
            a, b = target[at : at + 2]
            target[at : at + 2] = [tuple(m * n for m, n in zip(a, b, strict=True))]
        else:
            at = d.integer(0, len(target))
            split = at < len(target) and is_fixed(target[at])
            n = target[at][0] if split else 1
            factor = d.pick([f for f in range(1, n + 1) if n % f == 0]) if n else 1
            target[at : at + split] = [fixed(factor), *([fixed(n // factor)] if split else [])]
    dynamic = [at for at, dim in enumerate(target) if not is_fixed(dim)]
    numbers = [extent(dim) if at not in dynamic else -1 for at, dim in enumerate(target)]
    for at in range(min(len(target), x.rank)):
        if target[at] == x.dims[at] and target[at] != fixed(0) and d.chance(0.5 if at not in dynamic else 0.8):
            numbers[at] = 0
    has_zero_extent = any(0 in dim for dim in x.dims)
    if numbers.count(-1) > 1 or (has_zero_extent and -1 in numbers):
        raise Redraw
    if -1 not in numbers and numbers and not has_zero_extent and d.chance(0.5):
        numbers[d.integer(0, len(numbers) - 1)] = -1
    return Call("Reshape", [x, d.numbers(numbers)])


def expand(d: Draw, x: Value) -> Call:
    shape = [
        d.integer(2, 5) if dim == fixed(1) and d.chance(0.6) else (1 if not is_fixed(dim) or d.chance(0.5) else dim[0])
        for dim in x.dims
    ]
    if d.chance(0.3):
        shape = [d.integer(1, 3), *shape]
    elif d.chance(0.2):
        shape = shape[d.integer(0, len(shape)) :]
    return Call("Expand", [x, d.numbers(shape)])


def tile(d: Draw, x: Value) -> Call:
    return Call("Tile", [x, d.numbers([d.pick([1, 1, 2, 3]) for _ in x.dims])])


def pad(d: Draw, x: Value) -> Call:
    mode = d.pick(["constant", "reflect", "edge", *(["wrap"] if d.opset >= 19 else [])])
    axes = d.subset(list(range(x.rank)), 1) if d.opset >= 18 and d.chance(0.3) else list(range(x.rank))
    least = -1 if mode == "constant" else 0

    def amount(axis: int) -> int:
        most = 3 if mode == "constant" else min(3, min(x.dims[axis]) - (mode == "reflect"))
        return d.integer(max(least, -min(x.dims[axis]) // 2), max(most, 0))

    pads = [amount(axis) for _ in range(2) for axis in axes]
    attributes = {"mode": mode} if mode != "constant" or d.chance(0.5) else {}
    value = d.array(x.dtype, ())
    if d.opset < 11:
        return Call("Pad", [x], {"pads": pads, **attributes, "value": float(value)})
    inputs: list[Value | None] = [x, d.numbers(pads), d.maybe(d.constant(value)) if mode == "constant" else None]
    if len(axes) != x.rank or d.chance(0.1 if d.opset >= 18 else 0):
        inputs.append(d.numbers(axes))
    while inputs[-1] is None:
        inputs.pop()
    return Call("Pad", inputs, attributes)


def slice_(d: Draw, x: Value) -> Call:
    axes = d.subset(list(range(x.rank)), 1)
    starts, ends, steps = [], [], []
    for axis in axes:
        n = max(x.dims[axis])
        step = d.pick([1, 1, 1, 2, 3, -1, -2]) if d.opset >= 10 else 1
        low, high = d.integer(-n, n), d.integer(-n, n)
        if step > 0 and d.chance(0.3):  # ONNX Runtime takes it for the front where a step is negative
            high = 2**31 - 1
        if step < 0 and d.chance(0.6):
            low, high = d.pick([-1, n]), d.pick([-(2**31), -n - 1, 0])
        starts.append(low)
        ends.append(high)
        steps.append(step)
    named = [axis - x.rank if d.opset >= 10 and d.chance(0.3) else axis for axis in axes]
    if d.opset < 10:
        return Call("Slice", [x], {"starts": starts, "ends": ends, "axes": named})
    dtype = d.pick([np.int64, np.int64, np.int32])
    inputs = [x, *(d.constant(numbers, dtype) for numbers in (starts, ends, named, steps))]
    if all(step == 1 for step in steps) and d.chance(0.5):
        inputs = inputs[:4]
        if axes == list(range(len(axes))) and d.chance(0.5):
            inputs = inputs[:3]
    return Call("Slice", inputs)


def split(d: Draw, x: Value) -> Call:
    axis = d.axis(x.rank)
    n = extent(x.dims[axis])
    if d.opset >= 18 and d.chance(0.4):
        parts = d.integer(1, min(4, max(n, 1)))
        return Call("Split", [x], {"axis": axis, "num_outputs": parts}, parts)
    cuts = sorted(d.integer(0, n) for _ in range(d.integer(0, 2)))
    sizes = [int(size) for size in np.diff([0, *cuts, n])]
    if d.opset >= 13:
        return Call("Split", [x, d.numbers(sizes)], {"axis": axis}, len(sizes))
    return Call("Split", [x], {"axis": axis, "split": sizes}, len(sizes))


def concat(d: Draw, x: Value) -> Call:
    axis = d.axis(x.rank) if d.opset >= 11 else d.integer(0, x.rank - 1)
    inputs = [x]
    for _ in range(d.integer(0, 3)):
        dims = list(x.dims)
        if d.chance(0.7):
            dims[axis] = d.dim(7)
        inputs.insert(d.integer(0, len(inputs)), d.operand(x.dtype, tuple(dims)))
    return Call("Concat", inputs, {"axis": axis})


def blocks(op: str) -> Make:
    def make(d: Draw, x: Value) -> Call:
        size = d.integer(1, 3)
        n, c, h, w = x.dims
        dims = (
            (n, tuple(k * size * size for k in c), h, w)
            if op == "DepthToSpace"
            else (n, c, *(tuple(k * size for k in dim) for dim in (h, w)))
        )
        if max(np.prod([dim[run] for dim in dims]) for run in range(2)) > 20000:
            raise Redraw
        mode = d.some({"mode": d.pick(["DCR", "CRD"])}) if op == "DepthToSpace" and d.opset >= 11 else {}
        return Call(op, [d.operand(x.dtype, dims)], {"blocksize": size, **mode})

    return make


def shape(d: Draw, x: Value) -> Call:
    ends = {"start": d.integer(-x.rank - 1, x.rank + 1), "end": d.integer(-x.rank - 1, x.rank + 1)}
    return Call("Shape", [x], d.some(ends) if d.opset >= 15 else {})


def constant_of_shape(d: Draw, x: Value) -> Call:
    extent(x.dims[0])  # the number of dimensions
    value = numpy_helper.from_array(d.array(d.pick(TYPES), (1,)))
    if d.chance(0.3) or max(x.dims[0]) > 6:
        return Call(
            "ConstantOfShape", [d.numbers([d.integer(0, 5) for _ in range(d.integer(0, 4))])], d.some({"value": value})
        )
    return Call("ConstantOfShape", [x], d.some({"value": value}))


def range_(d: Draw, x: Value) -> Call:
    start, step = d.integer(-5, 5), d.pick([1, 2, 3, -1])
    numbers = [start, start + step * d.integer(-1, 9), step]
    return Call("Range", [d.constant(n, x.dtype) for n in numbers])


def eye_like(d: Draw, x: Value) -> Call:
    return Call(
        "EyeLike", [x], d.some({"k": d.integer(-3, 3), "dtype": onnx_type(d.pick([np.float32, np.int32, np.int64]))})
    )


def trilu(d: Draw, x: Value) -> Call:
    return Call(
        "Trilu",
        [x, d.constant(d.integer(-4, 4), np.int64)] if d.chance(0.6) else [x],
        d.some({"upper": d.integer(0, 1)}),
    )


def center_crop_pad(d: Draw, x: Value) -> Call:
    axes = d.subset(list(range(x.rank)), 1)
    return Call("CenterCropPad", [x, d.numbers([d.integer(1, 9) for _ in axes])], {"axes": axes})


def reverse_sequence(d: Draw, x: Value) -> Call:
    batch = d.integer(0, 1)
    most = min(x.dims[1 - batch])  # nothing may be reversed of an empty axis
    lengths = d.constant(d.rng.integers(min(1, most), most + 1, extent(x.dims[batch])), np.int64)
    return Call("ReverseSequence", [x, lengths], {"batch_axis": batch, "time_axis": 1 - batch})


MOVEMENT = [
    Recipe("Transpose", transpose, ranks=(0, 8), weight=2),
    Recipe("Flatten", flatten, ranks=(0, 6), since=9),
    Recipe("Squeeze", squeeze, ranks=(1, 6)),
    Recipe("Unsqueeze", unsqueeze, ranks=(0, 6)),
    Recipe("Reshape", reshape, ranks=(0, 6), weight=2),
    Recipe("Expand", expand, since=8),
    Recipe("Tile", tile, ranks=(1, 5)),
    Recipe("Pad", pad, ranks=(1, 5)),
    Recipe("Slice", slice_, ranks=(1, 5), weight=2),
    Recipe("Split", split, ranks=(1, 5)),
    Recipe("Concat", concat, ranks=(1, 5), weight=2),
    Recipe("DepthToSpace", blocks("DepthToSpace"), ranks=(4, 4), weight=0.2),
    Recipe("SpaceToDepth", blocks("SpaceToDepth"), ranks=(4, 4), weight=0.2),
    Recipe("Shape", shape, ranks=(0, 8)),
    Recipe("Size", lambda d, x: Call("Size", [x]), ranks=(0, 8), weight=0.2),
    Recipe("ConstantOfShape", constant_of_shape, ranks=(1, 1), low=0, high=5, types=(np.int64,), since=9, weight=0.3),
    Recipe("Range", range_, ranks=(0, 0), types=(np.float32, np.int32, np.int64), since=11, weight=0.2),
    Recipe("EyeLike", eye_like, ranks=(2, 2), since=9, weight=0.2),
    Recipe("Trilu", trilu, ranks=(2, 5), since=14, weight=0.5),
    Recipe("CenterCropPad", center_crop_pad, ranks=(1, 4), since=18, weight=0.2),
    Recipe("ReverseSequence", reverse_sequence, ranks=(2, 4), since=10, weight=0.2),
]  # fmt: skip
