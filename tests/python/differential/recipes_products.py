"""Operators that add many terms: products, reductions, normalizations."""

from __future__ import annotations

from typing import Any

import numpy as np

from .draw import Call, Dim, Draw, Redraw, Value, extent, fixed
from .recipe import Make, Recipe, varied
from .recipes_movement import axes_call


def matmul(d: Draw, x: Value) -> Call:
    """x on either side; the other a matrix, a stack of them, or a vector."""
    if x.rank == 0:
        raise Redraw
    left = d.chance(0.7)
    if x.rank == 1:
        inner, other = x.dims[0], d.pick([(), (d.dim(17),)])
    else:
        inner, other = x.dims[-1 if left else -2], d.pick([(), (d.dim(17),), (d.dim(17),), (d.dim(17),)])
    stack = [fixed(1) if d.chance(0.3) else dim for dim in x.dims[:-2]]
    stack = stack[d.integer(0, len(stack)) :] if other else []
    matrix = (inner, *other) if left else (*other, inner)
    y = d.operand(x.dtype, (*stack, *matrix))
    return Call("MatMul", [x, y] if left else [y, x])


def gemm(d: Draw, x: Value) -> Call:
    ta, tb = d.integer(0, 1), d.integer(0, 1)
    m, k = x.dims[::-1] if ta else x.dims
    n = d.dim(17)
    inputs = [x, d.operand(x.dtype, (n, k) if tb else (k, n))]
    if d.opset < 11 or d.chance(0.6):
        dims = d.pick([(m, n), (n,), (fixed(1), n), (m, fixed(1)), (fixed(1),)])
        inputs.append(d.operand(x.dtype, dims))
    attributes: dict[str, Any] = {"transA": ta, "transB": tb}
    if x.dtype in (np.float32, np.float16):
        attributes |= {"alpha": d.real(0.5, 2), "beta": d.real(0.5, 2)}
    return Call(
        "Gemm", inputs, {name: value for name, value in attributes.items() if name.startswith("trans") or d.chance(0.5)}
    )


def einsum(d: Draw, x: Value) -> Call:
    a, b = x.dims[-2:]
    c = d.dim(7)
    equation, others = d.pick([
        ("...ij,jk->...ik", [(b, c)]), ("...ij,...kj->...ik", [(c, b)]), ("...ij->...ji", []), ("...ij->...i", []), ("...ij,...ij->...", [(a, b)]), ("...ij,i,j->...", [(a,), (b,)]),
    ])  # fmt: skip
    if "..." not in equation or (x.rank == 2 and d.chance(0.5)):
        equation = equation.replace("...", "")
    return Call("Einsum", [x, *(d.operand(x.dtype, dims) for dims in others)], {"equation": equation})


def reduction(op: str) -> Make:
    since = 13 if op == "ReduceSum" else 18

    def make(d: Draw, x: Value) -> Call:
        keep = d.some({"keepdims": d.integer(0, 1)})
        axes = sorted(d.subset(list(range(x.rank)), 0))
        if not axes:
            noop = d.some({"noop_with_empty_axes": d.integer(0, 1)}) if d.opset >= since else {}
            return Call(op, [x], keep | noop)
        named = [axis - x.rank if d.opset >= 11 and d.chance(0.3) else axis for axis in axes]
        return axes_call(op, d, x, named, since, **keep)

    return make


def softmax(op: str) -> Make:
    def make(d: Draw, x: Value) -> Call:
        axis = d.axis(x.rank) if d.opset >= 11 else d.integer(0, x.rank - 1)
        # Until opset 13 the axis is 1 where nothing is said, also of a vector, which has none.
        return Call(op, [x], d.some({"axis": axis}) if x.rank > 1 or d.opset >= 13 else {"axis": axis})

    return make


def cumulative(op: str) -> Make:
    def make(d: Draw, x: Value) -> Call:
        return Call(
            op,
            [x, d.constant(d.axis(x.rank), d.pick([np.int64, np.int32]))],
            d.some({"exclusive": d.integer(0, 1), "reverse": d.integer(0, 1)}),
        )

    return make


def per_channel(d: Draw, x: Value, channels: Dim, low: float = -1.0, high: float = 1.0) -> Value:
    return d.weights(d.array(x.dtype, (extent(channels),), low, high))


def batch_normalization(d: Draw, x: Value) -> Call:
    c = x.dims[1]
    inputs = [x, *(per_channel(d, x, c) for _ in range(3)), per_channel(d, x, c, 0.3, 2.0)]
    return Call("BatchNormalization", inputs, d.some({"epsilon": 1e-3}))


def instance_normalization(d: Draw, x: Value) -> Call:
    if any(0 in dim for dim in x.dims):  # ONNX Runtime ends the process
        raise Redraw
    return Call(
        "InstanceNormalization", [x, *(per_channel(d, x, x.dims[1]) for _ in range(2))], d.some({"epsilon": 1e-2})
    )


