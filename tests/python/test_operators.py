"""Every row of the operator table gives ONNX Runtime's result, and every operator has a row."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import tensorvk as trt
from engines import build_plan, infer, load, relative_error, repeated, run_once
from onnx.reference import ReferenceEvaluator
from operator_table import DYNAMIC, ELSEWHERE, TABLE, Array, Row, make_inputs, make_model


class Reference:
    """What a model gives by ONNX Runtime; by ONNX's own evaluator where that lacks the operator or its form."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self.model = model
        self.names = [output.name for output in model.graph.output]
        try:
            data = model.SerializeToString()
            self.session: Any = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
        except Exception:  # its exceptions have no common class
            self.session = ReferenceEvaluator(model)

    def __call__(self, feed: dict[str, Array]) -> dict[str, Array]:
        try:
            results = self.session.run(None, feed)
        except Exception:
            results = ReferenceEvaluator(self.model).run(None, feed)
        return dict(zip(self.names, results, strict=True))


def expect_equal(actual: dict[str, Array], expected: dict[str, Array], row: Row) -> None:
    assert actual.keys() == expected.keys()
    for name, reference in expected.items():
        assert actual[name].dtype == reference.dtype
        if np.issubdtype(reference.dtype, np.floating):
            assert relative_error(actual[name], reference) <= row.tolerance
        else:
            np.testing.assert_array_equal(actual[name], reference)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.id)
def test_operator_gives_the_result_of_onnx_runtime(row: Row) -> None:
    model = make_model(row)
    feed = make_inputs(row)
    expect_equal(run_once(model.SerializeToString(), feed, level=1), Reference(model)(feed), row)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.id)
def test_operator_with_bf16_is_off_by_roundings_alone(row: Row) -> None:
    """A factor is off by 2^-9 of itself, a result by as much again; sums of terms with signs are smaller than these."""
    model = make_model(row)
    feed = make_inputs(row)
    result = run_once(model.SerializeToString(), feed, bf16=True, level=0)
    expect_equal(result, Reference(model)(feed), replace(row, tolerance=max(row.tolerance, 2.0**-7)))


@pytest.mark.parametrize("row", DYNAMIC, ids=lambda row: row.id)
def test_operator_gives_the_result_of_onnx_runtime_at_every_size(row: Row) -> None:
    model = make_model(row)
    profile = {
        f"x{i}": (low, usual, high)
        for i, (low, usual, high) in enumerate(zip(*(row.shapes(size) for size in range(3)), strict=True))
    }
    context = load(build_plan(model.SerializeToString(), profile, level=1)).create_execution_context()
    reference = Reference(model)
    for size in (1, 0, 2):
        feed = make_inputs(row, size)
        expect_equal(infer(context, feed), reference(feed), row)


def model_of(node: onnx.NodeProto, inputs: dict[str, tuple[int, list[int]]], shape: list[int]) -> bytes:
    values = [onnx.helper.make_tensor_value_info(name, dtype, dims) for name, (dtype, dims) in inputs.items()]
    output = onnx.helper.make_tensor_value_info(node.output[0], onnx.TensorProto.FLOAT, shape)
    graph = onnx.helper.make_graph([node], "test", values, [output])
    opset = onnx.helper.make_opsetid("", 17)
    return onnx.helper.make_model(graph, opset_imports=[opset], ir_version=8).SerializeToString()


def test_the_one_operator_with_inputs_of_two_types() -> None:
    model = model_of(
        onnx.helper.make_node("Where", ["c", "x", "y"], ["z"]),
        {
            "c": (onnx.TensorProto.BOOL, [3, 1]),
            "x": (onnx.TensorProto.FLOAT, [3, 5]),
            "y": (onnx.TensorProto.FLOAT, [5]),
        },
        [3, 5],
    )
    feed = {
        "c": np.array([[True], [False], [True]]),
        "x": np.arange(15, dtype=np.float32).reshape(3, 5),
        "y": -np.arange(5, dtype=np.float32),
    }
    np.testing.assert_array_equal(run_once(model, feed, level=1)["z"], np.where(feed["c"], feed["x"], feed["y"]))


