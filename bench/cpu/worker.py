"""A process that runs one engine on one case, in blocks, and lies still between them.

Each engine has a process of its own: their OpenMP, TBB and other thread pools neither share a library nor settings. Pools spin for
a while after an inference and would take a core from the next engine, so a block ends when the process has come to rest.
"""

from __future__ import annotations

import os
import resource
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from bench.datasets import Arrays, largest_error

from .cases import Case
from .peers import Run

WARM_UP_S = 0.5
REST_WINDOW_S = 0.012  # several ticks of the kernel's accounting
LONGEST_REST_S = 1.0


@dataclass(frozen=True)
class Settings:
    threads: int
    level: int | None  # of our builder
    plans: Path | None  # folder where plans are kept, `<case>-<engine>.plan`
    slice_s: float  # length of a block


@dataclass(frozen=True)
class Ready:
    """An engine that is there: what it computed, and what it took."""

    error: float
    prepare_s: float
    peak_mb: float
    per_block: int  # inferences


@dataclass(frozen=True)
class Absent:
    """An engine that takes no part, and why."""

    reason: str


def serve(connection: Connection, engine: str, case: Case, settings: Settings) -> None:
    """Says Ready or Absent; then each message asks for one block, answered with its times in milliseconds."""
    confine(settings.threads)
    started = time.perf_counter()
    try:
        run = make(engine, case, settings)
        outputs = run()
        error = largest_error(outputs, case.outputs)
    except ModuleNotFoundError as absent:
        connection.send(Absent(f"not installed ({absent.name})"))
        return
    except (RuntimeError, NotImplementedError, OSError, KeyError, ValueError) as failure:
        connection.send(Absent(f"failed: {failure}" if not isinstance(failure, NotImplementedError) else str(failure)))
        return
    prepare_s = time.perf_counter() - started
    per_block = warm_up(run, settings.slice_s)
    rest()
    connection.send(Ready(error, prepare_s, peak_mb(), per_block))
    while connection.recv():
        connection.send(block(run, per_block))


def make(engine: str, case: Case, settings: Settings) -> Run:
    from . import peers

    others = {
        "onnxruntime": peers.onnxruntime,
        "openvino-fp32": peers.openvino_fp32,
        "openvino": peers.openvino_default,
        "torch": peers.torch,
        "ncnn": peers.ncnn_cpu,
        "ncnn-vulkan": peers.ncnn_vulkan,
    }
    if engine in others:
        return others[engine](case, settings.threads)
    os.environ["TENSORVK_DEVICE"] = "cpu"
    if engine == "tensorvk-shaders":
        os.environ["TENSORVK_DISABLE"] = "host_kernels"
    from . import ours

    ours_engine = ours.HostEngine(plan_of(engine, case, settings), case.inputs)

    def run() -> Arrays:
        return ours_engine(case.inputs)

    return run


def plan_of(engine: str, case: Case, settings: Settings) -> bytes:
    from . import ours

    kept = settings.plans / f"{case.name}-{engine}.plan" if settings.plans is not None else None
    if kept is not None and kept.is_file():
        return kept.read_bytes()
    plan = ours.build_plan(case.model, ours.Options(settings.level, bf16=engine == "tensorvk-bf16"))
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(plan)
    return plan


def confine(threads: int) -> None:
    """To that many processors, for libraries that make as many threads as they find."""
    allowed = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, allowed[:threads])
    os.environ["OMP_NUM_THREADS"] = str(threads)


def warm_up(run: Run, slice_s: float) -> int:
    """Runs until the times are steady; gives how many inferences fill a block."""
    until = time.perf_counter() + WARM_UP_S
    shortest = float("inf")
    while True:
        started = time.perf_counter()
        run()
        shortest = min(shortest, time.perf_counter() - started)
        if time.perf_counter() > until:
            return max(1, min(1000, round(slice_s / shortest)))


def block(run: Run, count: int) -> list[float]:
    """Milliseconds of each inference, after one that wakes the threads (unless inferences are long)."""
    times: list[float] = []
    if count > 1:
        run()
    for _ in range(count):
        started = time.perf_counter()
        run()
        times.append(1000 * (time.perf_counter() - started))
    rest()
    return times


def rest() -> None:
    """Returns when no thread of this process has run for a while."""
    until = time.perf_counter() + LONGEST_REST_S
    while time.perf_counter() < until:
        before = time.process_time()
        time.sleep(REST_WINDOW_S)
        if time.process_time() - before < 0.001:
            return


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
