"""LSTM, GRU and RNN by shaders alone, beside ONNX Runtime."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import onnxruntime
import pytest
import tensorvk as trt
from engines import build_plan, infer, load, relative_error
from operator_row import Row, f32
from operator_table import make_inputs, make_model
from tensorvk._core import cudart

GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
LENGTHS = np.array([7, 1, 4], np.int32)


@pytest.fixture(autouse=True)
def shaders() -> None:
    if not cudart.survey()["devices"][0]["shaders"]:
        pytest.skip("the device has no shaders")


def row_of(op: str, hidden: int, direction: str, **attributes: Any) -> Row:
    """All inputs but peephole weights; all outputs."""
    count, rows, size = 2 if direction == "bidirectional" else 1, GATES[op] * hidden, 5
    scale = np.float32(1 / np.sqrt(hidden))  # a state forgets, and rounding errors with it
    weights = [f32(count, rows, size), f32(count, rows, hidden) * scale, f32(count, 2 * rows), LENGTHS]
    weights += [f32(count, 3, hidden)] * (2 if op == "LSTM" else 1)
    shown = {"hidden_size": hidden, "direction": direction, **attributes}
    return Row(op, ((7, 3, size),), shown, tuple(weights), outputs=3 if op == "LSTM" else 2)


def run(row: Row, tactic: str) -> None:
    model = make_model(row).SerializeToString()
    feed = make_inputs(row)
    engine = load(build_plan(model, level=1))
    layers = json.loads(engine.create_engine_inspector().get_engine_information(trt.LayerInformationFormat.JSON))
    assert f"recurrent/{tactic}" in [layer.get("TacticName") for layer in layers["Layers"]]
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    actual = infer(engine.create_execution_context(), feed)
    names = [output.name for output in session.get_outputs()]
    for name, expected in zip(names, session.run(None, feed), strict=True):
        # Vulkan's exp() errs by 3 + 2|x| units in the last place, over seven steps.
        assert relative_error(actual[name], expected) <= 2e-5


@pytest.mark.parametrize("op", list(GATES))
@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize("hidden", [1, 17, 33])
def test_one_dispatch_for_all_steps(op: str, direction: str, hidden: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENSORVK_TACTIC", "recurrent/loop_1")
    run(row_of(op, hidden, direction), "loop_1")


@pytest.mark.parametrize("op", list(GATES))
def test_one_dispatch_for_each_step(op: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENSORVK_TACTIC", "recurrent/steps_8")
    attributes = {"linear_before_reset": 1} if op == "GRU" else {}
    run(row_of(op, 33, "bidirectional", **attributes), "steps_8")
