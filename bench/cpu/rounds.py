"""Rounds: in each, every engine runs one block while the others rest, in an order that turns from round to round."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

from bench.processes import first_word, one_round
from bench.results import Absent, Block, Ready, Result, Row

from .cases import Case
from .engines import Settings
from .worker import serve

MIN_ROUNDS = 5  # that nobody disturbed, if the time allows
ALLOWED_WAIT = 0.05  # share of a block
LONGEST = 3  # times the wished time


def measure(case: Case, engines: list[str], settings: Settings, seconds: float, slice_s: float) -> Row:
    """Prepares the engines one after the other, then takes rounds of them all for about `seconds`."""
    with processes(case, engines, settings, slice_s) as running:
        results = {engine: Result(engine, state) for engine, (_, state) in running.items()}
        present = [engine for engine, (_, state) in running.items() if isinstance(state, Ready)]
        rounds = list(take(running, present, seconds)) if present else []
        calm = [each for each in rounds if all(block.waited < ALLOWED_WAIT for block in each.values())]
        kept = calm if len(calm) >= MIN_ROUNDS else rounds
        for engine in present:
            results[engine].blocks.extend(each[engine].ms for each in kept)
        return Row(case.name, list(results.values()), len(rounds), len(rounds) - len(calm))


def take(
    running: dict[str, tuple[Connection, Ready | Absent]], present: list[str], seconds: float
) -> Iterator[dict[str, Block]]:
    """Rounds for `seconds`, longer where too few were calm."""
    started = time.perf_counter()
    calm = 0
    number = 0
    while (
        number < MIN_ROUNDS
        or (passed := time.perf_counter() - started) < seconds
        or (calm < MIN_ROUNDS and passed < LONGEST * seconds)
    ):
        blocks = one_round({engine: running[engine][0] for engine in present}, number)
        calm += all(block.waited < ALLOWED_WAIT for block in blocks.values())
        number += 1
        yield blocks


@contextmanager
def processes(
    case: Case, engines: list[str], settings: Settings, slice_s: float
) -> Iterator[dict[str, tuple[Connection, Ready | Absent]]]:
    """By engine: the way to its process, and what that said when it was prepared."""
    context = multiprocessing.get_context("spawn")
    started: dict[str, tuple[Connection, Ready | Absent]] = {}
    children = []
    try:
        for engine in engines:
            here, there = context.Pipe()
            child = context.Process(target=serve, args=(there, engine, case, settings, slice_s), daemon=True)
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
