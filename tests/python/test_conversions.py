"""A conversion counts wherever it stands: at an edge, in a fused chain, before a sum. And int64 is exact everywhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorvk as trt
from engines import Array, CollectingLogger, infer, load, run_once
from onnx import TensorProto, helper

VALUES = np.float32([[0.0, 0.4, -0.6, 1.7, -2.5, 2049.5, 0.1]])
TYPES = {
    "float32": trt.float32,
    "float16": trt.float16,
    "int32": trt.int32,
    "int64": trt.int64,
    "bool": trt.bool,
}


def run_layers(layers: Callable[..., Any], *inputs: Array) -> Array:
    """What a network of a few layers gives; `layers` takes the network and its inputs and returns the output."""
    logger = CollectingLogger()
    builder = trt.Builder(logger)
    network = builder.create_network(0)
    tensors = [network.add_input(f"x{i}", TYPES[str(a.dtype)], a.shape) for i, a in enumerate(inputs)]
    output = layers(network, *tensors)
    output.name = "y"
    network.mark_output(output)
    plan = builder.build_serialized_network(network, builder.create_builder_config())
    assert plan is not None, logger.errors()
    feed = {f"x{i}": a for i, a in enumerate(inputs)}
    return infer(load(bytes(plan)).create_execution_context(), feed)["y"]


def cast(network: Any, x: Any, *types: Any) -> Any:
    for dtype in types:
        x = network.add_cast(x, dtype).get_output(0)
    return x


def identity_as(network: Any, x: Any, dtype: Any) -> Any:
    layer = network.add_identity(x)
    layer.set_output_type(0, dtype)
    return layer.get_output(0)


def sum_of(network: Any, a: Any, b: Any) -> Any:
    return network.add_elementwise(a, b, trt.ElementWiseOperation.SUM).get_output(0)


@pytest.mark.parametrize("convert", [cast, identity_as])
@pytest.mark.parametrize("through", ["float16", "int32", "int64", "bool"])
def test_a_type_in_between_loses_what_it_cannot_hold(through: str, convert: Callable[..., Any]) -> None:
    actual = run_layers(lambda n, x: cast(n, convert(n, x, TYPES[through]), trt.float32), VALUES)
    np.testing.assert_array_equal(actual, VALUES.astype(through).astype(np.float32))
    assert not np.array_equal(actual, VALUES)


def test_a_mask_is_ones_where_it_is_multiplied_and_summed() -> None:
    def masked_sum(network: Any, x: Any) -> Any:
        mask = cast(network, x, trt.bool, trt.float32)
        return network.add_reduce(mask, trt.ReduceOperation.SUM, 2, False).get_output(0)

    np.testing.assert_array_equal(run_layers(masked_sum, VALUES), [6.0])

    def masked(network: Any, x: Any) -> Any:
        mask = cast(network, x, trt.bool, trt.float32)
        return network.add_elementwise(x, mask, trt.ElementWiseOperation.PROD).get_output(0)

    np.testing.assert_array_equal(run_layers(masked, VALUES), VALUES)


def test_a_mask_of_integers_is_ones() -> None:
    x = np.int32([[0, 2, -3, 256]])
    np.testing.assert_array_equal(run_layers(lambda n, t: cast(n, t, trt.bool, trt.float32), x), [[0, 1, 1, 1]])
    np.testing.assert_array_equal(run_layers(lambda n, t: cast(n, t, trt.bool, trt.int32), x), [[0, 1, 1, 1]])


@pytest.mark.parametrize("to", [TensorProto.BOOL, TensorProto.FLOAT16])
def test_a_pair_of_onnx_casts_gives_the_result_of_numpy(to: int) -> None:
    there = helper.make_node("Cast", ["x"], ["a"], to=to)
    back = helper.make_node("Cast", ["a"], ["y"], to=TensorProto.FLOAT)
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, VALUES.shape)
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, VALUES.shape)
    model = helper.make_model(helper.make_graph([there, back], "casts", [x], [y]), ir_version=8)
    expected = VALUES.astype(helper.tensor_dtype_to_np_dtype(to)).astype(np.float32)
    actual = run_once(model.SerializeToString(), {"x": VALUES}, level=1)["y"]
    np.testing.assert_array_equal(actual, expected)
    assert not np.array_equal(actual, VALUES)


def test_a_float16_in_between_is_the_nearest() -> None:
    near_one = [1 + 2**-11, 1 + 3 * 2**-11, 1 + 2**-11 + 2**-23]
    ties = [*near_one, 65519.996, 65520.0, 2**-25, 3 * 2**-25, 2**-14 - 2**-26, 1e-30]
    x = np.float32([ties + [-v for v in ties] + [0.0, -0.0, np.inf, -np.inf, np.nan]])
    with np.errstate(over="ignore"):
        expected = x.astype(np.float16).astype(np.float32)
    actual = run_layers(lambda n, t: cast(n, t, trt.float16, trt.float32), x)
    np.testing.assert_array_equal(actual, expected)
    np.testing.assert_array_equal(np.signbit(actual), np.signbit(expected))


LARGE = np.int64([[0, -1, 2**31, -(2**31) - 1, 2**53 + 1, 2**63 - 1, -(2**63)]])


def reshaped(network: Any, x: Any) -> Any:
    layer = network.add_shuffle(x)
    layer.reshape_dims = (7, 1)
    return layer.get_output(0)


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        (lambda n, x: n.add_identity(x).get_output(0), LARGE),
        (reshaped, LARGE.reshape(7, 1)),
        (lambda n, x: sum_of(n, x, x), LARGE + LARGE),
        (lambda n, x: cast(n, x, trt.int32), LARGE.astype(np.int32)),
    ],
    ids=["identity", "reshape", "sum", "to int32"],
)
def test_int64_is_moved_and_computed_with(layers: Callable[..., Any], expected: Array) -> None:
    np.testing.assert_array_equal(run_layers(layers, LARGE), expected)


def test_int32_widens_to_int64() -> None:
    x = np.int32([[0, 2, -3, -(2**31)]])
    actual = run_layers(lambda n, t: cast(n, t, trt.int64), x)
    assert actual.dtype == np.int64
    np.testing.assert_array_equal(actual, x)


def test_a_shape_can_be_an_output() -> None:
    actual = run_layers(lambda n, x: n.add_shape(x).get_output(0), VALUES)
    np.testing.assert_array_equal(actual, [1, 7])


def test_inputs_and_outputs_are_converted_at_the_edge() -> None:
    builder = trt.Builder(CollectingLogger())
    network = builder.create_network(0)
    x = network.add_input("x", trt.float32, (1, 3))
    y = sum_of(network, x, network.add_constant((1, 3), np.float32([[1, 2, 3]])).get_output(0))
    z = network.add_unary(y, trt.UnaryOperation.NEG).get_output(0)
    for name, tensor in (("y", y), ("z", z)):
        tensor.name = name
        network.mark_output(tensor)
    x.dtype = y.dtype = trt.float16
    engine = load(bytes(builder.build_serialized_network(network, builder.create_builder_config())))
    feed = {"x": np.float16([[2048, 0.5, -1]])}
    actual = infer(engine.create_execution_context(), feed)
    assert (actual["y"].dtype, actual["z"].dtype) == (np.float16, np.float32)
    np.testing.assert_array_equal(actual["z"], [[-2049.0, -2.5, -2.0]])  # 2049 is no half: the sum was made in float32
    np.testing.assert_allclose(actual["y"], [[2049.0, 2.5, 2.0]], rtol=2**-10)


def convolved(network: Any, x: Any, weights: Any) -> Any:
    layer = network.add_convolution_nd(x, 5, (1, 1), trt.Weights(), trt.Weights())
    layer.set_input(1, weights)
    return layer.get_output(0)


def multiplied(network: Any, x: Any, weights: Any) -> Any:
    flat = network.add_shuffle(weights)
    flat.reshape_dims, flat.second_transpose = (1, 5, 7), (0, 2, 1)
    rows = network.add_shuffle(x)
    rows.reshape_dims = (1, 1, 7)
    none = trt.MatrixOperation.NONE
    product = network.add_matrix_multiply(rows.get_output(0), none, flat.get_output(0), none)
    columns = network.add_shuffle(product.get_output(0))
    columns.reshape_dims = (1, 5, 1, 1)
    return columns.get_output(0)


@pytest.mark.parametrize("through", ["float16", "bfloat16"])
@pytest.mark.parametrize("layers", [convolved, multiplied])
def test_weights_may_be_cast_to_less_digits(layers: Callable[..., Any], through: str) -> None:
    """As exporters of mixed precision write them: weights of float32, and a cast in front of each layer."""
    short = {"float16": trt.float16, "bfloat16": trt.bfloat16}[through]
    x = np.arange(-3, 4, dtype=np.float32).reshape(1, 7, 1, 1)
    weights = np.random.default_rng(1).uniform(-1, 1, (5, 7, 1, 1)).astype(np.float32)

    def network_of(n: Any, tensor: Any) -> Any:
        inside = layers(n, cast(n, tensor, short), cast(n, n.add_constant(weights.shape, weights).get_output(0), short))
        return cast(n, inside, trt.float32)

    expected = np.einsum("nchw,oc->no", x, weights[:, :, 0, 0]).reshape(1, 5, 1, 1)
    np.testing.assert_allclose(run_layers(network_of, x), expected, rtol=0, atol=2**-7 * np.abs(expected).max())
