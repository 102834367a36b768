"""What is measured: a model with every dimension fixed, one set of inputs, and the outputs that are expected."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx

from bench.arrays import Arrays
from bench.datasets import DataSet, load_model
from bench.files import is_made


@dataclass(frozen=True)
class Case:
    """Travels to the processes that run the engines."""

    name: str  # "resnet50@8": with eight rows instead of those of the model's first data set
    model: Path  # ONNX, fixed shapes
    inputs: Arrays
    outputs: Arrays

    @property
    def network(self) -> str:
        return self.name.partition("@")[0]


def find_cases(folders: Iterable[Path], names: list[str], work: Path) -> list[Case]:
    """The named ones, or each folder's models as they are. Raises FileNotFoundError for a name that is nowhere."""
    found = {path.parent.name: path.parent for folder in folders for path in sorted(folder.glob("*/model.onnx"))}
    missing = sorted({name.partition("@")[0] for name in names} - found.keys())
    if missing:
        raise FileNotFoundError(f"no model {', '.join(missing)} in {', '.join(map(str, folders))}")
    return [prepare(name, found[name.partition("@")[0]], work) for name in names or found]


def prepare(name: str, folder: Path, work: Path) -> Case:
    """Writes the model with fixed shapes below `work`: what all engines read is the same file."""
    model = load_model(folder)
    batch = name.partition("@")[2]
    data = stack(model.sets, int(batch)) if batch else model.sets[0]
    path = work / name / "model.onnx"
    if not is_made(path, model.path):
        path.parent.mkdir(parents=True, exist_ok=True)
        onnx.save(with_fixed_shapes(onnx.load(str(model.path)), data.inputs), str(path))
    return Case(name, path, data.inputs, data.outputs)


def stack(sets: list[DataSet], rows: int) -> DataSet:
    """`rows` rows of the sets, one set after the other and again from the first: the batch is the first dimension."""

    def fill(arrays: list[Arrays]) -> Arrays:
        joined = {name: np.concatenate([each[name] for each in arrays]) for name in arrays[0]}
        return {name: array[np.arange(rows) % len(array)] for name, array in joined.items()}

    return DataSet(fill([each.inputs for each in sets]), fill([each.outputs for each in sets]))


def with_fixed_shapes(model: onnx.ModelProto, inputs: Arrays) -> onnx.ModelProto:
    for value in model.graph.input:
        if value.name in inputs:
            shape = value.type.tensor_type.shape
            del shape.dim[:]
            shape.dim.extend(onnx.TensorShapeProto.Dimension(dim_value=size) for size in inputs[value.name].shape)
    return model
