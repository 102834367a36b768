"""The engines by name. Nothing is imported before its engine is made: each is made in a process of its own."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.files import is_made

from . import peers
from .cases import Case
from .peers import Run

if TYPE_CHECKING:
    from .ours import HostEngine

OURS = ["tensorvk", "tensorvk-bf16", "tensorvk-shaders"]
PEERS = {
    "onnxruntime": peers.onnxruntime,
    "openvino-fp32": peers.openvino_fp32,
    "openvino": peers.openvino_default,
    "torch": peers.torch,
    "ncnn": peers.ncnn_cpu,
    "ncnn-vulkan": peers.ncnn_vulkan,
}
SLOW = ["ncnn-vulkan"]  # takes part when asked for


@dataclass(frozen=True)
class Settings:
    threads: int
    level: int | None = None  # of our builder
    plans: Path | None = None  # folder where plans are kept


def confine(threads: int) -> None:
    """This process to that many processors, for libraries that make as many threads as they find."""
    allowed = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, allowed[:threads])
    os.environ["OMP_NUM_THREADS"] = str(threads)


def make(engine: str, case: Case, settings: Settings) -> Run:
    if engine in PEERS:
        return PEERS[engine](case, settings.threads)
    made = our_engine(engine, plan_of(engine, case, settings), case)
    return lambda: made(case.inputs)


def plan_of(engine: str, case: Case, settings: Settings) -> bytes:
    """A kept plan, or a new one."""
    kept = None if settings.plans is None else settings.plans / f"{case.name}-{engine}.plan"
    if kept is not None and is_made(kept, case.model):
        return kept.read_bytes()
    _choose_device(engine)
    from .ours import build_plan

    plan = build_plan(case.model, settings.level, bf16=engine == "tensorvk-bf16")
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(plan)
    return plan


def our_engine(engine: str, plan: bytes, case: Case) -> HostEngine:
    _choose_device(engine)
    from .ours import HostEngine

    return HostEngine(plan, case.inputs, case.outputs)


def _choose_device(engine: str) -> None:
    os.environ["TENSORVK_DEVICE"] = "cpu"
    if engine == "tensorvk-shaders":
        os.environ["TENSORVK_DISABLE"] = "host_kernels"
