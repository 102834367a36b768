"""BuilderFlag.FP16: what float16 is too small for stays float32."""

from __future__ import annotations

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
