"""Layers that generate, sum, normalise and quantise, beside numpy, or ONNX Runtime where numpy has no such thing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorvk as trt
from networks import Array, Shop, f32, reference

Op = trt.ElementWiseOperation


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.mark.parametrize(("dtype", "alpha", "beta"), [(trt.float32, 0.5, -2.0), (trt.int32, 3, 2), (trt.int64, -1, 1)])
def test_fill_counts(shop: Shop, dtype: Any, alpha: float, beta: float) -> None:
    layer = shop.network.add_fill((17,), trt.FillOperation.LINSPACE, dtype)
    layer.alpha, layer.beta = alpha, beta
    assert (layer.alpha, layer.beta, layer.to_type) == (alpha, beta, dtype)
    layer.alpha = [alpha]  # a list of one, as older programs have it
    assert layer.is_alpha_beta_int64() == (dtype == trt.int64) and tuple(layer.shape) == (17,)
    shop.output(layer.get_output(0))
    np.testing.assert_array_equal(shop.run()["y"], (alpha + beta * np.arange(17)).astype(trt.nptype(dtype)))


def test_fill_along_several_dimensions(shop: Shop) -> None:
    layer = shop.network.add_fill((1, 3, 5), trt.FillOperation.LINSPACE)
    layer.set_input(1, shop.constant(1000, np.float32))
    layer.set_input(2, shop.constant([1, 100, 10], np.float32))
    y = shop.output(layer.get_output(0))
    assert tuple(y.shape) == (1, 3, 5)
    expected = 1000 + 100 * np.arange(3)[:, None] + 10 * np.arange(5)
    np.testing.assert_array_equal(shop.run()["y"], expected[None].astype(np.float32))


@pytest.mark.parametrize(
    "op", [trt.FillOperation.LINSPACE, trt.FillOperation.RANDOM_UNIFORM, trt.FillOperation.RANDOM_NORMAL]
)
def test_fill_of_a_shape_that_is_known_at_run_time(shop: Shop, op: Any) -> None:
    x = shop.input(-1, 33, profile=((1, 33), (3, 33), (50, 33)))
    layer = shop.network.add_fill((-1, -1), op)
    layer.set_input(0, shop.network.add_shape(x).get_output(0))
    layer.set_input(1, shop.constant(10, np.float32))
    layer.set_input(2, shop.constant([1, 0.5] if op == trt.FillOperation.LINSPACE else 12, np.float32))
    y = shop.output(layer.get_output(0))
    assert tuple(y.shape) == (-1, 33)
    for rows in (50, 1):
        out = shop.run({"x": f32(rows, 33)})["y"]
        assert out.shape == (rows, 33)
        if op == trt.FillOperation.LINSPACE:
            np.testing.assert_allclose(out, 10 + np.arange(rows)[:, None] + 0.5 * np.arange(33), rtol=1e-6)
        elif op == trt.FillOperation.RANDOM_UNIFORM:
            assert out.min() >= 10 and out.max() <= 12 and len(np.unique(out)) > 10
        elif rows == 50:
            # 1650 numbers, others in each run of the test: beyond six standard errors of mean and deviation lies one in
            # five hundred million, beyond four one in sixteen thousand.
            assert abs(out.mean() - 10) < 6 * 12 / 1650**0.5 and abs(out.std() - 12) < 6 * 12 / 3300**0.5


@pytest.mark.parametrize(
    ("equation", "shapes"),
    [
        ("ij,jk->ik", [(3, 5), (5, 17)]),
        ("ijk,ikl->ijl", [(2, 3, 5), (2, 5, 1)]),
        ("ii->i", [(7, 7)]),
        ("ij->ji", [(3, 33)]),
        ("ij->", [(3, 17)]),
        ("i,j", [(3,), (5,)]),
        ("...ij,...jk->...ik", [(2, 3, 4, 5), (3, 5, 7)]),
        ("bhwij,bhkij->bhwk", [(1, 2, 3, 4, 5), (1, 2, 7, 4, 5)]),
        ("...ij,...jk->...ik", [(2, 3, 4, 5), (2, 1, 5, 7)]),
        ("...ij,jk->...ik", [(2, 3, 4, 5), (5, 1)]),
        ("bhid,bhjd->bhij", [(2, 3, 5, 4), (2, 3, 7, 4)]),
        ("bij,bj->bi", [(3, 5, 17), (3, 17)]),
        ("abc,cd->dab", [(2, 3, 5), (5, 7)]),
        ("bc,bd->", [(3, 5), (3, 7)]),
        ("bc,bd->cd", [(1, 5), (1, 7)]),
        ("bij,bij->bij", [(2, 3, 5), (2, 3, 5)]),
        ("i,i->", [(33,), (33,)]),
        ("ab,acd->dc", [(3, 2), (3, 5, 7)]),
        ("ij,jk,kl->il", [(2, 3), (3, 4), (4, 5)]),
        ("bij,bjk,bk->bi", [(2, 3, 4), (2, 4, 5), (2, 5)]),
        ("ii,ij,j->i", [(3, 3), (3, 4), (4,)]),
    ],
)
def test_einsum(shop: Shop, equation: str, shapes: list[tuple[int, ...]]) -> None:
    arrays = {f"x{i}": f32(*shape, seed=i) for i, shape in enumerate(shapes)}
    layer = shop.network.add_einsum([shop.input(*a.shape, name=n) for n, a in arrays.items()], equation)
    assert layer.equation == equation
    y = shop.output(layer.get_output(0))
    expected = np.einsum(equation, *arrays.values())
    assert tuple(y.shape) == expected.shape
    np.testing.assert_allclose(shop.run(arrays)["y"], expected, rtol=1e-5, atol=1e-5)  # sums of up to 60 products


def test_einsum_of_shapes_that_are_known_at_run_time(shop: Shop) -> None:
    profile = ((1, 2, 1, 4), (2, 2, 5, 4), (3, 2, 17, 4))
    q = shop.input(-1, 2, -1, 4, name="q", profile=profile)
    k = shop.network.add_activation(q, trt.ActivationType.TANH).get_output(0)
    shop.output(shop.network.add_einsum([q, k], "bhid,bhjd->ibhj").get_output(0))
    for batch, steps in ((3, 17), (1, 1)):
        data = f32(batch, 2, steps, 4)
        expected = np.einsum("bhid,bhjd->ibhj", data, np.tanh(data))
        np.testing.assert_allclose(shop.run({"q": data})["y"], expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("exclusive", [False, True])
@pytest.mark.parametrize("reverse", [False, True])
def test_cumulative(shop: Shop, exclusive: bool, reverse: bool) -> None:
    layer = shop.network.add_cumulative(
        shop.input(3, 17), shop.constant(1, np.int32), trt.CumulativeOperation.SUM, exclusive, reverse
    )
    assert (layer.op, layer.exclusive, layer.reverse) == (trt.CumulativeOperation.SUM, exclusive, reverse)
    shop.output(layer.get_output(0))
    data = f32(3, 17)
    ordered = data[:, ::-1] if reverse else data
    sums = np.cumsum(ordered, 1) - (ordered if exclusive else 0)
    # Sums of up to 17 numbers of magnitude 1.
    np.testing.assert_allclose(shop.run({"x": data})["y"], sums[:, ::-1] if reverse else sums, atol=1e-5)


def test_squeeze_and_unsqueeze(shop: Shop) -> None:
    x = shop.input(-1, 1, 3, 1, profile=((1, 1, 3, 1), (2, 1, 3, 1), (4, 1, 3, 1)))
    thin = shop.network.add_squeeze(x, shop.constant([1, -1], np.int32)).get_output(0)
    assert tuple(thin.shape) == (-1, 3)
    y = shop.output(shop.network.add_unsqueeze(thin, shop.constant([0, -1], np.int64)).get_output(0))
    assert tuple(y.shape) == (1, -1, 3, 1)
    data = f32(4, 1, 3, 1)
    np.testing.assert_array_equal(shop.run({"x": data})["y"], data.reshape(1, 4, 3, 1))


def normal(x: Array, axes: tuple[int, ...], epsilon: float) -> Array:
    x = x.astype(np.float64)
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + epsilon)


@pytest.mark.parametrize("v2", [False, True])
@pytest.mark.parametrize(
    ("shape", "axes", "weights"),
    [
        ((2, 3, 5, 7), (2, 3), (1, 3, 1, 1)),
        ((3, 17), (1,), (1, 17)),
        ((2, 3, 33), (1, 2), (1, 3, 33)),
    ],
    ids=["instance", "layer", "both"],
)
def test_normalization(
    shop: Shop, shape: tuple[int, ...], axes: tuple[int, ...], weights: tuple[int, ...], v2: bool
) -> None:
    scale, bias = f32(*weights), f32(*weights, seed=1)
    add = shop.network.add_normalization_v2 if v2 else shop.network.add_normalization
    layer = add(shop.input(*shape), shop.constant(scale), shop.constant(bias), sum(1 << axis for axis in axes))
    assert layer.is_v2 == v2 and layer.epsilon == np.float32(1e-5) and layer.num_groups == 1
    layer.epsilon = 1e-3
    shop.output(layer.get_output(0))
    data = f32(*shape)
    np.testing.assert_allclose(
        shop.run({"x": data})["y"], normal(data, axes, 1e-3) * scale + bias, rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("channels", [6, 3], ids=["per-channel", "per-group"])
def test_group_normalization(shop: Shop, channels: int) -> None:
    scale, bias = f32(1, channels, 1, 1), f32(1, channels, 1, 1, seed=1)
    layer = shop.network.add_normalization(shop.input(2, 6, 5, 3), shop.constant(scale), shop.constant(bias), 0b1100)
    layer.num_groups = 3
    shop.output(layer.get_output(0))
    data = f32(2, 6, 5, 3)
    expected = normal(data.reshape(2, 3, 2, 5, 3), (2, 3, 4), 1e-5).reshape(2, 6, 5, 3)
    repeat = 6 // channels
    expected = expected * scale.repeat(repeat, 1) + bias.repeat(repeat, 1)
    np.testing.assert_allclose(shop.run({"x": data})["y"], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shape", [(1, 7, 5, 3), (2, 3, 4)])
def test_lrn(shop: Shop, shape: tuple[int, ...]) -> None:
    layer = shop.network.add_lrn(shop.input(*shape), 3, 0.5, 0.75, 2.0)
    assert (layer.window_size, layer.alpha, layer.beta, layer.k) == (3, 0.5, 0.75, 2.0)
    layer.window_size = 5
    shop.output(layer.get_output(0))
    data = f32(*shape)
    image = data.reshape(*shape, *[1] * (4 - len(shape)))  # ONNX Runtime's has 4 dimensions
    expected = reference("LRN", {"x": image}, size=5, alpha=0.5, beta=0.75, bias=2.0)[0].reshape(shape)
    np.testing.assert_allclose(shop.run({"x": data})["y"], expected, rtol=1e-5, atol=1e-6)


def test_ragged_softmax(shop: Shop) -> None:
    bounds = np.array([[[17], [1], [5]], [[0], [16], [2]]], np.int32)
    layer = shop.network.add_ragged_softmax(shop.input(2, 3, 17), shop.constant(bounds))
    shop.output(layer.get_output(0))
    data = 5 * f32(2, 3, 17)
    kept = np.arange(17) < bounds
    powers = np.exp(data) * kept
    expected = powers / np.maximum(powers.sum(-1, keepdims=True), 1e-30)
    np.testing.assert_allclose(shop.run({"x": data})["y"], expected, rtol=1e-5, atol=1e-7)


def test_assertion(shop: Shop) -> None:
    x = shop.input(-1, -1, profile=((1, 1), (3, 3), (9, 9)))
    shape = shop.network.add_shape(x).get_output(0)
    first, second = (shop.network.add_gather(shape, shop.constant(i, np.int32), 0).get_output(0) for i in (0, 1))
    layer = shop.network.add_assertion(shop.elementwise(first, second, Op.EQUAL), "the matrix must be square")
    assert layer.message == "the matrix must be square" and layer.num_outputs == 0
    shop.output(shop.network.add_identity(x).get_output(0))
    data = f32(4, 4)
    np.testing.assert_array_equal(shop.run({"x": data})["y"], data)
    with pytest.raises(AssertionError, match="the matrix must be square"):
        shop.run({"x": f32(4, 3)})


def test_assertion_about_data(shop: Shop) -> None:
    x = shop.input(3)
    most = shop.network.add_reduce(x, trt.ReduceOperation.MAX, 1, False).get_output(0)
    small = shop.elementwise(most, shop.constant(10, np.float32), Op.LESS)
    shop.network.add_assertion(small, "too large")
    shop.output(shop.network.add_identity(x).get_output(0))
    data = f32(3)
    np.testing.assert_array_equal(shop.run({"x": data})["y"], data)
    with pytest.raises(AssertionError, match="too large"):
        shop.run({"x": data + 10})
    np.testing.assert_array_equal(shop.run({"x": data})["y"], data)


def test_an_assertion_that_is_never_true_is_refused_by_the_build(shop: Shop) -> None:
    """At the call it is not: programs change the message afterwards."""
    layer = shop.network.add_assertion(shop.constant(False, np.bool_), "no way")
    layer.message += ", really"
    shop.output(shop.network.add_identity(shop.input(3)).get_output(0))
    assert shop.builder.build_serialized_network(shop.network, shop.config) is None
    assert "no way, really" in shop.error()


@pytest.mark.parametrize("interleaved", [False, True])
@pytest.mark.parametrize("by_position", [False, True])
def test_rotary_embedding(shop: Shop, interleaved: bool, by_position: bool) -> None:
    batch, heads, steps, size = 2, 3, 5, 8
    data = f32(batch, heads, steps, size)
    positions = np.array([[0, 3, 1, 6, 2], [4, 4, 5, 0, 1]], np.int64)
    angles = f32(7, size // 2) if by_position else f32(batch, steps, size // 2)
    x = shop.input(batch, heads, steps, size)
    cos, sin = shop.constant(np.cos(angles)), shop.constant(np.sin(angles))
    layer = shop.network.add_rotary_embedding(x, cos, sin, interleaved, 0)
    if by_position:
        layer.set_input(3, shop.constant(positions))
    assert layer.interleaved == interleaved and layer.rotary_embedding_dim == 0
    shop.output(layer.get_output(0))
    turn = (angles[positions] if by_position else angles)[:, None]
    real, imaginary = (data[..., ::2], data[..., 1::2]) if interleaved else np.split(data, 2, -1)
    parts = real * np.cos(turn) - imaginary * np.sin(turn), real * np.sin(turn) + imaginary * np.cos(turn)
    expected = np.stack(parts, -1).reshape(data.shape) if interleaved else np.concatenate(parts, -1)
    np.testing.assert_allclose(shop.run({"x": data})["y"], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("axis", [None, 0, 1])
def test_quantize_and_dequantize(shop: Shop, axis: int | None) -> None:
    data = 3 * f32(3, 17)
    scale = np.float32(0.02) if axis is None else np.abs(f32(data.shape[axis])) / 30 + 0.01
    quantize = shop.network.add_quantize(shop.input(3, 17), shop.constant(scale))
    assert quantize.to_type == trt.int8 == quantize.get_output(0).dtype
    dequantize = shop.network.add_dequantize(quantize.get_output(0), shop.constant(scale))
    if axis is not None:
        quantize.axis = dequantize.axis = axis
        assert quantize.axis == axis
    shop.output(quantize.get_output(0), "q")
    shop.output(dequantize.get_output(0), "y")
    shaped = scale if axis is None else np.expand_dims(scale, 1 - axis)
    expected = np.clip(np.rint(data / shaped), -128, 127)
    out = shop.run({"x": data})
    np.testing.assert_array_equal(out["q"], expected)
    np.testing.assert_array_equal(out["y"], expected.astype(np.float32) * shaped)


def test_quantize_and_dequantize_by_blocks(shop: Shop) -> None:
    """Blocks of 4 along the last axis, with a scale each."""
    data, scale = 3 * f32(3, 20), np.abs(f32(3, 5)) / 30 + 0.01
    quantize = shop.network.add_quantize(shop.input(3, 20), shop.constant(scale))
    quantize.block_shape = (1, 4)
    dequantize = shop.network.add_dequantize(quantize.get_output(0), shop.constant(scale), trt.float32)
    dequantize.block_shape = (1, 4)
    assert tuple(quantize.block_shape) == (1, 4)
    shop.output(quantize.get_output(0), "q")
    shop.output(dequantize.get_output(0), "y")
    each = scale.repeat(4, 1)
    expected = np.clip(np.rint(data / each), -128, 127)
    out = shop.run({"x": data})
    np.testing.assert_array_equal(out["q"], expected)
    np.testing.assert_array_equal(out["y"], expected.astype(np.float32) * each)


def one_hot(shop: Shop, depth: int | list[int]) -> Any:
    indices, values = shop.constant([0, 1], np.int32), shop.constant([0, 1], np.float32)
    return shop.network.add_one_hot(indices, values, shop.constant(depth, np.int32), 0)


@pytest.mark.parametrize("number", [float("nan"), 1e300])
def test_integers_cannot_start_at_what_is_none(shop: Shop, number: float) -> None:
    layer = shop.network.add_fill((3,), trt.FillOperation.LINSPACE, trt.int64)
    layer.alpha = number
    shop.output(layer.get_output(0))
    assert shop.builder.build_serialized_network(shop.network, shop.config) is None
    assert "makes integers from alpha" in shop.error()
    assert layer.alpha == 0


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda s, n, x: n.add_one_hot(x, x, s.constant(3, np.int32), 0), "needs int32 or int64 indices"),
        (lambda s, n, x: one_hot(s, [3, 4]), "needs one number as its depth"),
        (lambda s, n, x: one_hot(s, []), "needs one number as its depth"),
        (lambda s, n, x: one_hot(s, -3), "was given the depth -3"),
        (lambda s, n, x: n.add_nms(x, x, s.constant(3, np.int32)), "needs scores [batch, boxes, classes]"),
        (lambda s, n, x: n.add_fill((3,), trt.FillOperation.RANDOM_NORMAL, trt.int32), "makes int32"),
        (lambda s, n, x: n.add_einsum([x], "ijk->i"), "has 3 letters for input 0, which has 2 dimensions"),
        (lambda s, n, x: n.add_einsum([x, x], "ij,jk->ik"), "differ and neither is 1"),
        (lambda s, n, x: n.add_einsum([x], "ij->iz"), "'z'"),
        (lambda s, n, x: n.add_scatter(x, x, x, trt.ScatterMode.ELEMENT), "needs int32 or int64 indices"),
        (lambda s, n, x: n.add_normalization(x, x, x, 0), "axes bitmask"),
        (lambda s, n, x: n.add_normalization(x, s.constant([1], np.float32), x, 2), "as many dimensions"),
        (lambda s, n, x: n.add_lrn(x, 4, 1, 1, 1), "odd window"),
        (lambda s, n, x: n.add_ragged_softmax(x, x), "needs int32 or int64 bounds"),
        (lambda s, n, x: n.add_assertion(x, "what"), "int32, int64 or bool"),
        (lambda s, n, x: n.add_squeeze(x, s.constant([0], np.int32)), "axis 0"),
        (lambda s, n, x: n.add_squeeze(x, s.constant([5], np.int32)), "has axis 5"),
        (lambda s, n, x: n.add_unsqueeze(x, s.constant([0, 0], np.int32)), "twice"),
        (lambda s, n, x: n.add_non_zero(x, trt.float32), "int32 or int64"),
        (lambda s, n, x: n.add_grid_sample(x, x), "a grid [N, places, axes]"),
        (lambda s, n, x: n.add_reverse_sequence(x, x), "int32 or int64 lengths"),
        (
            lambda s, n, x: n.add_cumulative(x, x, trt.CumulativeOperation.SUM, False, False),
            "one int32 or int64 as axis",
        ),
        (
            lambda s, n, x: n.add_cumulative(x, s.constant(2, np.int32), trt.CumulativeOperation.SUM, False, False),
            "has axis 2",
        ),
        (
            lambda s, n, x: n.add_gather_v2(x, s.constant([1], np.int32), trt.GatherMode.ELEMENT),
            "equally many dimensions",
        ),
        (lambda s, n, x: n.add_rotary_embedding(x, x, x, False, 0), "[batch, heads, sequence, size]"),
        (
            lambda s, n, x: n.add_kv_cache_update(x, s.constant([1], np.float32), x, trt.KVCacheMode.LINEAR),
            "dimensions",
        ),
        (lambda s, n, x: n.add_quantize(x, x, trt.fp4), "not offered"),
        (lambda s, n, x: n.add_dequantize(x, x), "dequantizes int8, uint8 and int32"),
        (lambda s, n, x: n.add_dynamic_quantize(x, 0, 16, trt.fp8, trt.float32), "add_quantize"),
        (lambda s, n, x: n.add_dynamic_quantize_v2(x, (1, 16), trt.fp8, trt.float32), "add_quantize"),
        (lambda s, n, x: n.add_moe(x, x, x), "MoE layers are not offered"),
        (
            lambda s, n, x: n.add_dist_collective(
                x, trt.CollectiveOperation.ALL_REDUCE, trt.ReduceOperation.SUM, 0, []
            ),
            "one device",
        ),
    ],
)
def test_mistakes_are_told_at_the_call(shop: Shop, call: Any, sentence: str) -> None:
    assert call(shop, shop.network, shop.input(3, 17)) is None
    assert sentence in shop.error()


def test_floor_division_of_quotients_that_round_up_to_an_integer(shop: Shop) -> None:
    """The float32 quotient is the integer, the number itself lies below it."""
    rng = np.random.default_rng(0)
    b = rng.uniform(0.1, 3, 200_000).astype(np.float32)
    n = rng.integers(2, 3000, 200_000).astype(np.float32)
    a = (n * b).astype(np.float32)
    a = np.where(a.astype(np.float64) >= n.astype(np.float64) * b, np.nextafter(a, np.float32(0)), a)
    hard = np.floor(a / b) != np.floor(a.astype(np.float64) / b)
    a, b = a[hard][:64], b[hard][:64]
    assert len(a) == 64
    x = shop.input(64)
    shop.output(shop.elementwise(x, shop.constant(b, np.float32), trt.ElementWiseOperation.FLOOR_DIV))
    np.testing.assert_array_equal(shop.run({"x": a})["y"], np.floor(a.astype(np.float64) / b))


@pytest.mark.parametrize(
    "shape", [(64, 768, 768), (65, 1000, 1023), (197, 3072, 768), (63, 768, 768), (128, 515, 1025), (1, 2048, 768)]
)
def test_products_with_large_constants_packed_and_as_they_lie(shop: Shop, shape: tuple[int, int, int]) -> None:
    """Sums one after the other round up to 3072 times by 2^-24, at random: the worst of 150,000 is 2.5e-6 off."""
    rows, depth, columns = shape
    rng = np.random.default_rng(0)
    x, weights = (rng.normal(size=size).astype(np.float32) for size in ((rows, depth), (depth, columns)))
    bias = rng.normal(size=(1, columns)).astype(np.float32)
    none = trt.MatrixOperation.NONE
    constant = shop.constant(weights, np.float32)
    product = shop.network.add_matrix_multiply(shop.input(rows, depth), none, constant, none).get_output(0)
    shop.output(shop.elementwise(product, shop.constant(bias, np.float32)))
    expected = x.astype(np.float64) @ weights + bias
    assert np.abs(shop.run({"x": x})["y"] - expected).max() < 1e-5 * np.abs(expected).max()
