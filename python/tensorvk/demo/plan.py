"""Builds the demo's plan, or finds the one that an earlier run left."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import tensorvk as trt

from . import assets
from .device import device_name

MAX_BATCH = 4


@dataclass(frozen=True)
class Plan:
    """A plan's file; `found` tells whether an earlier run built it; seconds is the time the build took (0 if found)."""

    path: Path
    found: bool
    seconds: float


class Progress(trt.IProgressMonitor):
    """Shows the phases of a build: one line per phase on a terminal, one line per finished phase elsewhere."""

    def __init__(self) -> None:
        trt.IProgressMonitor.__init__(self)
        self._phases: dict[str, tuple[int, float]] = {}
        self._terminal = sys.stdout.isatty()

    def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
        self._phases[phase_name] = (num_steps, time.monotonic())

    def step_complete(self, phase_name: str, step: int) -> bool:
        steps, started = self._phases[phase_name]
        if self._terminal:
            seconds = time.monotonic() - started
            print(f"\r   {phase_name}: {step + 1} of {steps}, {seconds:.1f} s", end="\033[K", flush=True)
        return True

    def phase_finish(self, phase_name: str) -> None:
        steps, started = self._phases.pop(phase_name)
        seconds = time.monotonic() - started
        print(f"{chr(13) if self._terminal else ''}   {phase_name}: {steps} of {steps}, {seconds:.1f} s", flush=True)


def plan_key(model: bytes, device: str, fp16: bool) -> str:
    """What a plan depends on: the model's digest, TensorVK's version, the device, the flags and the largest batch."""
    precision = "fp16" if fp16 else "fp32"
    parts = (hashlib.sha256(model).hexdigest(), str(trt.tensorvk_version), device, precision, str(MAX_BATCH))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def find_or_build(folder: Path, fp16: bool, rebuild: bool) -> Plan:
    """The plan in `folder` for this model, version, device and precision; it is built when it is not there yet.

    Raises OSError when the folder or the file cannot be written.
    """
    model = assets.MODEL.read_bytes()
    path = folder / f"unet-{'fp16' if fp16 else 'fp32'}-{plan_key(model, device_name(), fp16)}.plan"
    if path.is_file() and not rebuild:
        return Plan(path, found=True, seconds=0)
    folder.mkdir(parents=True, exist_ok=True)  # before the build, which would be for nothing
    started = time.monotonic()
    serialized = build(model, fp16)
    # A run that is cut off leaves no half plan behind, and runs that build the same plan do not meet.
    partial = path.with_suffix(f".{os.getpid()}.partial")
    try:
        partial.write_bytes(serialized)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return Plan(path, found=False, seconds=time.monotonic() - started)


def build(model: bytes, fp16: bool) -> bytes:
    """Serialized engine for batches of 1 to MAX_BATCH. Raises RuntimeError with the parser's or builder's reasons."""
    logger = trt.Logger(trt.Logger.WARNING)
    builder = trt.Builder(logger)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.EXPLICIT_BATCH))
    parser = trt.OnnxParser(network, logger)
    if not parser.parse(model):
        raise RuntimeError("\n".join(str(parser.get_error(i)) for i in range(parser.num_errors)))
    config = builder.create_builder_config()
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, 1 << 30)
    if fp16:
        config.set_flag(trt.BuilderFlag.FP16)
    config.progress_monitor = Progress()
    profile = builder.create_optimization_profile()
    profile.set_shape(assets.INPUT, *((batch, *assets.IMAGE_SHAPE) for batch in (1, 1, MAX_BATCH)))
    config.add_optimization_profile(profile)
    serialized = builder.build_serialized_network(network, config)
    if serialized is None:
        raise RuntimeError("the builder made no plan; its messages above say why")
    return bytes(serialized)
