"""Operators that are functions of others are expanded from the body that the onnx package defines."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
import tensorvk as trt
from engines import run_once
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

SWIGLU = "SwiGLU"  # a function since opset 28; TensorVK has no importer and no rule of that name


def _model(op: str, inputs: list[str], opset: int) -> onnx.ModelProto:
    graph = helper.make_graph(
        [helper.make_node(op, inputs, ["y"], alpha=0.7)],
        "functions",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [3, 17]) for name in inputs],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])


@pytest.fixture
def parser() -> Any:
    logger = trt.Logger(trt.Logger.INTERNAL_ERROR)
    builder = trt.Builder(logger)
    network = builder.create_network(1)
    return trt.OnnxParser(network, logger)


needs_swiglu = pytest.mark.skipif(not onnx.defs.has(SWIGLU), reason="this onnx package is older than SwiGLU")


@needs_swiglu
def test_a_function_that_only_the_onnx_package_knows() -> None:
    model = _model(SWIGLU, ["a", "b"], 28)
    feed = {name: np.random.default_rng(1).normal(size=(3, 17)).astype(np.float32) for name in "ab"}
    expected = ReferenceEvaluator(model).run(None, feed)[0]
    # A handful of float32 roundings around an exponential.
    np.testing.assert_allclose(run_once(model.SerializeToString(), feed, level=1)["y"], expected, rtol=1e-5, atol=1e-6)


@needs_swiglu
def test_without_a_source_the_operator_is_refused_with_its_inputs(parser: Any) -> None:
    parser.set_function_source(None)
    assert not parser.parse(_model(SWIGLU, ["a", "b"], 28).SerializeToString())
    assert "(SwiGLU, opset 28; inputs: float32 [3, 17], float32 [3, 17])" in parser.get_error(0).desc()


def test_a_source_of_the_users_own(parser: Any) -> None:
    asked: list[tuple[str, str, int]] = []

    def find(op_type: str, domain: str, opset: int, node: bytes, input_types: list[bytes]) -> bytes:
        asked.append((op_type, domain, opset))
        assert onnx.NodeProto.FromString(node).op_type == op_type
        assert [d.dim_value for d in onnx.TypeProto.FromString(input_types[0]).tensor_type.shape.dim] == [3, 17]
        body = [helper.make_node("LeakyRelu", ["x"], ["y"])]
        body[0].attribute.add(name="alpha", ref_attr_name="alpha", type=onnx.AttributeProto.FLOAT)
        opsets = [helper.make_opsetid("", 17)]
        return helper.make_function("", op_type, ["x"], ["y"], body, opsets, ["alpha"]).SerializeToString()

    parser.set_function_source(find)
    assert parser.parse(_model("Bogus", ["x"], 17).SerializeToString())
    assert asked == [("Bogus", "", 17)]


def test_what_a_source_raises_is_the_nodes_error(parser: Any) -> None:
    def find(*_: Any) -> bytes:
        raise ValueError("no luck")

    parser.set_function_source(find)
    assert not parser.parse(_model("Bogus", ["x"], 17).SerializeToString())
    assert parser.get_error(0).desc().endswith("The function source failed with ValueError: no luck.")


def test_a_damaged_function_is_an_error(parser: Any) -> None:
    parser.set_function_source(lambda *_: b"\xff\xff\xff")
    assert not parser.parse(_model("Bogus", ["x"], 17).SerializeToString())
    assert "is damaged" in parser.get_error(0).desc()
