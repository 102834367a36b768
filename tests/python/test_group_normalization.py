"""Group and instance normalisation where shaders compute alone: one operation, whatever an exporter made of it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import tensorvk as trt
from engines import build_plan, infer, load, relative_error
from onnx import TensorProto, helper, numpy_helper

Array = np.ndarray[Any, Any]


def numbers(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def model(nodes: list[onnx.NodeProto], shape: list[int | str], constants: dict[str, Array], opset: int = 21) -> bytes:
    infos = [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)]
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph(
        nodes, "groups", infos, [result], [numpy_helper.from_array(c, n) for n, c in constants.items()]
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    return made.SerializeToString()


def node(op: str, inputs: str, output: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(op, inputs.split(), [output], **attributes)


def group(x: str, y: str) -> list[onnx.NodeProto]:
    return [node("GroupNormalization", f"{x} scale shift", y, num_groups=3)]


def instances(x: str, y: str) -> list[onnx.NodeProto]:
    """As PyTorch exports a group normalisation to opsets before 18."""
    return [
        node("Reshape", f"{x} cut", "cut_x"),
        node("InstanceNormalization", "cut_x ones zeros", "normal"),
        node("Shape", x, "shape"),
        node("Reshape", "normal shape", "whole"),
        node("Mul", "whole scale4", "scaled"),
        node("Add", "scaled shift4", y),
    ]


CONSTANTS = {
    "scale": numbers(6, seed=1),
    "shift": numbers(6, seed=2),
    "scale4": numbers(6, 1, 1, seed=1),
    "shift4": numbers(6, 1, 1, seed=2),
    "ones": np.ones(3, np.float32),
    "zeros": np.zeros(3, np.float32),
    "cut": np.int64([0, 3, -1]),
    "first": numbers(6, 6, 1, 1, seed=3),
    "last": numbers(5, 6, 3, 3, seed=4),
}


def tactics(engine: Any) -> list[str]:
    described = engine.create_engine_inspector().get_engine_information(trt.LayerInformationFormat.JSON)
    return [layer["TacticName"] for layer in json.loads(described)["Layers"]]


def check(data: bytes, x: Array, tolerance: float, others: int, **options: Any) -> None:
    """Where shaders compute, all of it but `others` steps is one operation."""
    expected = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]
    engine = load(build_plan(data, sources=0, level=0, **options))
    assert relative_error(infer(engine.create_execution_context(), {"x": x})["y"], expected) < tolerance
    names = tactics(engine)
    if not any("/cpu" in name or "/host" in name for name in names):  # a device without shaders has nothing else
        assert sum(name.startswith("normalization/") for name in names) == 1
        assert not any(name.startswith("reduce/") for name in names)
        assert len(names) <= 1 + others, names


@pytest.mark.parametrize("fp16", [False, True])
@pytest.mark.parametrize("spelled", [group, instances])
def test_between_convolutions(spelled: Any, fp16: bool) -> None:
    nodes = [
        node("Conv", "x first", "a"),
        *spelled("a", "b"),
        node("Sigmoid", "b", "gate"),
        node("Mul", "b gate", "c"),
        node("Conv", "c last", "y"),
    ]
    data = model(nodes, [2, 6, 7, 9], CONSTANTS)
    # float16 rounds each of three results by 2^-11 of itself. Others: convolutions, the order of input and output.
    check(data, numbers(2, 6, 7, 9), 4e-3 if fp16 else 1e-5, 4, fp16=fp16)


@pytest.mark.parametrize("shape", [[2, 6, 1], [2, 6, 33], [3, 6, 5, 7], [1, 6, 2, 3, 5]])
def test_of_any_rank(shape: list[int]) -> None:
    constants = {name: CONSTANTS[name] for name in ("scale", "shift")}
    check(model([*group("x", "y")], list(shape), constants), numbers(*shape), 1e-5, 0)


def test_of_instances_with_a_residual() -> None:
    constants = {name: CONSTANTS[name] for name in ("scale", "shift")}
    nodes = [node("InstanceNormalization", "x scale shift", "a"), node("Relu", "a", "b"), node("Add", "b x", "y")]
    check(model(nodes, [2, 6, 5, 7], constants), numbers(2, 6, 5, 7), 1e-5, 0)


def test_with_pictures_of_any_size() -> None:
    constants = {name: CONSTANTS[name] for name in ("scale", "shift")}
    data = model(group("x", "y"), ["n", 6, "h", "w"], constants)
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    plan = build_plan(data, {"x": ((1, 6, 1, 1), (2, 6, 5, 7), (4, 6, 40, 40))}, sources=0, level=0)
    context = load(plan).create_execution_context()
    for shape in ((2, 6, 5, 7), (1, 6, 1, 1), (4, 6, 33, 40)):
        x = numbers(*shape)
        assert relative_error(infer(context, {"x": x})["y"], session.run(None, {"x": x})[0]) < 1e-5
