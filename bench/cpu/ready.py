"""How soon an engine is ready, and what memory it takes: `python -m bench.cpu.ready`.

From our plan's file, and from the ONNX file for ONNX Runtime, to the first result. Each try is a fresh process; its
imports do not count, the device, the threads and the session do.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.processes import peak_mb
from bench.table import geometric_mean

from . import arguments, peers
from .cases import Case
from .engines import Settings, our_engine, plan_of
from .worker import in_own_process, milliseconds

TRIES = 5


@dataclass(frozen=True)
class First:
    """Of one engine in one process."""

    ms: float
    imported_mb: float  # peak before it began
    peak_mb: float


@dataclass(frozen=True)
class Row:
    case: str
    ours: First  # medians
    theirs: First


def main() -> int:
    parser = arguments.parser("python -m bench.cpu.ready", __doc__)
    parser.add_argument("--tries", type=int, default=TRIES, help="processes of each engine, in turns (%(default)s)")
    options = parser.parse_args()
    settings = Settings(options.threads, options.level, options.plans)
    rows = []
    for case in arguments.cases(options):
        print(f"{case.name} ...", file=sys.stderr, flush=True)
        try:
            rows.append(measure(case, settings, options.tries))
        except RuntimeError as failure:
            print(f"{case.name}: FAILED: {failure}", file=sys.stderr)
    print(markdown(rows))
    arguments.write_json(options.json, rows)
    return 0


def measure(case: Case, settings: Settings, tries: int) -> Row:
    threads = settings.threads
    plan = in_own_process(threads, write_plan, case, settings)
    ours, theirs = [], []
    for _ in range(tries):
        ours.append(in_own_process(threads, first_of_ours, case, plan))
        theirs.append(in_own_process(threads, first_of_onnxruntime, case, threads))
    return Row(case.name, median(ours), median(theirs))


def write_plan(case: Case, settings: Settings) -> Path:
    path = case.model.with_suffix(".plan")
    path.write_bytes(plan_of("tensorvk", case, settings))
    return path


def first_of_ours(case: Case, plan: Path) -> First:
    from . import ours  # noqa: F401  imports do not count, those of our script neither

    imported = peak_mb()
    ms = milliseconds(lambda: our_engine("tensorvk", plan.read_bytes(), case)(case.inputs))
    return First(ms, imported, peak_mb())


def first_of_onnxruntime(case: Case, threads: int) -> First:
    import onnxruntime  # noqa: F401

    imported = peak_mb()
    ms = milliseconds(lambda: peers.onnxruntime(case, threads)())
    return First(ms, imported, peak_mb())


def median(tries: list[First]) -> First:
    ms, imported, peak = np.median([(each.ms, each.imported_mb, each.peak_mb) for each in tries], axis=0)
    return First(float(ms), float(imported), float(peak))


def markdown(rows: list[Row]) -> str:
    lines = [
        "| model | ours, ms | ONNX Runtime, ms | ratio | ours, MB | ONNX Runtime, MB | ratio | without imports |",
        "|---|---|---|---|---|---|---|---|",
    ]
    ratios = [_ratios(row) for row in rows]
    for row, (time_ratio, memory, growth) in zip(rows, ratios, strict=True):
        ours, theirs = row.ours, row.theirs
        lines.append(
            f"| {row.case} | {ours.ms:.1f} | {theirs.ms:.1f} | {time_ratio:.2f} "
            f"| {ours.peak_mb:.0f} | {theirs.peak_mb:.0f} | {memory:.2f} | {growth:.2f} |"
        )
    means = [geometric_mean([each[column] for each in ratios]) for column in range(3)]
    lines.append(f"| geometric mean | | | {means[0]:.2f} | | | {means[1]:.2f} | {means[2]:.2f} |")
    return "\n".join(lines)


def _ratios(row: Row) -> tuple[float, float, float]:
    """Ours by theirs: time, peak memory, and memory beyond what the imports took."""
    ours, theirs = row.ours, row.theirs
    growth = max(ours.peak_mb - ours.imported_mb, 1.0) / max(theirs.peak_mb - theirs.imported_mb, 1.0)
    return ours.ms / theirs.ms, ours.peak_mb / theirs.peak_mb, growth


if __name__ == "__main__":
    sys.exit(main())
