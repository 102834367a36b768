"""Rare forms of operators: old operator sets, extremes of their types, and what only the run time can refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from engines import Array
from tensorvk.onnx_backend import prepare

INF = np.inf
FAR = np.iinfo(np.int64).max


def f(*values: Any) -> Array:
    return np.array(values, np.float32)


def i8(*values: int) -> Array:
    return np.array(values, np.int8)


def i64(*values: int) -> Array:
    return np.array(values, np.int64)


def run(graph: str, opset: int, feed: dict[str, Array], domain: str = "") -> list[Array]:
    imports = f'"" : {opset}' + (f', "{domain}" : 1' if domain else "")
    model = onnx.parser.parse_model(f"<ir_version: 8, opset_import: [{imports}]>\ng {graph}")
    return prepare(model).run(feed)


A = np.arange(1, 19, dtype=np.float32).reshape(2, 3, 3)
B = f(1, 2, 4)
OLD = "(float[2, 3, 3] a, float[3] b) => (float[] y) { y = %s <broadcast = 1, axis = 1> (a, b) }"
TRUTH = np.array([[True, False], [True, True]])
LOGIC = "(bool[2, 2] a, bool[2] b) => (bool[] y) { y = %s <broadcast = 1, axis = 0> (a, b) }"
BYTES = "(int8[n] a, int8[n] b) => (int8[] y) { y = %s (a, b) }"
LOW = i8(-128, -128, -128, 127, 100, -7, 7)
HIGH = i8(127, -127, 3, -128, -3, 3, -3)
ROWS = np.array([[-INF, -INF], [1, 2], [INF, 0], [-INF, 3]], np.float32)

# Graph, operator set, inputs, outputs.
FORMS: dict[str, tuple[str, int, dict[str, Array], list[Array]]] = {
    **{
        f"{op}_along_an_axis": (OLD % op, 6, {"a": A, "b": B}, [what(A, B[None, :, None])])
        for op, what in (("Add", np.add), ("Sub", np.subtract), ("Mul", np.multiply), ("Div", np.divide), ("Pow", np.power))
    },
    **{
        f"{op}_along_an_axis": (OLD.replace("(float[] y)", "(bool[] y)") % op, 6, {"a": A, "b": B}, [what(A, B[None, :, None])])
        for op, what in (("Greater", np.greater), ("Less", np.less))
    },
    **{
        f"{op}_along_an_axis": (LOGIC % op, 6, {"a": TRUTH, "b": TRUTH[0]}, [what(TRUTH, TRUTH[0][:, None])])
        for op, what in (("And", np.logical_and), ("Or", np.logical_or), ("Xor", np.logical_xor))
    },
    "equal_along_an_axis": (
        "(int32[2, 3] a, int32[2] b) => (bool[] y) { y = Equal <broadcast = 1, axis = 0> (a, b) }", 6,
        {"a": np.array([[1, 2, 1], [3, 1, 3]], np.int32), "b": np.array([1, 3], np.int32)}, [np.array([[True, False, True], [True, False, True]])],
    ),
    "the_last_axes_meet_without_an_axis": ("(float[2, 3, 3] a, float[3] b) => (float[] y) { y = Add <broadcast = 1> (a, b) }", 6, {"a": A, "b": B}, [A + B]),
    "sizes_of_a_split_were_an_input": ("(float[6] x) => (float[] y, float[] z) <int64[2] s = {2, 4}> { y, z = Split(x, s) }", 1, {"x": f(*range(6))}, [f(0, 1), f(2, 3, 4, 5)]),
    "a_shape_was_an_attribute": ("(float[2, 3, 3] x) => (float[] y) { y = Reshape <shape = [0, -1]> (x) }", 1, {"x": A}, [A.reshape(2, 9)]),
    "concatenation_was_along_axis_1": ("(float[2, 3, 3] x) => (float[] y) { y = Concat(x, x) }", 1, {"x": A}, [np.concatenate([A, A], 1)]),
    "scales_of_a_batch": ("(float[1, 1, 1, 2] x) => (float[] y) { y = Upsample <scales = [2.0, 1.0, 1.0, 2.0]> (x) }", 7, {"x": f([[[1, 2]]])}, [np.array([[[[1, 1, 2, 2]]]] * 2, np.float32)]),
    "scales_of_bytes": ("(uint8[1, 1, 1, 2] x) => (uint8[] y) { y = Upsample <scales = [1.0, 1.0, 2.0, 1.0]> (x) }", 7, {"x": np.array([[[[1, 2]]]], np.uint8)}, [np.array([[[[1, 2], [1, 2]]]], np.uint8)]),
    # Extremes.
    "remainders_of_large_and_infinite_numbers": (
        "(float[n] a, float[n] b) => (float[] y) { y = Mod <fmod = 1> (a, b) }", 13,
        {"a": f(5.3, 123456.7, 1e8, 7, -7, 1e10, -5), "b": f(INF, 0.001, 0.1, 3, 3, 3, INF)},
        [np.fmod(f(5.3, 123456.7, 1e8, 7, -7, 1e10, -5), f(INF, 0.001, 0.1, 3, 3, 3, INF))],
    ),
    "remainders_of_bytes": (BYTES % "Mod", 13, {"a": LOW, "b": HIGH}, [np.mod(LOW, HIGH)]),
    "truncated_remainders_of_bytes": (BYTES % "Mod <fmod = 1>", 13, {"a": LOW, "b": HIGH}, [np.fmod(LOW, HIGH)]),
    "quotients_of_bytes": (BYTES % "Div", 14, {"a": i8(-128, -128, 7, -7), "b": i8(-1, 3, -2, 2)}, [i8(-128, -42, -3, -3)]),
    "the_lowest_byte_has_no_negative": ("(int8[n] x) => (int8[] y, int8[] z) { y = Neg(x) z = Abs(x) }", 13, {"x": i8(-128, -127, 5)}, [i8(-128, 127, -5), i8(-128, 127, 5)]),
    "sums_of_exponentials_with_infinities": ("(float[n, 2] x) => (float[] y) { y = ReduceLogSumExp <axes = [1], keepdims = 0> (x) }", 13, {"x": ROWS}, [np.logaddexp(ROWS[:, 0], ROWS[:, 1])]),
    "a_constant_keeps_its_low_bits": ("() => (int32[] y) <int64[2] c = {4294967297, -2147483649}> { y = Cast <to = 6> (c) }", 13, {}, [np.array([1, 2147483647], np.int32)]),
    "a_constant_is_rounded_once": ("() => (float[] y) <int64[1] c = {9007199791611905}> { y = Cast <to = 1> (c) }", 13, {}, [np.array([9007199791611905]).astype(np.float32)]),
    "a_large_number_fills_a_shape": ("() => (int64[] y) <int64[1] s = {2}> { y = ConstantOfShape <value = int64[1] {9007199254740993}> (s) }", 13, {}, [i64(2**53 + 1, 2**53 + 1)]),
    "integers_times_a_fraction": (
        "(int32[2, 2] a, int32[2] c) => (int32[] y) { y = Gemm <alpha = 0.5, beta = 1.5> (a, a, c) }", 13,
        {"a": np.array([[1, 2], [3, 5]], np.int32), "c": np.array([1, 2], np.int32)}, [np.array([[5, 9], [10, 18]], np.int32)],
    ),
    "a_sequence_is_passed_on": ("(float[2] x) => (float[] y) { i = Constant <value_int = 1> () e = Neg(x) s = SequenceConstruct(x, e) t = Identity(s) y = SequenceAt(t, i) }", 14, {"x": f(1, 2)}, [f(-1, -2)]),
    # Shapes that only the run time knows.
    "parts_of_an_odd_extent": ("(float[n] x) => (float[] a, float[] b, float[] c) { a, b, c = Split <num_outputs = 3> (x) }", 18, {"x": f(*range(7))}, [f(0, 1, 2), f(3, 4, 5), f(6)]),
    "parts_of_which_the_last_is_empty": ("(float[n] x) => (float[] a, float[] b, float[] c) { a, b, c = Split <num_outputs = 3> (x) }", 18, {"x": f(1, 2)}, [f(1), f(2), f()]),
    "parts_of_an_even_extent": ("(float[n] x) => (float[] a, float[] b) { a, b = Split(x) }", 13, {"x": f(*range(4))}, [f(0, 1), f(2, 3)]),
    "sizes_that_add_up": ("(float[n] x) => (float[] a, float[] b) <int64[2] s = {2, 5}> { a, b = Split(x, s) }", 13, {"x": f(*range(7))}, [f(0, 1), f(2, 3, 4, 5, 6)]),
    "one_element_expands_to_none": ("(float[n] x) => (float[] y) <int64[1] s = {0}> { y = Expand(x, s) }", 13, {"x": f(1)}, [f()]),
    "one_element_expands": ("(float[n] x, int64[2] s) => (float[] y) { y = Expand(x, s) }", 13, {"x": f(7), "s": i64(2, 3)}, [np.full((2, 3), 7, np.float32)]),
    "an_axis_is_named_and_is_one": ("(float[n, 2] x) => (float[] y) <int64[1] a = {0}> { y = Squeeze(x, a) }", 13, {"x": f([1, 2])}, [f(1, 2)]),
    "the_largest_of_few": (
        "(float[n] x) => (float[] v, int64[] i) <int64[1] most = {9}> { e = Shape(x) k = Min(e, most) v, i = TopK(x, k) }", 13, {"x": f(1, 3, 2)}, [f(3, 2, 1), i64(1, 2, 0)],
    ),
    "bounds_that_are_data_may_be_far": (
        "(float[7] x, int64[1] s, int64[1] e) => (float[] y) { y = Slice(x, s, e) }", 13, {"x": f(*range(7)), "s": i64(-3), "e": i64(FAR)}, [f(4, 5, 6)],
    ),
    "bounds_that_are_data_may_be_far_before": (
        "(float[7] x, int64[1] s, int64[1] e) => (float[] y) { y = Slice(x, s, e) }", 13, {"x": f(*range(7)), "s": i64(-FAR - 1), "e": i64(2)}, [f(0, 1)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_form(name: str) -> None:
    graph, opset, feed, expected = FORMS[name]
    for actual, reference in zip(run(graph, opset, feed), expected, strict=True):
        assert (actual.dtype, actual.shape) == (reference.dtype, reference.shape)
        # Some ten roundings to float32; integers are exact.
        np.testing.assert_allclose(actual, reference, rtol=1e-6 if actual.dtype.kind == "f" else 0)


X = f(*range(5))
MS = "com.microsoft"

# Graph, operator set, inputs, the error.
REFUSED: dict[str, tuple[str, int, dict[str, Array], str]] = {
    "more_than_there_are": ("(float[n] x) => (float[] v, int64[] i) <int64[1] k = {9}> { v, i = TopK(x, k) }", 13, {"x": X}, "equal; they are 5 and 9"),
    "an_extent_that_cannot_be_expanded": ("(float[n] x) => (float[] y) <int64[1] s = {3}> { y = Expand(x, s) }", 13, {"x": X}, "only extents of 1 can be expanded"),
    "sizes_beyond_the_end": ("(float[n] x) => (float[] a, float[] b) <int64[2] s = {2, 30}> { a, b = Split(x, s) }", 13, {"x": X}, "all elements that it reads have to exist|have to add up"),
    "sizes_that_leave_elements": ("(float[n] x) => (float[] a, float[] b) <int64[2] s = {2, 2}> { a, b = Split(x, s) }", 13, {"x": X}, "have to add up"),
    "fixed_sizes_that_leave_elements": ("(float[5] x) => (float[] a, float[] b) <int64[2] s = {2, 2}> { a, b = Split(x, s) }", 13, {"x": X}, "have to add up"),
    "unequal_parts_before_operator_set_18": ("(float[n] x) => (float[] a, float[] b) { a, b = Split(x) }", 13, {"x": X}, "has to be a multiple"),
    "fixed_unequal_parts_before_operator_set_18": ("(float[5] x) => (float[] a, float[] b) { a, b = Split(x) }", 13, {"x": X}, "has to be a multiple"),
    "edges_of_nothing": ("(float[n] x) => (float[] y) <int64[2] p = {1, 1}> { y = Pad <mode = \"edge\"> (x, p) }", 13, {"x": f()}, "all elements that it reads have to exist"),
    "sizes_of_a_sequence_that_leave_elements": ("(float[5] x) => (float[] y) <int64[2] s = {2, 2}, int64 i = {0}> { q = SplitToSequence(x, s) y = SequenceAt(q, i) }", 13, {"x": X}, "have to add up"),
    "a_named_axis_that_is_not_one": ("(float[n, 2] x) => (float[] y) <int64[1] a = {0}> { y = Squeeze(x, a) }", 13, {"x": f([1, 2], [3, 4])}, "is removed, so its extent has to be 1"),
    "a_place_that_is_too_small": ("(float[2, 3] a, float[2, 3] b) => (float[] y) { y = Add <broadcast = 1, axis = 1> (a, b) }", 6, {"a": A[0, :2], "b": A[0, :2]}, "'axis' may be 0 to 0"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_when_shapes_are_set(name: str) -> None:
    graph, opset, feed, sentence = REFUSED[name]
    with pytest.raises(RuntimeError, match=sentence):
        run(graph, opset, feed)


# Inputs of too few dimensions.
RANKS = {
    "GatedRMSNorm": "(float x, float[2] s) => (float[] y) { y = com.microsoft.GatedRMSNorm(x, s, x) }",
    "scale of GatedRMSNorm": "(float[2, 4] x, float s) => (float[] y) { y = com.microsoft.GatedRMSNorm(x, s, x) }",
    "BiasSplitGelu": "(float x) => (float[] y) { y = com.microsoft.BiasSplitGelu(x, x) }",
    "RotaryEmbedding": "(float[4] x, int64[1] p, float[3, 2] c) => (float[] y) { y = com.microsoft.RotaryEmbedding(x, p, c, c) }",
    "cache of RotaryEmbedding": "(float[1, 2, 3, 4] x, int64[1, 3] p, float c) => (float[] y) { y = com.microsoft.RotaryEmbedding(x, p, c, c) }",
    "past of GroupQueryAttention": "(float[1, 3, 4] x, float[2] p, int32[1] n, int32 t) => (float[] y) { y = com.microsoft.GroupQueryAttention <num_heads = 2, kv_num_heads = 2> (x, x, x, p, p, n, t) }",
}  # fmt: skip


@pytest.mark.parametrize("name", RANKS)
def test_too_few_dimensions_are_one_sentence(name: str) -> None:
    with pytest.raises(RuntimeError, match="dimensions") as refused:
        run(RANKS[name], 21, {}, MS)
    assert "unexpected" not in str(refused.value)
