"""Operators that pick elements by index, by order or by condition."""

from __future__ import annotations

import numpy as np

from .draw import Call, Dims, Draw, Redraw, Value, extent, fixed
from .recipe import Make, Recipe, apart, distinct


def indices(d: Draw, dims: Dims, bound: tuple[int, ...], dtype: type = np.int64, negative: bool = True) -> Value:
    """Valid in every run for an axis of the given extents."""
    least = min(bound)
    if least == 0:
        raise Redraw
    return d.operand(dtype, dims, -least if negative and d.chance(0.4) else 0, least - 1)


def gather(d: Draw, x: Value) -> Call:
    axis = d.axis(x.rank)
    dims = d.pick([(), (d.dim(4),), (d.dim(3), d.dim(4))])
    return Call(
        "Gather",
        [x, indices(d, dims, x.dims[axis], d.pick([np.int64, np.int32]), d.opset >= 11)],
        {"axis": axis} if axis != 0 or d.chance(0.5) else {},
    )


def gather_elements(d: Draw, x: Value) -> Call:
    axis = d.axis(x.rank)
    dims = list(x.dims)
    dims[axis] = d.dim(5)
    return Call("GatherElements", [x, indices(d, tuple(dims), x.dims[axis])], {"axis": axis})


def gather_nd(d: Draw, x: Value) -> Call:
    depth = d.integer(1, min(x.rank, 2))
    least = min(min(dim) for dim in x.dims[:depth])
    return Call("GatherND", [x, indices(d, (*d.pick([(), (d.dim(4),), (d.dim(3), d.dim(2))]), fixed(depth)), (least,))])


def scatter_elements(d: Draw, x: Value) -> Call:
    """Positions on the axis are all different: which of equal ones wins is open."""
    axis = d.axis(x.rank)
    along = axis % x.rank
    count = d.integer(1, max(1, min(x.dims[axis])))
    dims = tuple(fixed(count) if i == along else fixed(extent(dim)) for i, dim in enumerate(x.dims))
    if min(x.dims[axis]) == 0:
        raise Redraw
    order = np.argsort(
        d.rng.random(tuple(dim[0] if i != along else min(x.dims[axis]) for i, dim in enumerate(dims))), axis=along
    )
    places = d.constant(np.take(order, range(count), axis=along).astype(np.int64))
    attributes = {"axis": axis}
    if d.opset >= 16:
        attributes |= (
            d.some({"reduction": d.pick(["none", "add", "mul", *(["max", "min"] if d.opset >= 18 else [])])})
            if x.dtype is not np.bool_
            else {}
        )
    return Call("ScatterElements", [x, places, d.operand(x.dtype, dims)], attributes)


def scatter_nd(d: Draw, x: Value) -> Call:
    least = min(x.dims[0])
    if least == 0:
        raise Redraw
    count = d.integer(1, least)
    places = d.constant(d.rng.permutation(least)[:count].reshape(count, 1), np.int64)
    attributes = {}
    if d.opset >= 16 and x.dtype is not np.bool_:
        attributes = d.some({"reduction": d.pick(["none", "add", "mul", *(["max", "min"] if d.opset >= 18 else [])])})
    return Call("ScatterND", [x, places, d.operand(x.dtype, (fixed(count), *x.dims[1:]))], attributes)


def one_hot(d: Draw, x: Value) -> Call:
    depth = d.integer(1, 6)
    values = d.array(d.pick([np.float32, np.int64]), (2,))
    return Call(
        "OneHot", [x, d.constant(depth, np.int64), d.constant(values)], d.some({"axis": d.integer(-x.rank - 1, x.rank)})
    )


def compress(d: Draw, x: Value) -> Call:
    if d.chance(0.4):
        return Call("Compress", [x, d.operand(np.bool_, (fixed(d.integer(1, 5)),))])
    axis = d.axis(x.rank) if d.opset >= 11 else d.integer(0, x.rank - 1)
    return Call("Compress", [x, d.operand(np.bool_, (fixed(d.integer(0, min(x.dims[axis]))),))], {"axis": axis})


