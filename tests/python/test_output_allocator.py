"""Output allocators: asked for memory when the size is known, told the shape before the run returns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorvk as trt
from networks import Allocator, Shop
from tensorvk import cudart


def upload(array: Any) -> int:
    error, address = cudart.cudaMalloc(max(array.nbytes, 1))
    assert error == cudart.cudaError_t.cudaSuccess
    cudart.cudaMemcpy(address, array, array.nbytes, cudart.cudaMemcpyKind.cudaMemcpyHostToDevice)
    return address


@pytest.fixture
def shop() -> Shop:
    """x -> 2 x, whose size is known, and the indices of what is not zero, whose number is data."""
    shop = Shop()
    x = shop.input(3, 5)
    shop.output(shop.elementwise(x, x), "doubled")
    shop.output(shop.network.add_non_zero(x).get_output(0), "found")
    shop.build()
    return shop


def start(shop: Shop, data: Any) -> Any:
    context = shop.engine.create_execution_context()
    assert context.set_tensor_address("x", upload(data))
    return context


def test_called_as_tensorrt_calls_them(shop: Shop) -> None:
    data = np.eye(3, 5, dtype=np.float32)
    context = start(shop, data)
    allocator = Allocator()
    for name in ("doubled", "found"):
        assert context.get_output_allocator(name) is None
        assert context.set_output_allocator(name, allocator)
        assert context.get_output_allocator(name) is allocator
    assert context.execute_async_v3(0), shop.logger.errors()
    assert allocator.shapes == {"doubled": (3, 5), "found": (2, 3)}
    assert set(allocator.calls[:2]) == {("reallocate_output", "doubled"), ("reallocate_output", "found")}
    assert set(allocator.calls[2:]) == {("notify_shape", "doubled"), ("notify_shape", "found")}
    np.testing.assert_array_equal(allocator.array("doubled", trt.float32), data * 2)
    np.testing.assert_array_equal(allocator.array("found", trt.int32), np.stack(np.nonzero(data)))
    assert tuple(context.get_tensor_shape("found")) == (2, 3)
    assert context.get_tensor_address("found") == allocator.memory["found"][0]
    assert context.get_max_output_size("found") >= 2 * 15 * 4
    assert context.get_max_output_size("doubled") == 60


def test_another_number_of_elements_each_time(shop: Shop) -> None:
    allocator = Allocator()
    for count in (15, 0, 7, 1):
        data = (np.arange(15) < count).astype(np.float32).reshape(3, 5)
        context = start(shop, data)
        context.set_output_allocator("found", allocator)
        assert context.set_tensor_address("doubled", upload(data))
        assert context.execute_async_v3(0), shop.logger.errors()
        assert allocator.shapes["found"] == (2, count)
        np.testing.assert_array_equal(allocator.array("found", trt.int32), np.stack(np.nonzero(data)))


def test_without_an_allocator_the_context_has_memory_of_its_own(shop: Shop) -> None:
    data = np.ones((3, 5), np.float32)
    context = start(shop, data)
    assert context.set_tensor_address("doubled", upload(data))
    assert context.execute_async_v3(0), shop.logger.errors()
    result = np.empty(tuple(context.get_tensor_shape("found")), np.int32)
    cudart.cudaMemcpy(
        result, context.get_tensor_address("found"), result.nbytes, cudart.cudaMemcpyKind.cudaMemcpyDeviceToHost
    )
    np.testing.assert_array_equal(result, np.stack(np.nonzero(data)))


def test_the_newer_method_is_preferred_and_gets_the_stream(shop: Shop) -> None:
    streams: list[int] = []

    class Newer(Allocator):
        def reallocate_output_async(self, tensor_name: str, memory: int, size: int, alignment: int, stream: int) -> int:
            streams.append(stream)
            return self.reallocate_output(tensor_name, memory, size, alignment)

    data = np.ones((3, 5), np.float32)
    context = start(shop, data)
    allocator = Newer()
    context.set_output_allocator("found", allocator)
    context.set_output_allocator("doubled", allocator)
    _, stream = cudart.cudaStreamCreate()
    assert context.execute_async_v3(stream), shop.logger.errors()
    cudart.cudaStreamSynchronize(stream)
    assert streams == [int(stream)] * 2


# An answer that is no address is told through sys.unraisablehook, as everything that overrides raise.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("answer", [0, None, "nonsense"])
def test_no_memory_makes_the_run_fail(shop: Shop, answer: Any) -> None:
    class Poor(Allocator):
        def reallocate_output(self, tensor_name: str, memory: int, size: int, alignment: int) -> Any:
            return answer

    context = start(shop, np.ones((3, 5), np.float32))
    context.set_output_allocator("doubled", Poor())
    assert not context.execute_async_v3(0)
    assert shop.error().endswith("The output allocator of tensor 'doubled' gave no memory for 60 bytes.")


def test_taken_back_and_wrong_names(shop: Shop) -> None:
    context = start(shop, np.ones((3, 5), np.float32))
    allocator = Allocator()
    assert context.set_output_allocator("found", allocator)
    assert context.set_output_allocator("found", None)
    assert context.get_output_allocator("found") is None
    assert not context.set_output_allocator("x", allocator)
    assert "only outputs have an output allocator" in shop.error()
    assert not context.set_output_allocator("y", allocator)
    assert context.get_output_allocator("y") is None


def test_the_context_keeps_the_allocator_alive(shop: Shop) -> None:
    context = start(shop, np.ones((3, 5), np.float32))
    context.set_output_allocator("found", Allocator())
    context.set_output_allocator("doubled", Allocator())
    assert context.execute_async_v3(0), shop.logger.errors()
    assert context.get_output_allocator("found").shapes == {"found": (2, 15)}
