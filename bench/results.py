"""What the processes that run engines tell, and what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

LONGEST_LINE = 240


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


@dataclass(frozen=True)
class Block:
    ms: float  # median of its inferences
    waited: float  # share of the time for which threads could have run but had no processor: others were busy


@dataclass
class Result:
    """One engine on one case."""

    engine: str
    state: Ready | Absent
    blocks: list[float] = field(default_factory=list)  # median milliseconds of each round's block

    @property
    def ms(self) -> float:
        return float(np.median(self.blocks)) if self.blocks else float("nan")


@dataclass(frozen=True)
class Row:
    """One case; the first result is the engine that the others are compared with."""

    case: str
    results: list[Result]
    rounds: int
    disturbed: int  # rounds in which another process took a processor; left out where enough others are there
    allowed_error: float = 0.05  # of the outputs' largest magnitude: a larger one is wrong

    @property
    def subject(self) -> Result:
        return self.results[0]

    def is_wrong(self, result: Result | None) -> bool:
        return result is not None and isinstance(result.state, Ready) and result.state.error > self.allowed_error

    def result(self, engine: str) -> Result | None:
        return next((result for result in self.results if result.engine == engine), None)


class NotOffered(Exception):
    """The engine does not take this case, or this machine; the text says why."""


def first_line(failure: Exception) -> str:
    """Of a long one both ends: some name their source files before they say what is wrong."""
    line = (str(failure).strip() or type(failure).__name__).splitlines()[0]
    return line if len(line) <= LONGEST_LINE else f"{line[: LONGEST_LINE // 2]} ... {line[-LONGEST_LINE // 2 :]}"
