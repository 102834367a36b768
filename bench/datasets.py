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
    input_names, output_names = list(dynamic), [value.name for value in graph.output]
    sets = [
        DataSet(_load(data_set, "input", input_names), _load(data_set, "output", output_names))
        for data_set in sorted(folder.glob("test_data_set_*"))
    ]
    return Model(folder.name, path, sets, dynamic)


def _load(folder: Path, kind: str, names: list[str]) -> Arrays:
    arrays: Arrays = {}
    for index, name in enumerate(names):
        tensor = onnx.TensorProto.FromString((folder / f"{kind}_{index}.pb").read_bytes())
        arrays[name] = numpy_helper.to_array(tensor)
    return arrays


def largest_magnitude(arrays: Iterable[npt.NDArray[np.generic]]) -> float:
    """Of all numbers of the arrays; never zero, so that one may divide by it."""
    return max([1e-30, *(float(np.abs(array.astype(np.float64)).max(initial=0)) for array in arrays)])


def largest_difference(actual: npt.NDArray[np.generic], expected: npt.NDArray[np.generic]) -> float:
    """Infinity for another shape or NaN."""
    if actual.shape != expected.shape:
        return float("inf")
    error = float(np.abs(actual.astype(np.float64) - expected.astype(np.float64)).max(initial=0))
    return error if np.isfinite(error) else float("inf")
