"""Talking to processes that run one engine each: their first word, their rounds, what memory they took."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar

from .results import Absent, NotOffered, Ready, first_line

FAILURES = Exception  # other libraries raise what they like

T = TypeVar("T")


def made_or_absent(make: Callable[[], T]) -> T | Absent:
    """In the engine's process."""
    try:
        return make()
    except ModuleNotFoundError as missing:
        return Absent(f"not installed ({missing.name})")
    except NotOffered as refusal:
        return Absent(str(refusal))
    except FAILURES as failure:
        return Absent(f"failed: {first_line(failure)}")


def first_word(connection: Connection, patience_s: float | None = None) -> Ready | Absent:
    state = answer(connection, patience_s)
    assert isinstance(state, Ready | Absent)
    return state


def answer(connection: Connection, patience_s: float | None = None) -> Any:
    """What the process says next; Absent if it has ended, or has not said anything for that long."""
    try:
        if not connection.poll(patience_s):
            return Absent(f"failed: said nothing for {patience_s:.0f} s")
        return connection.recv()
    except (EOFError, ConnectionError):
        return Absent("failed: its process ended; what it said is above")


def one_round(connections: dict[str, Connection], number: int, patience_s: float | None = None) -> dict[str, Any]:
    """A block of each engine, or Absent, in an order that turns from round to round."""
    names = list(connections)
    turn = number % len(names)
    blocks = {}
    for name in names[turn:] + names[:turn]:
        with suppress(ConnectionError):  # it has ended, as its answer will show
            connections[name].send(True)
        blocks[name] = answer(connections[name], patience_s)
    return blocks


def peak_mb() -> float:
    """Most memory that this process held at one time. (getrusage would count its parent's, too.)"""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0
