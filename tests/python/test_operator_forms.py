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


def i8(*values: Any) -> Array:
    return np.array(values, np.int8)


def u8(*values: Any) -> Array:
    return np.array(values, np.uint8)


def i64(*values: Any) -> Array:
    return np.array(values, np.int64)


def run(graph: str, opset: int, feed: dict[str, Array]) -> list[Array]:
    model = onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["" : {opset}, "com.microsoft" : 1]>\ng {graph}')
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
    "a_mask_was_a_number": ("(float[2] x) => (float[] y, float[] m) { y, m = Dropout(x) }", 7, {"x": f(1, 2)}, [f(1, 2), f(0, 0)]),
    "a_mask_is_true_where_all_stays": (
        "(float[2] x) => (float[] y, bool[] m) { y, m = Dropout(x) }",
        13,
        {"x": f(1, 2)},
        [f(1, 2), np.array([True, True])],
    ),
    "as_many_channels_as_weights": (
        "(float[n, m] x) => (float[] y) <float[2] s = {1, 2}, float[2] b = {3, 4}, float[2] e = {0, 1}, float[2] v = {1, 4}>"
        " { y = BatchNormalization <epsilon = 0.0> (x, s, b, e, v) }",
        15,
        {"x": f([1, 2], [3, 4])},
        [f([4, 5], [6, 7])],
    ),
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
    # Borders between operator sets.
    "softmax_flattened": ("(float[2, 3, 3] x) => (float[] y) { y = Softmax <axis = 1> (x) }", 12, {"x": A}, [(np.exp(A) / np.exp(A).sum((1, 2), keepdims=True)).astype(np.float32)]),
    "hardmax_flattened": ("(float[2, 3, 3] x) => (float[] y) { y = Hardmax <axis = 1> (x) }", 12, {"x": A}, [np.equal(A, A.max((1, 2), keepdims=True)).astype(np.float32)]),
    "an_order_was_a_real_number": ("(float[1, 1, 4] x) => (float[] y) { y = LpPool <kernel_shape = [2], p = 3.0> (x) }", 1, {"x": f([[1, 2, 3, 4]])}, [np.cbrt(f([[9, 35, 91]]))]),
    # Numbers that are none, and infinities.
    "nan_is_the_largest": ("(float[5] x, int64[1] k) => (float[] v, int64[] i) { v, i = TopK(x, k) }", 13, {"x": f(1, np.nan, 3, np.nan, 2), "k": i64(3)}, [f(np.nan, np.nan, 3), i64(1, 3, 2)]),
    "nan_is_not_the_smallest": ("(float[5] x) => (float[] v, int64[] i) <int64[1] k = {4}> { v, i = TopK <largest = 0> (x, k) }", 13, {"x": f(1, np.nan, 3, np.nan, 2)}, [f(1, 2, 3, np.nan), i64(0, 4, 2, 1)]),
    "nan_is_the_least_place": ("(float[5] x) => (int64[] i) { i = ArgMin <keepdims = 0, axis = 0> (x) }", 13, {"x": f(1, np.nan, 3, np.nan, -2)}, [i64(1).reshape(())]),
    "nan_is_one_element": ("(float[4] x) => (float[] y) { y = Unique(x) }", 11, {"x": f(np.nan, 2, np.nan, 1)}, [f(1, 2, np.nan)]),
    "what_is_divided_by_zero": (
        "(float[8] x) => (float[] y, float[] z) <float c = {0.0}> { y = Div(x, c) z = Div(c, x) }", 13, {"x": f(1, -2, 0, -0.0, INF, np.nan, -INF, 3)},
        [f(INF, -INF, np.nan, np.nan, INF, np.nan, -INF, INF), f(0, 0, np.nan, np.nan, 0, np.nan, 0, 0)],
    ),
    "infinities_along_axes_that_are_data": (
        "(float[2, 2] x, int64[1] a) => (float[] y) { y = ReduceLogSumExp <keepdims = 0> (x, a) }", 18, {"x": f([-INF, -INF], [INF, 0]), "a": i64(1)}, [f(-INF, INF)],
    ),
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
    "a_convolution_of_no_channels_is_its_bias": (
        "(float[1, 0, 5, 5] x, float[3] b) => (float[] y) <float[3, 0, 3, 3] w = {}> { y = Conv <pads = [1, 1, 1, 1], kernel_shape = [3, 3]> (x, w, b) }", 13,
        {"x": np.zeros((1, 0, 5, 5), np.float32), "b": f(1, 2, 3)}, [np.broadcast_to(f(1, 2, 3).reshape(1, 3, 1, 1), (1, 3, 5, 5))],
    ),
    "a_convolution_of_bytes_over_nothing_is_padding": (
        "(float[1, 2, 0, 5] x) => (float[] y) <float s = {0.5}, int8 z = {0}, int8[1, 2, 3, 3] w = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}>"
        " { q = QuantizeLinear(x, s, z) d = DequantizeLinear(q, s, z) v = DequantizeLinear(w, s, z) y = Conv <pads = [2, 1, 2, 1]> (d, v) }", 13,
        {"x": np.zeros((1, 2, 0, 5), np.float32)}, [np.zeros((1, 1, 2, 5), np.float32)],
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
    "more_parts_than_elements": ("(float[n] x) => (float[] a, float[] b, float[] c) { a, b, c = Split <num_outputs = 3> (x) }", 18, {"x": f(1)}, [f(1), f(), f()]),
    "sizes_keep_the_axis": (
        "(float[4] x) => (float[] y) <int64 s = {1}, int64 i = {1}> { q = SplitToSequence <keepdims = 0> (x, s) y = SequenceAt(q, i) }", 13, {"x": f(1, 2, 3, 4)}, [f(2)],
    ),
    "a_condition_that_is_too_long": (
        "(float[2] x, bool[4] c) => (float[] y) { y = Compress <axis = 0> (x, c) }", 11, {"x": f(1, 2), "c": np.array([1, 0, 0, 1], bool)}, [f(1)],
    ),
    "scan_of_the_last_axis": (
        "(float[2, 3] x) => (float[] y) { y = Scan <num_scan_inputs = 1, scan_input_axes = [-1], scan_output_axes = [-1], body = b (float[2] e) => (float[2] o) { o = Neg(e) }> (x) }",
        16, {"x": A[0, :2]}, [-A[0, :2]],
    ),
    "scan_with_its_results_along_the_first_axis": (
        "(float[2, 3] x) => (float[] y) { y = Scan <num_scan_inputs = 1, scan_input_axes = [-1], body = b (float[2] e) => (float[2] o) { o = Neg(e) }> (x) }",
        16, {"x": A[0, :2]}, [-A[0, :2].T],
    ),
    "scan_from_the_end_before_operator_set_9": (
        "(float[1, 1] i, float[1, 3, 1] x) => (float[] o, float[] y) { o, y = Scan <num_scan_inputs = 1, directions = [1], body = b (float[1] t, float[1] e) => (float[1] u, float[1] v) { u = Sub(e, t) v = Identity(u) }> (\"\", i, x) }",
        8, {"i": f([0]), "x": f([[1], [2], [4]])}, [f([3]), f([[4], [-2], [3]])],
    ),
    "no_axes_is_no_reduction": ("(float[2, 3, 3] x) => (float[] y) { y = ReduceSum <noop_with_empty_axes = 1> (x) }", 13, {"x": A}, [A]),
    "an_odd_rest_of_padding_goes_behind": ("(float[3] x) => (float[] y) <int64[1] s = {6}> { y = CenterCropPad(x, s) }", 18, {"x": f(1, 2, 3)}, [f(0, 1, 2, 3, 0, 0)]),
    # Windows.
    "the_last_window_begins_inside": (
        "(float[1, 1, 5] x) => (float[] y, int64[] i) { y, i = MaxPool <kernel_shape = [1], strides = [2], ceil_mode = 1, pads = [0, 1]> (x) }",
        12, {"x": f([[1, 2, 3, 4, 5]])}, [f([[1, 3, 5]]), i64([[0, 2, 4]])],
    ),
    "the_last_average_takes_what_is_there": (
        "(uint8[1, 1, 6] x) => (uint8[] y) <float s = {0.5}, uint8 z = {1}> { y = com.microsoft.QLinearAveragePool <kernel_shape = [3], strides = [2], ceil_mode = 1, count_include_pad = 1> (x, s, z, s, z) }",
        13, {"x": u8([[10, 20, 30, 40, 50, 60]])}, [u8([[20, 40, 55]])],
    ),
    # Quantized.
    "a_scale_for_each_row_of_a_product": (
        "(uint8[2, 3] a, uint8[3, 2] b, float[2] t, uint8[2] y0) => (uint8[] y) <float s = {0.5}, uint8 z = {1}> { y = QLinearMatMul(a, s, z, b, s, z, t, y0) }",
        21, {"a": u8([1, 2, 3], [4, 5, 6]), "b": u8([0, 1], [2, 3], [4, 5]), "t": f(0.5, 2), "y0": u8(3, 4)}, [u8([7, 8], [6, 8])],
    ),
    "mean_of_everything": (
        "(uint8[2, 3] x) => (uint8[] y) <float s = {0.5}, uint8 z = {1}> { y = com.microsoft.QLinearReduceMean <keepdims = 0> (x, s, z, s, z) }",
        13, {"x": u8([1, 2, 3], [4, 5, 6])}, [np.uint8(3)],
    ),
    "weights_with_scales_of_two_groups": (
        "(int8[1, 2, 3] x) => (float[] y) <float s = {0.1}, int8 q = {0}, int8[2, 2, 1] w = {1, 2, 3, 4}, float[2] t = {0.1, 0.7}>"
        " { a = DequantizeLinear(x, s, q) b = DequantizeLinear <axis = 1> (w, t) y = ConvTranspose <group = 2> (a, b) }",
        13, {"x": i8([[1, 2, 3], [4, 5, 6]])}, [f([[0.01, 0.02, 0.03], [0.14, 0.28, 0.42], [0.12, 0.15, 0.18], [1.12, 1.4, 1.68]])],
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
    "different_inner_extents": ("(float[2, n] x, float[m, 2] w) => (float[] y) { y = MatMul(x, w) }", 13, {"x": A[0, :2], "w": np.ones((4, 2), np.float32)}, "equal; they are 3 and 4"),
    "indices_beyond": ("(float[2, 3] x, int64[3, 3] i) => (float[] y) { y = GatherElements <axis = 1> (x, i) }", 13, {"x": A[0, :2], "i": np.zeros((3, 3), np.int64)}, "reach beyond"),
    "updates_of_another_shape": (
        "(float[2, 3] x, int64[2, 2] i, float[2, 1] u) => (float[] y) { y = ScatterElements <axis = 1> (x, i, u) }", 13,
        {"x": A[0, :2], "i": np.zeros((2, 2), np.int64), "u": f([7], [8])}, "shape of its indices",
    ),
    "too_few_updates": ("(float[3, 3] x, int64[2, 1] i, float[1, 3] u) => (float[] y) { y = ScatterND(x, i, u) }", 13, {"x": A[0], "i": i64([0], [1]), "u": f([7, 8, 9])}, "has 3 updates"),
    "batches_that_differ": ("(float[2, 3] x, int64[3, 1] i) => (float[] y) { y = GatherND <batch_dims = 1> (x, i) }", 13, {"x": A[0, :2], "i": np.zeros((3, 1), np.int64)}, "batch dimensions differ"),
    "beyond_a_cache": (
        "(float[1, 4, 2] c, float[1, 2, 2] u, int64[1] p) => (float[] y) { y = TensorScatter(c, u, p) }", 24,
        {"c": np.zeros((1, 4, 2), np.float32), "u": np.ones((1, 2, 2), np.float32), "p": i64(3)}, "position 4 of a cache with 4",
    ),
    "a_longer_sequence": ("(float[3, 2] x, int64[2] n) => (float[] y) { y = ReverseSequence(x, n) }", 10, {"x": A[0, :, :2].copy(), "n": i64(3, 4)}, "reverses 4 entries of 3"),
    "a_step_of_zero": (
        "(float[5] x, int64[1] s, int64[1] e, int64[1] a, int64[1] t) => (float[] y) { y = Slice(x, s, e, a, t) }", 13,
        {"x": X, "s": i64(0), "e": i64(3), "a": i64(0), "t": i64(0)}, "step of 0",
    ),
    "two_numbers_to_pad_with": ("(float[5] x, int64[2] p, float[2] v) => (float[] y) { y = Pad(x, p, v) }", 13, {"x": X, "p": i64(1, 1), "v": f(1, 2)}, "one number"),
    "the_best_of_nothing": ("(int32[2, n] x) => (int64[] y) { y = ArgMax <axis = 1> (x) }", 13, {"x": np.zeros((2, 0), np.int32)}, "best of no elements"),
    "too_few_scales": ("(float[2, n] x, float[m] s) => (uint8[] y) { y = QuantizeLinear <axis = 1> (x, s) }", 13, {"x": A[0, :2], "s": f(1, 2)}, "2 scales for 3"),
    "outside_of_an_unpooled_shape": (
        "(float[1, 1, 2] x, int64[1, 1, 2] i, int64[3] s) => (float[] y) { y = MaxUnpool <kernel_shape = [2], strides = [2]> (x, i, s) }", 11,
        {"x": f([[1, 2]]), "i": i64([[0, 3]]), "s": i64(1, 1, 3)}, "outside its output shape",
    ),
    "padding_alone": ("(float[1, 1, 2] x) => (float[] y, int64[] i) { y, i = MaxPool <kernel_shape = [1], pads = [1, 1]> (x) }", 12, {"x": f([[1, 2]])}, "padding alone"),
    "behind_the_end": (
        "(float[5] x) => (float[] y) <int64 i = {2}, int64 j = {0}> { s = SequenceConstruct(x) t = SequenceInsert(s, x, i) y = SequenceAt(t, j) }", 13,
        {"x": X}, "lies outside of a sequence of 1",
    ),
    # Numbers in the graph.
    "no_groups": ("(uint8[1, 2, 4] x, uint8[2, 2, 2] w) => (int32[] y) { y = ConvInteger <group = 0> (x, w) }", 10, {"x": np.ones((1, 2, 4), np.uint8), "w": np.ones((2, 2, 2), np.uint8)}, "has 0 groups"),
    "a_window_beyond_the_axis": ("(uint8[1, 2, 2] x, uint8[2, 2, 4] w) => (int32[] y) { y = ConvInteger(x, w) }", 10, {"x": np.ones((1, 2, 2), np.uint8), "w": np.ones((2, 2, 4), np.uint8)}, "reaches over 4 elements of an axis that has 2"),
    "indices_of_more_axes_than_there_are": ("(float[3] x, int64[1, 2] i, float[1] u) => (float[] y) { y = ScatterND(x, i, u) }", 13, {"x": f(1, 2, 3), "i": i64([0, 1]), "u": f(1)}, "indices of 2 numbers for 1 dimensions"),
    "a_part_without_its_scale": ("(uint8[2] x) => (uint8[] y) <float s = {0.5}, uint8 z = {1}> { y = com.microsoft.QLinearConcat <axis = 0> (s, z, x, s, z, x) }", 13, {"x": u8(1, 2)}, "three inputs for each tensor; it has 6"),
    "a_scale_that_is_an_integer": ("(uint8[2] x, int32 s) => (float[] y) { y = DequantizeLinear(x, s) }", 13, {"x": u8(1, 2), "s": np.array(2, np.int32)}, "needs a floating-point scale"),
    "two_counts": (
        "(float[1, 3, 4] b, float[1, 1, 3] s, int64[2] n) => (int64[] y) { y = NonMaxSuppression(b, s, n) }", 11,
        {"b": np.ones((1, 3, 4), np.float32), "s": np.ones((1, 1, 3), np.float32), "n": i64(1, 2)}, "needs one number as its number of boxes",
    ),
    "a_window_of_a_negative_length": ("() => (float[] y) <int64 n = {-3}> { y = HannWindow(n) }", 17, {}, "size -3; 0 is the least"),
    "scans_of_different_lengths": (
        "(float[3] x, float[2] z) => (float[] y) { y = Scan <num_scan_inputs = 2, body = b (float e, float d) => (float o) { o = Add(e, d) }> (x, z) }", 16,
        {"x": f(1, 2, 3), "z": f(1, 2)}, "lengths of what it scans that differ: 3 and 2",
    ),
    "scans_of_lengths_that_turn_out_different": (
        "(float[n] x, float[m] z) => (float[] y) { y = Scan <num_scan_inputs = 2, body = b (float e, float d) => (float o) { o = Add(e, d) }> (x, z) }", 16,
        {"x": f(1, 2, 3), "z": f(1, 2)}, "equal; they are 3 and 2",
    ),
    "parts_of_different_shapes": (
        "(int64[2] s) => (float[] y) { y = Scan <num_scan_inputs = 1, body = b (int64 n) => (float[m] o) { a = Constant <value_ints = [1]> () k = Reshape(n, a) o = ConstantOfShape(k) }> (s) }", 16,
        {"s": i64(2, 3)}, "iteration 0 gave \\[2\\], iteration 1 gives \\[3\\]",
    ),
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
        run(RANKS[name], 21, {})
    assert "unexpected" not in str(refused.value)


def test_arcs_are_off_by_a_few_units_in_the_last_place() -> None:
    """Vulkan lets drivers be wrong by 4096, so none of theirs is used."""
    x = np.linspace(-1, 1, 257, dtype=np.float32)
    results = run(
        "(float[257] x) => (float[] a, float[] b, float[] c) { a = Asin(x) b = Acos(x) c = Atan(x) }", 13, {"x": x}
    )
    for result, function in zip(results, (np.arcsin, np.arccos, np.arctan), strict=True):
        np.testing.assert_allclose(result, function(x.astype(np.float64)), rtol=0, atol=5e-7)
