"""TensorVK: TensorRT's workflow on every Vulkan device.

``import tensorvk as trt`` gives TensorRT's names: build a network layer by layer or from ONNX, build a plan, run it on
streams. Needs no Vulkan loader until a device is used; ``tensorvk doctor`` tells what is there.

Calls that fail return None or False after logging one sentence, as TensorRT's do; :func:`last_error` has the sentence,
and :func:`set_raise_on_error` (or ``TENSORVK_RAISE=1`` in the environment) makes them raise RuntimeError instead.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable
from functools import reduce
from typing import TYPE_CHECKING, Any

from . import _core
from ._core import *  # noqa: F403
from ._core import DataType, ILogger, InterpolationMode, SampleMode, tensorvk_version

if TYPE_CHECKING:
    import builtins

if not TYPE_CHECKING:  # else every name would be one

    def __getattr__(name: str) -> Any:
        """Names of TensorRT that are not here raise AttributeError with a sentence that says what to do instead."""
        from .absent import sentence

        raise AttributeError(sentence(name))


del cudart  # noqa: F821  # the raw functions; the module tensorvk.cudart wraps them

# Programs compare this with TensorRT's versions; TensorVK's own is tensorvk_version.
__version__ = "10.16.0"
__all__ = [name for name in dir(_core) if not name.startswith("_") and name not in ("cudart", "survey")] + [
    "ResizeMode",
    "SliceMode",
    "__version__",
    "bfloat16",
    "bool",
    "e8m0",
    "float16",
    "float32",
    "fp4",
    "fp8",
    "get_nv_onnx_parser_version",
    "init_libnvinfer_plugins",
    "int4",
    "int8",
    "int32",
    "int64",
    "nptype",
    "tensorvk_version",
    "uint8",
    "volume",
]

float32 = DataType.FLOAT
float16 = DataType.HALF
bfloat16 = DataType.BF16
int8 = DataType.INT8
int32 = DataType.INT32
int64 = DataType.INT64
bool = DataType.BOOL
uint8 = DataType.UINT8
fp8 = DataType.FP8
int4 = DataType.INT4
fp4 = DataType.FP4
e8m0 = DataType.E8M0

# Names of TensorRT <= 9.
ResizeMode = InterpolationMode
SliceMode = SampleMode

_NUMPY_NAMES = {
    DataType.FLOAT: "float32",
    DataType.HALF: "float16",
    DataType.INT8: "int8",
    DataType.INT32: "int32",
    DataType.INT64: "int64",
    DataType.BOOL: "bool_",
    DataType.UINT8: "uint8",
}


def nptype(trt_type: DataType) -> Any:
    """numpy's type for an element type; TypeError for types that numpy lacks (bfloat16, fp8, int4, fp4, e8m0)."""
    import numpy

    if trt_type not in _NUMPY_NAMES:
        raise TypeError(f"numpy has no type for {trt_type}; cast the tensor to float32 or float16.")
    return getattr(numpy, _NUMPY_NAMES[trt_type])


def volume(iterable: Iterable[int]) -> int:
    """The product of a shape's dimensions; 1 for an empty shape."""
    return reduce(operator.mul, iterable, 1)


def init_libnvinfer_plugins(logger: ILogger | None, namespace: str) -> builtins.bool:
    """True: TensorRT's plugin library has no counterpart here, its operators are ordinary layers."""
    return True


def get_nv_onnx_parser_version() -> int:
    """The version of TensorRT's parser that this one resembles, as its number: 101600."""
    return 101600
