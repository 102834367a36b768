"""Processes that run one engine on one case.

Each engine has a process of its own: their OpenMP, TBB and other thread pools share neither a library nor settings.
Pools spin for a while after an inference and would take a core from the next engine, so a block ends when its process
is at rest.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import ParamSpec, TypeVar

import numpy as np

from bench.arrays import largest_error
from bench.processes import FAILURES, made_or_absent, peak_mb
from bench.results import Absent, Block, Ready, first_line

from .cases import Case
from .engines import Settings, confine, make
from .peers import Run

WARM_UP_S = 0.5
REST_WINDOW_S = 0.012  # several ticks of the kernel's accounting
LONGEST_REST_S = 1.0

P = ParamSpec("P")
T = TypeVar("T")


def serve(connection: Connection, engine: str, case: Case, settings: Settings, slice_s: float) -> None:
    """Says Ready or Absent; then each message asks for one block, answered with a Block."""
    confine(settings.threads)
    started = time.perf_counter()
    made = made_or_absent(lambda: first_result(make(engine, case, settings), case))
    if isinstance(made, Absent):
        connection.send(made)
        return
    run, error = made
    prepare_s = time.perf_counter() - started
    per_block = warm_up(run, slice_s)
    rest()
    connection.send(Ready(error, prepare_s, peak_mb(), per_block))
    while connection.recv():
        connection.send(block(run, per_block))


def first_result(run: Run, case: Case) -> tuple[Run, float]:
    """The engine, and its error."""
    return run, largest_error(run(), case.outputs)


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


def block(run: Run, count: int) -> Block:
    """`count` inferences, after one that wakes the threads (unless inferences are long)."""
    if count > 1:
        run()
    waited = waited_ms()
    times = [milliseconds(run) for _ in range(count)]
    waited = waited_ms() - waited
    rest()
    return Block(float(np.median(times)), waited / sum(times))


def waited_ms() -> float:
    """Of all threads of this process up to now, in the scheduler's queue."""
    total = 0
    for task in Path("/proc/self/task").iterdir():
        with suppress(OSError):  # it ended meanwhile
            total += int((task / "schedstat").read_text().split()[1])
    return total / 1e6


def rest() -> None:
    """Returns when no thread of this process has run for a while."""
    until = time.perf_counter() + LONGEST_REST_S
    while time.perf_counter() < until:
        before = time.process_time()
        time.sleep(REST_WINDOW_S)
        if time.process_time() - before < 0.001:
            return


def milliseconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - started)


def in_own_process(threads: int, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The result of a call in a fresh process. Raises RuntimeError if it failed there."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    child = context.Process(target=_call, args=(there, threads, work, args, kwargs))
    child.start()
    there.close()
    try:
        failed, result = here.recv()
    except EOFError:
        failed, result = True, "its process ended; what it said is above"
    child.join()
    if failed:
        raise RuntimeError(result)
    value: T = result
    return value


def _call(connection: Connection, threads: int, work: Callable[..., object], args: object, kwargs: object) -> None:
    confine(threads)
    try:
        connection.send((False, work(*args, **kwargs)))  # type: ignore[misc,arg-type]
    except FAILURES as failure:
        connection.send((True, first_line(failure)))
