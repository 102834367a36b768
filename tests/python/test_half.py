"""BuilderFlag.FP16: what float16 is too small for stays float32."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorvk as trt
from networks import Shop

Op, Unary, Reduce = trt.ElementWiseOperation, trt.UnaryOperation, trt.ReduceOperation
TOLERANCE = 4e-3  # a few roundings to 11 bits


@pytest.fixture
def shop() -> Shop:
    shop = Shop()
    shop.config.set_flag(trt.BuilderFlag.FP16)
    return shop


def scaled(shop: Shop, x: Any, factor: float, op: Any = Op.PROD) -> Any:
    return shop.network.add_elementwise(x, shop.constant([[factor]], np.float32), op)


def pin(shop: Shop, *ways: str) -> None:
    for index in range(shop.network.num_layers):
        layer = shop.network.get_layer(index)
        if layer.type != trt.LayerType.CONSTANT:
            if "precision" in ways:
                layer.precision = trt.float32
            if "output type" in ways:
                layer.set_output_type(0, trt.float32)


def beyond_half(shop: Shop, x: Any) -> Any:
    """x, by way of numbers with more digits than float16 has."""
    none = trt.MatrixOperation.NONE
    weights = shop.constant(np.eye(17, dtype=np.float32) * 300)
    layer = scaled(shop, x, 301)
    product = shop.network.add_matrix_multiply(layer.get_output(0), none, weights, none).get_output(0)
    return scaled(shop, product, 90300, Op.DIV).get_output(0)


def in_a_conditional(shop: Shop, x: Any) -> Any:
    cond = shop.network.add_if_conditional()
    cond.set_condition(shop.input(name="c", dtype=trt.bool))
    inside = cond.add_input(x).get_output(0)
    return cond.add_output(beyond_half(shop, inside), inside).get_output(0)


def in_a_loop(shop: Shop, x: Any) -> Any:
    loop = shop.network.add_loop()
    loop.add_trip_limit(shop.constant(2, np.int32), trt.TripLimit.COUNT)
    carried = loop.add_recurrence(x)
    carried.set_input(1, beyond_half(shop, carried.get_output(0)))
    return loop.add_loop_output(carried.get_output(0), trt.LoopOutput.LAST_VALUE).get_output(0)


@pytest.mark.parametrize("pinned", [(), ("precision",), ("output type",), ("precision", "output type")], ids=str)
@pytest.mark.parametrize("place", [beyond_half, in_a_conditional, in_a_loop])
def test_layers_pinned_to_float32_keep_all_digits(shop: Shop, place: Any, pinned: tuple[str, ...]) -> None:
    x = np.linspace(1, 3.1, 17, dtype=np.float32).reshape(1, 17)
    shop.output(place(shop, shop.input(1, 17)))
    pin(shop, *pinned)
    result = shop.run({"x": x, "c": np.array(True)})["y"]
    if pinned:
        np.testing.assert_allclose(result, x, rtol=1e-6)
    elif not shop.builder.platform_has_fast_fp16:
        pytest.skip("the device stores no float16, so the flag changes nothing")
    else:  # what pinning is for
        assert 1e-5 < np.abs(result / x - 1).max() < TOLERANCE


@pytest.mark.parametrize("number", [-1e9, float(np.finfo(np.float32).min)])
@pytest.mark.parametrize("row", [False, True])
def test_a_softmax_whose_elements_are_all_masked_has_numbers(shop: Shop, number: float, row: bool) -> None:
    """Masks as exporters write them: 1 where attention may go, times a number far beyond float16."""
    scores = np.random.default_rng(4).uniform(-3, 3, (2, 8)).astype(np.float32)
    mask = np.array([[1] * 8, [0] * 8], np.float32)
    away = shop.elementwise(shop.constant([[1.0]], np.float32), shop.input(2, 8, name="mask"), Op.SUB)
    factor = np.full((1, 8) if row else (1, 1), number, np.float32)
    added = shop.elementwise(shop.elementwise(away, shop.constant(factor), Op.PROD), shop.input(2, 8))
    softmax = shop.network.add_softmax(added)
    softmax.axes = 1 << 1
    shop.output(softmax.get_output(0))
    result = shop.run({"x": scores, "mask": mask})["y"]
    powers = np.exp(scores[0] - scores[0].max())
    np.testing.assert_allclose(result[0], powers / powers.sum(), atol=TOLERANCE)
    assert np.isfinite(result[1]).all() and abs(result[1].sum() - 1) < TOLERANCE


def test_a_pinned_convolution_between_others_is_as_exact_as_without_the_flag(shop: Shop) -> None:
    rng = np.random.default_rng(3)
    x = rng.uniform(-1, 1, (1, 3, 9, 7)).astype(np.float32)
    kernel = rng.uniform(-1, 1, (5, 3, 3, 3)).astype(np.float32)
    first = shop.network.add_convolution_nd(shop.input(1, 3, 9, 7), 5, (3, 3), kernel, np.zeros(5, np.float32))
    first.precision = trt.float32
    shop.output(first.get_output(0))
    softmax = shop.network.add_softmax(first.get_output(0))
    softmax.axes = 1 << 1
    shop.output(softmax.get_output(0), "s")
    windows = np.lib.stride_tricks.sliding_window_view(x.astype(np.float64), (3, 3), (2, 3))
    expected = np.einsum("nchwij,ocij->nohw", windows, kernel.astype(np.float64))
    results = shop.run({"x": x})
    np.testing.assert_allclose(results["y"], expected, atol=1e-5)
    powers = np.exp(expected - expected.max(1, keepdims=True))
    np.testing.assert_allclose(results["s"], powers / powers.sum(1, keepdims=True), atol=TOLERANCE)


def reduced(shop: Shop, x: object, op: object = Reduce.AVG) -> object:
    return shop.network.add_reduce(x, op, 1 << 1, True).get_output(0)


@pytest.mark.parametrize("width", [3, 17, 33, 512])
def test_a_normalisation_made_of_layers_takes_squares_beyond_float16(shop: Shop, width: int) -> None:
    """Numbers up to 1000: their squares, the sums of these and the variance are beyond 65504."""
    x = np.random.default_rng(width).uniform(-1000, 1000, (5, width)).astype(np.float32)
    data = shop.input(5, width)
    centred = shop.elementwise(data, reduced(shop, data), Op.SUB)
    variance = reduced(shop, shop.elementwise(centred, centred, Op.PROD))
    with_epsilon = shop.elementwise(variance, shop.constant([[1e-5]], np.float32))
    deviation = shop.network.add_unary(with_epsilon, Unary.SQRT).get_output(0)
    shop.output(shop.elementwise(centred, deviation, Op.DIV))
    expected = (x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True)
    np.testing.assert_allclose(shop.run({"x": x})["y"], expected, atol=TOLERANCE * np.abs(expected).max())


@pytest.mark.parametrize("reshaped", [False, True])
def test_a_sum_beyond_float16_may_be_divided_down(shop: Shop, reshaped: bool) -> None:
    x = np.random.default_rng(1).uniform(500, 1000, (4, 1000)).astype(np.float32)
    total = reduced(shop, shop.input(4, 1000), Reduce.SUM)
    if reshaped:
        layer = shop.network.add_shuffle(total)
        layer.reshape_dims = (1, 4)
        total = layer.get_output(0)
    number = shop.constant([[1000.0]], np.float32)
    shop.output(
        shop.network.add_activation(shop.elementwise(total, number, Op.DIV), trt.ActivationType.RELU).get_output(0)
    )
    expected = x.mean(1).reshape((1, 4) if reshaped else (4, 1))
    np.testing.assert_allclose(shop.run({"x": x})["y"], expected, rtol=TOLERANCE)


def test_a_sum_that_a_product_reads_is_float16_like_its_other_factor(shop: Shop) -> None:
    rng = np.random.default_rng(2)
    x, w = rng.uniform(-1, 1, (8, 33)).astype(np.float32), rng.uniform(-1, 1, (1, 17)).astype(np.float32)
    total = reduced(shop, shop.input(8, 33), Reduce.SUM)
    none = trt.MatrixOperation.NONE
    shop.output(shop.network.add_matrix_multiply(total, none, shop.constant(w), none).get_output(0))
    expected = x.sum(1, keepdims=True) @ w
    np.testing.assert_allclose(shop.run({"x": x})["y"], expected, atol=TOLERANCE * np.abs(expected).max())
