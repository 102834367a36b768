"""If, Loop and Scan around a few nodes that also read outer values."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper

from .draw import Call, Redraw, Value, within
from .graphs import Graph
from .recipe import differ, onnx_type

_FUNCTIONS = ("Relu", "Sigmoid", "Tanh", "Neg", "Identity")


def info(
    name: str, value: Value | None = None, kind: int = TensorProto.FLOAT, rank: int | None = None
) -> onnx.ValueInfoProto:
    """A value of a body: like another one, with free extents."""
    if value is not None:
        kind, rank = onnx_type(value.dtype), value.rank
    return helper.make_tensor_value_info(name, kind, None if rank is None else [None] * rank)


def state_of(graph: Graph) -> Value:
    fits = [v for v in graph.values if v.dtype is np.float32 and v.rank >= 1 and within(v, -6, 6)]
    return graph.draw.pick(fits[-6:])


def body(graph: Graph, name: str, outer: Value) -> tuple[list[onnx.NodeProto], str]:
    """One to three nodes on a value, some of which read an outer one of the same extents."""
    nodes = []
    for _ in range(graph.draw.integer(1, 3)):
        result = graph.name("b")
        if graph.draw.chance(0.5):
            nodes.append(helper.make_node("Add", [name, outer.name], [result], name=f"{result}_node"))
        else:
            op = graph.draw.pick(_FUNCTIONS)
            nodes.append(helper.make_node(op, [name], [result], name=f"{result}_node"))
        name = result
    return nodes, name


def condition(graph: Graph) -> Value:
    """Of data: they may say yes in one run and no in the next."""
    d = graph.draw
    x = state_of(graph)
    top = graph.one("ReduceMax", x, keepdims=0)
    level = graph.constant(d.real(-1, 2))
    if not all(differ(1e-2)([sample, level.samples[0]]) for sample in top.samples):
        raise Redraw
    return graph.one("Greater", top, level)


def if_(graph: Graph) -> None:
    """Branches give one tensor each, of the same rank; perhaps of other extents."""
    d = graph.draw
    decision = condition(graph)
    x, branches = state_of(graph), []
    for _ in range(2):
        nodes, result = body(graph, x.name, x)
        if d.chance(0.2):
            joined = graph.name("b")
            nodes.append(helper.make_node("Concat", [result, x.name], [joined], axis=0, name=f"{joined}_node"))
            result = joined
        branches.append(helper.make_graph(nodes, graph.name("branch"), [], [info(result, x)]))
    attributes = {"then_branch": branches[0], "else_branch": branches[1]}
    graph.add(Call("If", [decision], attributes, captures=[x]))


def loop_graph(
    graph: Graph, x: Value, nodes: list[onnx.NodeProto], state: str, results: list[str], ranks: list[int]
) -> onnx.GraphProto:
    go_on, go = graph.name("b"), graph.name("b")
    nodes = [helper.make_node("Identity", [go_on], [go], name=f"{go}_node"), *nodes]
    inputs = [
        info(graph.name("b"), kind=TensorProto.INT64, rank=0),
        info(go_on, kind=TensorProto.BOOL, rank=0),
        info(state, x),
    ]
    outputs = [
        info(go, kind=TensorProto.BOOL, rank=0),
        *(info(name, rank=rank) for name, rank in zip(results, ranks, strict=True)),
    ]
    return helper.make_graph(nodes, graph.name("loop"), inputs, outputs)


def trips(graph: Graph) -> Value:
    """A number, or the extent of something."""
    if graph.draw.chance(0.6):
        return graph.constant(graph.draw.integer(1, 4), np.int64)
    shape = graph.one("Shape", state_of(graph))
    return graph.one("Gather", shape, graph.constant(0, np.int64), axis=0)


def loop(graph: Graph) -> None:
    x, state = state_of(graph), graph.name("b")
    nodes, result = body(graph, state, x)
    half = graph.constant(0.5)
    scaled, seen = graph.name("b"), graph.name("b")
    nodes.append(helper.make_node("Mul", [result, half.name], [scaled], name=f"{scaled}_node"))
    nodes.append(helper.make_node("Neg", [scaled], [seen], name=f"{seen}_node"))
    attributes = {"body": loop_graph(graph, x, nodes, state, [scaled, seen], [x.rank, x.rank])}
    go_on = graph.constant(True, np.bool_) if graph.draw.chance(0.5) else None
    graph.add(Call("Loop", [trips(graph), go_on, x], attributes, 2, [x, half]))


def growing_loop(graph: Graph) -> None:
    """The state is longer after each turn."""
    x, state, longer = state_of(graph), graph.name("b"), graph.name("b")
    node = helper.make_node("Concat", [state, x.name], [longer], axis=0, name=f"{longer}_node")
    attributes = {"body": loop_graph(graph, x, [node], state, [longer], [x.rank])}
    graph.add(Call("Loop", [trips(graph), None, x], attributes, 1, [x]))


def scan(graph: Graph) -> None:
    """A running sum over the first axis."""
    x = state_of(graph)
    if x.rank < 2 or any(dim == 0 for dim in x.samples[0].shape):
        raise Redraw
    start = (
        graph.one("ReduceMax", x, **({"axes": [0]} if graph.draw.opset < 18 else {}), keepdims=0)
        if graph.draw.opset < 18
        else graph.one("ReduceMax", x, graph.constant([0], np.int64), keepdims=0)
    )
    old, row, new, out = (graph.name("b") for _ in range(4))
    nodes = [
        helper.make_node("Add", [old, row], [new], name=f"{new}_node"),
        helper.make_node("Tanh", [new], [out], name=f"{out}_node"),
    ]
    inner = helper.make_graph(
        nodes, graph.name("scan"), [info(old, start), info(row, start)], [info(new, start), info(out, start)]
    )
    graph.add(Call("Scan", [start, x], {"body": inner, "num_scan_inputs": 1}, 2))
