"""Rounds: in each, every engine runs one block while the others rest, in an order that turns from round to round."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

import numpy as np

from .cases import Case
from .worker import Absent, Ready, Settings, serve

MIN_ROUNDS = 5


@dataclass
class Result:
    """One engine on one case."""

    engine: str
    state: Ready | Absent
    blocks: list[float] = field(default_factory=list)  # median milliseconds of each round's block

    @property
    def ms(self) -> float:
        return float(np.median(self.blocks)) if self.blocks else float("nan")


def measure(case: Case, engines: list[str], seconds: float, settings: Settings) -> list[Result]:
    """Prepares the engines one after the other, then takes rounds of them all for about `seconds`."""
    with processes(case, engines, settings) as running:
        results = {engine: Result(engine, state) for engine, (_, state) in running.items()}
        present = [engine for engine, (_, state) in running.items() if isinstance(state, Ready)]
        started = time.perf_counter()
        number = 0
        while present and (number < MIN_ROUNDS or time.perf_counter() - started < seconds):
            turn = number % len(present)
            for engine in present[turn:] + present[:turn]:
                connection = running[engine][0]
                connection.send(True)
                results[engine].blocks.append(float(np.median(connection.recv())))
            number += 1
        return list(results.values())


@contextmanager
def processes(
    case: Case, engines: list[str], settings: Settings
) -> Iterator[dict[str, tuple[Connection, Ready | Absent]]]:
    """By engine: the way to its process, and what that said when it was prepared."""
    context = multiprocessing.get_context("spawn")
    started: dict[str, tuple[Connection, Ready | Absent]] = {}
    children = []
    try:
        for engine in engines:
            here, there = context.Pipe()
            child = context.Process(target=serve, args=(there, engine, case, settings), daemon=True)
            child.start()
            there.close()
            children.append(child)
            started[engine] = (here, first_word(here))
        yield started
    finally:
        for connection, state in started.values():
            if isinstance(state, Ready):
                connection.send(False)
        for child in children:
            child.join(10)
            child.kill()


def first_word(connection: Connection) -> Ready | Absent:
    try:
        state = connection.recv()
    except EOFError:
        return Absent("failed: its process ended; what it said is above")
    assert isinstance(state, Ready | Absent)
    return state
