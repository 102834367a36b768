"""Patterns that real graphs are made of and that passes look for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .control import growing_loop, if_, loop, scan
from .draw import Call, Redraw, Value, extent, fixed, within
from .graphs import Graph
from .recipe import apart, differ
from .recipes_windows import conv

_FUNCTIONS = ("Relu", "Sigmoid", "Tanh", "Softplus", "Neg", "Abs", "Sin", "Exp")


def real(graph: Graph, ranks: tuple[int, int] = (1, 5)) -> Value:
    """Some float32 value that stays in range under the functions above."""
    fits = [v for v in graph.values if v.dtype is np.float32 and ranks[0] <= v.rank <= ranks[1] and within(v, -6, 6)]
    return graph.draw.pick(fits[-6:])


def scalar(graph: Graph, number: float) -> Value:
    return graph.constant(number)


def residual(graph: Graph) -> None:
    x = y = real(graph)
    for _ in range(graph.draw.integer(1, 3)):
        y = graph.one(graph.draw.pick(_FUNCTIONS), y)
    graph.one("Add", *((x, y) if graph.draw.chance(0.5) else (y, x)))


def convolution_block(graph: Graph) -> None:
    """Convolution, perhaps normalization and addition, activation."""
    d = graph.draw
    x = real(graph, (3, 5))
    y = graph.add(conv(d, x))[0]
    if d.chance(0.6):
        m = extent(y.dims[1])
        parameters = [
            graph.constant(d.array(np.float32, (m,), low, high)) for low, high in [(-1, 1)] * 3 + [(0.5, 1.5)]
        ]
        y = graph.one("BatchNormalization", y, *parameters)
    if d.chance(0.4):
        y = graph.one("Add", y, d.operand(np.float32, y.dims))
    y = graph.one(d.pick(["Relu", "Sigmoid", "LeakyRelu", "Tanh"]), y)
    if d.chance(0.3):
        graph.one("Mul", y, graph.one("Sigmoid", y))


def layer_normalization(graph: Graph) -> None:
    x = real(graph, (2, 4))
    mean = reduce_last(graph, "ReduceMean", x)
    centered = graph.one("Sub", x, mean)
    squared = (
        graph.one("Mul", centered, centered)
        if graph.draw.chance(0.5)
        else graph.one("Pow", centered, scalar(graph, 2.0))
    )
    deviation = graph.one("Sqrt", graph.one("Add", reduce_last(graph, "ReduceMean", squared), scalar(graph, 0.1)))
    y = graph.one("Div", centered, deviation)
    y = graph.one("Mul", y, graph.draw.operand(np.float32, x.dims[-1:]))
    graph.one("Add", y, graph.draw.operand(np.float32, x.dims[-1:]))


def reduce_last(graph: Graph, op: str, x: Value) -> Value:
    since = 13 if op == "ReduceSum" else 18
    if graph.draw.opset >= since:
        return graph.one(op, x, graph.constant([-1], np.int64))
    return graph.one(op, x, axes=[-1 if graph.draw.opset >= 11 else x.rank - 1])


def gelu(graph: Graph) -> None:
    x = real(graph)
    y = graph.one("Erf", graph.one("Div", x, scalar(graph, 2.0**0.5)))
    y = graph.one("Mul", x, graph.one("Add", y, scalar(graph, 1.0)))
    graph.one("Mul", y, scalar(graph, 0.5))


def attention(graph: Graph) -> None:
    d = graph.draw
    q = real(graph, (2, 4))
    k = d.operand(np.float32, (*q.dims[:-2], d.dim(9), q.dims[-1]), -1, 1)
    perm = [*range(q.rank - 2), q.rank - 1, q.rank - 2]
    scores = graph.one("MatMul", q, graph.one("Transpose", k, perm=perm))
    scores = graph.one("Mul", scores, scalar(graph, 0.5))
    if d.chance(0.5):
        scores = graph.one("Add", scores, d.operand(np.float32, scores.dims[-2:]))
    weights = graph.one("Softmax", scores, axis=-1 if d.opset >= 11 else q.rank - 1)
    graph.one("MatMul", weights, d.operand(np.float32, (*k.dims[:-1], d.dim(9))))


def dense(graph: Graph) -> None:
    """Weights, bias, activation."""
    d = graph.draw
    x = real(graph, (2, 4))
    n = d.integer(1, 9)
    y = graph.one("MatMul", x, graph.constant(d.array(np.float32, (extent(x.dims[-1]), n), -1, 1)))
    y = graph.one("Add", y, graph.constant(d.array(np.float32, (n,))))
    graph.one(d.pick(["Relu", "Tanh", "Sigmoid"]), y)


def shape_arithmetic(graph: Graph) -> None:
    """x is reshaped by numbers that its shape gave."""
    d = graph.draw
    x = d.pick([v for v in graph.values if 1 <= v.rank <= 5])
    shape = graph.one("Shape", x)
    batch = graph.one("Gather", shape, graph.constant(0, np.int64), axis=0)
    if d.chance(0.4):
        batch = graph.one("Div", graph.one("Mul", batch, graph.constant(6, np.int64)), graph.constant(6, np.int64))
    batch = graph.add(
        Call("Unsqueeze", [batch, graph.constant([0], np.int64)])
        if d.opset >= 13
        else Call("Unsqueeze", [batch], {"axes": [0]})
    )[0]
    kind = d.integer(0, 2)
    if kind == 0:
        graph.one("Reshape", x, graph.one("Concat", batch, graph.constant([-1], np.int64), axis=0))
    elif kind == 1:
        inner = graph.one("Concat", batch, graph.constant([1, 3], np.int64), axis=0)
        graph.one(
            "Expand",
            d.operand(np.float32, (fixed(2), fixed(1))),
            graph.one("Concat", inner, graph.constant([1], np.int64), axis=0)
            if d.chance(0.5)
            else graph.one("Concat", batch, graph.constant([2, 3], np.int64), axis=0),
        )
    else:
        zeros = graph.one(
            "ConstantOfShape",
            graph.one("Slice", shape, *(graph.constant([n], np.int64) for n in (0, 2))) if d.opset >= 10 else shape,
        )
        graph.one("Add", zeros, d.operand(np.float32, ()))


def duplicate(graph: Graph) -> None:
    """The same node again: common subexpressions."""
    graph.add(graph.draw.pick(graph.calls))


def transposed(graph: Graph) -> None:
    """There, something, and back."""
    x = real(graph, (2, 5))
    perm = [int(i) for i in graph.draw.rng.permutation(x.rank)]
    y = graph.one("Transpose", x, perm=perm)
    if graph.draw.chance(0.7):
        y = graph.one(graph.draw.pick(_FUNCTIONS), y)
    graph.one("Transpose", y, perm=[int(i) for i in np.argsort(perm)])


def split_and_join(graph: Graph) -> None:
    d = graph.draw
    x = real(graph)
    axis = d.integer(0, x.rank - 1)
    n = extent(x.dims[axis])
    if n < 2:
        raise Redraw
    sizes = [d.integer(1, n - 1)]
    sizes.append(n - sizes[0])
    parts = graph.add(
        Call("Split", [x, graph.constant(sizes, np.int64)], {"axis": axis}, 2)
        if d.opset >= 13
        else Call("Split", [x], {"axis": axis, "split": sizes}, 2)
    )
    gate = graph.one("Sigmoid", parts[1])
    graph.one("Concat", gate, parts[0], axis=axis)


def quantized(graph: Graph) -> None:
    """To bytes and back; no quotient is near where rounding jumps."""
    x = real(graph)
    scale = 2.0 ** -graph.draw.integer(3, 5)
    if not all(apart(2e-3)([sample / scale]) for sample in x.samples):
        raise Redraw
    dtype = graph.draw.pick([np.int8, np.uint8])
    parameters = (scalar(graph, scale), graph.constant(graph.draw.integer(0, 9), dtype))
    graph.one("DequantizeLinear", graph.one("QuantizeLinear", x, *parameters), *parameters)


def selected(graph: Graph) -> None:
    """As many rows as data say."""
    d = graph.draw
    x = real(graph, (1, 4))
    level = scalar(graph, d.real(-0.5, 0.5))
    if not all(differ(1e-3)([sample, level.samples[0]]) for sample in x.samples):
        raise Redraw
    places = graph.one("NonZero", graph.one("Greater", x, level))
    if d.chance(0.7):
        y = graph.one("GatherND", x, graph.one("Transpose", places, perm=[1, 0])) if d.opset >= 11 else places
        if d.chance(0.6):
            graph.one(d.pick(["Relu", "Neg"]), y)


MOTIFS: list[tuple[Callable[[Graph], Any], float]] = [
    (residual, 2), (convolution_block, 3), (layer_normalization, 1), (gelu, 1), (attention, 1), (dense, 1), (shape_arithmetic, 2), (duplicate, 3), (transposed, 2),
    (split_and_join, 1), (quantized, 1), (selected, 1), (if_, 1.5), (loop, 1), (growing_loop, 0.5), (scan, 0.5),
]  # fmt: skip
