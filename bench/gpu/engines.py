"""The engines by name. Nothing is imported before its engine is made: each is made in a process of its own."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Protocol, cast

from bench.arrays import Arrays

from .cases import Case
from .settings import Settings

OURS = "tensorvk"


@dataclass(frozen=True)
class Kind:
    """Where an engine is made, of which packages, and what a reader of its times has to know."""

    module: str
    function: str
    packages: tuple[str, ...] = ()
    note: str = ""


KINDS = {
    OURS: Kind("ours", "Engine"),
    "torch": Kind("torch_engines", "eager", ("torch",)),
    "torch-graph": Kind("torch_engines", "cuda_graph", ("torch",)),
    "torch-compile": Kind("torch_engines", "compiled_graph", ("torch",)),
    "ncnn-vulkan": Kind(
        "host_engines",
        "ncnn_vulkan",
        ("ncnn", "pnnx"),
        "inputs and outputs go through host memory in each inference",
    ),
    "onnxruntime-cpu": Kind(
        "host_engines", "onnxruntime_cpu", ("onnxruntime",), "on the processor, in float32 (with Q/DQ in int8)"
    ),
    "onnxruntime-webgpu": Kind(
        "webgpu_engine",
        "Engine",
        ("onnxruntime", "onnxruntime-ep-webgpu"),
        "a wait is a copy of the outputs to the host, which is inside",
    ),
    "iree-vulkan": Kind("iree_engine", "Engine", ("iree-base-compiler", "iree-base-runtime")),
}
NAMES = tuple(KINDS)
TORCH = tuple(name for name in NAMES if name.startswith("torch"))


class Engine(Protocol):
    """Inputs and outputs stay on the device, unless the engine's note says otherwise."""

    def start(self) -> None:
        """Enqueues one inference."""

    def wait(self) -> None:
        """Until everything that was enqueued is done."""

    def outputs(self) -> Arrays:
        """Of the last inference, by the names of the model's outputs."""


def make(name: str, case: Case, settings: Settings) -> Engine:
    """Raises ModuleNotFoundError, or NotOffered with the reason."""
    kind = KINDS[name]
    module = importlib.import_module(f"bench.gpu.{kind.module}")
    return cast(Engine, getattr(module, kind.function)(case, settings))
