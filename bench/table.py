"""Times and ratios as Markdown."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .results import Absent, Ready, Result, Row


@dataclass(frozen=True)
class Ratio:
    """Subject's time by a peer's, round by round: below 1 the subject is faster."""

    median: float
    low: float  # quartiles
    high: float


def ratio(row: Row, peers: tuple[str, ...]) -> Ratio | None:
    """To the one of the peers that is fastest over all rounds, of several to one that is right. None where one of the
    two has no time."""
    timed = [result for peer in peers if (result := row.result(peer)) is not None and result.blocks]
    if len(peers) > 1:
        timed = [result for result in timed if not row.is_wrong(result)]
    if not timed or not row.subject.blocks:
        return None
    peer = min(timed, key=lambda result: result.ms)
    low, median, high = np.percentile(np.array(row.subject.blocks) / np.array(peer.blocks), [25, 50, 75])
    return Ratio(float(median), float(low), float(high))


def geometric_mean(values: list[float]) -> float:
    return math.exp(sum(map(math.log, values)) / len(values)) if values else float("nan")


@dataclass(frozen=True)
class Best:
    """A column of its own for the fastest of several peers."""

    title: str
    peers: tuple[str, ...]


def columns(rows: list[Row], best: Best | None) -> list[tuple[str, ...]]:
    """Each peer, and the best of several where all of them are measured."""
    peers = [(result.engine,) for result in rows[0].results[1:]]
    if best is None or any((peer,) not in peers for peer in best.peers):
        return list(peers)
    return [*peers, best.peers]


def markdown(rows: list[Row], best: Best | None = None) -> str:
    """Times, errors, and who took no part."""
    if not rows:
        return "No model was measured."
    return "\n".join([times(rows, best), "", errors(rows), *notes(rows)]).rstrip()


def times(rows: list[Row], best: Best | None = None) -> str:
    peers = columns(rows, best)
    titles = [peer[0] if len(peer) == 1 or best is None else best.title for peer in peers]
    lines = [
        f"Milliseconds; in brackets {rows[0].subject.engine}'s time by the peer's, median of the rounds and quartiles.",
        "",
        "| model | " + " | ".join([rows[0].subject.engine, *titles]) + " | rounds, disturbed |",
        "|---" * (len(titles) + 3) + "|",
    ]
    for row in rows:
        cells = [_time(row, row.subject), *(_cell(row, peer) for peer in peers), f"{row.rounds}, {row.disturbed}"]
        lines.append(f"| {row.case} | " + " | ".join(cells) + " |")
    means = [_mean(rows, peer) for peer in peers]
    lines.append("| geometric mean | | " + " | ".join(means) + " | |")
    return "\n".join(lines)


def errors(rows: list[Row]) -> str:
    engines = [result.engine for result in rows[0].results]
    lines = [
        "Largest errors, of the outputs' largest magnitude (a time with * has a wrong result):",
        "",
        "| model | " + " | ".join(engines) + " |",
    ]
    lines.append("|---" * (len(engines) + 1) + "|")
    for row in rows:
        cells = [f"{r.state.error:.1e}{_star(row, r)}" if isinstance(r.state, Ready) else "" for r in row.results]
        lines.append(f"| {row.case} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def notes(rows: list[Row]) -> list[str]:
    """Why engines took no part, and which were wrong, one line for each reason."""
    where: dict[tuple[str, str], list[str]] = {}  # cases by engine and reason
    for row in rows:
        for result in row.results:
            if isinstance(result.state, Absent):
                where.setdefault((result.engine, result.state.reason), []).append(row.case)
            elif row.is_wrong(result):
                reason = f"WRONG, more than {row.allowed_error:g} off"
                where.setdefault((result.engine, reason), []).append(row.case)
    together: dict[tuple[str, ...], list[str]] = {}  # engines by reason and cases
    for (engine, reason), cases in where.items():
        together.setdefault((reason, *cases), []).append(engine)
    return ["", *(f"- {', '.join(each)}: {reason}: {', '.join(cases)}" for (reason, *cases), each in together.items())]


def _star(row: Row, result: Result) -> str:
    return "*" if row.is_wrong(result) else ""


def _time(row: Row, result: Result | None) -> str:
    if result is None:
        return ""
    if isinstance(result.state, Absent):
        reason = result.state.reason
        return next((word for word in ("not installed", "failed") if reason.startswith(word)), "-")
    return (f"{result.ms:.3g}" if result.ms < 100 else f"{result.ms:.0f}") + _star(row, result)


def _cell(row: Row, peers: tuple[str, ...]) -> str:
    time = _time(row, row.result(peers[0])) if len(peers) == 1 else ""
    found = ratio(row, peers)
    if found is None:
        return time
    return f"{time} ({_number(found.median)}, {_number(found.low)}-{_number(found.high)})".strip()


def _number(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio >= 0.1 else f"{ratio:.1g}"


def _mean(rows: list[Row], peers: tuple[str, ...]) -> str:
    """Of results that are right."""
    right = [row for row in rows if len(peers) > 1 or not row.is_wrong(row.result(peers[0]))]
    ratios = [found.median for row in right if (found := ratio(row, peers)) is not None]
    return f"{_number(geometric_mean(ratios))} of {len(ratios)}, largest {_number(max(ratios))}" if ratios else ""
