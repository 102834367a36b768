"""Dims, Permutation and Weights: what converts into them, and what they give back."""

from __future__ import annotations

import gc
from typing import Any

import numpy as np
import pytest
import tensorvk as trt
from engines import CollectingLogger


@pytest.fixture
def network() -> Any:
    return trt.Builder(CollectingLogger()).create_network(0)


def test_dims_read_like_a_tuple() -> None:
    dims = trt.Dims((1, 3, 224, 224))
    assert len(dims) == 4
    assert tuple(dims) == (1, 3, 224, 224)
    assert (dims[1], dims[-1], dims[1:3]) == (3, 224, (3, 224))
    assert str(dims) == "(1, 3, 224, 224)"
    assert dims == (1, 3, 224, 224) and dims == [1, 3, 224, 224] and dims != (1, 3)
    assert np.empty(dims).shape == (1, 3, 224, 224)
    with pytest.raises(IndexError):
        dims[4]


def test_dims_take_values_but_keep_their_rank() -> None:
    dims = trt.Dims([1, 2, 3])
    dims[0] = 7
    dims[1:] = [8, 9]
    assert dims == (7, 8, 9)
    with pytest.raises(ValueError, match="rank"):
        dims[0:1] = [1, 2]


def test_dims_hold_at_most_eight() -> None:
    assert trt.Dims.MAX_DIMS == 8
    with pytest.raises(ValueError, match="at most 8"):
        trt.Dims(range(9))


def test_dims_of_a_fixed_rank() -> None:
    assert trt.Dims2(5, 6) == (5, 6)
    assert trt.Dims3((1, 2, 3)) == (1, 2, 3)
    assert trt.Dims4(1, 2, 3, 4) == (1, 2, 3, 4)
    hw = trt.DimsHW(5, 6)
    hw.w = 9
    assert (hw.h, hw.w, tuple(hw)) == (5, 9, (5, 9))
    with pytest.raises(ValueError, match="3 numbers"):
        trt.Dims3((1, 2))


@pytest.mark.parametrize(
    "shape", [(2, -1), [2, -1], np.array([2, -1]), trt.Dims((2, -1)), trt.Dims2(2, -1), (np.int64(2), np.int32(-1))]
)
def test_every_kind_of_sequence_is_a_shape(network: Any, shape: Any) -> None:
    assert network.add_input("x", trt.float32, shape).shape == (2, -1)


@pytest.mark.parametrize("shape", [3, "23", (2.5, 1), None])
def test_other_things_are_no_shape(network: Any, shape: Any) -> None:
    with pytest.raises(TypeError):
        network.add_input("x", trt.float32, shape)


def test_a_permutation_is_a_sequence_of_axes(network: Any) -> None:
    x = network.add_input("x", trt.float32, (2, 3, 4))
    shuffle = network.add_shuffle(x)
    shuffle.first_transpose = (2, 0, 1)
    assert shuffle.get_output(0).shape == (4, 2, 3)
    assert [shuffle.first_transpose[i] for i in range(3)] == [2, 0, 1]


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.int8, np.int32, np.int64, np.uint8, np.bool_])
def test_weights_share_an_arrays_memory(dtype: Any) -> None:
    array = np.arange(6).astype(dtype).reshape(2, 3)
    weights = trt.Weights(array)
    assert (weights.size, len(weights), weights.nbytes) == (6, 6, array.nbytes)
    assert np.shares_memory(weights.numpy(), array)
    assert np.dtype(trt.nptype(weights.dtype)) == array.dtype


def test_weights_outlive_the_array() -> None:
    weights = trt.Weights(np.full(1000, 7, np.float32))
    view = weights.numpy()
    del weights
    gc.collect()
    assert (view == 7).all()


def test_weights_of_an_array_with_gaps_are_a_copy() -> None:
    array = np.arange(10, dtype=np.float32)[::2]
    assert trt.Weights(array).numpy().tolist() == [0, 2, 4, 6, 8]


def test_weights_may_be_an_address() -> None:
    array = np.arange(4, dtype=np.float32)
    weights = trt.Weights(trt.float32, array.ctypes.data, 4)
    assert weights.numpy().tolist() == [0, 1, 2, 3]


def test_empty_weights_mean_none() -> None:
    assert trt.Weights().size == 0
    assert trt.Weights(trt.float16).dtype == trt.float16


def test_float64_is_refused_with_advice(network: Any) -> None:
    with pytest.raises(TypeError, match=r"float64.*astype"):
        network.add_constant((2,), np.zeros(2))


def test_lists_are_no_weights(network: Any) -> None:
    with pytest.raises(TypeError, match="numpy array"):
        network.add_constant((2,), [1.0, 2.0])


@pytest.mark.parametrize("dtype", [">f4", ">f2", ">i4", ">i8"])
def test_numbers_in_another_byte_order_are_refused(dtype: str) -> None:
    with pytest.raises(TypeError, match="byte order"):
        trt.Weights(np.arange(4).astype(dtype))


def test_weights_without_values_cannot_be_viewed() -> None:
    with pytest.raises(ValueError, match="count 5"):
        trt.Weights(trt.float32, 0, 5).numpy()


def test_numbers_too_large_are_named() -> None:
    with pytest.raises(ValueError, match="0 to 7, not 4294967296"):
        trt.Permutation([2**32, 1])
    with pytest.raises(ValueError, match="64 bits"):
        trt.Dims([2**70])
