"""Random small graphs: fan-out, residuals, several outputs, what fusion looks for, control flow, a dynamic batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper

from .case import Case
from .draw import RUNS, TYPES, Array, Call, Draw, Redraw, Value, fixed, within
from .operators import node_of, sources
from .recipe import Recipe, onnx_type, types_of
from .recipes import RECIPES
from .reference import evaluate, feeds_of, make_model

OPSETS = (9, 11, 12, 13, 13, 14, 16, 17, 17, 18, 19, 20, 21, 22, 23, 24)
LARGEST = {np.float32: 1e3, np.float16: 60.0, np.int8: 127, np.uint8: 255}
MOST_ELEMENTS = 20000
# Fifteen nodes' roundings in float32; what is beyond is compared with float64 before it is called wrong.
TOLERANCE, HALF_TOLERANCE = 2e-4, 2e-2
# Apart from the operators' seeds.
_STREAM, _PARTS_STREAM = 0x67726170, 0x70617274
PARTS_OPSETS = (13, 17, 18, 21, 21, 23, 23)
Weighted = Sequence[tuple[Callable[["Graph"], Any], float]]


def sane(value: Value, allow_empty: bool) -> bool:
    """Finite, of moderate size, not all zeros: what later nodes can be compared on."""
    limit = LARGEST.get(value.dtype, 1e6)
    for sample in value.samples:
        if sample.size > MOST_ELEMENTS or sample.ndim > 8 or (sample.size == 0 and not allow_empty):
            return False
        if sample.size and sample.dtype.kind in "fi" and not bool(np.all(np.abs(sample.astype(np.float64)) <= limit)):
            return False
        if sample.size > 1 and sample.dtype.kind == "f" and not sample.any():
            return False
    return True


class Graph:
    """A graph that grows node by node; each is evaluated as it is added."""

    def __init__(self, d: Draw) -> None:
        self.draw = d
        self.nodes: list[onnx.NodeProto] = []
        self.calls: list[Call] = []
        self.sources: dict[str, Value] = {}  # inputs and initializers
        self.values: list[Value] = d.values  # inputs and what nodes gave
        self.used: set[str] = set()

    def name(self, kind: str = "v") -> str:
        self.draw.names += 1
        return f"{kind}{self.draw.names}"

    def add_input(self, value: Value) -> Value:
        self.sources[value.name] = value
        self.values.append(value)
        return value

    def add(self, call: Call) -> list[Value]:
        """The node's outputs; Redraw when it is invalid or gives what nothing can be compared on."""
        read = sources(call)
        names = [self.name() for _ in range(call.outputs)]
        node = node_of(call, names)
        model = make_model([node], read, [onnx.ValueInfoProto(name=name) for name in names], self.draw.opset)
        feeds = feeds_of(read)
        try:
            with np.errstate(all="ignore"):
                results = evaluate(model, feeds)
        except Exception:  # invalid in ONNX Runtime and in ONNX's evaluator
            raise Redraw from None
        results = results * RUNS if len(results) < RUNS else results
        outputs = [Value(name, tuple(result[name] for result in results)) for name in names]
        # An empty tensor makes all that follows empty: seldom.
        if not all(sane(value, self.draw.chance(0.05)) for value in outputs):
            raise Redraw
        self._accept(node, call, read, outputs)
        return outputs

    def _accept(self, node: onnx.NodeProto, call: Call, read: list[Value], outputs: list[Value]) -> None:
        known = {value.name for value in self.values}
        for value in read:
            self.used.add(value.name)
            if value.name not in known and value.name not in self.sources:
                self.sources[value.name] = value
                if not value.is_constant:
                    self.values.append(value)
        self.nodes.append(node)
        self.calls.append(call)
        self.values.extend(outputs)

    def one(self, op: str, *inputs: Value | None, **attributes: Any) -> Value:
        return self.add(Call(op, inputs, attributes))[0]

    def constant(self, array: Any, dtype: Any = np.float32) -> Value:
        """A new initializer."""
        return Value(self.name("c"), (np.asarray(array, dtype),) * RUNS, True)

    def recent(self) -> Value:
        """Rather a late value than an early one, and rather one that nothing reads yet."""
        pool = [v for v in self.values if v.name not in self.used] if self.draw.chance(0.5) else self.values
        pool = pool or self.values
        return pool[int(len(pool) * self.draw.rng.random() ** 0.5)]


def fits(recipe: Recipe, x: Value, opset: int) -> bool:
    return (
        recipe.since <= opset <= recipe.until
        and recipe.ranks[0] <= x.rank <= recipe.ranks[1]
        and x.dtype in types_of(recipe, opset)
        and (
            x.dtype is np.bool_
            or within(x, recipe.low - 1, recipe.high + 1)
            or (recipe.low == -2.0 and recipe.high == 2.0)
        )
    )


_WEIGHTED = [recipe for recipe in RECIPES.values() if recipe.weight > 0]
_WEIGHTS = np.cumsum([recipe.weight for recipe in _WEIGHTED])


