"""Lists of tensors with positions that are data, Scan of the oldest form, float16 in networks inside of networks."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto as T
from onnx import helper
from tensorvk.onnx_backend import prepare
from test_data_dependent import X, check, model_of, node, value


def test_positions_in_a_sequence_may_be_data() -> None:
    nodes = [
        node("SequenceConstruct", ["x", "w"], ["s"]),
        node("SequenceInsert", ["s", "v", "at"], ["t"]),
        node("SequenceErase", ["t", "gone"], ["u"]),
        node("ConcatFromSequence", ["u"], ["y"], axis=0),
    ]
    names = ("x", "w", "v")
    inputs = [value(name, T.FLOAT, [i + 1, 4]) for i, name in enumerate(names)]
    inputs += [value(name, T.INT64, []) for name in ("at", "gone")]
    feed = {name: np.full((i + 1, 4), i, np.float32) for i, name in enumerate(names)}
    places = [{"at": np.array(at), "gone": np.array(gone)} for at, gone in ((0, 2), (2, -1), (-1, 0))]
    check(model_of(nodes, inputs, [value("y", T.FLOAT, [None, 4])]), [{**feed, **place} for place in places])


def test_a_position_outside_of_a_sequence_is_one_sentence() -> None:
    nodes = [node("SequenceConstruct", ["x", "x"], ["s"]), node("SequenceAt", ["s", "at"], ["y"])]
    inputs = [value("x", T.FLOAT, [3, 4]), value("at", T.INT64, [])]
    ours = prepare(model_of(nodes, inputs, [value("y", T.FLOAT, [3, 4])]))
    with pytest.raises(RuntimeError, match="has the position 2 in a sequence of 2 elements"):
        ours.run({"x": X, "at": np.array(2)})


def test_a_sequence_that_a_loop_would_carry_on_is_one_sentence() -> None:
    body = helper.make_graph(
        [node("SequenceInsert", ["s", "x"], ["t"]), node("Identity", ["go"], ["on"])],
        "body",
        [value("i", T.INT64, []), value("go", T.BOOL, []), helper.make_tensor_sequence_value_info("s", T.FLOAT, None)],
        [value("on", T.BOOL, []), helper.make_tensor_sequence_value_info("t", T.FLOAT, None)],
    )
    nodes = [
        node("SequenceConstruct", ["x"], ["first"]),
        node("Loop", ["n", "", "first"], ["all"], body=body),
        node("ConcatFromSequence", ["all"], ["y"], axis=0),
    ]
    inputs = [value("x", T.FLOAT, [3, 4]), value("n", T.INT64, [])]
    with pytest.raises(RuntimeError, match="'first' is a sequence, and sequences cannot be carried through loops"):
        prepare(model_of(nodes, inputs, [value("y", T.FLOAT, [None, 4])]))


@pytest.mark.parametrize("backward", [0, 1])
def test_scan_of_operator_set_8_goes_over_each_element_of_a_batch(backward: int) -> None:
    body = helper.make_graph(
        [node("Add", ["total", "part"], ["sum"]), node("Identity", ["sum"], ["copy"])],
        "body",
        [value("total", T.FLOAT, [2]), value("part", T.FLOAT, [2])],
        [value("sum", T.FLOAT, [2]), value("copy", T.FLOAT, [2])],
    )
    scan = node("Scan", ["", "start", "x"], ["y", "z"], num_scan_inputs=1, body=body, directions=[backward])
    inputs = [value("start", T.FLOAT, [3, 2]), value("x", T.FLOAT, [3, 5, 2])]
    outputs = [value("y", T.FLOAT, [3, 2]), value("z", T.FLOAT, [3, 5, 2])]
    graph = helper.make_graph([scan], "g", inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 8)], ir_version=3)
    start = np.arange(6, dtype=np.float32).reshape(3, 2)
    x = np.random.default_rng(2).uniform(-1, 1, (3, 5, 2)).astype(np.float32)
    sums = start[:, None] + (x[:, ::-1] if backward else x).cumsum(axis=1)
    y, z = prepare(model).run({"start": start, "x": x})
    np.testing.assert_allclose(y, sums[:, -1], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(z, sums, rtol=1e-6, atol=1e-6)


def test_half_precision_tensors_go_through_a_loop() -> None:
    body = helper.make_graph(
        [node("Add", ["a", "x"], ["b"]), node("Identity", ["c"], ["d"])],
        "body",
        [value("i", T.INT64, []), value("c", T.BOOL, []), value("a", T.FLOAT16, [3, 4])],
        [value("d", T.BOOL, []), value("b", T.FLOAT16, [3, 4])],
    )
    loop = node("Loop", ["n", "", "x"], ["y"], body=body)
    inputs = [value("n", T.INT64, []), value("x", T.FLOAT16, [3, 4])]
    ours = prepare(model_of([loop], inputs, [value("y", T.FLOAT16, [3, 4])]))
    for n in (0, 3):
        (y,) = ours.run({"n": np.array(n), "x": X.astype(np.float16)})
        np.testing.assert_array_equal(y, (X * (n + 1)).astype(np.float16))  # halves of small integers are exact
