"""Rounds: in each, every engine runs one block while the others wait, in an order that turns from round to round."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, Pipe
from pathlib import Path

from bench.processes import first_word, one_round
from bench.results import Absent, Ready, Result, Row

from .cases import Case
from .settings import Settings
from .timing import Block

REPOSITORY = Path(__file__).resolve().parents[2]
MIN_ROUNDS = 5
Running = dict[str, tuple[Connection, Ready | Absent]]


def measure(case: Case, engines: dict[str, str], settings: Settings, seconds: float, slice_s: float) -> tuple[Row, Row]:
    """`engines`: names with the interpreters that run them. Inferences alone, and one behind the other."""
    with processes(case, engines, settings, slice_s) as running:
        present = {name: connection for name, (connection, state) in running.items() if isinstance(state, Ready)}
        rounds = list(take(present, seconds)) if present else []
        rows = []
        for kind in ("alone_ms", "stream_ms"):
            results = [
                Result(name, state, [getattr(each[name], kind) for each in rounds] if name in present else [])
                for name, (_, state) in running.items()
            ]
            rows.append(Row(case.name, results, len(rounds), 0))
        return rows[0], rows[1]


def take(connections: dict[str, Connection], seconds: float) -> Iterator[dict[str, Block]]:
    started = time.perf_counter()
    number = 0
    while number < MIN_ROUNDS or time.perf_counter() - started < seconds:
        yield one_round(connections, number)
        number += 1


@contextmanager
def processes(case: Case, engines: dict[str, str], settings: Settings, slice_s: float) -> Iterator[Running]:
    """By engine: the way to its process, and what that said when it was prepared."""
    running: Running = {}
    children = []
    environment = {**os.environ}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH")]))
    try:
        for name, interpreter in engines.items():
            here, there = Pipe()
            command = [interpreter, "-m", "bench.gpu.worker", str(there.fileno())]
            children.append(subprocess.Popen(command, env=environment, pass_fds=[there.fileno()]))
            there.close()
            with suppress(BrokenPipeError):  # it ended already, as its first word will show
                here.send((name, case, settings, slice_s))
            running[name] = (here, first_word(here))
        yield running
    finally:
        for connection, state in running.values():
            if isinstance(state, Ready):
                connection.send(False)
            connection.close()
        for child in children:
            finish(child)


def finish(child: subprocess.Popen[bytes]) -> None:
    try:
        child.wait(10)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
