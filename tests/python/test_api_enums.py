"""Enumerations behave as TensorRT's do: names, numbers, bitmasks, aliases."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorvk as trt

pytestmark = pytest.mark.once


def test_an_enumerator_prints_as_in_tensorrt() -> None:
    assert str(trt.DataType.FLOAT) == "DataType.FLOAT"
    assert trt.DataType.HALF.name == "HALF"


@pytest.mark.parametrize(
    ("enum", "names"),
    [
        (
            trt.DataType,
            {
                "FLOAT": 0,
                "HALF": 1,
                "INT8": 2,
                "INT32": 3,
                "BOOL": 4,
                "UINT8": 5,
                "FP8": 6,
                "BF16": 7,
                "INT64": 8,
                "INT4": 9,
            },
        ),
        (
            trt.BuilderFlag,
            {
                "FP16": 0,
                "INT8": 1,
                "DEBUG": 2,
                "REFIT": 4,
                "DISABLE_TIMING_CACHE": 5,
                "TF32": 6,
                "ERROR_ON_TIMING_CACHE_MISS": 16,
            },
        ),
        (
            trt.LayerType,
            {
                "CONVOLUTION": 0,
                "CAST": 1,
                "ACTIVATION": 2,
                "SHUFFLE": 13,
                "IDENTITY": 20,
                "RESIZE": 25,
                "SELECT": 30,
                "MOE": 55,
            },
        ),
        (trt.MemoryPoolType, {"WORKSPACE": 0, "TACTIC_DRAM": 4}),
        (trt.TensorIOMode, {"NONE": 0, "INPUT": 1, "OUTPUT": 2}),
        (trt.ProfilingVerbosity, {"LAYER_NAMES_ONLY": 0, "NONE": 1, "DETAILED": 2, "DEFAULT": 0, "VERBOSE": 2}),
        (trt.ErrorCode, {"SUCCESS": 0, "INVALID_NODE": 6, "UNSUPPORTED_NODE": 8, "REFIT_FAILED": 14}),
        (trt.ErrorCodeTRT, {"SUCCESS": 0, "INVALID_ARGUMENT": 3, "UNSUPPORTED_STATE": 10}),
        (trt.NetworkDefinitionCreationFlag, {"EXPLICIT_BATCH": 0, "STRONGLY_TYPED": 1}),
        (
            trt.TacticSource,
            {"CUBLAS": 0, "CUBLAS_LT": 1, "CUDNN": 2, "EDGE_MASK_CONVOLUTIONS": 3, "JIT_CONVOLUTIONS": 4},
        ),
    ],
)
def test_members_have_tensorrts_numbers(enum: Any, names: dict[str, int]) -> None:
    members = enum.__members__
    assert {name: int(members[name]) for name in names} == names


@pytest.mark.parametrize(
    "enum",
    [
        trt.BuilderFlag,
        trt.PreviewFeature,
        trt.MemoryPoolType,
        trt.QuantizationFlag,
        trt.TacticSource,
        trt.NetworkDefinitionCreationFlag,
    ],
)
def test_flags_fit_into_a_mask_of_32_bits(enum: Any) -> None:
    assert all(0 <= int(flag) < 32 for flag in enum.__members__.values())


def test_flags_are_used_as_shifts() -> None:
    assert 1 << int(trt.BuilderFlag.FP16) | 1 << int(trt.BuilderFlag.REFIT) == 0b10001


def test_severities_compare_and_have_three_homes() -> None:
    assert trt.Logger.Severity is trt.ILogger.Severity
    assert trt.Logger.ERROR == trt.ILogger.ERROR == trt.ILogger.Severity.ERROR
    assert trt.Logger.ERROR <= trt.Logger.WARNING < trt.Logger.VERBOSE


def test_old_names_are_aliases() -> None:
    assert trt.SliceMode is trt.SampleMode and trt.SampleMode.DEFAULT == trt.SampleMode.STRICT_BOUNDS
    assert trt.ResizeMode is trt.InterpolationMode
    assert trt.BuilderFlag.STRICT_TYPES == trt.BuilderFlag.OBEY_PRECISION_CONSTRAINTS
    assert trt.EngineCapability.DEFAULT == trt.EngineCapability.STANDARD


def test_data_types_have_short_names_and_sizes() -> None:
    assert (trt.float32, trt.float16, trt.int8, trt.int32, trt.int64, trt.bool) == (
        trt.DataType.FLOAT,
        trt.DataType.HALF,
        trt.DataType.INT8,
        trt.DataType.INT32,
        trt.DataType.INT64,
        trt.DataType.BOOL,
    )
    assert [t.itemsize for t in (trt.float32, trt.float16, trt.int64, trt.bool, trt.int4)] == [4, 2, 8, 1, 0.5]


def test_nptype_gives_numpys_type_or_a_type_error() -> None:
    assert trt.nptype(trt.float16) is np.float16
    assert np.dtype(trt.nptype(trt.bool)) == np.bool_
    with pytest.raises(TypeError, match="BF16"):
        trt.nptype(trt.bfloat16)


def test_volume_is_the_product() -> None:
    assert trt.volume((2, 3, 4)) == 24
    assert trt.volume(trt.Dims((2, 0))) == 0
    assert trt.volume(()) == 1


def test_versions() -> None:
    assert trt.__version__ >= "10.0.0"  # as text, which is how programs compare it
    assert trt.tensorvk_version.count(".") == 2
