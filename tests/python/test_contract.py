"""Every add_* function and layer attribute that programs use of TensorRT is there, by the project's contract table."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

import pytest
import tensorvk as trt

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parents[2]
TABLE = Path(os.environ.get("TENSORVK_CONTRACT", ROOT.parent / "shared" / "contract" / "tensorrt_api_coverage.csv"))
# Plugins come with a later version.
LATER = {"add_plugin", "add_plugin_v2", "add_plugin_v3", "add_plugin_ext"}


def rows() -> list[dict[str, str]]:
    if not TABLE.is_file():
        return []
    with TABLE.open(newline="") as file:
        return list(csv.DictReader(file))


ADDERS = sorted({r["member"] for r in rows() if r["class"] == "INetworkDefinition" and r["member"].startswith("add_")})
LAYERS = {
    name: sorted({r["member"] for r in rows() if r["class"] == name and "Plugin" not in name})
    for name in sorted({r["class"] for r in rows()})
    if name.startswith("I") and (name.endswith("Layer") or name in ("ILoop", "IIfConditional", "IAttention"))
}


@pytest.mark.skipif(not ADDERS, reason=f"the contract's table is not at {TABLE}; TENSORVK_CONTRACT says where it is")
def test_the_table_has_the_functions() -> None:
    assert len(ADDERS) >= 60


@pytest.mark.parametrize("name", ADDERS)
def test_the_network_has_the_function(name: str) -> None:
    if name in LATER:
        pytest.skip("plugin layers come with a later version")
    assert callable(getattr(trt.INetworkDefinition, name, None))


def enum_values() -> list[tuple[str, str]]:
    layer_enums = [
        "ActivationType",
        "ElementWiseOperation",
        "UnaryOperation",
        "ReduceOperation",
        "PoolingType",
        "PaddingMode",
        "TopKOperation",
        "MatrixOperation",
        "ScaleMode",
        "GatherMode",
        "ScatterMode",
        "SampleMode",
        "InterpolationMode",
        "ResizeCoordinateTransformation",
        "ResizeSelector",
        "ResizeRoundMode",
        "FillOperation",
        "LoopOutput",
        "TripLimit",
        "RNNOperation",
        "RNNDirection",
        "RNNInputMode",
        "RNNGateType",
        "BoundingBoxFormat",
        "CumulativeOperation",
        "AttentionNormalizationOp",
        "AttentionIOForm",
        "CausalMaskKind",
        "KVCacheMode",
        "MoEActType",
        "CollectiveOperation",
        "LayerType",
    ]
    return sorted({(r["class"], r["member"]) for r in rows() if r["class"] in layer_enums})


@pytest.mark.parametrize(("enum", "value"), enum_values(), ids=".".join)
def test_the_enumeration_has_the_value(enum: str, value: str) -> None:
    members: Any = getattr(trt, enum).__members__
    assert value in members


@pytest.mark.parametrize("name", [n for n, members in LAYERS.items() if "Plugin" not in n and members])
def test_the_layer_has_the_attributes(name: str) -> None:
    if name in NOT_OFFERED:
        pytest.skip(NOT_OFFERED[name])
    missing = [member for member in LAYERS[name] if not hasattr(getattr(trt, name, None), member)]
    assert not missing


NOT_OFFERED = {
    "IMoELayer": "add_moe refuses with a sentence",
    "IDistCollectiveLayer": "add_dist_collective refuses with a sentence",
    "IDynamicQuantizeLayer": "add_dynamic_quantize refuses with a sentence",
}
