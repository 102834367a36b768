"""How far the results of engines are from each other: where several agree and the reference does not, it is wrong."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from bench.arrays import Arrays, largest_error

from .cases import Case


@dataclass(frozen=True)
class Pair:
    first: str
    second: str
    difference: float  # of the first's largest magnitude


def compare(case: Case, engines: Iterable[str]) -> list[Pair]:
    """Every two of the engines that left their results."""
    results = {engine: _load(case, engine) for engine in engines}
    return [Pair(a, b, largest_error(results[b], results[a])) for a, b in combinations(results, 2)]


def markdown(case: str, pairs: list[Pair], wrong: Iterable[str]) -> str:
    """The two that are farthest apart, and the same without those that are wrong."""
    if not pairs:
        return f"- {case}: there are no two results"
    known = set(wrong)
    right = [pair for pair in pairs if not {pair.first, pair.second} & known]
    text = f"- {case}: {_farthest(pairs)}"
    return f"{text}; of those that are right {_farthest(right)}" if known and right else text


def _farthest(pairs: list[Pair]) -> str:
    pair = max(pairs, key=lambda each: each.difference)
    return f"{pair.first} and {pair.second} {pair.difference:.1e}"


def _load(case: Case, engine: str) -> Arrays:
    with np.load(case.results(engine)) as stored:
        return {name: stored[name] for name in stored.files}
