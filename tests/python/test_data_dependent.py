"""Shapes that depend on data, and networks that run networks: several inputs in a row, beside ONNX Runtime."""

from __future__ import annotations

import resource
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto as T
from onnx import helper, numpy_helper
from tensorvk.onnx_backend import prepare

Array = np.ndarray[Any, Any]
Feed = dict[str, Array]

value = helper.make_tensor_value_info
node = helper.make_node


def model_of(
    nodes: list[Any], inputs: list[Any], outputs: list[Any], constants: dict[str, Any] | None = None
) -> onnx.ModelProto:
    initializers = [numpy_helper.from_array(np.asarray(data), name) for name, data in (constants or {}).items()]
    graph = helper.make_graph(nodes, "g", inputs, outputs, initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


def check(model: onnx.ModelProto, feeds: list[Feed]) -> Any:
    """Every feed in turn through one engine. fp32: sums of a few numbers, so 1e-6 of the value is rounding."""
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    ours = prepare(model)
    for feed in feeds:
        for actual, expected in zip(ours.run(feed), session.run(None, feed), strict=True):
            assert actual.dtype == expected.dtype
            np.testing.assert_allclose(actual, expected, rtol=1e-6, atol=1e-6)
    return ours


X = np.array([[0, 1.5, 0, 2], [3, 0, 0, -1], [0, 0, 0, 0]], np.float32)


def test_count_of_nonzero() -> None:
    model = model_of([node("NonZero", ["x"], ["y"])], [value("x", T.FLOAT, [3, 4])], [value("y", T.INT64, [2, None])])
    check(model, [{"x": X}, {"x": 0 * X}, {"x": X + 1}])


def test_computing_with_as_many_elements_as_were_found() -> None:
    nodes = [
        node("Relu", ["x"], ["r"]),
        node("NonZero", ["r"], ["i"]),
        node("Transpose", ["i"], ["t"]),
        node("Cast", ["t"], ["f"], to=T.FLOAT),
        node("Add", ["f", "f"], ["y"]),
    ]
    model = model_of(nodes, [value("x", T.FLOAT, [3, 4])], [value("y", T.FLOAT, [None, 2])])
    check(model, [{"x": X}, {"x": -X}, {"x": 0 * X}])


def test_reshape_to_a_shape_that_is_data() -> None:
    inputs = [value("x", T.FLOAT, [3, 4]), value("s", T.INT64, [2])]
    model = model_of([node("Reshape", ["x", "s"], ["y"])], inputs, [value("y", T.FLOAT, [None, None])])
    check(model, [{"x": X, "s": np.array([4, 3])}, {"x": X, "s": np.array([2, 6])}])


def test_a_shape_that_does_not_fit_is_one_sentence_and_the_next_run_works() -> None:
    inputs = [value("x", T.FLOAT, [3, 4]), value("s", T.INT64, [2])]
    ours = prepare(model_of([node("Reshape", ["x", "s"], ["y"])], inputs, [value("y", T.FLOAT, [None, None])]))
    with pytest.raises(RuntimeError, match="to be equal; they are 12 and 10"):
        ours.run({"x": X, "s": np.array([5, 2])})
    np.testing.assert_array_equal(ours.run({"x": X, "s": np.array([6, 2])})[0], X.reshape(6, 2))


def test_what_is_known_of_a_shape_stays_known_beside_what_is_data() -> None:
    nodes = [node("Concat", ["rows", "four"], ["s"], axis=0), node("Reshape", ["x", "s"], ["y"])]
    inputs = [value("x", T.FLOAT, [None, 6]), value("rows", T.INT64, [1])]
    model = model_of(nodes, inputs, [value("y", T.FLOAT, [None, 4])], {"four": np.array([4])})
    rows, columns = check(model, [{"x": np.zeros((2, 6), np.float32), "rows": np.array([3])}])._engine.get_tensor_shape(
        "y"
    )
    assert rows == -1
    assert columns == 4


def test_squeezing_a_dynamic_shape_without_naming_axes() -> None:
    model = model_of(
        [node("Squeeze", ["x"], ["y"])], [value("x", T.FLOAT, [None, 1, 4])], [value("y", T.FLOAT, [None, 4])]
    )
    ours = check(model, [{"x": X[:, None]}, {"x": X[:2, None]}])
    with pytest.raises(RuntimeError, match="axis 0 of 'x' has the extent 1"):  # ONNX's result would have one axis less
        ours.run({"x": X[:1, None]})


def branches() -> tuple[Any, Any]:
    yes = helper.make_graph([node("Add", ["x", "x"], ["b"])], "yes", [], [value("b", T.FLOAT, [None, 4])])
    no = helper.make_graph([node("Concat", ["x", "x"], ["d"], axis=0)], "no", [], [value("d", T.FLOAT, [None, 4])])
    return yes, no


def test_branches_with_results_of_different_shape() -> None:
    yes, no = branches()
    nodes = [
        node("ReduceSum", ["x"], ["s"], keepdims=0),
        node("Greater", ["s", "zero"], ["c"]),
        node("If", ["c"], ["m"], then_branch=yes, else_branch=no),
        node("Neg", ["m"], ["y"]),
    ]
    model = model_of(nodes, [value("x", T.FLOAT, [3, 4])], [value("y", T.FLOAT, [None, 4])], {"zero": np.float32(0)})
    check(model, [{"x": X}, {"x": -X}, {"x": X}])


def test_a_condition_that_is_known_leaves_one_branch() -> None:
    yes, no = branches()
    nodes = [node("If", ["c"], ["m"], then_branch=yes, else_branch=no), node("Neg", ["m"], ["y"])]
    model = model_of(nodes, [value("x", T.FLOAT, [3, 4])], [value("y", T.FLOAT, [3, 4])], {"c": np.array(True)})
    check(model, [{"x": X}])


def loop_body(*nodes: Any, states: list[Any], outputs: list[Any]) -> Any:
    return helper.make_graph(list(nodes), "body", [value("i", T.INT64, []), value("c", T.BOOL, []), *states], outputs)


def test_a_loop_that_grows_a_tensor() -> None:
    body = loop_body(
        node("Identity", ["c"], ["go"]),
        node("Concat", ["state", "x"], ["grown"], axis=0),
        node("ReduceSum", ["state"], ["sum"], keepdims=0),
        states=[value("state", T.FLOAT, [None, 4])],
        outputs=[value("go", T.BOOL, []), value("grown", T.FLOAT, [None, 4]), value("sum", T.FLOAT, [])],
    )
    model = model_of(
        [node("Loop", ["n", "", "x"], ["f", "sums"], body=body)],
        [value("n", T.INT64, []), value("x", T.FLOAT, [3, 4])],
        [value("f", T.FLOAT, [None, 4]), value("sums", T.FLOAT, [None])],
    )
    check(model, [{"n": np.array(n), "x": X} for n in (3, 5, 1, 3)])


def test_a_loop_that_ends_by_its_condition() -> None:
    body = loop_body(
        node("Add", ["state", "state"], ["doubled"]),
        node("Less", ["doubled", "limit"], ["go"]),
        states=[value("state", T.FLOAT, [])],
        outputs=[value("go", T.BOOL, []), value("doubled", T.FLOAT, [])],
    )
    model = model_of(
        [node("Loop", ["", "yes", "x"], ["y"], body=body)],
        [value("x", T.FLOAT, [])],
        [value("y", T.FLOAT, [])],
        {"yes": np.array(True), "limit": np.float32(100)},
    )
    check(model, [{"x": np.array(3, np.float32)}, {"x": np.array(60, np.float32)}])


def test_a_loop_of_no_iterations_gives_what_it_was_given() -> None:
    body = loop_body(
        node("Identity", ["c"], ["go"]),
        node("Neg", ["state"], ["out"]),
        node("Identity", ["out"], ["seen"]),
        states=[value("state", T.FLOAT, [3, 4])],
        outputs=[value("go", T.BOOL, []), value("out", T.FLOAT, [3, 4]), value("seen", T.FLOAT, [3, 4])],
    )
    model = model_of(
        [node("Loop", ["n", "", "x"], ["f", "s"], body=body)],
        [value("n", T.INT64, []), value("x", T.FLOAT, [3, 4])],
        [value("f", T.FLOAT, [3, 4]), value("s", T.FLOAT, [None, 3, 4])],
    )
    check(model, [{"n": np.array(0), "x": X}, {"n": np.array(2), "x": X}])


@pytest.mark.parametrize("direction", [0, 1])
@pytest.mark.parametrize("axis", [0, 1])
def test_scan(direction: int, axis: int) -> None:
    body = helper.make_graph(
        [node("Add", ["s", "e"], ["next"]), node("Identity", ["next"], ["seen"])],
        "body",
        [value("s", T.FLOAT, [None]), value("e", T.FLOAT, [None])],
        [value("next", T.FLOAT, [None]), value("seen", T.FLOAT, [None])],
    )
    scan = node(
        "Scan",
        ["s0", "x"],
        ["last", "all"],
        body=body,
        num_scan_inputs=1,
        scan_input_axes=[axis],
        scan_input_directions=[direction],
        scan_output_axes=[axis],
        scan_output_directions=[direction],
    )
    length = X.shape[1 - axis]
    model = model_of(
        [scan],
        [value("s0", T.FLOAT, [length]), value("x", T.FLOAT, [3, 4])],
        [value("last", T.FLOAT, [None]), value("all", T.FLOAT, [None, None])],
    )
    check(model, [{"s0": np.arange(length, dtype=np.float32), "x": X}])


def test_a_loop_inside_a_branch_reads_names_of_the_whole_network() -> None:
    body = loop_body(
        node("Identity", ["c"], ["go"]),
        node("Add", ["state", "weights"], ["moved"]),
        node("Mul", ["moved", "x"], ["out"]),
        states=[value("state", T.FLOAT, [3, 4])],
        outputs=[value("go", T.BOOL, []), value("out", T.FLOAT, [3, 4])],
    )
    yes = helper.make_graph(
        [node("Loop", ["two", "", "x"], ["a"], body=body)], "yes", [], [value("a", T.FLOAT, [3, 4])]
    )
    no = helper.make_graph([node("Neg", ["x"], ["b"])], "no", [], [value("b", T.FLOAT, [3, 4])])
    nodes = [
        node("ReduceSum", ["x"], ["s"], keepdims=0),
        node("Greater", ["s", "zero"], ["c"]),
        node("If", ["c"], ["y"], then_branch=yes, else_branch=no),
    ]
    constants = {"zero": np.float32(0), "two": np.array(2), "weights": np.arange(4, dtype=np.float32)}
    model = model_of(nodes, [value("x", T.FLOAT, [3, 4])], [value("y", T.FLOAT, [3, 4])], constants)
    check(model, [{"x": X}, {"x": -X}])


def test_a_bad_node_inside_a_body_is_reported_once_by_name() -> None:
    bad = helper.make_graph([node("Bogus", ["x"], ["b"], name="culprit")], "yes", [], [value("b", T.FLOAT, [3, 4])])
    good = helper.make_graph([node("Neg", ["x"], ["d"])], "no", [], [value("d", T.FLOAT, [3, 4])])
    inputs = [value("x", T.FLOAT, [3, 4]), value("c", T.BOOL, [])]
    model = model_of(
        [node("If", ["c"], ["y"], then_branch=bad, else_branch=good)], inputs, [value("y", T.FLOAT, [3, 4])]
    )
    with pytest.raises(RuntimeError) as refusal:
        prepare(model)
    assert str(refusal.value).count("Bogus") >= 1
    assert len(str(refusal.value).splitlines()) == 1
    assert "culprit" in str(refusal.value)


@pytest.mark.slow
def test_a_thousand_runs_with_changing_shapes_do_not_gather_memory() -> None:
    model = model_of(
        [node("NonZero", ["x"], ["i"]), node("Transpose", ["i"], ["y"])],
        [value("x", T.FLOAT, [None, 40])],
        [value("y", T.INT64, [None, 2])],
    )
    ours = prepare(model)
    generator = np.random.default_rng(1)

    def run(count: int) -> int:
        for _ in range(count):
            x = (generator.random((int(generator.integers(1, 60)), 40)) > 0.5).astype(np.float32)
            np.testing.assert_array_equal(ours.run({"x": x})[0], np.argwhere(x))
        # What is held now; the most that ever was would hide what is gathered below it.
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() // 1024

    before = run(200)
    assert run(1000) - before < 8 * 1024, "KiB: every size class was seen in the first 200 runs"
