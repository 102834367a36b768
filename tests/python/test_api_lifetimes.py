"""Objects live for as long as anything needs them, in whatever order Python lets go of them."""

from __future__ import annotations

import gc
import weakref
from itertools import permutations
from typing import Any

import numpy as np
import pytest
import tensorvk as trt
from engines import CollectingLogger


def pieces() -> dict[str, Any]:
    logger = CollectingLogger()
    builder = trt.Builder(logger)
    network = builder.create_network()
    x = network.add_input("x", trt.float32, (1, 2))
    layer = network.add_constant((1, 2), np.ones((1, 2), np.float32))
    return {"logger": logger, "builder": builder, "network": network, "layer": layer, "tensor": x}


@pytest.mark.parametrize("order", list(permutations(["logger", "builder", "network", "layer"])))
def test_a_tensor_outlives_all_that_it_came_from(order: tuple[str, ...]) -> None:
    objects = pieces()
    tensor = objects["tensor"]
    for name in order:
        del objects[name]
        gc.collect()
        tensor.name = f"after_{name}"
        tensor.allowed_formats = 0  # logs an error: the logger is alive inside
    assert tensor.name == f"after_{order[-1]}" and tensor.shape == (1, 2)


def test_constants_keep_their_arrays() -> None:
    network = trt.Builder(CollectingLogger()).create_network()
    network.add_constant((1000,), np.full(1000, 3, np.float32))
    gc.collect()
    np.zeros(1000, np.float32)  # would take the freed memory
    assert (network.get_layer(0).weights == 3).all()


def test_arrays_go_when_the_network_goes() -> None:
    array = np.ones(4, np.float32)
    gone = weakref.ref(array)
    network = trt.Builder(CollectingLogger()).create_network()
    network.add_constant((4,), array)
    del array
    gc.collect()
    assert gone() is not None
    del network
    gc.collect()
    assert gone() is None


def test_loggers_go_when_their_users_go() -> None:
    logger = CollectingLogger()
    gone = weakref.ref(logger)
    builder = trt.Builder(logger)
    parser = trt.OnnxParser(builder.create_network(), logger)
    del logger, builder
    gc.collect()
    assert gone() is not None
    parser.parse(b"junk")
    del parser
    gc.collect()
    assert gone() is None


def test_a_parser_outlives_its_network() -> None:
    parser = trt.OnnxParser(trt.Builder(CollectingLogger()).create_network(), CollectingLogger())
    gc.collect()
    assert not parser.parse(b"junk")
    error = parser.get_error(0)
    parser.clear_errors()
    del parser
    gc.collect()
    assert error.desc()


def test_a_profile_and_a_cache_outlive_their_makers() -> None:
    builder = trt.Builder(CollectingLogger())
    config = builder.create_builder_config()
    profile = builder.create_optimization_profile()
    cache = config.create_timing_cache(b"")
    config.add_optimization_profile(profile)
    del builder, config
    gc.collect()
    profile.set_shape("x", (1,), (1,), (1,))
    memory = cache.serialize()
    view = memoryview(memory)
    del cache, memory
    gc.collect()
    assert profile.get_shape("x")[0] == (1,) and len(view.tobytes()) > 0


def test_asking_for_the_same_tensor_again_and_again_keeps_nothing() -> None:
    network = trt.Builder(CollectingLogger()).create_network()
    network.add_input("x", trt.float32, (1,))
    tensor = network.get_input(0)
    gone = weakref.ref(tensor) if hasattr(tensor, "__weakref__") else None
    for _ in range(1000):
        assert network.get_input(0) is tensor
    del tensor
    gc.collect()
    assert gone is None or gone() is None
