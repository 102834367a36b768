"""What a random model is made of: extents that may change from run to run, values, nodes, and the dice.

A model is drawn together with what its values are in every run ("sample"), so that a node which would be invalid, or
whose result would depend on rounding, is seen at once and drawn again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

Array = np.ndarray[Any, Any]
T = TypeVar("T")

RUNS = 2
# One extent in each run; they differ where the dimension is dynamic.
Dim = tuple[int, ...]
Dims = tuple[Dim, ...]

FLOATS = (np.float32, np.float16)
TYPES = (np.float32, np.float16, np.int32, np.int64, np.int8, np.uint8, np.bool_)
# Odd on purpose: kernels for powers of two break there.
EXTENTS = (1, 2, 3, 4, 5, 7, 8, 17, 33)
MOST_ELEMENTS = 6000


class Redraw(Exception):
    """This operator does not fit what was drawn so far."""


def fixed(extent: int) -> Dim:
    return (int(extent),) * RUNS


def is_fixed(dim: Dim) -> bool:
    return len(set(dim)) == 1


def extent(dim: Dim) -> int:
    """Of a dimension that goes into an attribute or a constant: the same in every run."""
    if not is_fixed(dim):
        raise Redraw
    return dim[0]


@dataclass(eq=False)
class Value:
    """A tensor of the model, with its elements in every run."""

    name: str
    samples: tuple[Array, ...]
    is_constant: bool = False

    @property
    def dtype(self) -> Any:
        return self.samples[0].dtype.type

    @property
    def rank(self) -> int:
        return self.samples[0].ndim

    @property
    def dims(self) -> Dims:
        return tuple(zip(*(sample.shape for sample in self.samples), strict=True))

    @property
    def is_static(self) -> bool:
        return all(is_fixed(dim) for dim in self.dims)


@dataclass
class Call:
    """A node before it is part of a model. None is an absent input; captures are what its subgraphs read."""

    op: str
    inputs: Sequence[Value | None]
    attributes: dict[str, Any] = field(default_factory=dict)
    outputs: int = 1
    captures: Sequence[Value] = ()
    domain: str = ""


class Draw:
    """The dice of one model. Values that a recipe makes are pending until its node is accepted."""

    def __init__(self, seed: Sequence[int], opset: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.opset = opset
        self.values: list[Value] = []
        self.pending: list[Value] = []
        self.names = 0
        # Chances that fixed numbers (axes, weights) are inputs of the model, and an operand is a value that exists.
        self.chance_input = 0.2
        self.chance_existing = 0.0
        self.chance_dynamic = 0.3
        self.chance_empty = 0.03

    def chance(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    def integer(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high + 1))

    def real(self, low: float, high: float) -> float:
        return float(np.float32(self.rng.uniform(low, high)))

    def pick(self, choices: Sequence[T]) -> T:
        if not choices:
            raise Redraw
        return choices[int(self.rng.integers(len(choices)))]

    def subset(self, choices: Sequence[T], least: int = 0) -> list[T]:
        """In random order."""
        if len(choices) < least:
            raise Redraw
        order = self.rng.permutation(len(choices))[: self.integer(least, len(choices))]
        return [choices[int(i)] for i in order]

    def dim(self, most: int = 33) -> Dim:
        choices = [n for n in EXTENTS if n <= most]
        if self.chance(self.chance_empty):
            return fixed(0)
        if self.chance(self.chance_dynamic):
            return tuple(self.pick(choices) for _ in range(RUNS))
        return fixed(self.pick(choices))

    def dims(self, rank: int) -> Dims:
        drawn = [self.dim() for _ in range(rank)]
        while any(np.prod([dim[run] for dim in drawn]) > MOST_ELEMENTS for run in range(RUNS)):
            largest = max(range(rank), key=lambda axis: max(drawn[axis]))
            drawn[largest] = self.dim(max(drawn[largest]) - 1)
        return tuple(drawn)

    def axis(self, rank: int) -> int:
        if rank == 0:
            raise Redraw
        return self.integer(-rank, rank - 1)

    def array(self, dtype: Any, shape: Sequence[int], low: float = -2.0, high: float = 2.0) -> Array:
        if dtype is np.bool_:
            return self.rng.integers(0, 2, shape).astype(np.bool_)
        if np.issubdtype(dtype, np.integer):
            least = max(int(np.ceil(low)), int(np.iinfo(dtype).min))
            return np.asarray(self.rng.integers(least, max(int(high), least) + 1, shape)).astype(dtype)
        return np.asarray(self.rng.uniform(low, high, shape)).astype(dtype)

    def _new(self, samples: Sequence[Array], is_constant: bool) -> Value:
        self.names += 1
        value = Value(f"{'c' if is_constant else 'x'}{self.names}", tuple(samples), is_constant)
        self.pending.append(value)
        return value

    def operand(self, dtype: Any, dims: Dims, low: float = -2.0, high: float = 2.0) -> Value:
        """A tensor of these extents: new, or one that the model has."""
        if self.chance(self.chance_existing):
            fits = [v for v in self.values if v.dtype is dtype and v.dims == dims and within(v, low, high)]
            if fits:
                return self.pick(fits)
        shapes = [tuple(dim[run] for dim in dims) for run in range(RUNS)]
        if all(is_fixed(dim) for dim in dims) and self.chance(0.5):
            return self.constant(self.array(dtype, shapes[0], low, high))
        return self._new([self.array(dtype, shape, low, high) for shape in shapes], False)

    def input(self, dtype: Any, dims: Dims, low: float = -2.0, high: float = 2.0) -> Value:
        """Given by the user."""
        shapes = [tuple(dim[run] for dim in dims) for run in range(RUNS)]
        return self._new([self.array(dtype, shape, low, high) for shape in shapes], False)

    def constant(self, array: Any, dtype: Any = None) -> Value:
        """The same numbers in every run: an initializer, sometimes an input."""
        array = np.asarray(array, dtype)
        return self._new([array] * RUNS, not self.chance(self.chance_input))

    def weights(self, array: Array) -> Value:
        """Always an initializer."""
        return self._new([array] * RUNS, True)

    def numbers(self, numbers: Sequence[int]) -> Value:
        return self.constant(np.array(numbers, np.int64))

    def maybe(self, value: T, probability: float = 0.5) -> T | None:
        return value if self.chance(probability) else None

    def some(self, attributes: dict[str, Any]) -> dict[str, Any]:
        """Each with an even chance: absent attributes have defaults."""
        return {name: value for name, value in attributes.items() if self.chance(0.5)}


def within(value: Value, low: float, high: float) -> bool:
    """Whether all elements lie in a range (booleans do)."""
    if value.dtype is np.bool_:
        return True
    return all(bool(np.all((sample >= low) & (sample <= high))) for sample in value.samples)