def in_domain(recipe: Recipe, x: Value) -> bool:
    """Bounds that are not the usual ones are the function's domain."""
    low = recipe.low if recipe.low not in (-2.0, -9.0) else -np.inf
    high = recipe.high if recipe.high not in (2.0, 9.0) else np.inf
    return within(x, low, high)


def reduces_nothing(recipe: Recipe, x: Value) -> bool:
    """Of no elements ONNX Runtime keeps the axes that ought to go."""
    return recipe.op.startswith(("Reduce", "Arg")) and any(sample.size == 0 for sample in x.samples)


def hangs_on_rounding(call: Call) -> bool:
    """Of several elements that are the largest in a window, which is what rounding to float16 makes of neighbours."""
    x = call.inputs[0]
    return call.op == "MaxPool" and call.outputs > 1 and x is not None and x.dtype is np.float16


def random_node(graph: Graph) -> None:
    d = graph.draw
    recipe = _WEIGHTED[int(np.searchsorted(_WEIGHTS, d.rng.random() * _WEIGHTS[-1], side="right"))]
    x = graph.recent()
    if not fits(recipe, x, d.opset) or not in_domain(recipe, x) or reduces_nothing(recipe, x):
        raise Redraw
    call = recipe.make(d, x)
    inputs = [value for value in call.inputs if value is not None]
    for run in range(RUNS):
        if hangs_on_rounding(call) or not recipe.steady([value.samples[run] for value in inputs]):
            raise Redraw
    graph.add(call)


def picked(d: Draw, choices: Weighted) -> Callable[[Graph], Any]:
    """One of them, by weight."""
    weights = np.cumsum([weight for _, weight in choices])
    return choices[int(np.searchsorted(weights, d.rng.random() * weights[-1], side="right"))][0]


def begin(graph: Graph) -> None:
    """One to three inputs; the first extent is the batch, the same dimension in all of them."""
    d = graph.draw
    batch = (d.integer(1, 5), d.integer(1, 5)) if d.chance(0.7) else fixed(d.integer(1, 4))
    for at in range(d.integer(1, 3)):
        dtype = (
            np.float32
            if at == 0 or d.chance(0.6)
            else d.pick([np.int64, np.int32, np.bool_, np.float16, np.int8, np.uint8])
        )
        rank = d.pick([1, 2, 2, 3, 3, 4, 4, 5])
        dims = (batch, *(d.dim(9) for _ in range(rank - 1)))
        graph.add_input(d.input(dtype, dims))


def outputs_of(graph: Graph) -> list[Value]:
    """What nothing reads, sometimes an inner value, seldom an input or an initializer."""
    d = graph.draw
    inner = [v for v in graph.values if v.name not in graph.sources]
    chosen = [v for v in inner if v.name not in graph.used]
    chosen += [v for v in inner if v.name in graph.used and d.chance(0.1)]
    chosen += [v for v in graph.sources.values() if d.chance(0.01) and v.dtype in TYPES]  # 4 bits are none of numpy's
    return [chosen[int(i)] for i in d.rng.permutation(len(chosen))]


def grow(graph: Graph, size: int, steps: Weighted, motif: float) -> None:
    """Nodes until there are `size`; a share of the steps are motifs."""
    for _ in range(400):
        if len(graph.nodes) >= size:
            break
        try:
            if graph.draw.chance(motif):
                picked(graph.draw, steps)(graph)
            else:
                random_node(graph)
        except Redraw:
            continue
        finally:
            graph.draw.pending.clear()


def graph_case(number: int) -> Case:
    from .motifs import MOTIFS

    d = Draw([_STREAM, number], 17)
    d.opset = d.pick(OPSETS)
    d.chance_input, d.chance_existing, d.chance_dynamic, d.chance_empty = 0.03, 0.6, 0.05, 0.0
    graph = Graph(d)
    begin(graph)
    grow(graph, d.integer(3, 15), MOTIFS, 0.06)
    return finish(graph, f"graph:{number}")


def parts_case(number: int) -> Case:
    """Of wide values that are cut, products that have one input, and packed weights."""
    from .motifs_parts import PART_MOTIFS, begin_wide

    d = Draw([_PARTS_STREAM, number], 17)
    d.opset = d.pick(PARTS_OPSETS)
    d.chance_input, d.chance_existing, d.chance_dynamic, d.chance_empty = 0.0, 0.7, 0.05, 0.0
    graph = Graph(d)
    begin_wide(graph)
    grow(graph, d.integer(3, 14), PART_MOTIFS, 0.7)
    return finish(graph, f"parts:{number}")


def finish(graph: Graph, name: str) -> Case:
    outputs = outputs_of(graph)
    values = list(graph.sources.values())
    infos = [helper.make_tensor_value_info(v.name, onnx_type(v.dtype), None) for v in outputs]
    model = make_model(graph.nodes, values, infos, graph.draw.opset)
    feeds = feeds_of(values)

    def given(chosen: list[Value]) -> list[dict[str, Array]]:
        return [{v.name: v.samples[run] for v in chosen} for run in range(len(feeds))]

    inner = given([v for v in graph.values if v.name not in graph.sources])
    return Case("graphs", name, model, feeds, given(outputs), TOLERANCE, HALF_TOLERANCE, inner)
