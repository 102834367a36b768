"""bench.gpu: names of cases, and an engine in a process of its own."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from bench.gpu import rounds
from bench.gpu.cases import DEFAULT, Case
from bench.gpu.settings import Settings
from bench.results import Absent, Ready


def test_cases_have_a_network_a_type_and_a_batch() -> None:
    case = Case.parse("resnet50:fp16:8", Path("work"))
    assert (case.network, case.precision, case.batch) == ("resnet50", "fp16", 8)
    assert case.model == Path("work/resnet50_b8.onnx")
    assert len({Case.parse(text, Path()).name for text in DEFAULT}) == len(DEFAULT)


@pytest.mark.parametrize("text", ["resnet50", "resnet50:fp64:1", "resnet50:fp16:0", "resnet50:fp16:-1", "a:fp16:1:2"])
def test_other_words_are_no_cases(text: str) -> None:
    with pytest.raises(ValueError, match=rf"'{text}' is no case: .*resnet50:fp16:1"):
        Case.parse(text, Path())


@pytest.fixture
def doubled(tmp_path: Path) -> Case:
    """y = x + x, with a wrong third element expected."""
    case = Case("doubled", "fp32", 1, tmp_path)
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 17])
    y = helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 17])
    graph = helper.make_graph([helper.make_node("Add", ["x", "x"], ["output"])], "doubled", [x], [y])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(case.model))
    numbers = np.arange(17, dtype=np.float32).reshape(1, 17)
    expected = 2 * numbers
    expected[0, 2] += 8
    np.savez(case.arrays, x=numbers, output=expected)
    return case


def test_an_engine_is_measured_in_its_own_process_and_its_error_is_seen(doubled: Case) -> None:
    alone, stream = rounds.measure(doubled, {"tensorvk": sys.executable}, Settings(level=0), 0.01, 0.005)
    state = alone.subject.state
    assert isinstance(state, Ready)
    assert state.error == pytest.approx(8 / 32)
    assert alone.rounds == len(alone.subject.blocks) == len(stream.subject.blocks) >= rounds.MIN_ROUNDS
    assert 0 < stream.subject.ms < 1000


def test_an_interpreter_that_ends_at_once_is_absent(doubled: Case) -> None:
    alone, _ = rounds.measure(doubled, {"torch": "false"}, Settings(), 0.01, 0.005)
    assert alone.subject.state == Absent("failed: its process ended; what it said is above")
    assert alone.rounds == 0


def test_an_engine_that_cannot_be_made_is_absent_with_the_reason(tmp_path: Path) -> None:
    case = Case("no_such_network", "fp32", 1, tmp_path)
    alone, _ = rounds.measure(case, {"tensorvk": sys.executable}, Settings(level=0), 0.01, 0.005)
    assert isinstance(alone.subject.state, Absent)
    assert "no_such_network_b1.onnx" in alone.subject.state.reason
