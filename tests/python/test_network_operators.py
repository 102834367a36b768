"""Layers that find, place, generate and normalise, beside numpy, or ONNX Runtime where numpy has no such thing."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pytest
import tensorvk as trt
from networks import Shop
from onnx import helper

Op = trt.ElementWiseOperation
Array = np.ndarray[Any, Any]


@pytest.fixture
def shop() -> Shop:
    return Shop()


def f32(*shape: int) -> Array:
    return np.random.default_rng(sum(shape)).uniform(-1, 1, shape).astype(np.float32)


def reference(op: str, feed: dict[str, Array], outputs: int = 1, **attributes: Any) -> list[Array]:
    """ONNX Runtime's answer for one node; absent inputs are None."""
    names = [f"i{i}" if array is not None else "" for i, array in enumerate(feed.values())]
    given = {n: a for n, a in zip(names, feed.values(), strict=True) if n}
    inputs = [
        helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape) for n, a in given.items()
    ]
    ends = [helper.make_empty_tensor_value_info(f"o{i}") for i in range(outputs)]
    node = helper.make_node(op, names, [e.name for e in ends], **attributes)
    graph = helper.make_graph([node], "g", inputs, ends)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return [np.asarray(a) for a in session.run(None, given)]


@pytest.mark.parametrize("shape", [(1,), (3, 17), (2, 1, 33)])
@pytest.mark.parametrize("dtype", [trt.int32, trt.int64])
def test_non_zero(shop: Shop, shape: tuple[int, ...], dtype: Any) -> None:
    layer = shop.network.add_non_zero(shop.input(*shape), dtype)
    y = shop.output(layer.get_output(0))
    assert tuple(y.shape) == (len(shape), -1) and layer.indices_type == dtype == y.dtype
    for data in (f32(*shape) * (f32(*shape) > 0), np.zeros(shape, np.float32), np.ones(shape, np.float32)):
        out = shop.run({"x": data})["y"]
        np.testing.assert_array_equal(out, np.stack(np.nonzero(data)))
        assert out.dtype == trt.nptype(dtype)


def test_one_hot(shop: Shop) -> None:
    indices = shop.input(3, name="i", dtype=trt.int32)
    layer = shop.network.add_one_hot(indices, shop.constant([-1, 2.5], np.float32), shop.constant(4, np.int32), -1)
    assert tuple(layer.get_output(0).shape) == (3, 4)
    layer.axis = 0
    y = shop.output(layer.get_output(0))
    assert tuple(y.shape) == (4, 3)
    given = np.array([2, 0, 3], np.int32)
    np.testing.assert_array_equal(shop.run({"i": given})["y"], np.where(np.arange(4)[:, None] == given, 2.5, -1))


def best_boxes(boxes: Array, scores: Array, most: int, iou: float, floor: float, centers: int = 0) -> Array:
    """[batch, class, box] of each chosen box; `scores` is [batch, boxes, classes]."""
    feed = {
        "boxes": boxes,
        "scores": np.ascontiguousarray(scores.transpose(0, 2, 1)),
        "most": np.array([most], np.int64),
        "iou": np.array([iou], np.float32),
        "floor": np.array([floor], np.float32),
    }
    return reference("NonMaxSuppression", feed, center_point_box=centers)[0]


@pytest.mark.parametrize("centers", [0, 1])
def test_nms(shop: Shop, centers: int) -> None:
    boxes = np.abs(f32(2, 17, 4)) + (np.array([0, 0, 0.5, 0.5], np.float32) if not centers else 0)
    scores = np.abs(f32(2, 17, 3))
    layer = shop.network.add_nms(
        shop.input(2, 17, 4, name="b"), shop.input(2, 17, 3, name="s"), shop.constant(5, np.int32)
    )
    layer.set_input(3, shop.constant(0.4, np.float32))
    layer.set_input(4, shop.constant(0.2, np.float32))
    layer.bounding_box_format = trt.BoundingBoxFormat(centers)
    assert layer.num_outputs == 2 and tuple(layer.get_output(0).shape) == (-1, 3) and layer.topk_box_limit == 5000
    shop.output(layer.get_output(0), "indices")
    shop.output(layer.get_output(1), "count")
    out = shop.run({"b": boxes, "s": scores})
    expected = best_boxes(boxes, scores, 5, 0.4, 0.2, centers)
    np.testing.assert_array_equal(out["indices"], expected)
    assert out["count"] == len(expected) > 0 and out["indices"].dtype == np.int32


