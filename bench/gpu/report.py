"""What a run found, as Markdown for a page and as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bench import table
from bench.results import Row

from . import agreement
from .agreement import Pair
from .engines import KINDS
from .surroundings import Surroundings

BEST_OF_TORCH = table.Best("best of PyTorch", ("torch-graph", "torch-compile"))


@dataclass(frozen=True)
class Measured:
    """One case."""

    alone: Row
    stream: Row
    pairs: list[Pair] = field(default_factory=list)


def markdown(found: Surroundings, measured: list[Measured]) -> str:
    alone, stream = [each.alone for each in measured], [each.stream for each in measured]
    parts = [
        found.sentences(),
        "Inferences that are waited for one by one.",
        table.markdown(alone, BEST_OF_TORCH),
        "Inferences one behind the other.",
        table.times(stream, BEST_OF_TORCH),
        "Results of two engines, and how far they are apart at most, of the outputs' largest magnitude:",
        "\n".join(agreement.markdown(each.alone.case, each.pairs, wrong(each.alone)) for each in measured),
        "\n".join(notes(alone)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def wrong(row: Row) -> list[str]:
    return [result.engine for result in row.results if row.is_wrong(result)]


def notes(rows: Iterable[Row]) -> list[str]:
    """What a reader of the times has to know of the engines that took part."""
    took_part = {result.engine for row in rows for result in row.results if result.blocks}
    return [f"- {name}: {kind.note}" for name, kind in KINDS.items() if kind.note and name in took_part]


def write_json(path: Path, found: Surroundings, measured: list[Measured]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    report = {**asdict(found), "cases": [asdict(each) for each in measured]}
    path.write_text(json.dumps(report, indent=2) + "\n")
