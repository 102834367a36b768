"""Models with recorded inputs and outputs: folders `<name>/model.onnx` with `test_data_set_K/{input,output}_I.pb`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

Arrays = dict[str, npt.NDArray[np.generic]]


@dataclass(frozen=True)
class DataSet:
    """One run's inputs and the outputs that are expected, by tensor name."""

    inputs: Arrays
    outputs: Arrays


@dataclass(frozen=True)
class Model:
    name: str
    path: Path
    sets: list[DataSet]
    dynamic: dict[str, list[bool]]  # for each input: which of its dimensions the model leaves open


def load_model(folder: Path) -> Model:
    """Reads one model's folder. Raises FileNotFoundError when a part is missing."""
    path = folder / "model.onnx"
    graph = onnx.load(str(path)).graph
    weights = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in weights]
    dynamic = {
        value.name: [not dim.HasField("dim_value") or dim.dim_value <= 0 for dim in value.type.tensor_type.shape.dim]
        for value in inputs
    }
    sets = [
        DataSet(_load(data_set, "input", inputs), _load(data_set, "output", graph.output))
        for data_set in sorted(folder.glob("test_data_set_*"))
    ]
    return Model(folder.name, path, sets, dynamic)


def _load(folder: Path, kind: str, values: Iterable[onnx.ValueInfoProto]) -> Arrays:
    arrays: Arrays = {}
    for index, value in enumerate(values):
        tensor = onnx.TensorProto.FromString((folder / f"{kind}_{index}.pb").read_bytes())
        array = numpy_helper.to_array(tensor)
        # Some recorded a scalar as one number in a list.
        is_scalar = value.type.tensor_type.HasField("shape") and not value.type.tensor_type.shape.dim
        arrays[value.name] = array.reshape(()) if is_scalar else array
    return arrays


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