def test_nms_with_boxes_for_each_class(shop: Shop) -> None:
    boxes = np.abs(f32(2, 7, 3, 4)) + np.array([0, 0, 0.5, 0.5], np.float32)
    scores = np.abs(f32(2, 7, 3))
    layer = shop.network.add_nms(
        shop.input(2, 7, 3, 4, name="b"), shop.input(2, 7, 3, name="s"), shop.constant(4, np.int32), trt.int64
    )
    layer.set_input(3, shop.constant(0.3, np.float32))
    shop.output(layer.get_output(0))
    out = shop.run({"b": boxes, "s": scores})["y"]
    expected = []
    for batch in range(2):
        for label in range(3):
            one = best_boxes(
                boxes[batch : batch + 1, :, label], scores[batch : batch + 1, :, label : label + 1], 4, 0.3, 0
            )
            expected += [(batch, label, row[2]) for row in one]
    np.testing.assert_array_equal(out, expected)


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
        elif rows == 50:  # 1650 numbers: four standard errors of mean and deviation
            assert abs(out.mean() - 10) < 4 * 12 / 1650**0.5 and abs(out.std() - 12) < 4 * 12 / 3300**0.5


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
    ],
)
def test_einsum(shop: Shop, equation: str, shapes: list[tuple[int, ...]]) -> None:
    arrays = {f"x{i}": f32(*shape) for i, shape in enumerate(shapes)}
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


@pytest.mark.parametrize("axis", [0, 1])
def test_scatter_elements(shop: Shop, axis: int) -> None:
    data, updates = f32(5, 4), f32(3, 4)
    indices = np.array([[0, 3, 1, 2], [3, 2, 0, 1], [1, 0, 2, 3]], np.int32)  # no place twice, along either axis
    layer = shop.network.add_scatter(
        shop.input(5, 4), shop.constant(indices), shop.constant(updates), trt.ScatterMode.ELEMENT
    )
    layer.axis = axis
    assert (layer.mode, layer.axis) == (trt.ScatterMode.ELEMENT, axis)
    shop.output(layer.get_output(0))
    expected = data.copy()
    for i, j in np.ndindex(3, 4):
        expected[(indices[i, j], j) if axis == 0 else (i, indices[i, j])] = updates[i, j]
    np.testing.assert_array_equal(shop.run({"x": data})["y"], expected)


def test_scatter_nd(shop: Shop) -> None:
    data, updates = f32(5, 4, 3), f32(2, 3)
    layer = shop.network.add_scatter(
        shop.input(5, 4, 3), shop.constant([[0, 1], [4, 2]], np.int32), shop.constant(updates), trt.ScatterMode.ND
    )
    shop.output(layer.get_output(0))
    expected = data.copy()
    expected[0, 1], expected[4, 2] = updates
    np.testing.assert_array_equal(shop.run({"x": data})["y"], expected)


def test_gather_elements(shop: Shop) -> None:
    data, indices = f32(5, 4), np.array([[0, 4, 2, 2], [1, 1, 0, 3], [4, 3, 2, 1]], np.int32)
    layer = shop.network.add_gather_v2(shop.input(5, 4), shop.constant(indices), trt.GatherMode.ELEMENT)
    assert layer.mode == trt.GatherMode.ELEMENT
    shop.output(layer.get_output(0))
    expected = np.take_along_axis(data, indices.astype(np.int64), 0)
    np.testing.assert_array_equal(shop.run({"x": data})["y"], expected)


def test_gather_nd(shop: Shop) -> None:
    data, indices = f32(3, 4, 5), np.array([[1, 0], [2, 3], [0, 2]], np.int32)
    layer = shop.network.add_gather_v2(shop.input(3, 4, 5), shop.constant(indices), trt.GatherMode.ND)
    shop.output(layer.get_output(0), "slices")
    each = shop.network.add_gather_v2(shop.network.get_input(0), shop.constant(indices), trt.GatherMode.ND)
    each.num_elementwise_dims = 1
    shop.output(each.get_output(0), "each")
    assert tuple(layer.get_output(0).shape) == (3, 5) and tuple(each.get_output(0).shape) == (3,)
    out = shop.run({"x": data})
    np.testing.assert_array_equal(out["slices"], data[indices[:, 0], indices[:, 1]])
    np.testing.assert_array_equal(out["each"], data[np.arange(3), indices[:, 0], indices[:, 1]])


