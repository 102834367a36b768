"""Layers that find and place elements, beside numpy, or ONNX Runtime where numpy has no such thing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorvk as trt
from networks import Array, Shop, f32, reference


@pytest.fixture
def shop() -> Shop:
    return Shop()


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


@pytest.mark.parametrize(("limit", "looked_at"), [(3, 3), (0, 17), (-1, 17)])
def test_nms_looks_at_the_best_boxes_of_a_class(shop: Shop, limit: int, looked_at: int) -> None:
    corners = np.arange(17, dtype=np.float32)[None, :, None] * 2
    boxes = np.concatenate([corners, corners, corners + 1, corners + 1], 2)  # none overlaps
    scores = np.random.default_rng(3).permutation(17).astype(np.float32).reshape(1, 17, 1)
    layer = shop.network.add_nms(
        shop.input(1, 17, 4, name="b"), shop.input(1, 17, 1, name="s"), shop.constant(17, np.int32)
    )
    layer.topk_box_limit = limit
    shop.output(layer.get_output(0))
    out = shop.run({"b": boxes, "s": scores})["y"]
    np.testing.assert_array_equal(out[:, 2], np.argsort(-scores.ravel())[:looked_at])


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


def test_topk_with_k_as_data(shop: Shop) -> None:
    layer = shop.network.add_topk(shop.input(3, 17), trt.TopKOperation.MAX, 1, 0b10)
    layer.set_input(1, shop.input(name="k", dtype=trt.int32))
    y = shop.output(layer.get_output(0))
    assert tuple(y.shape) == (3, -1)
    data = f32(3, 17)
    for k in (1, 5, 17):
        out = shop.run({"x": data, "k": np.array(k, np.int32)})["y"]
        np.testing.assert_array_equal(out, -np.sort(-data, 1)[:, :k])
