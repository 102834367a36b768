"""Runs cases in child processes, so that a crash or a hang is counted and not fatal."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection, wait

from .check import CRASHED, Verdict

# Drivers and their caches keep something of every kernel that was ever made.
CASES_PER_PROCESS = 300
# Longest that a case may take: a thousand times the usual.
PATIENCE_SECONDS = 120.0


def make_case(name: str):  # type: ignore[no-untyped-def]
    """`graph:12`, `parts:12` or `Conv:3`: the same model wherever it is asked for."""
    from .graphs import graph_case, parts_case
    from .operators import operator_case

    kind, number = name.rsplit(":", 1)
    graphs = {"graph": graph_case, "parts": parts_case}
    return graphs[kind](int(number)) if kind in graphs else operator_case(kind, int(number))


def _work(connection: Connection, half: bool) -> None:
    from .check import check

    while (name := connection.recv()) is not None:
        start = time.perf_counter()
        verdict = check(make_case(name), half)
        connection.send((verdict, time.perf_counter() - start))


class _Worker:
    def __init__(self, context: multiprocessing.context.SpawnContext, half: bool) -> None:
        self.connection, other = context.Pipe()
        self.process = context.Process(target=_work, args=(other, half), daemon=True)
        self.process.start()
        other.close()
        self.name = ""
        self.since = 0.0
        self.cases = 0

    def give(self, name: str | None) -> None:
        self.name, self.since = name or "", time.perf_counter()
        self.cases += 1
        self.connection.send(name)

    def take(self) -> tuple[Verdict, float]:
        """Also when the process is gone: then that is the verdict."""
        try:
            return self.connection.recv()  # type: ignore[no-any-return]
        except (EOFError, ConnectionError):
            self.process.join()
            spent = time.perf_counter() - self.since
            return Verdict(CRASHED, f"the process ended with {self.process.exitcode}"), spent

    @property
    def hangs(self) -> bool:
        return time.perf_counter() - self.since > PATIENCE_SECONDS


def run(names: Sequence[str], jobs: int, half: bool = False) -> Iterator[tuple[str, Verdict, float]]:
    """Name, verdict and seconds of each case, in the order in which they end."""
    context = multiprocessing.get_context("spawn")
    rest = iter(names)
    workers: dict[Connection, _Worker] = {}

    def start(name: str | None, worker: _Worker | None = None) -> None:
        if name is None:
            if worker is not None and worker.process.is_alive():
                worker.give(None)
            return
        if worker is not None and worker.cases >= CASES_PER_PROCESS and worker.process.is_alive():
            worker.give(None)
            worker = None
        if worker is None or not worker.process.is_alive():
            worker = _Worker(context, half)
        workers[worker.connection] = worker
        worker.give(name)

    for _ in range(jobs):
        start(next(rest, None))
    while workers:
        for worker in [worker for worker in workers.values() if worker.hangs]:
            worker.process.kill()
        for connection in wait(list(workers), timeout=1.0):
            worker = workers.pop(connection)  # type: ignore[index]
            verdict, seconds = worker.take()
            yield worker.name, verdict, seconds
            start(next(rest, None), worker)
