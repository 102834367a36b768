"""Arrays by the names of their tensors, and how far results are off."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

Arrays = dict[str, npt.NDArray[np.generic]]


def largest_magnitude(arrays: Iterable[npt.NDArray[np.generic]]) -> float:
    """Of all finite numbers of the arrays; never zero, so that one may divide by it."""
    wide = (array.astype(np.float64) for array in arrays)
    return max([1e-30, *(float(np.abs(array[np.isfinite(array)]).max(initial=0)) for array in wide)])


def largest_difference(actual: npt.NDArray[np.generic], expected: npt.NDArray[np.generic]) -> float:
    """Of finite numbers; infinity for another shape, or where infinities and NaNs differ."""
    if actual.shape != expected.shape:
        return float("inf")
    a, b = actual.astype(np.float64), expected.astype(np.float64)
    finite = np.isfinite(b)
    if not np.array_equal(a[~finite], b[~finite], equal_nan=True) or not np.isfinite(a[finite]).all():
        return float("inf")
    return float(np.abs(a[finite] - b[finite]).max(initial=0))


def largest_error(actual: Arrays, expected: Arrays) -> float:
    """Relative to the largest magnitude of the data set's outputs: an output that is near zero everywhere (a sigmoid of
    -8) carries the rounding of the logits behind it, in the reference too."""
    largest = largest_magnitude(expected.values())
    return max(largest_difference(actual[name], reference) for name, reference in expected.items()) / largest
