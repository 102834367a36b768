"""Sums, searches and products so long that an invocation would loop more often than a driver lets it.

Mesa's driver for CPUs ends an invocation's loops after 65,535 rounds and says nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
import tensorvk as trt
from engines import CollectingLogger, build_plan, infer, load, relative_error, run_once
from networks import Shop
from onnx import TensorProto, helper, numpy_helper

Array = np.ndarray[Any, Any]
LEVELS = pytest.mark.parametrize("level", [0, 1])  # untimed, and the fastest of those that agree


def model(op: str, x: Array, constants: list[Array] | None = None, outputs: int = 1, **attributes: Any) -> bytes:
    weights = [numpy_helper.from_array(c, f"c{i}") for i, c in enumerate(constants or [])]
    names = [f"y{i}" for i in range(outputs)]
    node = helper.make_node(op, ["x", *(w.name for w in weights)], names, **attributes)
    x_info = helper.make_tensor_value_info("x", helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)
    y_infos = [helper.make_tensor_value_info(name, TensorProto.UNDEFINED, None) for name in names]
    graph = helper.make_graph([node], "long", [x_info], y_infos, weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8).SerializeToString()


def numbers(*shape: int) -> Array:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


# Rounding: float32 sums of n numbers one after the other are off by up to n * 2^-24; here n reaches 1.2 million.
@LEVELS
@pytest.mark.parametrize("length", [66_000, 100_001, 1_200_000])
def test_a_long_sum_is_whole(length: int, level: int) -> None:
    x = numbers(2, length)
    y = run_once(model("ReduceSum", x, [np.int64([1])]), {"x": x}, level=level)["y0"]
    assert relative_error(y, x.sum(1, keepdims=True, dtype=np.float64)) < 1e-4
    across = np.ascontiguousarray(x.T)
    y = run_once(model("ReduceMean", across, axes=[0]), {"x": across}, level=level)["y0"]
    assert relative_error(y, across.mean(0, keepdims=True, dtype=np.float64)) < 1e-4


@LEVELS
@pytest.mark.parametrize("length", [22_000, 50_257, 100_001])
def test_a_long_softmax_is_whole(length: int, level: int) -> None:
    x = numbers(2, length)
    powers = np.exp(x.astype(np.float64) - x.max(1, keepdims=True))
    y = run_once(model("Softmax", x, axis=1), {"x": x}, level=level)["y0"]
    assert relative_error(y, powers / powers.sum(1, keepdims=True)) < 1e-4


@LEVELS
@pytest.mark.parametrize("length", [513, 700, 22_000])
def test_a_long_logsoftmax_of_large_numbers_takes_the_largest_away(length: int, level: int) -> None:
    x = numbers(2, length) + 50
    differences = x.astype(np.float64) - x.max(1, keepdims=True)
    reference = differences - np.log(np.exp(differences).sum(1, keepdims=True))
    y = run_once(model("LogSoftmax", x, axis=1), {"x": x}, level=level)["y0"]
    assert np.abs(y - reference).max() < 1e-4  # float32's unit at the results' size, 13, is 1e-6; sums of up to 22,000


@LEVELS
@pytest.mark.parametrize("shape", [(2, 700, 64), (3, 1500, 130)])
def test_long_columns_of_several_pictures_are_added_apart(shape: tuple[int, ...], level: int) -> None:
    x = numbers(*shape)
    y = run_once(model("ReduceMean", x, axes=[1]), {"x": x}, level=level)["y0"]
    assert relative_error(y, x.mean(1, keepdims=True, dtype=np.float64)) < 1e-5


@LEVELS
@pytest.mark.parametrize(("length", "k"), [(8400, 300), (13_200, 5), (700, 100), (300_000, 2)])
def test_the_largest_of_many_are_found(length: int, k: int, level: int) -> None:
    x = numbers(2, length)
    order = np.argsort(-x, axis=1, kind="stable")[:, :k]
    found = run_once(model("TopK", x, [np.int64([k])], outputs=2), {"x": x}, level=level)
    np.testing.assert_array_equal(found["y1"], order)
    np.testing.assert_array_equal(found["y0"], np.take_along_axis(x, order, 1))


def test_the_largest_of_a_number_that_only_the_shapes_tell_are_found() -> None:
    x = numbers(1, 100_001)
    proto = onnx.load_from_string(model("TopK", x, [np.int64([10])], outputs=2))
    proto.graph.input[0].type.tensor_type.shape.dim[1].dim_param = "n"
    plan = build_plan(proto.SerializeToString(), {"x": ((1, 10), x.shape, x.shape)}, level=0)
    found = infer(load(plan).create_execution_context(), {"x": x})
    np.testing.assert_array_equal(found["y1"], np.argsort(-x, axis=1, kind="stable")[:, :10])


def test_the_largest_of_very_many_is_found() -> None:
    x = numbers(2, 1_500_000)
    found = run_once(model("ArgMax", x, axis=1, keepdims=0), {"x": x}, level=1)["y0"]
    np.testing.assert_array_equal(found, x.argmax(1))


@LEVELS
@pytest.mark.parametrize("depth", [66_000, 100_001])
def test_a_deep_product_is_whole(depth: int, level: int) -> None:
    x, w = numbers(2, depth), numbers(depth, 5)
    y = run_once(model("MatMul", x, [w]), {"x": x}, level=level)["y0"]
    assert relative_error(y, x.astype(np.float64) @ w) < 1e-4


def test_a_deep_product_of_integers_is_exact() -> None:
    generator = np.random.default_rng(0)
    x, w = (
        generator.integers(0, 255, (3, 33_000)).astype(np.uint8),
        generator.integers(0, 255, (33_000, 5)).astype(np.uint8),
    )
    y = run_once(model("MatMulInteger", x, [w]), {"x": x}, level=1)["y0"]
    np.testing.assert_array_equal(y, x.astype(np.int64) @ w.astype(np.int64))


@LEVELS
def test_a_convolution_of_many_channels_is_whole(level: int) -> None:
    x, w = numbers(1, 70_001, 2, 2), numbers(3, 70_001, 1, 1)
    y = run_once(model("Conv", x, [w]), {"x": x}, level=level)["y0"]
    assert relative_error(y, np.einsum("ncij,oc->noij", x.astype(np.float64), w[:, :, 0, 0])) < 1e-4


def test_a_window_that_no_kernel_can_walk_is_refused_by_its_size_or_right() -> None:
    x = numbers(1, 1, 300, 300)
    logger = CollectingLogger()
    builder = trt.Builder(logger)
    network = builder.create_network(0)
    assert trt.OnnxParser(network, logger).parse(model("AveragePool", x, kernel_shape=[300, 290]))
    if builder.build_serialized_network(network, builder.create_builder_config()) is None:
        assert "loop" in logger.errors()[-1]
        return
    y = run_once(model("AveragePool", x, kernel_shape=[300, 290]), {"x": x}, level=1)["y0"]
    expected = [x[0, 0, :, i : i + 290].mean(dtype=np.float64) for i in range(11)]
    assert relative_error(y, np.float64(expected).reshape(1, 1, 1, 11)) < 1e-4


def right_or_refused(graph: str, feed: dict[str, Array], usual: dict[str, tuple[int, ...]], expected: Array) -> None:
    """By shaders, with a profile from small shapes to those of `feed`; loops that are too long are refused."""
    shop = Shop()
    proto = onnx.parser.parse_model(f'<ir_version: 10, opset_import: ["" : 23]>\ng {graph}')
    assert trt.OnnxParser(shop.network, shop.logger).parse(proto.SerializeToString())
    for name, shape in usual.items():
        shop.profile.set_shape(name, shape, shape, feed[name].shape)
    shop.config.add_optimization_profile(shop.profile)
    shop.config.set_tactic_sources(0)
    plan = shop.builder.build_serialized_network(shop.network, shop.config)
    if plan is None:
        assert "loop" in shop.error()
        return
    y = infer(load(bytes(plan)).create_execution_context(), feed)["y"]
    assert relative_error(y, expected) < 1e-4


@pytest.mark.parametrize("keys", [1000, 40_000])
def test_attention_to_as_many_keys_as_the_profile_allows(keys: int) -> None:
    q, k, v = numbers(1, 1, 3, 64), numbers(2, 1, keys, 64)[1:], numbers(1, 1, keys, 64)
    v[:, :, -keys // 4 :] += 3  # which the result tells when the end is left out
    powers = np.exp(q.astype(np.float64) @ k.swapaxes(2, 3) / 8)
    graph = "(float[1, 1, 3, 64] q, float[1, 1, n, 64] k, float[1, 1, n, 64] v) => (float[] y) {y = Attention(q, k, v)}"
    expected = powers / powers.sum(3, keepdims=True) @ v.astype(np.float64)
    right_or_refused(graph, {"q": q, "k": k, "v": v}, {"k": (1, 1, 64, 64), "v": (1, 1, 64, 64)}, expected)


@pytest.mark.parametrize("length", [10_000, 6_000_000])
def test_a_group_as_long_as_the_profile_allows(length: int) -> None:
    x = numbers(1, 2, length)
    x[..., -length // 8 :] += 1  # whose mean tells when the end is left out
    wide = x.astype(np.float64)
    graph = (
        "(float[1, 2, n] x) => (float[] y) <float[2] one = {1, 1}, float[2] none = {0, 0}>"
        "{ y = GroupNormalization <num_groups = 1> (x, one, none) }"
    )
    right_or_refused(graph, {"x": x}, {"x": (1, 2, 64)}, (wide - wide.mean()) / np.sqrt(wide.var() + 1e-5))
