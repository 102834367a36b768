"""The engines by name. Nothing is imported before its engine is made: each is made in a process of its own."""

from __future__ import annotations

from typing import Protocol

from bench.arrays import Arrays

from .cases import Case
from .settings import Settings

OURS = "tensorvk"
TORCH = ("torch", "torch-graph", "torch-compile")
NAMES = (OURS, *TORCH)


class Engine(Protocol):
    """Inputs and outputs stay on the device."""

    def start(self) -> None:
        """Enqueues one inference."""

    def wait(self) -> None:
        """Until everything that was enqueued is done."""

    def outputs(self) -> Arrays:
        """Of the last inference."""


def make(name: str, case: Case, settings: Settings) -> Engine:
    """Raises ModuleNotFoundError, or NotOffered with the reason."""
    if name == OURS:
        from . import ours

        return ours.Engine(case, settings)
    from . import torch_engines

    makers = {
        "torch": torch_engines.eager,
        "torch-graph": torch_engines.cuda_graph,
        "torch-compile": torch_engines.compiled_graph,
    }
    return makers[name](case, settings)
