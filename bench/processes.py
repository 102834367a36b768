"""Talking to processes that run one engine each: their first word, their rounds, what memory they took."""

from __future__ import annotations

from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar

from .results import Absent, NotOffered, Ready, first_line

FAILURES = (RuntimeError, OSError, KeyError, ValueError, TypeError, ImportError, AttributeError)

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


def first_word(connection: Connection) -> Ready | Absent:
    try:
        state = connection.recv()
    except (EOFError, ConnectionError):
        return Absent("failed: its process ended; what it said is above")
    assert isinstance(state, Ready | Absent)
    return state


def one_round(connections: dict[str, Connection], number: int) -> dict[str, Any]:
    """A block of each engine, in an order that turns from round to round."""
    names = list(connections)
    turn = number % len(names)
    blocks = {}
    for name in names[turn:] + names[:turn]:
        connections[name].send(True)
        blocks[name] = connections[name].recv()
    return blocks


def peak_mb() -> float:
    """Most memory that this process held at one time. (getrusage would count its parent's, too.)"""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0
