"""Loops and conditionals as TensorRT's programs write them, beside the same thing in Python."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorvk as trt
from networks import Shop, f32

Op = trt.ElementWiseOperation


@pytest.fixture
def shop() -> Shop:
    return Shop()


def test_for_loop_with_last_value_and_all_values(shop: Shop) -> None:
    x = shop.input(1, 3, 3)
    loop = shop.network.add_loop()
    loop.add_trip_limit(shop.constant(5, np.int32), trt.TripLimit.COUNT)
    carried = loop.add_recurrence(x)
    doubled = shop.elementwise(carried.get_output(0), carried.get_output(0))
    carried.set_input(1, doubled)
    last = loop.add_loop_output(carried.get_output(0), trt.LoopOutput.LAST_VALUE, 0)
    every = loop.add_loop_output(doubled, trt.LoopOutput.CONCATENATE, 0)
    every.set_input(1, shop.constant(5, np.int32))
    assert tuple(last.get_output(0).shape) == (1, 3, 3) and tuple(every.get_output(0).shape) == (5, 1, 3, 3)
    shop.output(last.get_output(0), "last")
    shop.output(every.get_output(0), "every")
    data = f32(1, 3, 3)
    out = shop.run({"x": data})
    np.testing.assert_array_equal(out["last"], data * 32)
    np.testing.assert_array_equal(out["every"], np.stack([data * 2**i for i in range(1, 6)]))


@pytest.mark.parametrize("start", [1.0, 3.0, 100.0])
def test_while_loop_that_squares(shop: Shop, start: float) -> None:
    """The condition is asked before each iteration: with 100 there is none."""
    x = shop.input(1)
    loop = shop.network.add_loop()
    carried = loop.add_recurrence(x)
    value = carried.get_output(0)
    scalar = shop.network.add_shuffle(value)
    scalar.reshape_dims = ()
    less = shop.elementwise(scalar.get_output(0), shop.constant(90, np.float32), Op.LESS)
    loop.add_trip_limit(less, trt.TripLimit.WHILE)
    carried.set_input(1, shop.elementwise(shop.elementwise(value, value, Op.PROD), shop.constant([1], np.float32)))
    shop.output(loop.add_loop_output(value, trt.LoopOutput.LAST_VALUE).get_output(0))
    expected = np.float32(start)
    while expected < 90:
        expected = expected * expected + np.float32(1)
    assert shop.run({"x": np.array([start], np.float32)})["y"] == expected


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("kind", [trt.LoopOutput.CONCATENATE, trt.LoopOutput.REVERSE])
@pytest.mark.parametrize("axis", [1, -2])
def test_recurrent_network_over_an_iterator(shop: Shop, reverse: bool, kind: Any, axis: int) -> None:
    """h = tanh(W x + U h): tolerance of some roundings of float32 over 7 steps."""
    steps, batch, size, hidden = 7, 3, 5, 4
    x = shop.input(batch, steps, size)
    w, u = f32(size, hidden), f32(hidden, hidden)
    loop = shop.network.add_loop()
    loop.add_trip_limit(shop.constant(steps, np.int32), trt.TripLimit.COUNT)
    step = loop.add_iterator(x, axis, reverse)
    assert tuple(step.get_output(0).shape) == (batch, size) and step.reverse == reverse and step.axis == axis
    state = loop.add_recurrence(shop.constant(np.zeros((batch, hidden), np.float32)))
    none = trt.MatrixOperation.NONE
    wx = shop.network.add_matrix_multiply(step.get_output(0), none, shop.constant(w), none).get_output(0)
    uh = shop.network.add_matrix_multiply(state.get_output(0), none, shop.constant(u), none).get_output(0)
    h = shop.network.add_activation(shop.elementwise(wx, uh), trt.ActivationType.TANH).get_output(0)
    state.set_input(1, h)
    every = loop.add_loop_output(h, kind, axis)
    every.set_input(1, shop.constant(steps, np.int32))
    assert every.axis == axis and every.kind == kind
    shop.output(every.get_output(0), "every")
    shop.output(loop.add_loop_output(state.get_output(0), trt.LoopOutput.LAST_VALUE).get_output(0), "last")
    data = f32(batch, steps, size)
    h_now = np.zeros((batch, hidden), np.float32)
    expected = []
    for t in reversed(range(steps)) if reverse else range(steps):
        h_now = np.tanh(data[:, t] @ w + h_now @ u)
        expected.append(h_now)
    out = shop.run({"x": data})
    stacked = np.stack(expected if kind == trt.LoopOutput.CONCATENATE else expected[::-1], 1)
    np.testing.assert_allclose(out["every"], stacked, atol=1e-5)
    np.testing.assert_allclose(out["last"], h_now, atol=1e-5)


def test_while_loop_whose_condition_is_an_identity_of_type_bool(shop: Shop) -> None:
    """Older programs cast to bool by an identity layer; x doubles until it sums to 30 or more."""
    x = shop.input(1, 2, 3)
    loop = shop.network.add_loop()
    carried = loop.add_recurrence(x)
    value = carried.get_output(0)
    total = shop.network.add_reduce(value, trt.ReduceOperation.SUM, 0b111, False).get_output(0)
    rest = shop.elementwise(shop.constant(30, np.float32), total, Op.SUB)
    positive = shop.network.add_activation(rest, trt.ActivationType.RELU).get_output(0)
    flag = shop.network.add_identity(positive)
    flag.get_output(0).dtype = trt.bool
    loop.add_trip_limit(flag.get_output(0), trt.TripLimit.WHILE)
    carried.set_input(1, shop.elementwise(value, value))
    shop.output(loop.add_loop_output(value, trt.LoopOutput.LAST_VALUE).get_output(0), "last")
    every = loop.add_loop_output(value, trt.LoopOutput.CONCATENATE)
    every.set_input(1, shop.constant(6, np.int32))
    shop.output(every.get_output(0), "every")
    out = shop.run({"x": np.ones((1, 2, 3), np.float32)})
    np.testing.assert_array_equal(out["last"], np.full((1, 2, 3), 8))
    np.testing.assert_array_equal(out["every"][:, 0, 0, 0], [1, 2, 4, 0, 0, 0])


def test_number_of_iterations_and_initial_state_come_from_a_shape(shop: Shop) -> None:
    """Running sums over the second axis, of a length that is known at run time."""
    x = shop.input(-1, -1, 3, profile=((1, 1, 3), (2, 5, 3), (4, 17, 3)))
    shape = shop.network.add_shape(x).get_output(0)
    steps = shop.network.add_gather(shape, shop.constant(1, np.int32), 0).get_output(0)
    sizes = shop.network.add_gather(shape, shop.constant([0, 2], np.int32), 0).get_output(0)
    zeros = shop.network.add_fill((-1, -1), trt.FillOperation.LINSPACE)
    zeros.set_input(0, sizes)
    zeros.set_input(1, shop.constant(0, np.float32))
    zeros.set_input(2, shop.constant([0, 0], np.float32))
    loop = shop.network.add_loop()
    loop.add_trip_limit(steps, trt.TripLimit.COUNT)
    step = loop.add_iterator(x, 1).get_output(0)
    sum_ = loop.add_recurrence(zeros.get_output(0))
    now = shop.elementwise(sum_.get_output(0), step)
    sum_.set_input(1, now)
    every = loop.add_loop_output(now, trt.LoopOutput.CONCATENATE, 1)
    every.set_input(1, steps)
    y = shop.output(every.get_output(0))
    assert tuple(y.shape) == (-1, -1, 3)
    for batch, length in ((1, 17), (4, 1), (2, 5)):
        data = f32(batch, length, 3)
        np.testing.assert_allclose(shop.run({"x": data})["y"], data.cumsum(1), atol=1e-5)


def test_number_of_iterations_is_data(shop: Shop) -> None:
    trips = shop.input(name="trips", dtype=trt.int32)
    loop = shop.network.add_loop()
    loop.add_trip_limit(trips, trt.TripLimit.COUNT)
    carried = loop.add_recurrence(shop.constant(np.ones((2, 1), np.float32)))
    grown = shop.network.add_concatenation([carried.get_output(0), shop.constant(np.zeros((2, 1), np.float32))])
    grown.axis = 1
    carried.set_input(1, grown.get_output(0))
    shop.output(loop.add_loop_output(carried.get_output(0), trt.LoopOutput.LAST_VALUE).get_output(0))
    assert tuple(carried.get_output(0).shape) == (2, -1)
    for count in (0, 1, 5, 2):
        expected = np.zeros((2, 1 + count), np.float32)
        expected[:, 0] = 1
        np.testing.assert_array_equal(shop.run({"trips": np.array(count, np.int32)})["y"], expected)


def test_number_of_iterations_is_an_input_with_values_in_the_profile(shop: Shop) -> None:
    """As programs have it for TensorRT, where such an input is a shape tensor."""
    x, trips = shop.input(1, 3), shop.input(name="trips", dtype=trt.int32)
    shop.profile.set_shape_input("trips", [1], [6], [10])
    shop.profiled = True
    loop = shop.network.add_loop()
    loop.add_trip_limit(trips, trt.TripLimit.COUNT)
    carried = loop.add_recurrence(x)
    doubled = shop.elementwise(carried.get_output(0), carried.get_output(0))
    carried.set_input(1, doubled)
    every = loop.add_loop_output(doubled, trt.LoopOutput.CONCATENATE, 0)
    every.set_input(1, trips)
    y = shop.output(every.get_output(0))
    assert tuple(y.shape) == (-1, 1, 3)
    data = f32(1, 3)
    for count in (5, 1, 10):
        out = shop.run({"x": data, "trips": np.array(count, np.int32)})["y"]
        np.testing.assert_array_equal(out, np.stack([data * 2**i for i in range(1, count + 1)]))


def test_fewer_iterations_than_the_length_leave_zeros(shop: Shop) -> None:
    x = shop.input(3)
    loop = shop.network.add_loop()
    carried = loop.add_recurrence(x)
    loop.add_trip_limit(shop.constant(2, np.int32), trt.TripLimit.COUNT)
    carried.set_input(1, shop.elementwise(carried.get_output(0), x))
    for name, kind in (("forward", trt.LoopOutput.CONCATENATE), ("backward", trt.LoopOutput.REVERSE)):
        out = loop.add_loop_output(carried.get_output(0), kind)
        out.set_input(1, shop.constant(4, np.int32))
        shop.output(out.get_output(0), name)
    data = f32(3)
    out = shop.run({"x": data})
    np.testing.assert_array_equal(out["forward"], np.stack([data, data * 2, data * 0, data * 0]))
    np.testing.assert_array_equal(out["backward"], np.stack([data * 0, data * 0, data * 2, data]))


def test_dynamic_shapes_and_values_from_outside(shop: Shop) -> None:
    x = shop.input(-1, 3, profile=((1, 3), (2, 3), (9, 3)))
    bias = shop.network.add_activation(x, trt.ActivationType.RELU).get_output(0)
    loop = shop.network.add_loop()
    loop.add_trip_limit(shop.constant(3, np.int64), trt.TripLimit.COUNT)
    carried = loop.add_recurrence(x)
    flat = shop.network.add_shuffle(carried.get_output(0))
    flat.set_input(1, shop.network.add_shape(bias).get_output(0))
    carried.set_input(1, shop.elementwise(flat.get_output(0), bias))
    shop.output(loop.add_loop_output(carried.get_output(0), trt.LoopOutput.LAST_VALUE).get_output(0))
    for rows in (1, 9, 2):
        data = f32(rows, 3)
        # Three additions in float32.
        np.testing.assert_allclose(shop.run({"x": data})["y"], data + 3 * np.maximum(data, 0), rtol=1e-6, atol=1e-6)


def test_loop_in_a_loop(shop: Shop) -> None:
    """Sum over rows of the products of the elements in a row."""
    x = shop.input(4, 3)
    one = shop.constant(1, np.float32)
    outer = shop.network.add_loop()
    outer.add_trip_limit(shop.constant(4, np.int32), trt.TripLimit.COUNT)
    row = outer.add_iterator(x).get_output(0)
    total = outer.add_recurrence(shop.constant(0, np.float32))
    inner = shop.network.add_loop()
    inner.add_trip_limit(shop.constant(3, np.int32), trt.TripLimit.COUNT)
    element = inner.add_iterator(row).get_output(0)
    product = inner.add_recurrence(one)
    product.set_input(1, shop.elementwise(product.get_output(0), element, Op.PROD))
    row_product = inner.add_loop_output(product.get_output(0), trt.LoopOutput.LAST_VALUE).get_output(0)
    total.set_input(1, shop.elementwise(total.get_output(0), row_product))
    shop.output(outer.add_loop_output(total.get_output(0), trt.LoopOutput.LAST_VALUE).get_output(0))
    data = f32(4, 3)
    np.testing.assert_allclose(shop.run({"x": data})["y"], data.prod(1).sum(), rtol=1e-5)


def test_layers_say_what_they_are(shop: Shop) -> None:
    x = shop.input(3)
    loop = shop.network.add_loop()
    loop.name = "adder"
    limit = loop.add_trip_limit(shop.constant(2, np.int32), trt.TripLimit.COUNT)
    carried = loop.add_recurrence(x)
    carried.set_input(1, shop.elementwise(carried.get_output(0), x))
    loop.add_loop_output(carried.get_output(0), trt.LoopOutput.LAST_VALUE)
    kinds = [layer.type for layer in shop.network]
    assert kinds == [
        trt.LayerType.CONSTANT,
        trt.LayerType.TRIP_LIMIT,
        trt.LayerType.RECURRENCE,
        trt.LayerType.ELEMENTWISE,
        trt.LayerType.LOOP_OUTPUT,
    ]
    assert limit.kind == trt.TripLimit.COUNT and limit.num_outputs == 0
    assert shop.network.get_layer(2).loop is loop and limit.loop.name == "adder"
    assert isinstance(shop.network.get_layer(2), trt.IRecurrenceLayer) and carried.num_inputs == 2


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda s, loop: loop.add_trip_limit(s.constant([1, 2], np.int32), trt.TripLimit.COUNT), "needs a scalar"),
        (
            lambda s, loop: loop.add_trip_limit(s.constant(1, np.float32), trt.TripLimit.COUNT),
            "needs an int32 or int64",
        ),
        (lambda s, loop: loop.add_trip_limit(s.constant(1, np.int32), trt.TripLimit.WHILE), "needs a bool"),
        (lambda s, loop: loop.add_iterator(s.constant([1], np.int32), 1), "axis"),
        (
            lambda s, loop: loop.add_loop_output(s.constant([1], np.int32), trt.LoopOutput.LAST_VALUE),
            "output of a recurrence",
        ),
        (lambda s, loop: loop.add_loop_output(s.constant([1], np.int32), trt.LoopOutput.CONCATENATE, 2), "axis"),
    ],
)
def test_mistakes_are_told_at_the_call(shop: Shop, make: Any, sentence: str) -> None:
    assert make(shop, shop.network.add_loop()) is None
    assert sentence in shop.error()


def test_a_second_limit_of_a_kind_is_refused(shop: Shop) -> None:
    loop = shop.network.add_loop()
    assert loop.add_trip_limit(shop.constant(1, np.int32), trt.TripLimit.COUNT) is not None
    assert loop.add_trip_limit(shop.constant(1, np.int32), trt.TripLimit.COUNT) is None
    assert "has a trip limit of kind COUNT already" in shop.error()


def test_a_recurrence_of_another_type_is_refused(shop: Shop) -> None:
    carried = shop.network.add_loop().add_recurrence(shop.input(3))
    carried.set_input(1, shop.constant([1, 2, 3], np.int32))
    assert "goes on with another type" in shop.error()
    assert carried.num_inputs == 1


def test_values_that_leave_a_loop_without_an_output_are_refused(shop: Shop) -> None:
    x = shop.input(3)
    loop = shop.network.add_loop()
    loop.add_trip_limit(shop.constant(2, np.int32), trt.TripLimit.COUNT)
    carried = loop.add_recurrence(x)
    inside = shop.elementwise(carried.get_output(0), x)
    carried.set_input(1, inside)
    shop.output(inside)
    assert shop.builder.build_serialized_network(shop.network, shop.config) is None
    assert "add_loop_output" in shop.error()


def conditional(shop: Shop, shape: tuple[int, ...]) -> None:
    x = shop.input(*shape)
    condition = shop.input(name="c", dtype=trt.bool)
    cond = shop.network.add_if_conditional()
    assert cond.set_condition(condition).type == trt.LayerType.CONDITION
    entry = cond.add_input(x)
    assert entry.type == trt.LayerType.CONDITIONAL_INPUT and tuple(entry.get_output(0).shape) == shape
    inside = entry.get_output(0)
    yes = shop.elementwise(inside, inside)
    no = shop.network.add_activation(inside, trt.ActivationType.RELU).get_output(0)
    end = cond.add_output(yes, no)
    assert end.type == trt.LayerType.CONDITIONAL_OUTPUT and end.conditional is cond
    shop.output(end.get_output(0))


@pytest.mark.parametrize("shape", [(1,), (3, 17), (2, 3, 1)])
def test_if_conditional_with_two_branches(shop: Shop, shape: tuple[int, ...]) -> None:
    conditional(shop, shape)
    data = f32(*shape)
    np.testing.assert_array_equal(shop.run({"x": data, "c": np.array(True)})["y"], data * 2)
    np.testing.assert_array_equal(shop.run({"x": data, "c": np.array(False)})["y"], np.maximum(data, 0))


def test_branches_of_different_extents_and_an_input_as_a_branch(shop: Shop) -> None:
    x = shop.input(4, 3)
    cond = shop.network.add_if_conditional()
    cond.set_condition(shop.input(name="c", dtype=trt.bool))
    inside = cond.add_input(x).get_output(0)
    half = shop.network.add_slice(inside, (0, 0), (2, 3), (1, 1)).get_output(0)
    y = shop.output(cond.add_output(half, inside).get_output(0))
    assert tuple(y.shape) == (-1, 3)
    data = f32(4, 3)
    np.testing.assert_array_equal(shop.run({"x": data, "c": np.array(True)})["y"], data[:2])
    np.testing.assert_array_equal(shop.run({"x": data, "c": np.array(False)})["y"], data)


def test_conditional_in_a_loop(shop: Shop) -> None:
    """Collatz: halve even numbers, else 3 n + 1, until 1; the branch is chosen anew each time."""
    n = shop.input(name="n", dtype=trt.int32)
    two, one, three = (shop.constant(v, np.int32) for v in (2, 1, 3))
    loop = shop.network.add_loop()
    value = loop.add_recurrence(n)
    steps = loop.add_recurrence(shop.constant(0, np.int32))
    now = value.get_output(0)
    loop.add_trip_limit(shop.elementwise(now, one, Op.GREATER), trt.TripLimit.WHILE)
    half = shop.elementwise(now, two, Op.FLOOR_DIV)
    even = shop.elementwise(shop.elementwise(half, two, Op.PROD), now, Op.EQUAL)
    cond = shop.network.add_if_conditional()
    cond.set_condition(even)
    inside = cond.add_input(now).get_output(0)
    yes = shop.elementwise(inside, two, Op.FLOOR_DIV)
    no = shop.elementwise(shop.elementwise(inside, three, Op.PROD), one)
    value.set_input(1, cond.add_output(yes, no).get_output(0))
    steps.set_input(1, shop.elementwise(steps.get_output(0), one))
    shop.output(loop.add_loop_output(steps.get_output(0), trt.LoopOutput.LAST_VALUE).get_output(0))
    for start, expected in ((1, 0), (6, 8), (27, 111)):
        assert shop.run({"n": np.array(start, np.int32)})["y"] == expected


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda s, c: c.set_condition(s.constant(1, np.int32)), "needs a bool"),
        (lambda s, c: c.set_condition(s.constant([True, False], np.bool_)), "needs a scalar"),
        (lambda s, c: c.add_output(s.constant([1], np.int32), s.constant([1], np.float32)), "needs inputs of one type"),
        (lambda s, c: c.add_output(s.constant([1], np.int32), s.constant([[1]], np.int32)), "equally many dimensions"),
    ],
)
def test_mistakes_of_conditionals_are_told_at_the_call(shop: Shop, make: Any, sentence: str) -> None:
    assert make(shop, shop.network.add_if_conditional()) is None
    assert sentence in shop.error()


def test_a_conditional_without_a_condition_is_not_built(shop: Shop) -> None:
    cond = shop.network.add_if_conditional()
    inside = cond.add_input(shop.input(3)).get_output(0)
    shop.output(cond.add_output(inside, inside).get_output(0))
    assert shop.builder.build_serialized_network(shop.network, shop.config) is None
    assert "set_condition" in shop.error()


def test_a_loop_that_needs_its_own_result_is_refused(shop: Shop) -> None:
    loop = shop.network.add_loop()
    loop.add_trip_limit(shop.constant(2, np.int32), trt.TripLimit.COUNT)
    carried = loop.add_recurrence(shop.input(3))
    result = loop.add_loop_output(carried.get_output(0), trt.LoopOutput.LAST_VALUE).get_output(0)
    carried.set_input(1, shop.elementwise(carried.get_output(0), result))
    shop.output(result)
    assert shop.builder.build_serialized_network(shop.network, shop.config) is None
    assert "needs its own result" in shop.error()


def test_a_conditional_that_needs_its_own_result_is_refused(shop: Shop) -> None:
    x = shop.input(3)
    cond = shop.network.add_if_conditional()
    cond.set_condition(shop.input(name="c", dtype=trt.bool))
    inside = cond.add_input(x).get_output(0)
    branch = shop.network.add_elementwise(inside, inside, Op.SUM)
    result = cond.add_output(branch.get_output(0), inside).get_output(0)
    branch.set_input(1, result)
    assert "networks have no cycles" in shop.error()


def test_a_number_of_iterations_from_inside_of_the_loop_is_refused(shop: Shop) -> None:
    loop = shop.network.add_loop()
    carried = loop.add_recurrence(shop.constant(1, np.int32))
    now = carried.get_output(0)
    carried.set_input(1, shop.elementwise(now, now))
    loop.add_trip_limit(shop.elementwise(now, now), trt.TripLimit.COUNT)
    shop.output(loop.add_loop_output(now, trt.LoopOutput.LAST_VALUE).get_output(0))
    assert shop.builder.build_serialized_network(shop.network, shop.config) is None
    assert "is computed inside of it" in shop.error()


def test_conditionals_in_conditionals_are_built_in_linear_time(shop: Shop) -> None:
    """Twenty of them, one in the other: were a branch expanded twice per level, this would not end."""
    value, condition = shop.input(3), shop.input(name="c", dtype=trt.bool)
    levels = []
    for _ in range(20):
        cond = shop.network.add_if_conditional()
        cond.set_condition(condition)
        value = cond.add_input(value).get_output(0)
        levels.append((cond, value))
    one = shop.constant([1, 1, 1], np.float32)
    result = value
    for cond, inside in reversed(levels):
        result = cond.add_output(shop.elementwise(result, one), inside).get_output(0)
    shop.output(result)
    x = np.array([1, 2, 3], np.float32)
    for condition_value, added in ((True, 20), (False, 0)):
        feed = {"x": x, "c": np.array(condition_value)}
        np.testing.assert_array_equal(shop.run(feed)["y"], x + added)
