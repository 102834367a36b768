"""One row of the operator table: a node with its inputs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Row:
    """One node. `inputs` are fed by the user, `constants` are initializers; both in the node's order, None for an absent input."""

    op: str
    inputs: tuple[tuple[int, ...], ...]
    attributes: dict[str, Any] = field(default_factory=dict)
    constants: tuple[Any, ...] = ()
    opset: int = 17
    outputs: int = 1
    dtype: type = np.float32
    low: float = -2.0
    high: float = 2.0
    note: str = ""
    # Largest error allowed relative to the output's largest magnitude. 1e-5 is some 80 roundings of float32; sums of many terms and
    # approximated functions say more where they need it.
    tolerance: float = 1e-5
    # Extents that are only known at run time, by (input, axis): least, usual and most. `inputs` says what the others are.
    dynamic: dict[tuple[int, int], tuple[int, int, int]] = field(default_factory=dict)
    # Put at the front of every input: infinities and the like, which no random number is.
    specials: tuple[float, ...] = ()

    def shapes(self, size: int) -> list[tuple[int, ...]]:
        """Of the inputs, at the least (0), usual (1) or most (2) extents."""
        return [
            tuple(self.dynamic[i, axis][size] if (i, axis) in self.dynamic else n for axis, n in enumerate(shape))
            for i, shape in enumerate(self.inputs)
        ]

    @property
    def id(self) -> str:
        shapes = "_".join("x".join(map(str, shape)) or "scalar" for shape in self.inputs)
        return f"{self.op}-{shapes}" + (f"-{self.note}" if self.note else "")


def i64(*values: int) -> Array:
    return np.array(values, np.int64)


def f32(*shape: int, seed: int = 0) -> Array:
    """The same numbers for the same shape and seed: operands of one row take different seeds."""
    return np.random.default_rng([seed, *shape]).uniform(-1, 1, shape).astype(np.float32)


def scalar(value: float) -> Array:
    return np.array(value, np.float32)
