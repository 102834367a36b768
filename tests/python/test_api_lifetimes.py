"""Objects live for as long as anything needs them, in whatever order Python lets go of them."""

from __future__ import annotations

import gc
import sys
import weakref
from itertools import permutations
from typing import Any

import numpy as np
import pytest
import tensorvk as trt
from engines import CollectingLogger
from tensorvk import cudart


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


def plan_of_ones() -> Any:
    """y = x @ ones(64, 64), as build_serialized_network gives it."""
    builder = trt.Builder(CollectingLogger())
    network = builder.create_network()
    x = network.add_input("x", trt.float32, (4, 64))
    ones = network.add_constant((64, 64), np.ones((64, 64), np.float32)).get_output(0)
    y = network.add_matrix_multiply(x, trt.MatrixOperation.NONE, ones, trt.MatrixOperation.NONE).get_output(0)
    y.name = "y"
    network.mark_output(y)
    return builder.build_serialized_network(network, builder.create_builder_config())


def rows_sum(engine: Any) -> None:
    """The engine's answer is that of the ones."""
    x = np.arange(4 * 64, dtype=np.float32).reshape(4, 64)
    y = np.empty_like(x)
    context = engine.create_execution_context()
    pointers = []
    for name, array in (("x", x), ("y", y)):
        assert engine.get_tensor_name(len(pointers)) == name
        pointers.append(cudart.cudaMalloc(array.nbytes)[1])
    cudart.cudaMemcpy(pointers[0], x, x.nbytes, cudart.cudaMemcpyKind.cudaMemcpyHostToDevice)
    assert context.execute_v2(pointers)
    cudart.cudaMemcpy(y, pointers[1], y.nbytes, cudart.cudaMemcpyKind.cudaMemcpyDeviceToHost)
    for pointer in pointers:
        cudart.cudaFree(pointer)
    assert (y == x.sum(axis=1, keepdims=True)).all()


def test_bytes_are_lent_to_the_engine_and_given_back() -> None:
    plan = bytes(plan_of_ones())
    before = sys.getrefcount(plan)
    engine = trt.Runtime(CollectingLogger()).deserialize_cuda_engine(plan)
    assert sys.getrefcount(plan) == before + 1
    rows_sum(engine)
    assert bytes(engine.serialize()) == plan
    del engine
    gc.collect()
    assert sys.getrefcount(plan) == before


def test_bytes_come_back_from_an_engine_that_a_thread_without_the_lock_lets_go() -> None:
    plan = bytes(plan_of_ones())
    before = sys.getrefcount(plan)
    engines = [trt.Runtime(CollectingLogger()).deserialize_cuda_engine(plan)]
    context = engines[0].create_execution_context()
    stream = cudart.cudaStreamCreate()[1]
    pointers = [cudart.cudaMalloc(4 * 64 * 4)[1] for _ in range(2)]
    for pointer, name in zip(pointers, ("x", "y"), strict=True):
        context.set_tensor_address(name, pointer)
    for _ in range(50):  # the stream's thread may be the last who knows of the run
        assert context.execute_async_v3(stream)
    del context
    engines.clear()
    cudart.cudaStreamSynchronize(stream)
    cudart.cudaStreamDestroy(stream)
    for pointer in pointers:
        cudart.cudaFree(pointer)
    for _ in range(1000):  # what the main thread was asked to do, it does between two lines
        if sys.getrefcount(plan) == before:
            break
        gc.collect()
    assert sys.getrefcount(plan) == before


@pytest.mark.parametrize("kind", [bytearray, lambda plan: np.frombuffer(plan, np.uint8).copy()])
def test_what_may_change_is_copied(kind: Any) -> None:
    plan = kind(bytes(plan_of_ones()))
    engine = trt.Runtime(CollectingLogger()).deserialize_cuda_engine(plan)
    plan[:] = bytes(len(plan)) if isinstance(plan, bytearray) else 0
    rows_sum(engine)


def test_a_plan_just_built_may_go() -> None:
    engine = trt.Runtime(CollectingLogger()).deserialize_cuda_engine(plan_of_ones())
    gc.collect()
    np.zeros(100_000, np.float32)  # would take the freed memory
    rows_sum(engine)
