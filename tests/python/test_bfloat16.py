"""bfloat16 at a network's edges: 16-bit words in and out, float32 inside. numpy's uint16 holds the bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from engines import Array, CollectingLogger, load, trt
from tensorvk import cudart


def to_bits(x: Array) -> Array:
    """Round to nearest even; NaN stays NaN."""
    bits = np.asarray(x, np.float32).view(np.uint32)
    rounded = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16
    return np.where(np.isnan(x), bits >> 16 | 0x40, rounded).astype(np.uint16)


def from_bits(bits: Array) -> Array:
    return (bits.astype(np.uint32) << 16).view(np.float32)


def run(bits: Array, add: float, *flags: Any) -> Array:
    """x + add, from bfloat16 to bfloat16."""
    logger = CollectingLogger()
    builder = trt.Builder(logger)
    network = builder.create_network(1)
    x = network.add_input("x", trt.bfloat16, bits.shape)
    number = network.add_constant((1,) * bits.ndim, trt.Weights(np.full(1, add, np.float32)))
    wide = network.add_cast(x, trt.float32).get_output(0)
    y = network.add_elementwise(wide, number.get_output(0), trt.ElementWiseOperation.SUM).get_output(0)
    narrow = network.add_cast(y, trt.bfloat16).get_output(0)
    narrow.name = "y"
    network.mark_output(narrow)
    config = builder.create_builder_config()
    for flag in flags:
        config.set_flag(flag)
    plan = builder.build_serialized_network(network, config)
    assert plan is not None, logger.errors()
    engine = load(bytes(plan))
    assert [engine.get_tensor_dtype(name) for name in ("x", "y")] == [trt.bfloat16] * 2
    memory = [cudart.cudaMalloc(max(bits.nbytes, 1))[1] for _ in range(2)]
    result = np.empty_like(bits)
    try:
        cudart.cudaMemcpy(memory[0], bits, bits.nbytes, cudart.cudaMemcpyKind.cudaMemcpyHostToDevice)
        assert engine.create_execution_context().execute_v2(memory)
        cudart.cudaMemcpy(result, memory[1], bits.nbytes, cudart.cudaMemcpyKind.cudaMemcpyDeviceToHost)
    finally:
        for address in memory:
            cudart.cudaFree(address)
    return result


@pytest.mark.parametrize("flags", [(), (trt.BuilderFlag.BF16,), (trt.BuilderFlag.BF16, trt.BuilderFlag.FP16)], ids=str)
@pytest.mark.parametrize("shape", [(1,), (3, 17), (33, 5), (2, 3, 7), (0, 3)])
def test_sums_are_rounded_to_the_nearest_bfloat16(shape: tuple[int, ...], flags: tuple[Any, ...]) -> None:
    bits = to_bits(np.random.default_rng(4).uniform(-3, 3, shape))
    np.testing.assert_array_equal(run(bits, 0.3, *flags), to_bits(from_bits(bits) + np.float32(0.3)))


def test_what_is_no_number_passes_through() -> None:
    x = np.array([np.inf, -np.inf, np.nan, 0.0, -0.0, 3.0e38, 1e-40], np.float32)
    bits = to_bits(x)
    result = run(bits, 0.0)
    assert np.isnan(from_bits(result)[2])
    # Devices may flush numbers below the smallest normal one to zero, and -0 + 0 is 0.
    np.testing.assert_array_equal(np.delete(from_bits(result), [2, 6]), np.delete(from_bits(bits), [2, 6]))


def test_ties_go_to_the_even_neighbour() -> None:
    # 1 + 2^-8 lies half between 1 and 1 + 2^-7; 1 + 3 * 2^-8 half between 1 + 2^-7 and 1 + 2^-6.
    bits = to_bits(np.array([1.0, 1.0 + 2.0**-7], np.float32))
    np.testing.assert_array_equal(from_bits(run(bits, 2.0**-8)), np.array([1.0, 1.0 + 2.0**-6], np.float32))
