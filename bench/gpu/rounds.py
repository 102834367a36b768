"""Rounds: in each, every engine runs one block while the others wait, in an order that turns from round to round."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe

from bench.processes import first_word, one_round
from bench.results import Absent, Ready, Result, Row

from .cases import Case
from .interpreters import environment
from .settings import Settings
from .timing import Block

MIN_ROUNDS = 5
FAREWELL_S = 10  # for a process to end by itself


@dataclass(frozen=True)
class Running:
    connection: Connection
    child: subprocess.Popen[bytes]
    state: Ready | Absent  # what it said when it was prepared

    def leave(self) -> None:
        """The process ends now, or is ended if it is stuck."""
        with suppress(ConnectionError):
            self.connection.send(False)
        self.connection.close()
        try:
            self.child.wait(FAREWELL_S)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()


def measure(case: Case, engines: dict[str, str], settings: Settings, seconds: float, slice_s: float) -> tuple[Row, Row]:
    """`engines`: names with the interpreters that run them. Inferences alone, and one behind the other."""
    with processes(case, engines, settings, slice_s) as running:
        present = {name: each for name, each in running.items() if isinstance(each.state, Ready)}
        rounds = list(take(present, seconds, settings.patience_s))
    lost = {name: block for each in rounds for name, block in each.items() if isinstance(block, Absent)}
    states = {name: lost.get(name, each.state) for name, each in running.items()}
    rows = []
    for kind in ("alone_ms", "stream_ms"):
        results = [
            Result(name, state, [getattr(each[name], kind) for each in rounds] if isinstance(state, Ready) else [])
            for name, state in states.items()
        ]
        rows.append(Row(case.name, results, len(rounds), 0, case.allowed_error))
    return rows[0], rows[1]


def absent(case: Case, engines: Iterable[str], reason: str) -> tuple[Row, Row]:
    """Rows of a case that cannot be measured."""
    row = Row(case.name, [Result(name, Absent(reason)) for name in engines], 0, 0, case.allowed_error)
    return row, row


def take(running: dict[str, Running], seconds: float, patience_s: float) -> Iterator[dict[str, Block | Absent]]:
    """An engine that fails in a round takes no part in the next ones."""
    started = time.perf_counter()
    number = 0
    connections = {name: each.connection for name, each in running.items()}
    while connections and (number < MIN_ROUNDS or time.perf_counter() - started < seconds):
        blocks = one_round(connections, number, patience_s)
        for name, block in blocks.items():
            if isinstance(block, Absent):
                del connections[name]
                running[name].leave()
        yield blocks
        number += 1


@contextmanager
def processes(case: Case, engines: dict[str, str], settings: Settings, slice_s: float) -> Iterator[dict[str, Running]]:
    """One for each engine, prepared one after the other. Those that cannot take part have ended."""
    running: dict[str, Running] = {}
    try:
        for name, interpreter in engines.items():
            here, there = Pipe()
            command = [interpreter, "-m", "bench.gpu.worker", str(there.fileno())]
            child = subprocess.Popen(command, env=environment(), pass_fds=[there.fileno()])
            there.close()
            with suppress(BrokenPipeError):  # it ended already, as its first word will show
                here.send((name, case, settings, slice_s))
            running[name] = Running(here, child, first_word(here, settings.patience_s))
            if isinstance(running[name].state, Absent):
                running[name].leave()
        yield running
    finally:
        for each in running.values():
            if each.child.poll() is None:
                each.leave()
