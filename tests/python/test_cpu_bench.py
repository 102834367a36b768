"""The CPU benchmarks' arithmetic: batches, ratios, operations, and engines that are absent."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from bench import table
from bench.cpu import rounds
from bench.cpu.__main__ import FASTER
from bench.cpu.cases import Case, stack, with_fixed_shapes
from bench.cpu.engines import Settings
from bench.cpu.worker import in_own_process
from bench.datasets import DataSet
from bench.layers import layers_of
from bench.results import Absent, Ready, Result, Row

pytestmark = pytest.mark.once


def result(engine: str, *blocks: float, error: float = 1e-6) -> Result:
    return Result(engine, Ready(error, 1.0, 100.0, 10), list(blocks))


def test_a_batch_takes_the_rows_of_all_sets_and_begins_again() -> None:
    sets = [
        DataSet({"x": np.array([[1], [2]])}, {"y": np.array([10, 20])}),
        DataSet({"x": np.array([[3]])}, {"y": np.array([30])}),
    ]
    batch = stack(sets, 5)
    assert batch.inputs["x"].tolist() == [[1], [2], [3], [1], [2]]
    assert batch.outputs["y"].tolist() == [10, 20, 30, 10, 20]


def relu_model(shape: list[object]) -> object:
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "relu", [x], [y])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_open_dimensions_become_those_of_the_data() -> None:
    fixed = with_fixed_shapes(relu_model(["batch", 3]), {"x": np.zeros((2, 3), np.float32)})
    assert [dim.dim_value for dim in fixed.graph.input[0].type.tensor_type.shape.dim] == [2, 3]


def test_ratios_are_taken_within_a_round() -> None:
    row = Row("model", [result("tensorvk", 1, 4, 9), result("onnxruntime", 2, 4, 6)], 3, 0)
    found = table.ratio(row, ("onnxruntime",))
    assert found is not None
    assert (found.low, found.median, found.high) == (0.75, 1.0, 1.25)


def test_the_faster_peer_is_the_one_with_the_smaller_median() -> None:
    row = Row("model", [result("tensorvk", 6), result("onnxruntime", 4), result("openvino-fp32", 3)], 1, 0)
    found = table.ratio(row, FASTER.peers)
    assert found is not None
    assert found.median == 2


def test_the_table_names_what_is_missing_and_marks_wrong_results() -> None:
    rows = [
        Row(
            "one",
            [result("tensorvk", 2), result("onnxruntime", 1), Result("ncnn", Absent("not installed (ncnn)"))],
            1,
            0,
        ),
        Row("two", [result("tensorvk", 1), result("onnxruntime", 2), result("ncnn", 5, error=0.5)], 1, 0),
    ]
    text = table.markdown(rows)
    assert "| one | 2 | 1 (2.00, 2.00-2.00) | not installed |" in text
    assert "5* (0.20" in text
    assert "1.00 of 2, largest 2.00" in text
    assert "- ncnn: not installed (ncnn): one" in text


def tensor(*dimensions: int, datatype: str = "float32") -> dict[str, object]:
    return {"Dimensions": list(dimensions), "Format/Datatype": f"Row major linear {datatype}"}


@pytest.mark.parametrize(
    ("kind", "inputs", "output", "flops"),
    [
        ("Convolution", [tensor(1, 8, 10, 10), tensor(16, 8, 3, 3)], tensor(1, 16, 10, 10), 2 * 1600 * 72),
        ("Convolution", [tensor(1, 8, 10, 10), tensor(8, 1, 3, 3)], tensor(1, 8, 5, 5), 2 * 200 * 9),
        # Transposed: each of 800 inputs meets a kernel of 4 x 2 x 2.
        ("Convolution", [tensor(1, 8, 10, 10), tensor(8, 4, 2, 2)], tensor(1, 4, 20, 20), 2 * 800 * 16),
        ("MatrixMultiply", [tensor(2, 5, 7), tensor(1, 7, 3)], tensor(2, 5, 3), 2 * 30 * 7),
        ("MatrixMultiply", [tensor(7, 5), tensor(7, 3)], tensor(5, 3), 2 * 15 * 7),
        ("PointWise", [tensor(2, 5)], tensor(2, 5), 0),
    ],
)
def test_operations(kind: str, inputs: list[object], output: object, flops: int) -> None:
    layer = {"Name": "l", "TacticName": "t", "LayerType": kind, "Inputs": inputs, "Outputs": [output]}
    assert layers_of({"Layers": [layer]})[0].flops == flops


def test_bytes_follow_the_type() -> None:
    tensors = {"Inputs": [tensor(10, datatype="int8"), tensor(2, 2)], "Outputs": [tensor(5, datatype="int64")]}
    layer = {"Name": "l", "TacticName": "t", "LayerType": "PointWise", **tensors}
    assert layers_of({"Layers": [layer]})[0].bytes == 10 + 16 + 40


def test_a_failure_in_its_own_process_comes_back_as_one_sentence() -> None:
    assert in_own_process(1, math.gcd, 12, 18) == 6
    with pytest.raises(RuntimeError, match="not-here"):
        in_own_process(1, Path("not-here").read_bytes)


def test_engines_take_turns_and_absent_ones_say_why(tmp_path: Path) -> None:
    x = np.array([[-1, 2, 3]], np.float32)
    model = tmp_path / "model.onnx"
    model.write_bytes(relu_model([1, 3]).SerializeToString())  # type: ignore[attr-defined]
    case = Case("relu", model, {"x": x}, {"y": np.maximum(x, 0)})
    row = rounds.measure(case, ["tensorvk", "onnxruntime", "torch"], Settings(2, level=0), 0.1, 0.005)
    ours, theirs, torch = row.results
    assert isinstance(ours.state, Ready) and ours.state.error == 0
    assert len(ours.blocks) == len(theirs.blocks) >= rounds.MIN_ROUNDS
    assert isinstance(torch.state, Absent)  # not installed, or it has no module of this model
    assert not torch.blocks