def test_an_operator_that_left_onnx() -> None:
    node = onnx.helper.make_node("ScaledTanh", ["x"], ["y"], alpha=1.5, beta=0.5)
    x = np.linspace(-3, 3, 33, dtype=np.float32)
    y = run_once(model_of(node, {"x": (onnx.TensorProto.FLOAT, [33])}, [33]), {"x": x}, level=1)["y"]
    assert relative_error(y, 1.5 * np.tanh(0.5 * x)) <= 1e-5


# (operator, attributes, mean, deviation). A thousand numbers have a mean within four deviations / sqrt(1000) of theirs
# but for one time in ten thousand, and the seed is fixed.
@pytest.mark.parametrize(
    ("op", "attributes", "mean", "deviation"),
    [
        ("RandomNormal", {"mean": 3.0, "scale": 2.0}, 3.0, 2.0),
        ("RandomNormalLike", {"mean": 3.0, "scale": 2.0}, 3.0, 2.0),
        ("RandomUniform", {"low": -1.0, "high": 3.0}, 1.0, 4 / 12**0.5),
        ("RandomUniformLike", {"low": -1.0, "high": 3.0}, 1.0, 4 / 12**0.5),
        ("Bernoulli", {}, 0.25, 0.1875**0.5),
    ],
)
def test_random_numbers_are_spread_as_they_should_be(
    op: str, attributes: dict[str, Any], mean: float, deviation: float
) -> None:
    takes_input = op.endswith("Like") or op == "Bernoulli"
    shape = {} if takes_input else {"shape": [1000]}
    node = onnx.helper.make_node(op, ["x"] if takes_input else [], ["y"], seed=7.0, **attributes, **shape)
    inputs = {"x": (onnx.TensorProto.FLOAT, [1000])}
    model = model_of(node, inputs if takes_input else {}, [1000])
    feed = {"x": np.full(1000, 0.25, np.float32)} if takes_input else {}
    y = run_once(model, feed, level=1)["y"]
    assert abs(y.mean() - mean) <= 4 * deviation / 1000**0.5
    assert 0.85 * deviation <= y.std() <= 1.15 * deviation
    np.testing.assert_array_equal(run_once(model, feed, level=1)["y"], y)  # the seed says which numbers


def test_classes_are_drawn_as_often_as_they_should_be() -> None:
    shares = np.array([[0.5, 0.25, 0.25, 0], [0, 0, 1, 0]])
    node = onnx.helper.make_node("Multinomial", ["x"], ["y"], sample_size=1000, dtype=onnx.TensorProto.INT64, seed=7.0)
    with np.errstate(divide="ignore"):
        feed = {"x": (np.log(shares) + np.array([[3], [-90]])).astype(np.float32)}  # sums need not be 1
    model = model_of(node, {"x": (onnx.TensorProto.FLOAT, [2, 4])}, [2, 1000])
    y = run_once(model, feed, level=1)["y"]
    counts = np.stack([np.bincount(row, minlength=4) for row in y]) / 1000
    assert y.dtype == np.int64
    assert np.all(np.abs(counts - shares) <= 4 * np.sqrt(shares * (1 - shares) / 1000))
    np.testing.assert_array_equal(run_once(model, feed, level=1)["y"], y)  # the seed says which numbers


def test_every_supported_operator_has_a_row() -> None:
    logger = trt.Logger(trt.Logger.ERROR)
    parser = trt.OnnxParser(trt.Builder(logger).create_network(1), logger)
    known = {schema.name for schema in onnx.defs.get_all_schemas_with_history() if schema.domain == ""}
    supported = {name for name in known | {"ScaledTanh"} if parser.supports_operator(name)}
    assert len(supported) > 100  # the question is answered at all
    rows = {row.op for row in TABLE}
    assert supported - rows == ELSEWHERE.keys()


@pytest.mark.parametrize("table", [TABLE, DYNAMIC], ids=["fixed", "dynamic"])
def test_no_two_operands_of_a_row_are_the_same_numbers(table: list[Row]) -> None:
    assert not [row.id for row in table if repeated([*make_inputs(replace(row, specials=())).values(), *row.constants])]


def test_ids_are_unique() -> None:
    for table in (TABLE, DYNAMIC):
        ids = [row.id for row in table]
        assert len(ids) == len(set(ids))
