"""Zeros around a picture go to the convolution behind them: the same numbers as of a picture that was padded before."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import tensorvk as trt
from networks import Array, Shop

Sides = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Case:
    """Of a picture with `pads` around each axis behind a doubling, under a window of whole numbers."""

    dims: tuple[int, ...]
    pads: Sides
    kernel: tuple[int, ...] = (3, 3)
    maps: int = 5
    folded: bool = True
    fill: float = 0.0
    mode: Any = trt.SampleMode.FILL
    settings: dict[str, Any] = field(default_factory=dict)  # of the convolution
    also_output: bool = False


NONE = (0, 0)
CASES = {
    "even": Case((1, 3, 9, 11), (NONE, NONE, (1, 1), (1, 1))),
    "behind_alone": Case((2, 3, 8, 8), (NONE, NONE, (0, 1), (0, 1)), settings={"stride_nd": (2, 2)}),
    "uneven": Case((1, 3, 5, 6), (NONE, NONE, (2, 0), (1, 3))),
    "more_than_the_window": Case((1, 2, 3, 3), (NONE, NONE, (5, 4), (3, 3))),
    "beside_its_own": Case((1, 3, 7, 7), (NONE, NONE, (1, 0), (0, 2)), settings={"padding_nd": (1, 2)}),
    "depthwise": Case((1, 8, 6, 6), (NONE, NONE, (0, 1), (1, 0)), maps=8, settings={"num_groups": 8}),
    "dilated": Case((1, 3, 9, 9), (NONE, NONE, (2, 2), (2, 2)), settings={"dilation_nd": (2, 2)}),
    "one_element": Case((1, 1, 1, 1), (NONE, NONE, (1, 1), (1, 1)), maps=1),
    "volume": Case((1, 2, 4, 5, 3), (NONE, NONE, (1, 0), (0, 1), (1, 1)), kernel=(2, 3, 2)),
    "wide": Case((1, 1, 3, 3), (NONE, NONE, (0, 300), (200, 0)), maps=2),
    "nothing": Case((1, 3, 5, 5), (NONE, NONE, NONE, NONE)),
    "read_elsewhere_too": Case((1, 3, 5, 5), (NONE, NONE, (1, 1), (1, 1)), folded=False, also_output=True),
    "ones": Case((1, 3, 5, 5), (NONE, NONE, (1, 1), (1, 1)), fill=1.0, folded=False),
    "cropped": Case((1, 3, 9, 9), (NONE, NONE, (-1, 1), (0, 0)), folded=False),
    "channels": Case((1, 3, 5, 5), (NONE, (0, 1), (1, 1), (1, 1)), folded=False),
    "pictures": Case((1, 3, 5, 5), ((1, 0), NONE, (1, 1), (1, 1)), folded=False),
    "clamped": Case((1, 3, 5, 5), (NONE, NONE, (1, 1), (1, 1)), mode=trt.SampleMode.CLAMP, folded=False),
}


def padded(x: Array, case: Case) -> Array:
    for axis, (before, behind) in enumerate(case.pads):
        begin, end = max(-before, 0), x.shape[axis] - max(-behind, 0)
        x = x.take(range(begin, end), axis)
    around = [(max(before, 0), max(behind, 0)) for before, behind in case.pads]
    if case.mode == trt.SampleMode.CLAMP:
        return np.pad(x, around, "edge")
    return np.pad(x, around, constant_values=case.fill)


def convolution(shop: Shop, tensor: Any, case: Case) -> Any:
    channels = tensor.shape[1] // case.settings.get("num_groups", 1)
    numbers = np.random.default_rng(2).integers(-3, 4, (case.maps, channels, *case.kernel)).astype(np.float32)
    layer = shop.network.add_convolution_nd(tensor, case.maps, case.kernel, trt.Weights(numbers))
    for name, value in case.settings.items():
        setattr(layer, name, value)
    return layer.get_output(0)


def copies(engine: Any) -> int:
    information = json.loads(engine.create_engine_inspector().get_engine_information(trt.LayerInformationFormat.JSON))
    return sum(layer["LayerType"] == "Copy" and "pad" in layer["Name"] for layer in information["Layers"])


@pytest.mark.parametrize("dynamic", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_a_convolution_of_a_padded_picture(name: str, dynamic: bool) -> None:
    case = CASES[name]
    x = np.random.default_rng(1).integers(-9, 10, case.dims).astype(np.float32)
    reference = Shop()
    whole = padded(2 * x, case)
    reference.output(convolution(reference, reference.input(*whole.shape), case))

    shop = Shop()
    shop.config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    shape = (-1, case.dims[1], *(-1 for _ in case.kernel)) if dynamic else case.dims
    source = shop.input(*shape, profile=(case.dims, case.dims, case.dims) if dynamic else None)
    start = tuple(-before for before, _ in case.pads)
    size = tuple(extent + sum(sides) for extent, sides in zip(case.dims, case.pads, strict=True))
    layer = shop.network.add_slice(shop.elementwise(source, source), start, size, (1,) * len(size))
    layer.name = "pad"
    layer.mode = case.mode
    layer.set_input(4, shop.constant(case.fill, np.float32))
    if dynamic:
        extents = shop.network.add_shape(source).get_output(0)
        layer.set_input(2, shop.elementwise(extents, shop.constant([sum(sides) for sides in case.pads], np.int64)))
    surrounded = layer.get_output(0)
    if case.also_output:
        shop.output(surrounded, "surrounded")
    shop.output(convolution(shop, surrounded, case))
    np.testing.assert_array_equal(shop.run({"x": x})["y"], reference.run({"x": whole})["y"])
    assert copies(shop.engine) == (0 if case.folded else 1)
