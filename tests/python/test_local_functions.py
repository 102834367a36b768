"""Functions that a model brings along: what their calls give them reaches everything inside."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from tensorvk.onnx_backend import prepare

pytestmark = pytest.mark.once

X = np.linspace(-2, 2, 6, dtype=np.float32).reshape(2, 3)
HEAD = '<ir_version: 10, opset_import: ["" : 21, "local" : 1]>\n'
FUNCTION = '<domain: "local", opset_import: ["" : 21]>\n'

BRANCH = (
    FUNCTION + "F <alpha> (x, c) => (y) { y = If (c) <"
    "then_branch = t () => (a) { a = LeakyRelu <alpha: float = @alpha> (x) }, "
    "else_branch = e () => (b) { b = Elu <alpha: float = @alpha> (x) }> }"
)
LOOP = (
    FUNCTION + "F <alpha> (x, m) => (y) { y = Loop (m, , x) <"
    "body = b (int64 i, bool go, float[2, 3] s) => (bool on, float[2, 3] t) "
    "{ on = Identity(go) t = LeakyRelu <alpha: float = @alpha> (s) }> }"
)


@pytest.mark.parametrize("condition", [True, False])
@pytest.mark.parametrize("known", [True, False], ids=["constant", "data"])
def test_attributes_of_a_function_reach_its_branches(condition: bool, known: bool) -> None:
    literal = f"<bool c = {{{int(condition)}}}>" if known else ""
    inputs = "float[2, 3] x" if known else "float[2, 3] x, bool c"
    model = onnx.parser.parse_model(
        HEAD + f"g ({inputs}) => (float[2, 3] y) {literal} {{ y = local.F <alpha = 0.75> (x, c) }}\n" + BRANCH
    )
    feed = {"x": X} if known else {"x": X, "c": np.array(condition)}
    negative = 0.75 * X if condition else 0.75 * np.expm1(X)
    np.testing.assert_allclose(prepare(model).run(feed)[0], np.where(X > 0, X, negative), rtol=1e-6)


def test_attributes_of_a_function_reach_its_loops() -> None:
    model = onnx.parser.parse_model(
        HEAD + "g (float[2, 3] x) => (float[2, 3] y) <int64 m = {2}> { y = local.F <alpha = 0.5> (x, m) }\n" + LOOP
    )
    np.testing.assert_allclose(prepare(model).run({"x": X})[0], np.where(X > 0, X, 0.25 * X), rtol=1e-6)


def test_of_functions_with_one_name_the_call_says_which() -> None:
    def function(overload: str, op: str) -> onnx.FunctionProto:
        body = [onnx.helper.make_node(op, ["x"], ["y"])]
        made = onnx.helper.make_function("local", "F", ["x"], ["y"], body, [onnx.helper.make_opsetid("", 21)])
        made.overload = overload
        return made

    model = onnx.parser.parse_model(
        HEAD + "g (float[2, 3] x) => (float[2, 3] y, float[2, 3] z) { y = local.F(x) z = local.F(x) }"
    )
    for node, overload in zip(model.graph.node, ("one", "two"), strict=True):
        node.overload = overload
    model.functions.extend([function("one", "Neg"), function("two", "Abs")])
    y, z = prepare(model).run({"x": X})
    np.testing.assert_array_equal(y, -X)
    np.testing.assert_array_equal(z, np.abs(X))


CLIP = "y = Clip(x, lo, hi)"
BRANCHES = "y = If (c) <then_branch = t () => (a) { a = Clip(x, lo, hi) }, else_branch = e () => (b) { b = Neg(x) }>"


@pytest.mark.parametrize("inputs", [["x", "low"], ["x", "", "high"], ["x"], ["x", "low", "high"]])
@pytest.mark.parametrize("body", [CLIP, BRANCHES], ids=["plain", "branch"])
def test_inputs_that_a_call_leaves_out_are_absent_inside(inputs: list[str], body: str) -> None:
    model = onnx.parser.parse_model(
        HEAD + "g (float[2, 3] x, bool c) => (float[2, 3] y) <float low = {-0.5}, float high = {0.5}> { y = Neg(x) }\n"
        f"{FUNCTION} F (c, x, lo, hi) => (y) {{ {body} }}"
    )
    model.graph.node[0].CopyFrom(onnx.helper.make_node("F", ["c", *inputs], ["y"], domain="local"))
    expected = np.clip(X, -0.5 if "low" in inputs else -np.inf, 0.5 if "high" in inputs else np.inf)
    np.testing.assert_array_equal(prepare(model).run({"x": X, "c": np.array(True)})[0], expected)


def test_functions_that_call_each_other_without_end_are_one_sentence() -> None:
    called = FUNCTION.replace('["" : 21]', '["" : 21, "local" : 1]')
    calls = "".join(
        f"{called} F{i} (x) => (y) {{ "
        + " ".join(f"t{k} = local.F{i + 1}(x)" for k in range(10))
        + " y = Sum(t0, t9) }\n"
        for i in range(8)
    )
    model = onnx.parser.parse_model(
        HEAD
        + "g (float[2, 3] x) => (float[2, 3] y) { y = local.F0(x) }\n"
        + calls
        + FUNCTION
        + "F8 (x) => (y) { y = Neg(x) }"
    )
    with pytest.raises(RuntimeError, match="stand for more than 250000 nodes"):
        prepare(model)


def test_outputs_of_a_body_are_told_apart_by_their_position() -> None:
    model = onnx.parser.parse_model(
        HEAD
        + "g (float[2] x, bool c) => (float[2] a, float[3, 2] b, float[3, 2] d, float[2] p, float[2] q) <int64 m = {3}>"
        " { a, b, d = Loop (m, , x) <"
        "body = b (int64 i, bool go, float[2] s) => (bool on, float[2] t, float[2] t, float[2] u)"
        " { on = Identity(go) t = Add(s, s) u = Mul(s, s) }>"
        " p, q = If (c) <then_branch = t () => (float[2] v, float[2] v) { v = Neg(x) },"
        " else_branch = e () => (float[2] w, float[2] z) { w = Abs(x) z = Exp(x) }> }"
    )
    x = np.array([1.5, -0.5], np.float32)
    states = [x, 2 * x, 4 * x]
    for condition, branch in ((True, [-x, -x]), (False, [np.abs(x), np.exp(x)])):
        results = prepare(model).run({"x": x, "c": np.array(condition)})
        expected = [8 * x, np.stack([2 * s for s in states]), np.stack([s * s for s in states]), *branch]
        for actual, reference in zip(results, expected, strict=True):
            np.testing.assert_allclose(actual, reference, rtol=1e-6)
