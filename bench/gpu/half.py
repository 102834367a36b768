"""A model and its inputs in the type that a case asks for, for engines that compute in the model's own types."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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
    return {name: array.astype(type_of(case, array.dtype), copy=False) for name, array in case.inputs().items()}


def type_of(case: Case, dtype: Any) -> Any:
    """What an input or output of the float32 model becomes."""
    return np.dtype(np.float16) if case.precision == "fp16" and dtype == np.float32 else dtype
