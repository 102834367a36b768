"""What tests compare with can fail: infinities and NaNs have to match in place, and excuse nothing elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from engines import Array, relative_error, repeated

from bench.arrays import largest_error

INF, NAN = np.inf, np.nan


@pytest.mark.parametrize(
    ("result", "reference", "error"),
    [
        ([1, 2, 3], [1, 2, 4], 0.25),
        ([INF, 2, 3], [INF, 2, 4], 0.25),
        ([NAN, 2, -INF], [NAN, 2, -INF], 0),
        ([INF, 5, 7], [INF, 1, 2], 2.5),
        ([INF, 2], [-INF, 2], INF),
        ([INF, 2], [NAN, 2], INF),
        ([INF, 2], [1, 2], INF),
        ([NAN, 2], [1, 2], INF),
        ([1, 2], [NAN, 2], INF),
        ([1, 2], [[1, 2]], INF),
        ([], [], 0),
        ([0, 0], [0, 0], 0),
        ([True, False], [True, True], 1),
    ],
)
def test_relative_error(result: list[float], reference: list[float], error: float) -> None:
    assert relative_error(np.array(result), np.array(reference)) == error


@pytest.mark.parametrize("bad", ["y", "z"])
def test_the_largest_error_is_of_all_outputs(bad: str) -> None:
    expected: dict[str, Array] = {"y": np.ones(3), "z": np.ones(3)}
    assert largest_error(expected, expected) == 0
    assert largest_error({**expected, bad: np.array([1, NAN, 1])}, expected) == INF
    assert largest_error({**expected, bad: np.array([1, 2, 1])}, expected) == 1


def test_repeated_operands_are_found() -> None:
    a, b = np.array([1.0, 2.0]), np.array([1.0, 3.0])
    assert repeated([a, None, b, a.copy(), np.array([1, 2]), np.array([1, 2]), a.reshape(2, 1)]) == [3]
