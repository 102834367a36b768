"""Models with recorded inputs and outputs: folders `<name>/model.onnx` with `test_data_set_K/{input,output}_I.pb`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import onnx
from onnx import numpy_helper

from .arrays import Arrays


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
