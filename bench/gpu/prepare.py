"""Fixes the shapes of ONNX files and writes random inputs with ONNX Runtime's outputs:
`python -m bench.gpu.prepare FOLDER FILE:TYPE:BATCH...`, in any interpreter that has onnx and onnxruntime."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import helper

from bench.arrays import Arrays

from .cases import Case

TOKENS = 2  # integers are below: they may be indices into anything
SEED = 100


def main() -> int:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    failed = False
    for text in sys.argv[2:]:
        case = Case.parse(text, folder)
        try:
            write(case)
        except (ValueError, OSError, RuntimeError) as error:
            print(f"{case.name}: {error}", file=sys.stderr)
            failed = True
    return int(failed)


def write(case: Case) -> None:
    """The arrays last: they say that the model is complete."""
    assert case.file is not None
    model = onnx.load(str(case.file))
    fix_shapes(model, case.batch)
    onnx.save(model, str(case.model))
    inputs = random_inputs(model)
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 3  # errors; older models give a warning for each weight
    session = onnxruntime.InferenceSession(str(case.model), settings, providers=["CPUExecutionProvider"])
    outputs = dict(zip([output.name for output in model.graph.output], session.run(None, inputs), strict=True))
    for value in model.graph.output:
        value.type.CopyFrom(helper.make_tensor_type_proto(value.type.tensor_type.elem_type, outputs[value.name].shape))
    onnx.save(model, str(case.model))
    case.save(inputs, outputs)


def true_inputs(model: onnx.ModelProto) -> list[onnx.ValueInfoProto]:
    """Old files list their weights as inputs, too."""
    weights = {weight.name for weight in model.graph.initializer}
    return [value for value in model.graph.input if value.name not in weights]


def fix_shapes(model: onnx.ModelProto, batch: int) -> None:
    """An open first dimension becomes the batch. Raises ValueError for other open ones, and another fixed batch."""
    for value in true_inputs(model):
        dimensions = value.type.tensor_type.shape.dim
        if dimensions and not _is_fixed(dimensions[0]):
            dimensions[0].dim_value = batch
        shape = [dim.dim_value if _is_fixed(dim) else dim.dim_param or "?" for dim in dimensions]
        if not all(isinstance(size, int) for size in shape):
            raise ValueError(f"input '{value.name}' has the shape {shape}: only the first dimension may be open")
        if dimensions and shape[0] != batch and len(true_inputs(model)) == 1:
            raise ValueError(f"input '{value.name}' has the shape {shape}, which is no batch of {batch}")
    del model.graph.value_info[:]
    for value in model.graph.output:  # they follow from the inputs'
        value.type.tensor_type.ClearField("shape")


def _is_fixed(dimension: Any) -> bool:
    return bool(dimension.HasField("dim_value")) and dimension.dim_value > 0


def random_inputs(model: onnx.ModelProto) -> Arrays:
    numbers = np.random.default_rng(SEED)
    inputs: Arrays = {}
    for value in true_inputs(model):
        tensor = value.type.tensor_type
        shape = [dim.dim_value for dim in tensor.shape.dim]
        dtype = helper.tensor_dtype_to_np_dtype(tensor.elem_type)
        if np.issubdtype(dtype, np.floating):
            inputs[value.name] = numbers.standard_normal(shape).astype(dtype)
        else:
            inputs[value.name] = numbers.integers(0, TOKENS, shape).astype(dtype)
    return inputs


if __name__ == "__main__":
    sys.exit(main())
