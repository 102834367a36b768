"""How an operator is drawn: which first inputs it takes, and a function that makes the rest of the node."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import onnx
from onnx import helper

from .draw import TYPES, Array, Call, Draw, Value

Make = Callable[[Draw, Value], Call]
Steady = Callable[[Sequence[Array]], bool]


def always(_: Sequence[Array]) -> bool:
    return True


@dataclass(frozen=True)
class Recipe:
    op: str
    make: Make
    # Of the first input: ranks, range of elements, element types (None: what ONNX allows at the opset).
    ranks: tuple[int, int] = (0, 5)
    low: float = -2.0
    high: float = 2.0
    types: tuple[Any, ...] | None = None
    # Opsets to draw from.
    since: int = 7
    until: int = 99
    # Whether no result hangs on the last bit of these inputs: no two implementations agree near a jump. Asked in
    # graphs, where inputs are results of roundings; a lone operator is given the same bits on both sides.
    steady: Steady = always
    # Largest error of float32, relative to the largest magnitude: 1e-5 is 80 roundings; approximations make more.
    tolerance: float = 2e-5
    # Weight among the operators of a random graph; 0 keeps it out.
    weight: float = 1.0


@cache
def element_types(op: str, opset: int) -> tuple[Any, ...]:
    """What ONNX allows for the first input."""
    schema = onnx.defs.get_schema(op, opset)
    if not schema.inputs:
        return TYPES
    kind = schema.inputs[0].type_str
    allowed: set[str] = {kind}
    for constraint in schema.type_constraints:
        if constraint.type_param_str == kind:
            allowed = set(constraint.allowed_type_strs)
    names = {f"tensor({np_name(dtype)})": dtype for dtype in TYPES}
    return tuple(dtype for name, dtype in names.items() if name in allowed)


def np_name(dtype: Any) -> str:
    return {np.float32: "float", np.bool_: "bool"}.get(dtype, np.dtype(dtype).name)


def types_of(recipe: Recipe, opset: int) -> tuple[Any, ...]:
    allowed = element_types(recipe.op, opset)
    return allowed if recipe.types is None else tuple(dtype for dtype in recipe.types if dtype in allowed)


def onnx_type(dtype: Any) -> int:
    return int(helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))


@cache
def versions(op: str) -> tuple[int, ...]:
    """Opsets that changed the operator."""
    return tuple(
        sorted({s.since_version for s in onnx.defs.get_all_schemas_with_history() if s.name == op and s.domain == ""})
    )


def _margin(array: Array, margin: float) -> float:
    """Rounding errors of float16 are some thousand times float32's; 50 times the margin still lets values through."""
    return margin * (50.0 if array.dtype == np.float16 else 1.0)


def apart(margin: float) -> Steady:
    """No element of a floating input is nearer to a multiple of 0.5 than the margin. Zeros and whole arrays may be."""

    def steady(inputs: Sequence[Array]) -> bool:
        for array in inputs:
            if array.dtype.kind == "f":
                distance = np.abs(array * 2.0 - np.round(array * 2.0))
                if np.any((distance < _margin(array, margin)) & (array != 0)) and np.any(distance > 0):
                    return False
        return True

    return steady


def distinct(margin: float) -> Steady:
    """No two elements of a floating first input are nearly equal: their order is safe."""

    def steady(inputs: Sequence[Array]) -> bool:
        if inputs[0].dtype.kind != "f":
            return True
        gaps = np.diff(np.sort(inputs[0].astype(np.float64), axis=None))
        return not bool(np.any(gaps < _margin(inputs[0], margin)))

    return steady


def varied(inputs: Sequence[Array]) -> bool:
    """The first input is not nearly constant: what is divided by its deviation would be rounding alone."""
    x = inputs[0].astype(np.float64)
    return x.size > 0 and float(x.std()) > 1e-2 * float(np.abs(x).max())


def differ(margin: float) -> Steady:
    """Two floating inputs are nowhere nearly equal."""

    def steady(inputs: Sequence[Array]) -> bool:
        if inputs[0].dtype.kind != "f":
            return True
        return not bool(np.any(np.abs(inputs[0].astype(np.float64) - inputs[1]) < _margin(inputs[0], margin)))

    return steady
