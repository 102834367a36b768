"""Convolutions over one to three axes, transposed ones too, by shaders alone and with functions of the host."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import onnxruntime
import pytest
import tensorvk as trt
from engines import CollectingLogger, infer, load, relative_error
from onnx import TensorProto, helper, numpy_helper

Array = np.ndarray[Any, Any]
Attributes = dict[str, Any]
HOST = 1 << int(trt.TacticSource.HOST)


def one_layer(
    op: str, x: tuple[int, ...], out: int, kernel: list[int], attributes: Attributes, *, symbols: bool = False
) -> bytes:
    """A model with a bias and a ReLU behind; with symbols, all of the input's extents but its channels are dynamic."""
    rng = np.random.default_rng(1)
    groups = attributes.get("group", 1)
    shape = (x[1], out // groups, *kernel) if op == "ConvTranspose" else (out, x[1] // groups, *kernel)
    constants = {"w": rng.normal(size=shape).astype(np.float32), "b": rng.normal(size=out).astype(np.float32)}
    dims = [d if axis == 1 or not symbols else f"d{axis}" for axis, d in enumerate(x)]
    graph = helper.make_graph(
        [helper.make_node(op, ["x", "w", "b"], ["s"], **attributes), helper.make_node("Relu", ["s"], ["y"])],
        "layer",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, dims)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return bytes(model.SerializeToString())


def plan_of(model: bytes, *, host: bool, fp16: bool = False, shapes: tuple[tuple[int, ...], ...] = ()) -> bytes:
    logger = CollectingLogger()
    builder = trt.Builder(logger)
    network = builder.create_network(0)
    assert trt.OnnxParser(network, logger).parse(model), logger.messages
    config = builder.create_builder_config()
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    config.builder_optimization_level = 1
    config.set_tactic_sources(HOST if host else 0)
    if fp16:
        config.set_flag(trt.BuilderFlag.FP16)
    if shapes:
        profile = builder.create_optimization_profile()
        profile.set_shape("x", *shapes)
        config.add_optimization_profile(profile)
    plan = builder.build_serialized_network(network, config)
    assert plan is not None, logger.messages
    return bytes(plan)


def tactics_of(plan: bytes) -> list[str]:
    inspector = load(plan).create_engine_inspector()
    layers = json.loads(inspector.get_engine_information(trt.LayerInformationFormat.JSON))["Layers"]
    return [layer["TacticName"] for layer in layers]


def expected_of(model: bytes, x: Array) -> Array:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": x})[0])


def numbers(*shape: int) -> Array:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def random_windows(count: int) -> Iterator[Any]:
    """Kernels of 1 to 5, strides of 1 to 3, pads, output_padding, groups, and extents that are multiples of nothing."""
    rng = np.random.default_rng(7)
    for index in range(count):
        axes = int(rng.choice([1, 2, 2, 3]))
        kernel = [int(k) for k in rng.integers(1, 6, axes)]
        strides = [int(stride) for stride in rng.integers(1, 4, axes)]
        dilations = [int(rng.choice([1, 1, 2])) for _ in kernel]
        reach = [(k - 1) * d for k, d in zip(kernel, dilations, strict=True)]
        pads = [int(rng.integers(0, r + 1)) for r in reach * 2]
        output_padding = [int(rng.integers(0, stride)) for stride in strides]
        groups = int(rng.choice([1, 1, 2, 3]))
        channels, out = groups * int(rng.choice([1, 3, 4, 8])), groups * int(rng.choice([1, 4, 5, 17]))
        extents = [int(rng.choice([3, 5, 8, 17] if axes < 3 else [3, 4, 5])) for _ in kernel]
        # Whatever the pads take away, something is left.
        short = [
            i
            for i, e in enumerate(extents)
            if (e - 1) * strides[i] + reach[i] + 1 + output_padding[i] - pads[i] - pads[axes + i] < 1
        ]
        for i in short:
            pads[i] = pads[axes + i] = 0
        attributes = {
            "strides": strides,
            "pads": pads,
            "dilations": dilations,
            "group": groups,
            "output_padding": output_padding,
        }
        yield pytest.param(
            (int(rng.choice([1, 3])), channels, *extents), out, kernel, attributes, id=f"{index}_{axes}d"
        )


# Rounding: float32 sums of up to a thousand products err by some 1e-6 of the largest result; float16 results by 2^-11,
# and their inputs and weights too.
@pytest.mark.parametrize("host", [False, True], ids=["shaders", "host"])
@pytest.mark.parametrize(("x", "out", "kernel", "attributes"), list(random_windows(12)))
def test_a_transposed_convolution_of_any_window(
    x: tuple[int, ...], out: int, kernel: list[int], attributes: Attributes, host: bool
) -> None:
    model = one_layer("ConvTranspose", x, out, kernel, attributes)
    feed = numbers(*x)
    y = infer(load(plan_of(model, host=host)).create_execution_context(), {"x": feed})["y"]
    assert relative_error(y, expected_of(model, feed)) < 2e-5


@pytest.mark.parametrize(
    ("x", "attributes"),
    [((1, 16, 17, 3), {"strides": [2, 2], "pads": [1, 1, 1, 1]}), ((2, 16, 3, 4, 5), {"strides": [2, 1, 2]})],
    ids=["picture", "volume"],
)
def test_a_transposed_convolution_in_float16(x: tuple[int, ...], attributes: Attributes) -> None:
    model = one_layer("ConvTranspose", x, 24, [4] * (len(x) - 2), attributes)
    feed = numbers(*x)
    y = infer(load(plan_of(model, host=False, fp16=True)).create_execution_context(), {"x": feed})["y"]
    assert relative_error(y, expected_of(model, feed)) < 4e-3


@pytest.mark.parametrize("kernel", [3, 4])
def test_a_transposed_convolution_of_dynamic_pictures(kernel: int) -> None:
    attributes = {"strides": [2, 2], "pads": [1, 1, 1, 1]}
    model = one_layer("ConvTranspose", (1, 8, 8, 9), 12, [kernel, kernel], attributes, symbols=True)
    plan = plan_of(model, host=False, shapes=((1, 8, 1, 2), (1, 8, 8, 9), (3, 8, 33, 17)))
    context = load(plan).create_execution_context()
    for shape in [(1, 8, 8, 9), (3, 8, 1, 17), (2, 8, 33, 3)]:
        feed = numbers(*shape)
        assert relative_error(infer(context, {"x": feed})["y"], expected_of(model, feed)) < 2e-5


@pytest.mark.parametrize("host", [False, True], ids=["shaders", "host"])
@pytest.mark.parametrize(
    ("x", "out", "kernel", "attributes"),
    [
        ((1, 16, 5, 9, 7), 24, [3, 3, 3], {"pads": [1, 1, 1, 1, 1, 1]}),
        ((2, 1, 9, 17, 3), 8, [3, 5, 3], {"strides": [2, 1, 3], "pads": [1, 2, 1, 0, 2, 1]}),
        ((1, 12, 6, 5, 8), 9, [2, 1, 3], {"dilations": [3, 1, 2], "group": 3}),
        ((3, 17, 33), 12, [5], {"strides": [2], "pads": [2, 2]}),
        ((1, 24, 65), 24, [3], {"dilations": [4], "pads": [4, 4], "group": 2}),
    ],
    ids=["volume", "volume_strides", "volume_dilated_groups", "line", "line_dilated_groups"],
)
def test_a_convolution_of_volumes_and_lines(
    x: tuple[int, ...], out: int, kernel: list[int], attributes: Attributes, host: bool
) -> None:
    model = one_layer("Conv", x, out, kernel, attributes)
    feed = numbers(*x)
    y = infer(load(plan_of(model, host=host)).create_execution_context(), {"x": feed})["y"]
    assert relative_error(y, expected_of(model, feed)) < 2e-5


@pytest.mark.parametrize(
    ("op", "x", "attributes"),
    [
        ("ConvTranspose", (1, 16, 9, 9), {"strides": [2, 2], "pads": [1, 1, 1, 1]}),
        ("ConvTranspose", (1, 16, 9, 9), {"strides": [2, 2], "group": 2}),
        ("ConvTranspose", (1, 16, 33), {"strides": [2]}),
        ("ConvTranspose", (1, 16, 5, 6, 7), {"strides": [2, 2, 2]}),
        ("Conv", (1, 16, 5, 6, 7), {"pads": [1, 1, 1, 1, 1, 1]}),
        ("Conv", (1, 16, 33), {}),
    ],
)
def test_shaders_compute_them_as_products(op: str, x: tuple[int, ...], attributes: Attributes) -> None:
    plan = plan_of(one_layer(op, x, 32, [3] * (len(x) - 2), attributes), host=False)
    assert not any(name.endswith("conv/generic") for name in tactics_of(plan)), tactics_of(plan)