def unique(d: Draw, x: Value) -> Call:
    attributes = d.some({"sorted": d.integer(0, 1), "axis": d.axis(x.rank)})
    return Call("Unique", [x], attributes, d.integer(1, 4))


def extreme(op: str) -> Make:
    def make(d: Draw, x: Value) -> Call:
        axis = d.axis(x.rank) if d.opset >= 11 else d.integer(0, x.rank - 1)
        attributes = d.some(
            {"axis": axis, "keepdims": d.integer(0, 1)}
            | ({"select_last_index": d.integer(0, 1)} if d.opset >= 12 else {})
        )
        if 0 in x.dims[attributes.get("axis", 0)]:
            raise Redraw
        return Call(op, [x], attributes)

    return make


def top_k(d: Draw, x: Value) -> Call:
    axis = d.axis(x.rank) if d.opset >= 11 else d.integer(0, x.rank - 1)
    k = d.integer(0 if d.opset >= 10 else 1, min(x.dims[axis]))
    attributes = {"axis": axis} | (d.some({"largest": d.integer(0, 1)}) if d.opset >= 11 else {})
    if d.opset < 10:
        return Call("TopK", [x], {**attributes, "k": k}, 2)
    return Call("TopK", [x, d.numbers([k])], attributes, 2)


def hardmax(d: Draw, x: Value) -> Call:
    axis = d.axis(x.rank) if d.opset >= 11 else d.integer(0, x.rank - 1)
    return Call("Hardmax", [x], d.some({"axis": axis}) if x.rank > 1 or d.opset >= 13 else {"axis": axis})


def suppression(d: Draw, x: Value) -> Call:
    """Boxes are drawn far from the threshold of overlap only by luck; scores are all different."""
    batch, classes, count = d.dim(2), d.dim(3), d.dim(8)
    corners = d.operand(np.float32, (batch, count, fixed(4)), 0, 4)
    scores = d.operand(np.float32, (batch, classes, count), 0, 1)
    numbers = [
        d.constant([d.integer(1, 5)], np.int64),
        d.constant([d.real(0.2, 0.7)], np.float32),
        d.constant([d.real(0.1, 0.5)], np.float32),
    ]
    return Call(
        "NonMaxSuppression",
        [corners, scores, *numbers[: d.integer(1, 3)]],
        d.some({"center_point_box": d.integer(0, 1)}),
    )


SELECTION = [
    Recipe("Gather", gather, ranks=(1, 5), weight=2),
    Recipe("GatherElements", gather_elements, ranks=(1, 4), since=11),
    Recipe("GatherND", gather_nd, ranks=(1, 4), since=11),
    Recipe("ScatterElements", scatter_elements, ranks=(1, 4), since=11, weight=0.5),
    Recipe("ScatterND", scatter_nd, ranks=(1, 4), since=11, weight=0.5),
    Recipe("OneHot", one_hot, ranks=(0, 3), types=(np.int64, np.int32), low=-2, high=5, since=9, steady=lambda inputs: inputs[0].dtype.kind != "f", weight=0.3),
    Recipe("Compress", compress, ranks=(1, 4), since=9, weight=0.3),
    Recipe("NonZero", lambda d, x: Call("NonZero", [x]), ranks=(1, 5), since=9, steady=apart(1e-3), weight=0.3),
    Recipe("Unique", unique, ranks=(1, 3), types=(np.int64, np.float32, np.int8), low=-3, high=3, since=11, steady=distinct(1e-4), weight=0.3),
    Recipe("ArgMax", extreme("ArgMax"), ranks=(1, 5), steady=distinct(1e-4)),
    Recipe("ArgMin", extreme("ArgMin"), ranks=(1, 5), steady=distinct(1e-4)),
    Recipe("TopK", top_k, ranks=(1, 4), steady=distinct(1e-4)),
    Recipe("Hardmax", hardmax, ranks=(1, 4), steady=distinct(1e-4), weight=0.3),
    Recipe("NonMaxSuppression", suppression, ranks=(0, 0), types=(np.float32,), since=11, steady=lambda inputs: False, weight=0),
]  # fmt: skip
