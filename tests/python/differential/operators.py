"""Models of one operator: random attributes, shapes, element types and opsets."""

from __future__ import annotations

import zlib

import numpy as np
import onnx
from onnx import helper

from .case import Case
from .draw import Call, Draw, Redraw, Value
from .recipe import Recipe, onnx_type, types_of, versions
from .recipes import RECIPES
from .reference import evaluate, feeds_of, make_model

# What ONNX Runtime 1.31 takes; newer opsets go to ONNX's own evaluator, which is slower and has bugs of its own.
NEWEST = 26
TRIES = 200
# Largest relative error where operands or results are float16: sums are rounded to 11 bits, in another order.
HALF_TOLERANCE = 5e-3


def draw_opset(d: Draw, recipe: Recipe) -> int:
    """Any, or one where the operator changed."""
    last = min(NEWEST, recipe.until)
    changes = [v for v in versions(recipe.op) if recipe.since <= v <= last]
    if changes and d.chance(0.6):
        return d.pick(changes)
    return d.integer(recipe.since, last)


def draw_first(d: Draw, recipe: Recipe) -> Value:
    types = types_of(recipe, d.opset)
    dtype = np.float32 if np.float32 in types and d.chance(0.5) else d.pick(types)
    return d.input(dtype, d.dims(d.integer(*recipe.ranks)), recipe.low, recipe.high)


def node_of(call: Call, outputs: list[str]) -> onnx.NodeProto:
    inputs = ["" if value is None else value.name for value in call.inputs]
    name = f"{call.op}_{outputs[0]}"
    return helper.make_node(call.op, inputs, outputs, name=name, domain=call.domain, **call.attributes)


def sources(call: Call) -> list[Value]:
    """What a node reads, each once."""
    read = [*(value for value in call.inputs if value is not None), *call.captures]
    return list({value.name: value for value in read}.values())


def operator_case(op: str, number: int) -> Case:
    """The number-th random model of the operator."""
    recipe = RECIPES[op]
    for attempt in range(TRIES):
        d = Draw([zlib.crc32(op.encode()), number, attempt], recipe.since)
        d.opset = draw_opset(d, recipe)
        try:
            call = recipe.make(d, draw_first(d, recipe))
            return _finish(f"{op}:{number}", d, call, recipe)
        except Redraw:
            continue
        except Exception:  # both references refuse: the draw was not valid
            continue
    raise RuntimeError(f"No valid model of {op} in {TRIES} draws: its recipe is wrong.")


def _finish(name: str, d: Draw, call: Call, recipe: Recipe) -> Case:
    outputs = [f"y{i}" for i in range(call.outputs)]
    values = sources(call)
    node = node_of(call, outputs)
    untyped = [onnx.ValueInfoProto(name=output) for output in outputs]
    feeds = feeds_of(values)
    with np.errstate(all="ignore"):
        expected = evaluate(make_model([node], values, untyped, d.opset), feeds)
    typed = [
        helper.make_tensor_value_info(output, onnx_type(expected[0][output].dtype.type), None) for output in outputs
    ]
    half = any(v.dtype is np.float16 for v in values)
    tolerance = HALF_TOLERANCE if half else recipe.tolerance
    return Case(
        "operators", name, make_model([node], values, typed, d.opset), feeds, expected, tolerance, HALF_TOLERANCE
    )
