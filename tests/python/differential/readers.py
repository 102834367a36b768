"""What reads a part of a value: products, chains, reductions and whatever else may find it in the whole."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .draw import FLOATS, Call, Redraw, Value, extent, fixed, within
from .graphs import Graph, fits, hangs_on_rounding, in_domain
from .recipes import RECIPES

# Whole vectors of float16 and of float32, of float32 alone, of neither, and one element.
WIDTHS = (8, 16, 16, 24, 32, 32, 64, 4, 12, 17, 33, 1)
_ACTIVATIONS = ("Relu", "Sigmoid", "Tanh", "Neg", "Erf")


def floating(graph: Graph, ranks: tuple[int, int] = (1, 5)) -> Value:
    """One of the last that stays in range under functions; rather one that a node gave."""
    found = [v for v in graph.values if v.dtype in FLOATS and ranks[0] <= v.rank <= ranks[1] and within(v, -8, 8)]
    inner = [v for v in found if v.name not in graph.sources]
    return graph.draw.pick(inner[-5:] if inner and graph.draw.chance(0.8) else found)


def matrix(graph: Graph, x: Value, shape: tuple[int, ...], depth: int) -> Value:
    """Weights whose products are about as large as what is multiplied."""
    return graph.constant(graph.draw.array(x.dtype, shape, -1.7, 1.7) / np.sqrt(max(depth, 1)), x.dtype)


def activated(graph: Graph, x: Value) -> Value:
    return graph.one(graph.draw.pick(_ACTIVATIONS), x)


def scalar_like(graph: Graph, x: Value, number: float) -> Value:
    return graph.constant(number, x.dtype)


def product(graph: Graph, x: Value, columns: int, bias: bool = True, function: str = "") -> Value:
    """MatMul, or Gemm of rank 2, in either form."""
    depth = extent(x.dims[-1])
    if x.rank == 2 and graph.draw.chance(0.3):
        y = graph.one("Gemm", x, matrix(graph, x, (columns, depth), depth), transB=1)
    else:
        y = graph.one("MatMul", x, matrix(graph, x, (depth, columns), depth))
    if bias:
        y = graph.one("Add", y, graph.constant(graph.draw.array(x.dtype, (columns,), -1, 1), x.dtype))
    return graph.one(function, y) if function else y


def convolution(graph: Graph, x: Value, columns: int, bias: bool = True, function: str = "", side: int = 0) -> Value:
    """Of one or three taps along each axis at stride 1, with any padding; seldom of each channel alone."""
    d = graph.draw
    channels, axes = extent(x.dims[1]), x.rank - 2
    taps = side or d.pick([1, 1, 3] if axes < 3 else [1])
    pads = [d.integer(0, taps - 1) for _ in range(2 * axes)]
    if d.chance(0.6) or min(map(min, x.dims[2:])) < taps:
        pads = [taps // 2] * len(pads)
    alone = d.chance(0.1) and not side
    columns = channels if alone else columns
    depth = 1 if alone else channels
    inputs = [x, matrix(graph, x, (columns, depth, *[taps] * axes), taps**axes * depth)]
    if bias:
        inputs.append(graph.constant(d.array(x.dtype, (columns,), -1, 1), x.dtype))
    y = graph.one("Conv", *inputs, pads=pads, **({"group": channels} if alone else {}))
    return graph.one(function, y) if function else y


# Readers.


def chain(graph: Graph, x: Value) -> None:
    for _ in range(graph.draw.integer(1, 3)):
        x = activated(graph, x)


def scaled(graph: Graph, x: Value) -> None:
    d = graph.draw
    y = graph.one("Mul", x, graph.constant(d.array(x.dtype, (extent(x.dims[-1]),)), x.dtype))
    graph.one("Add", y, d.pick([x, graph.constant(d.real(-1, 1), x.dtype)]))


def met(graph: Graph, x: Value) -> None:
    """By another value of its extents, perhaps one that broadcasts."""
    d = graph.draw
    dims = tuple(fixed(1) if d.chance(0.2) else dim for dim in x.dims)
    pair = [x, d.operand(x.dtype, dims)]
    graph.one(d.pick(["Add", "Mul", "Sub"]), *(pair if d.chance(0.5) else pair[::-1]))


def multiplied(graph: Graph, x: Value) -> None:
    product(graph, x, graph.draw.pick(WIDTHS))


def multiplies(graph: Graph, x: Value) -> None:
    """As the second factor, or as both."""
    rows = x.dims[-2]
    if graph.draw.chance(0.4):
        other = graph.one("Transpose", x, perm=[*range(x.rank - 2), x.rank - 1, x.rank - 2])
        graph.one("Mul", graph.one("MatMul", other, x), scalar_like(graph, x, 0.1))
    else:
        graph.one("MatMul", matrix(graph, x, (graph.draw.pick(WIDTHS), extent(rows)), rows[0]), x)


def convolved(graph: Graph, x: Value) -> None:
    convolution(graph, x, graph.draw.pick(WIDTHS))


def attended(graph: Graph, x: Value) -> None:
    """Keys, values or queries of others."""
    d = graph.draw
    if x.rank != 4 or d.opset < 23 or x.dtype is not np.float32:
        raise Redraw
    b, h, _, e = x.dims
    keys, others = d.dim(9), d.operand(x.dtype, x.dims, -1, 1)
    inputs = d.pick([
        [x, others, x], [others, x, x], [x, x, others], [x, x, x],
        [x, d.operand(x.dtype, (b, h, keys, e), -1, 1), d.operand(x.dtype, (b, h, keys, d.dim(9)), -1, 1)],
    ])  # fmt: skip
    graph.add(Call("Attention", inputs, d.some({"is_causal": 1})))


def drawn(*operators: str) -> Callable[[Graph, Value], None]:
    """A reader by the operators' own recipes."""

    def read(graph: Graph, x: Value) -> None:
        recipe = RECIPES[graph.draw.pick(operators)]
        if not fits(recipe, x, graph.draw.opset) or not in_domain(recipe, x):
            raise Redraw
        if not all(recipe.steady([sample, sample]) for sample in x.samples):
            raise Redraw
        call = recipe.make(graph.draw, x)
        if hangs_on_rounding(call):
            raise Redraw
        graph.add(call)

    return read


