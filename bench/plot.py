"""A plot of rows: each engine's time by the subject's, a line for each case."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from .results import Result, Row

MARKERS = "osD^vP<>X"
INCHES_A_CASE = 0.45


def write(path: Path, rows: list[Row], title: str) -> bool:
    """The suffix tells the format: svg or png. False if matplotlib is not installed."""
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        return False
    rows = [row for row in rows if row.subject.blocks]
    figure = Figure(figsize=(9, 2.2 + INCHES_A_CASE * len(rows)), layout="constrained")
    axes = figure.subplots()
    engines = list(dict.fromkeys(result.engine for row in rows for result in row.results[1:] if result.blocks))
    for number, engine in enumerate(engines):
        _draw(axes, rows, engine, MARKERS[number % len(MARKERS)])
    subject = rows[0].subject.engine if rows else "nothing was measured"
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_yticks(range(len(rows)), [f"{row.case} ({row.subject.ms:.3g} ms)" for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlabel(f"time / {subject}'s time (in brackets), median and quartiles of the rounds; hollow: wrong results")
    axes.set_title(title, fontsize="medium")
    axes.grid(axis="x", which="both", alpha=0.3)
    if engines:
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
    path.parent.mkdir(parents=True, exist_ok=True)
    with rc_context({"svg.fonttype": "none"}):  # words stay words
        figure.savefig(path)
    return True


def slowdowns(row: Row, result: Result) -> tuple[float, float, float]:
    """Quartiles and median of an engine's time by the subject's, round by round: above 1 the subject is faster."""
    low, median, high = np.percentile(np.array(result.blocks) / np.array(row.subject.blocks), [25, 50, 75])
    return float(low), float(median), float(high)


def _draw(axes: Any, rows: list[Row], engine: str, marker: str) -> None:
    color = None
    label: str | None = engine
    for line, row in enumerate(rows):
        result = row.result(engine)
        if result is None or not result.blocks:
            continue
        low, median, high = slowdowns(row, result)
        drawn = axes.errorbar(
            median,
            line,
            xerr=[[median - low], [high - median]],
            marker=marker,
            color=color,
            label=label,
            markerfacecolor="none" if row.is_wrong(result) else None,
        )
        color, label = drawn[0].get_color(), None