@pytest.mark.parametrize("axis", [1, 2, 3])
def test_gather_with_elementwise_dimensions(shop: Shop, axis: int) -> None:
    data, indices = f32(3, 4, 5, 6), np.array([[1, 0], [3, 2], [2, 2]], np.int32)
    layer = shop.network.add_gather(shop.input(3, 4, 5, 6), shop.constant(indices), axis)
    layer.num_elementwise_dims = 1
    y = shop.output(layer.get_output(0))
    expected = np.stack([data[i].take(indices[i], axis - 1) for i in range(3)])
    assert tuple(y.shape) == expected.shape
    np.testing.assert_array_equal(shop.run({"x": data})["y"], expected)


@pytest.mark.parametrize("mode", ["LINEAR", "NEAREST", "CUBIC"])
@pytest.mark.parametrize("sample", [("FILL", "zeros"), ("CLAMP", "border"), ("REFLECT", "reflection")])
def test_grid_sample(shop: Shop, mode: str, sample: tuple[str, str]) -> None:
    data, grid = f32(1, 3, 5, 7), 1.5 * f32(1, 4, 3, 2)
    layer = shop.network.add_grid_sample(shop.input(1, 3, 5, 7), shop.input(1, 4, 3, 2, name="g"))
    layer.interpolation_mode = getattr(trt.InterpolationMode, mode)
    layer.sample_mode = getattr(trt.SampleMode, sample[0])
    layer.align_corners = True
    assert layer.interpolation_mode.name == mode and layer.sample_mode.name == sample[0] and layer.align_corners
    shop.output(layer.get_output(0))
    expected = reference(
        "GridSample", {"x": data, "g": grid}, mode=mode.lower(), padding_mode=sample[1], align_corners=1
    )
    # Cubic weights reach 1.5 and cancel.
    np.testing.assert_allclose(shop.run({"x": data, "g": grid})["y"], expected[0], rtol=1e-4, atol=1e-5)


def test_reverse_sequence(shop: Shop) -> None:
    data, lengths = f32(5, 3, 2), np.array([5, 1, 3], np.int32)
    layer = shop.network.add_reverse_sequence(shop.input(5, 3, 2), shop.constant(lengths))
    assert (layer.batch_axis, layer.sequence_axis) == (1, 0)
    shop.output(layer.get_output(0))
    expected = data.copy()
    for i, n in enumerate(lengths):
        expected[:n, i] = data[:n, i][::-1]
    np.testing.assert_array_equal(shop.run({"x": data})["y"], expected)


def test_reverse_sequence_with_batches_first(shop: Shop) -> None:
    data, lengths = f32(3, 5), np.array([5, 1, 3], np.int32)
    layer = shop.network.add_reverse_sequence(shop.input(3, 5), shop.constant(lengths))
    layer.batch_axis = 0
    layer.sequence_axis = 1
    shop.output(layer.get_output(0))
    expected = np.stack([np.concatenate([row[:n][::-1], row[n:]]) for row, n in zip(data, lengths, strict=True)])
    np.testing.assert_array_equal(shop.run({"x": data})["y"], expected)


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
    scale, bias = f32(*weights), f32(*weights[::-1]).reshape(weights)
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
    scale, bias = f32(1, channels, 1, 1), f32(1, channels, 1, 1) + 1
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


def test_kv_cache_update(shop: Shop) -> None:
    cache, update = f32(2, 3, 9, 4), f32(2, 3, 2, 4)
    layer = shop.network.add_kv_cache_update(
        shop.input(2, 3, 9, 4, name="cache"),
        shop.input(2, 3, 2, 4, name="update"),
        shop.input(2, name="at", dtype=trt.int32),
        trt.KVCacheMode.LINEAR,
    )
    assert layer.cache_mode == trt.KVCacheMode.LINEAR
    shop.output(layer.get_output(0))
    out = shop.run({"cache": cache, "update": update, "at": np.array([7, 0], np.int32)})["y"]
    cache[0, :, 7:9], cache[1, :, 0:2] = update
    np.testing.assert_array_equal(out, cache)


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


def test_topk_with_k_as_data(shop: Shop) -> None:
    layer = shop.network.add_topk(shop.input(3, 17), trt.TopKOperation.MAX, 1, 0b10)
    layer.set_input(1, shop.input(name="k", dtype=trt.int32))
    y = shop.output(layer.get_output(0))
    assert tuple(y.shape) == (3, -1)
    data = f32(3, 17)
    for k in (1, 5, 17):
        out = shop.run({"x": data, "k": np.array(k, np.int32)})["y"]
        np.testing.assert_array_equal(out, -np.sort(-data, 1)[:, :k])


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda s, n, x: n.add_one_hot(x, x, s.constant(3, np.int32), 0), "needs int32 or int64 indices"),
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
