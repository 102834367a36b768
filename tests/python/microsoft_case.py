"""What a case of an operator of ONNX Runtime's domain com.microsoft is, and numbers to make some of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Reference = Callable[..., Array | list[Array]]


@dataclass(frozen=True)
class Case:
    """One node. Inputs are arrays in its order, None for an absent one; those in `constants` are initializers."""

    op: str
    note: str
    inputs: tuple[Array | None, ...]
    attributes: dict[str, Any] = field(default_factory=dict)
    constants: tuple[int, ...] = ()
    outputs: int = 1
    # Largest error relative to the largest magnitude. 1e-5 is some 80 roundings of float32; more says why.
    tolerance: float = 1e-5
    # By how many steps one in twenty numbers of a quantized result may be off; 0 unless it says why.
    steps: int = 0
    # From the inputs that are there; for operators that ONNX Runtime's CPU provider has no kernel for.
    reference: Reference | None = None
    # Outputs that nobody asks for.
    unused: tuple[int, ...] = ()
    # Outputs whose type ONNX Runtime does not infer.
    types: dict[int, np.dtype[Any]] = field(default_factory=dict)
    # What of the outputs means something, where padding does not.
    valid: Callable[[list[Array]], list[Array]] | None = None

    @property
    def id(self) -> str:
        return f"{self.op}-{self.note}"


def generator(*seed: int) -> np.random.Generator:
    return np.random.default_rng(list(seed))


def f32(*shape: int, low: float = -2.0, high: float = 2.0, seed: int = 0) -> Array:
    return generator(seed, *shape).uniform(low, high, shape).astype(np.float32)


def u8(*shape: int, seed: int = 0, low: int = 0, high: int = 256) -> Array:
    return generator(seed, *shape, 8).integers(low, high, shape).astype(np.uint8)


def i8(*shape: int, seed: int = 0, low: int = -128, high: int = 128) -> Array:
    return generator(seed, *shape, 9).integers(low, high, shape).astype(np.int8)


def i32(*values: int) -> Array:
    return np.array(values, np.int32)


def f(value: float) -> Array:
    return np.array(value, np.float32)


def z8(value: int) -> Array:
    return np.array(value, np.uint8)


def s8(value: int) -> Array:
    return np.array(value, np.int8)
