"""Reshapes and transposes, which the compiler puts in another order: the numbers stay where numpy puts them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorvk as trt
from networks import Array, Shop

Shape = tuple[int, ...]
Chain = list[tuple[str, Shape]]  # "reshape" to dims, or "transpose" by an order


def apply(chain: Chain, x: Array) -> Array:
    for step, numbers in chain:
        x = x.reshape(numbers) if step == "reshape" else x.transpose(numbers)
    return x


def add(chain: Chain, shop: Shop, tensor: Any) -> Any:
    for step, numbers in chain:
        layer = shop.network.add_shuffle(tensor)
        if step == "reshape":
            layer.reshape_dims = numbers
        else:
            layer.first_transpose = trt.Permutation(numbers)
        tensor = layer.get_output(0)
    return tensor


def doubled(shop: Shop, tensor: Any) -> Any:
    return shop.elementwise(tensor, tensor)


def pointwise_convolution(shop: Shop, tensor: Any, maps: int) -> tuple[Any, Array]:
    weights = np.random.default_rng(maps).integers(-2, 3, (maps, tensor.shape[1], 1, 1)).astype(np.float32)
    return shop.network.add_convolution_nd(tensor, maps, (1, 1), trt.Weights(weights)).get_output(0), weights


def whole_numbers(*shape: int) -> Array:
    return np.random.default_rng(1).integers(-9, 10, shape).astype(np.float32)


def shuffle(n: int, groups: int, each: int, *rest: int) -> Chain:
    order = (0, 2, 1, *range(3, 3 + len(rest)))
    cut, whole = (n, groups, each, *rest), (n, groups * each, *rest)
    return [("reshape", cut), ("transpose", order), ("reshape", whole)]


CHAINS: dict[str, tuple[Shape, Chain]] = {
    "flatten_and_turn": ((2, 6, 5, 7), [("reshape", (2, 6, 35)), ("transpose", (0, 2, 1))]),
    "flatten_three": ((1, 3, 2, 5, 3), [("reshape", (3, 30)), ("transpose", (1, 0))]),
    "new_axes": ((3, 4), [("reshape", (1, 3, 1, 4, 1)), ("transpose", (3, 4, 1, 0, 2))]),
    "ones_dropped": ((1, 3, 1, 5, 1), [("reshape", (3, 5)), ("transpose", (1, 0))]),
    "cut": ((6, 35), [("reshape", (2, 3, 5, 7)), ("transpose", (3, 1, 0, 2))]),
    "cut_across": ((4, 6), [("reshape", (3, 8)), ("transpose", (1, 0))]),
    "empty": ((0, 5, 3), [("reshape", (0, 15)), ("transpose", (1, 0))]),
    "heads": ((2, 17, 12), [("reshape", (2, 17, 3, 4)), ("transpose", (0, 2, 3, 1))]),
    "heads_back": ((2, 3, 17, 4), [("transpose", (0, 2, 1, 3)), ("reshape", (2, 17, 12)), ("transpose", (2, 0, 1))]),
    "two_groups": ((1, 6, 5, 7), shuffle(1, 2, 3, 5, 7)),
    "three_groups": ((3, 33, 1, 17), shuffle(3, 3, 11, 1, 17)),
    "one_group": ((2, 5, 3, 3), shuffle(2, 1, 5, 3, 3)),
    "groups_of_one": ((2, 5, 3, 3), shuffle(2, 5, 1, 3, 3)),
    "many_groups": ((1, 34, 3, 3), shuffle(1, 17, 2, 3, 3)),
    "without_places": ((4, 6), shuffle(4, 2, 3)),
    "cut_elsewhere": ((1, 4, 6), [("reshape", (1, 2, 3, 4)), ("transpose", (0, 2, 1, 3)), ("reshape", (1, 4, 6))]),
    "twice": ((1, 12, 3, 5), shuffle(1, 2, 6, 3, 5) + shuffle(1, 3, 4, 3, 5)),
}


@pytest.mark.parametrize("name", CHAINS)
def test_a_chain_between_other_layers(name: str) -> None:
    dims, chain = CHAINS[name]
    shop = Shop()
    moved = add(chain, shop, doubled(shop, shop.input(*dims)))
    shop.output(doubled(shop, moved))
    x = whole_numbers(*dims)
    np.testing.assert_array_equal(shop.run({"x": x})["y"], 4 * apply(chain, x))


@pytest.mark.parametrize("name", [name for name, (dims, _) in CHAINS.items() if len(dims) == 4])
def test_a_chain_behind_a_convolution(name: str) -> None:
    """Channels last; whole numbers, so that every order of adding gives the same."""
    dims, chain = CHAINS[name]
    shop = Shop()
    made, weights = pointwise_convolution(shop, shop.input(dims[0], 3, *dims[2:]), dims[1])
    shop.output(add(chain, shop, made))
    x = whole_numbers(dims[0], 3, *dims[2:])
    reference = np.einsum("nchw,oc->nohw", x, weights[:, :, 0, 0])
    np.testing.assert_array_equal(shop.run({"x": x})["y"], apply(chain, reference))


@pytest.mark.parametrize(
    ("parts", "groups", "each"), [((3, 3), 2, 3), ((2, 4), 2, 3), ((1, 1, 1, 1), 2, 2), ((17, 17), 2, 17)]
)
def test_a_shuffle_of_a_concatenation_between_convolutions(parts: Shape, groups: int, each: int) -> None:
    shop = Shop()
    x = shop.input(2, 3, 5, 7)
    made = [pointwise_convolution(shop, x, maps) for maps in parts]
    layer = shop.network.add_concatenation([tensor for tensor, _ in made])
    layer.axis = 1
    chain = shuffle(2, groups, each, 5, 7)
    last, weights = pointwise_convolution(shop, add(chain, shop, layer.get_output(0)), 5)
    shop.output(last)
    numbers = whole_numbers(2, 3, 5, 7)
    joined = np.concatenate([np.einsum("nchw,oc->nohw", numbers, each[:, :, 0, 0]) for _, each in made], axis=1)
    reference = np.einsum("nchw,oc->nohw", apply(chain, joined), weights[:, :, 0, 0])
    np.testing.assert_array_equal(shop.run({"x": numbers})["y"], reference)


def test_a_shuffle_whose_input_is_read_again_and_whose_result_is_an_output() -> None:
    shop = Shop()
    made, weights = pointwise_convolution(shop, shop.input(1, 3, 5, 7), 6)
    chain = shuffle(1, 2, 3, 5, 7)
    moved = add(chain, shop, made)
    shop.output(moved)
    shop.output(shop.elementwise(made, moved), "sum")
    x = whole_numbers(1, 3, 5, 7)
    reference = np.einsum("nchw,oc->nohw", x, weights[:, :, 0, 0])
    results = shop.run({"x": x})
    np.testing.assert_array_equal(results["y"], apply(chain, reference))
    np.testing.assert_array_equal(results["sum"], reference + apply(chain, reference))


@pytest.mark.parametrize("batch", [1, 3])
def test_a_dynamic_batch(batch: int) -> None:
    """0: as it was, -1: what is left."""
    shop = Shop()
    x = shop.input(-1, 6, 5, 7, profile=((1, 6, 5, 7), (3, 6, 5, 7), (3, 6, 5, 7)))
    chain: Chain = [("reshape", (0, 6, 35)), ("transpose", (0, 2, 1))]
    woven: Chain = [("reshape", (-1, 2, 3, 5, 7)), ("transpose", (0, 2, 1, 3, 4)), ("reshape", (-1, 6, 5, 7))]
    shop.output(add(chain, shop, doubled(shop, x)))
    shop.output(add(woven, shop, doubled(shop, x)), "woven")
    numbers = whole_numbers(batch, 6, 5, 7)
    results = shop.run({"x": numbers})
    np.testing.assert_array_equal(results["y"], 2 * numbers.reshape(batch, 6, 35).transpose(0, 2, 1))
    np.testing.assert_array_equal(results["woven"], 2 * apply(woven, numbers))


def test_a_flattened_tensor_that_is_turned_and_read_as_it_is() -> None:
    shop = Shop()
    flat = add([("reshape", (2, 6, 35))], shop, doubled(shop, shop.input(2, 6, 5, 7)))
    shop.output(doubled(shop, add([("transpose", (0, 2, 1))], shop, flat)))
    shop.output(doubled(shop, flat), "flat")
    x = whole_numbers(2, 6, 5, 7)
    reference = 4 * x.reshape(2, 6, 35)
    results = shop.run({"x": x})
    np.testing.assert_array_equal(results["y"], reference.transpose(0, 2, 1))
    np.testing.assert_array_equal(results["flat"], reference)