Reader = tuple[Callable[[Graph, Value], None], tuple[int, int]]
OF_FLOATS: list[Reader] = [
    (chain, (1, 5)), (scaled, (1, 5)), (met, (1, 5)), (multiplied, (2, 4)), (multiplied, (2, 4)), (multiplies, (2, 4)), (convolved, (3, 5)), (convolved, (3, 5)), (attended, (4, 4)),
]  # fmt: skip
OF_ALL: list[Reader] = [
    (drawn("Softmax", "LogSoftmax"), (1, 5)), (drawn("ReduceSum", "ReduceMean", "ReduceMax", "ReduceL2"), (1, 5)), (drawn("Concat"), (1, 5)),
    (drawn("Slice", "Split"), (1, 5)), (drawn("Reshape", "Flatten", "Squeeze", "Unsqueeze"), (1, 5)), (drawn("Transpose"), (2, 5)),
    (drawn("MaxPool", "AveragePool", "GlobalAveragePool", "Resize", "Pad"), (3, 5)), (drawn("Gemm"), (2, 2)), (drawn("Gather", "Expand", "Tile"), (1, 5)),
    (drawn("LayerNormalization", "InstanceNormalization", "BatchNormalization"), (2, 5)), (drawn("Where", "Max", "Cast"), (1, 5)),
]  # fmt: skip


def read(graph: Graph, x: Value) -> None:
    """By none (then it is an output), one or two; what some of them give is read again."""
    d = graph.draw
    for _ in range(d.pick([0, 1, 1, 1, 2])):
        reader, ranks = d.pick([*OF_FLOATS, *OF_ALL] if x.dtype in FLOATS else OF_ALL)
        if not ranks[0] <= x.rank <= ranks[1]:
            continue
        try:
            reader(graph, x)
        except Redraw:  # another time; what was added so far stays
            continue