def layer_normalization(d: Draw, x: Value) -> Call:
    axis = d.axis(x.rank)
    tail = x.dims[axis:] if axis < 0 else x.dims[axis - x.rank :]
    inputs = [x, d.operand(x.dtype, tail)]
    if d.chance(0.6):
        inputs.append(d.operand(x.dtype, tail))
    attributes = d.some({"epsilon": 1e-2})
    return Call("LayerNormalization", inputs, attributes | ({"axis": axis} if axis != -1 else {}))


def rms_normalization(d: Draw, x: Value) -> Call:
    axis = d.axis(x.rank)
    return Call(
        "RMSNormalization",
        [x, d.operand(x.dtype, x.dims[axis if axis < 0 else axis - x.rank :])],
        {"axis": axis, "epsilon": 1e-2},
    )


def group_normalization(d: Draw, x: Value) -> Call:
    c = extent(x.dims[1])
    groups = d.pick([n for n in range(1, c + 1) if c % n == 0])
    return Call(
        "GroupNormalization",
        [x, *(per_channel(d, x, x.dims[1]) for _ in range(2))],
        {"num_groups": groups, "epsilon": 1e-2},
    )


def lp_normalization(d: Draw, x: Value) -> Call:
    return Call("LpNormalization", [x], d.some({"axis": d.axis(x.rank), "p": d.integer(1, 2)}))


def mean_variance(d: Draw, x: Value) -> Call:
    axes = sorted(d.subset(range(x.rank), 1))
    # The deviation of one element is zero, and what is divided by it rounding alone; two become 1 and -1 everywhere, and
    # rounding alone decides which of those ones is the largest.
    if min(int(np.prod([x.dims[axis][run] for axis in axes])) for run in range(len(x.samples))) < 3:
        raise Redraw
    return Call("MeanVarianceNormalization", [x], {"axes": axes})


def lrn(d: Draw, x: Value) -> Call:
    return Call("LRN", [x], {"size": d.pick([1, 3, 5])} | d.some({"alpha": 0.01, "beta": 0.6, "bias": 1.5}))


def det(d: Draw, x: Value) -> Call:
    n = d.integer(1, 4)
    return Call("Det", [d.operand(x.dtype, (*x.dims, fixed(n), fixed(n)))])


REDUCTIONS = ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceL2", "ReduceSumSquare")

PRODUCTS = [
    Recipe("MatMul", matmul, ranks=(1, 4), weight=3, tolerance=4e-5),
    Recipe("Gemm", gemm, ranks=(2, 2), weight=2, tolerance=4e-5),
    Recipe("Einsum", einsum, ranks=(2, 4), types=(np.float32, np.int32), since=12, tolerance=4e-5, weight=0.5),
    *(Recipe(op, reduction(op), ranks=(0, 5), tolerance=4e-5) for op in REDUCTIONS),
    Recipe("ReduceProd", reduction("ReduceProd"), ranks=(0, 5), low=0.5, high=1.5, tolerance=5e-5, weight=0.5),
    Recipe("ReduceLogSum", reduction("ReduceLogSum"), ranks=(0, 5), low=0.1, types=(np.float32, np.float16), weight=0.5),
    Recipe("ReduceLogSumExp", reduction("ReduceLogSumExp"), ranks=(0, 5), types=(np.float32, np.float16), weight=0.5),
    *(Recipe(op, softmax(op), ranks=(1, 5), low=-9, high=9) for op in ("Softmax", "LogSoftmax")),
    Recipe("CumSum", cumulative("CumSum"), ranks=(1, 4), since=11),
    Recipe("CumProd", cumulative("CumProd"), ranks=(1, 3), low=0.5, high=1.2, since=26, weight=0),
    Recipe("BatchNormalization", batch_normalization, ranks=(2, 5), low=-9, high=9),
    Recipe("InstanceNormalization", instance_normalization, ranks=(3, 5), tolerance=1e-4, steady=varied),
    Recipe("LayerNormalization", layer_normalization, ranks=(1, 4), since=17, tolerance=1e-4, steady=varied),
    Recipe("RMSNormalization", rms_normalization, ranks=(1, 4), since=23, tolerance=1e-4),
    Recipe("GroupNormalization", group_normalization, ranks=(3, 5), since=21, tolerance=1e-4, steady=varied),
    Recipe("LpNormalization", lp_normalization, ranks=(1, 4), low=0.1, weight=0.3),
    Recipe("MeanVarianceNormalization", mean_variance, ranks=(3, 4), types=(np.float32,), since=9, tolerance=1e-4, weight=0.3, steady=varied),
    Recipe("LRN", lrn, ranks=(4, 4), weight=0.3),
    Recipe("Det", det, ranks=(0, 2), since=11, tolerance=1e-4, weight=0),
]  # fmt: skip
