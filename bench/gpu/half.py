"""A model and its inputs in the type that a case asks for, for engines that compute in the model's own types."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.arrays import Arrays
from bench.files import is_made

from .cases import Case


def model_of(case: Case) -> Path:
    """In fp16 inputs and outputs are float16 as well, as `module.half()` has it. Q/DQ stay as they are."""
    if case.precision != "fp16":
        return case.model
    half = case.made(".half.onnx")
    if not is_made(half, case.model):
        import onnx
        from onnxruntime.transformers.float16 import convert_float_to_float16

        model = convert_float_to_float16(onnx.load(str(case.model)), keep_io_types=False)
        onnx.save(model, str(half))
    return half


def inputs_of(case: Case) -> Arrays:
    inputs = case.inputs()
    if case.precision != "fp16":
        return inputs
    return {name: a.astype(np.float16) if a.dtype == np.float32 else a for name, a in inputs.items()}
