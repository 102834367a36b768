"""Convolutions of 3 x 3 by products at points: each tactic of that kind that the device takes, against ONNX Runtime."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import onnxruntime
import pytest
import tensorvk as trt
from engines import build_plan, infer, load, relative_error
from onnx import TensorProto, helper, numpy_helper

SHADERS = 0  # tactic sources: no functions of the host


def residual_block(channels: int, out: int, batch: int, height: int, width: int, pads: list[int]) -> bytes:
    """A convolution of 3 x 3 whose result meets another one's, and a ReLU behind."""
    rng = np.random.default_rng(1)
    line, column = height + pads[0] + pads[2] - 2, width + pads[1] + pads[3] - 2
    constants = {
        "w": rng.normal(size=(out, channels, 3, 3)).astype(np.float32),
        "b": rng.normal(size=out).astype(np.float32),
    }
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "w", "b"], ["c"], name="wide", pads=pads),
            helper.make_node("Add", ["c", "r"], ["s"]),
            helper.make_node("Relu", ["s"], ["y"]),
        ],
        "block",
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, channels, height, width]),
            helper.make_tensor_value_info("r", TensorProto.FLOAT, [batch, out, line, column]),
        ],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return bytes(model.SerializeToString())


def candidates_of(plan: bytes) -> list[dict[str, Any]]:
    inspector = load(plan).create_engine_inspector()
    layers = json.loads(inspector.get_engine_information(trt.LayerInformationFormat.JSON))["Layers"]
    return [candidate for layer in layers for candidate in layer.get("Candidates", [])]


# Rounding, of the largest result: float32 sums of some thousand products in tiles of 4 x 4 err by 3e-6; points of
# float16 by 2e-3, and tensors of float16 by 2^-11.
@pytest.mark.parametrize(("fp16", "tolerance"), [(False, 2e-5), (True, 4e-3)], ids=["float32", "float16"])
@pytest.mark.parametrize(
    ("channels", "out", "batch", "height", "width", "pads"),
    [(256, 128, 1, 33, 33, [1, 1, 1, 1]), (264, 136, 2, 20, 33, [0, 2, 1, 0])],
    ids=["padded", "uneven"],
)
def test_each_tactic_by_points_agrees_with_onnx_runtime(
    channels: int,
    out: int,
    batch: int,
    height: int,
    width: int,
    pads: list[int],
    fp16: bool,
    tolerance: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = residual_block(channels, out, batch, height, width, pads)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(0)
    feed = {i.name: rng.normal(size=i.shape).astype(np.float32) for i in session.get_inputs()}
    expected = np.asarray(session.run(None, feed)[0])
    offered = candidates_of(build_plan(model, fp16=fp16, level=5, sources=SHADERS))
    tried = sorted({c["Name"] for c in offered if "winograd" in c["Name"] and c.get("Milliseconds", -1) >= 0})
    if not tried:
        pytest.skip("; ".join(f"{c['Name']}: {c.get('Refused', '')}" for c in offered if "winograd" in c["Name"]))
    for tactic in tried:
        monkeypatch.setenv("TENSORVK_TACTIC", tactic)
        plan = build_plan(model, fp16=fp16, level=1, sources=SHADERS)
        y = infer(load(plan).create_execution_context(), feed)["y"]
        assert relative_error(y, expected) < tolerance, tactic
