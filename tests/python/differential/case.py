"""A random model with its inputs and what it should give, and its way to disk and back."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from .draw import Array


@dataclass
class Case:
    kind: str
    name: str
    model: onnx.ModelProto
    feeds: list[dict[str, Array]]
    expected: list[dict[str, Array]]
    # Largest errors of float32 and float16 outputs, relative to their largest magnitude.
    tolerance: float
    half_tolerance: float
    # What the nodes inside give in each run, for a search of the one that is wrong.
    inner: list[dict[str, Array]] = field(default_factory=list)

    @property
    def command(self) -> str:
        return f"python -m tests.python.differential --repeat {self.name}"

    def save(self, folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.name.replace(':', '-')}.onnx"
        onnx.save(self.model, path)
        arrays: dict[str, Any] = {f"{run}/{name}": a for run, feed in enumerate(self.feeds) for name, a in feed.items()}
        np.savez(path.with_suffix(".npz"), **arrays)
        return path
