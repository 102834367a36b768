"""Parts of values and products of one input: what slices that stay where they are, and siblings that become one product,
are found in, with all kinds of readers behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from onnx import helper

from .control import loop_graph, trips
from .draw import FLOATS, Call, Draw, Redraw, Value, extent, fixed
from .graphs import Graph
from .motifs_blocks import blocks
from .readers import WIDTHS, activated, convolution, floating, matrix, product, read, scalar_like

WHOLE_TYPES = (np.int64, np.int32, np.uint8, np.int8)
UNITS = (16, 8, 8, 4, 1)
_BOUNDED = ("Sigmoid", "Tanh", "Softmax")


def begin_wide(graph: Graph) -> None:
    """Rows or pictures of one type; the batch is often dynamic, the rows of it sometimes, the width never."""
    d = graph.draw
    dtype = np.float16 if d.chance(0.2) else np.float32
    batch = (d.integer(1, 4), d.integer(1, 4)) if d.chance(0.4) else fixed(d.integer(1, 3))
    width = fixed(d.pick(WIDTHS[:-1]))
    d.chance_dynamic = 0.25
    for _ in range(d.integer(1, 2)):
        rank = d.pick([2, 3, 3, 3, 4, 4, 4, 5])
        inner = [d.dim(17 if rank < 4 else 9 if rank == 4 else 4) for _ in range(rank - 2)]
        graph.add_input(d.input(dtype, (batch, *inner, width) if rank < 4 or d.chance(0.2) else (batch, width, *inner)))
    if d.chance(0.15):
        graph.add_input(d.input(d.pick(WHOLE_TYPES), (width, d.dim(9), batch)[: d.integer(1, 3)]))
    d.chance_dynamic = 0.05


def sizes(d: Draw, n: int) -> list[int]:
    """Two to four parts, most of them of whole vectors; seldom an empty one."""
    unit = d.pick([u for u in UNITS if n % u == 0 and n > u])
    cuts = sorted(unit * d.integer(1, n // unit - 1) for _ in range(d.integer(1, 3)))
    if not d.chance(0.1):
        cuts = sorted(set(cuts))
    return [int(size) for size in np.diff([0, *cuts, n])]


def split(graph: Graph, x: Value, axis: int, lengths: list[int]) -> list[Value]:
    return graph.add(Call("Split", [x, graph.constant(lengths, np.int64)], {"axis": axis}, len(lengths)))


def parts(graph: Graph) -> None:
    """By Split, or by slices that overlap, leave something out, and cut several axes."""
    d = graph.draw
    whole = [v for v in graph.values if v.dtype in WHOLE_TYPES and v.rank > 0 and v.name not in graph.used]
    x = d.pick(whole) if whole and d.chance(0.3) else floating(graph)
    if x.name in graph.sources and d.chance(0.7):
        x = activated(graph, x) if x.dtype in FLOATS else graph.one("Add", x, x)
    axis = d.integer(0, x.rank - 1)
    n = extent(x.dims[axis])
    if n < 2:
        raise Redraw
    lengths = sizes(d, n)
    if d.chance(0.5):
        found = split(graph, x, axis, lengths)
    else:
        found = [ranged(graph, x, axis, lengths) for _ in range(d.integer(1, 3))]
    for part in found:
        read(graph, part)


def ranged(graph: Graph, x: Value, axis: int, lengths: list[int]) -> Value:
    """Some neighbours of `lengths`; of one more axis a few."""
    d = graph.draw
    borders = [0, *np.cumsum(lengths).tolist()]
    low, high = sorted(d.subset(borders, 2)[:2])
    ranges = {axis: (low, high if high < borders[-1] or d.chance(0.5) else 2**31 - 1)}
    other = d.integer(0, x.rank - 1)
    if other != axis and d.chance(0.3) and min(x.dims[other]) > 1:
        ranges[other] = (d.integer(0, 1), min(x.dims[other]) - d.integer(0, 1))
    numbers = [[begin for begin, _ in ranges.values()], [end for _, end in ranges.values()], list(ranges)]
    return graph.one("Slice", x, *(graph.constant(some, np.int64) for some in numbers))


def siblings(graph: Graph) -> None:
    """Most of them alike but for what belongs to columns."""
    d = graph.draw
    x = floating(graph, (2, 5))
    make: Callable[..., Value] = convolution if x.rank >= 3 and d.chance(0.6) else product
    bias, function = d.chance(0.6), d.pick(["", "", "Relu", "Sigmoid"])
    options: dict[str, Any] = {"side": d.pick([1, 1, 3])} if make is convolution else {}
    for _ in range(d.integer(2, 4)):
        odd = d.chance(0.15)
        y = make(graph, x, d.pick(WIDTHS), bias != odd, d.pick(["", "Relu", "Tanh"]) if odd else function, **options)
        read(graph, y)


def branches(graph: Graph) -> None:
    """Products of one input side by side again, perhaps beside the input; then cut elsewhere than they were joined."""
    d = graph.draw
    x = floating(graph, (2, 4))
    make, axis = (convolution, 1) if x.rank >= 3 and d.chance(0.6) else (product, x.rank - 1)
    options: dict[str, Any] = {"side": d.pick([1, 1, 3])} if make is convolution else {}
    joined = [
        make(graph, x, d.pick(WIDTHS), d.chance(0.5), d.pick(["", "Relu"]), **options) for _ in range(d.integer(2, 3))
    ]
    if make is convolution and joined[0].dims[2:] != joined[1].dims[2:]:
        raise Redraw
    if joined[0].dims[2:] == x.dims[2:] and make is convolution and d.chance(0.3):
        joined.append(x)
    y = graph.one("Concat", *joined, axis=axis)
    for part in split(graph, y, axis, sizes(d, extent(y.dims[axis]))) if d.chance(0.6) else [y]:
        read(graph, part)


def heads(graph: Graph) -> None:
    """Queries, keys and values of one input or one product, cut into heads, and attention behind."""
    d = graph.draw
    x = floating(graph, (3, 3))
    count, size = d.pick([1, 2, 2, 4]), d.pick([4, 8, 8, 16, 16, 5])
    width = count * size
    if d.chance(0.5):
        q, k, v = (product(graph, x, width, function="Tanh" if d.chance(0.1) else "") for _ in range(3))
    else:
        q, k, v = split(graph, product(graph, x, 3 * width), 2, [width] * 3)
    if d.chance(0.2):
        read(graph, d.pick([q, k, v]))
    if d.opset >= 23 and x.dtype is np.float32 and d.chance(0.3):
        y = graph.add(Call("Attention", [q, k, v], {"q_num_heads": count, "kv_num_heads": count}))[0]
    else:
        y = spelled_attention(graph, q, k, v, count, size)
    product(graph, y, extent(x.dims[2]))


def spelled_attention(graph: Graph, q: Value, k: Value, v: Value, count: int, size: int) -> Value:
    d = graph.draw
    cut = graph.constant([0, 0, count, size], np.int64)
    turned = [graph.one("Transpose", graph.one("Reshape", each, cut), perm=[0, 2, 1, 3]) for each in (q, v)]
    keys = graph.one("Reshape", k, cut)
    if d.chance(0.3):
        keys = graph.one(
            "Transpose", rotated(graph, graph.one("Transpose", keys, perm=[0, 2, 1, 3])), perm=[0, 1, 3, 2]
        )
    else:
        keys = graph.one("Transpose", keys, perm=[0, 2, 3, 1])
    scores = graph.one("Mul", graph.one("MatMul", turned[0], keys), scalar_like(graph, q, size**-0.5))
    if d.chance(0.3):
        scores = graph.one("Add", scores, d.operand(q.dtype, scores.dims[-2:], -1, 1))
    y = graph.one("MatMul", graph.one("Softmax", scores, axis=-1), turned[1])
    y = graph.one("Transpose", y, perm=[0, 2, 1, 3])
    return graph.one("Reshape", y, graph.constant([0, 0, count * size], np.int64))


def rotated(graph: Graph, x: Value) -> Value:
    """As rotary positions: halves of each head change places."""
    n = extent(x.dims[-1])
    if n < 2:
        raise Redraw
    first, second = split(graph, x, x.rank - 1, [n // 2, n - n // 2])
    turned = graph.one("Concat", graph.one("Neg", second), first, axis=-1)
    angles = graph.constant(graph.draw.array(x.dtype, (n,), -1, 1), x.dtype)
    return graph.one("Add", x, graph.one("Mul", turned, angles))


def loop_of_parts(graph: Graph) -> None:
    """Each turn cuts the state, multiplies a part and joins them in another order; the state may be a part itself."""
    d = graph.draw
    x = floating(graph, (2, 4))
    n = extent(x.dims[-1])
    if n < 2 or x.dtype is not np.float32:
        raise Redraw
    first = d.pick([u for u in UNITS if u < n])
    lengths, weights = graph.constant([first, n - first], np.int64), matrix(graph, x, (first, first), first)
    state, a, b, p, t, result = (graph.name("b") for _ in range(6))
    nodes = [
        helper.make_node("Split", [state, lengths.name], [a, b], axis=-1, name=f"{a}_node"),
        helper.make_node("MatMul", [a, weights.name], [p], name=f"{p}_node"),
        helper.make_node(d.pick(_BOUNDED), [b], [t], name=f"{t}_node"),
        helper.make_node("Concat", [t, p] if d.chance(0.5) else [p, t], [result], axis=-1, name=f"{result}_node"),
    ]
    attributes = {"body": loop_graph(graph, x, nodes, state, [result], [x.rank])}
    y = graph.add(Call("Loop", [trips(graph), None, x], attributes, 1, [lengths, weights]))[0]
    read(graph, y)


PART_MOTIFS: list[tuple[Callable[[Graph], Any], float]] = [
    (parts, 4),
    (siblings, 3),
    (heads, 1.5),
    (blocks, 2),
    (loop_of_parts, 0.3),
]
