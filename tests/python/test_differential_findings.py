"""What random models found, each as small as it gets: it must stay found."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
import tensorvk as trt
from differential.reference import evaluate
from engines import Array, relative_error
from tensorvk.onnx_backend import prepare

# Graph in ONNX's text form, opset, element type and shape of x in two runs (none: the graph has no input).
Shapes = tuple[tuple[int, ...], ...]
FINDINGS: dict[str, tuple[str, int, type, Shapes]] = {
    "known_halves_in_another_shape_are_an_output": (
        "g (float[2] x) => (float[] y, float16[] z) <int8[1, 4] c = {3, -5, 127, 0}, float16[1, 4] f = {8259, 7971, 8131, 7881}, int64[1] a = {1}> "
        "{ y = Identity(x) h = DequantizeLinear <axis = 0, block_size = 1> (c, f) z = Unsqueeze(h, a) }", 23, np.float32, ((2,),),
    ),
    "a_reshape_by_data_does_not_size_what_is_written_before": (
        "g (float[2, 6] x, int64[3] s) => (float[] y) { a = Erf(x) y = Reshape(a, s) }", 17, np.float32, ((2, 6), (2, 6)),
    ),
    "a_made_up_profile_has_room_for_windows": (
        "g (float[1, 2, h, w] x) => (float[] y) { y = AveragePool <kernel_shape = [3, 3]> (x) }", 17, np.float32, ((1, 2, 3, 5), (1, 2, 9, 4)),
    ),
    "a_made_up_profile_of_many_dimensions_is_not_too_large": (
        "g (float[a, b, c, d, e] x) => (float[] y) { y = Identity(x) }", 17, np.float32, ((1, 2, 1, 3, 2), (2, 1, 2, 1, 1)),
    ),
    "a_gathered_tensor_of_one_channel_is_pooled": (
        "g (float[n, 1, 5, 1] x) => (float[] y) <int64[3] i = {1, 0, 2}> "
        "{ a = Gather <axis = 2> (x, i) y = AveragePool <kernel_shape = [2, 1]> (a) }", 17, np.float32, ((2, 1, 5, 1), (3, 1, 5, 1)),
    ),
    "a_product_of_one_channel_is_pooled": (
        "g (float[n, 1, 4, 3] x) => (float[] y) "
        "{ t = Transpose <perm = [0, 1, 3, 2]> (x) a = MatMul(x, t) y = MaxPool <kernel_shape = [2, 2]> (a) }", 17, np.float32, ((2, 1, 4, 3), (1, 1, 4, 3)),
    ),
    "a_part_begins_behind_the_end_where_the_profile_is_smallest": (
        "g (float[n, 5, 4] x) => (float[] y, float[] z) <int64[2] c = {3, 1}> { a, b = Split <axis = 0> (x, c) y = Sigmoid(b) z = Abs(a) }", 17, np.float32, ((4, 5, 4), (4, 5, 4)),
    ),
    "a_float16_constant_is_transposed": (
        "g (float16[2] x) => (float16[] y) <float16[3, 2] c = {0, 15360, 16384, 16896, 17408, 17664}> "
        "{ t = Transpose(c) i = Constant <value_int = 1> () v = Gather <axis = 1> (t, i) y = Add(x, v) }", 17, np.float16, ((2,), (2,)),
    ),
    "the_extents_of_an_unused_result_of_a_loop_are_asked_for": (
        "g (float[2, 3] x) => (float[] y, int64[] z) { m = Constant <value_int = 3> () "
        "y, all = Loop <body = b (int64 i, bool go, float[p, q] s) => (bool on, float[p, q] t, float[p, q] u) "
        "{ on = Identity(go) t = Neg(s) u = Abs(s) }> (m, , x) z = Shape(all) }", 17, np.float32, ((2, 3), (2, 3)),
    ),
    "uint8_differences_wrap": ("g (uint8[n] x) => (uint8[] y) { c = Constant <value_int = 200> () r = Cast <to = 2> (c) y = Sub(x, r) }", 17, np.uint8, ((5,), (3,))),
    "int8_products_wrap": ("g (int8[n] x) => (int8[] y) { a = Mul(x, x) y = Mul(a, x) }", 17, np.int8, ((17,), (3,))),
    "casts_to_fewer_bits_keep_the_low_ones": ("g (int32[n] x) => (int8[] y, uint8[] z) { w = Mul(x, x) v = Mul(w, x) y = Cast <to = 3> (v) z = Cast <to = 2> (v) }", 17, np.int32, ((17,), (3,))),
    "integers_are_multiplied": ("g (int64[2, n, 3] x) => (int64[] y) { t = Transpose <perm = [0, 2, 1]> (x) y = MatMul(t, x) }", 17, np.int64, ((2, 5, 3), (2, 1, 3))),
    "integer_matrices_with_transposed_factors": ("g (int32[n, 3] x) => (int32[] y) { y = Gemm <transA = 1> (x, x) }", 17, np.int32, ((5, 3), (1, 3))),
    "integers_are_reduced": ("g (int64[n, 3] x) => (int64[] y, int64[] z) { y = ReduceMean <axes = [0]> (x) z = ReduceL1 <axes = [1]> (x) }", 13, np.int64, ((5, 3), (1, 3))),
    "bytes_are_reduced": ("g (uint8[n, 3] x) => (uint8[] y) { y = ReduceMax <axes = [0]> (x) }", 13, np.uint8, ((5, 3), (1, 3))),
    "integers_are_ordered": ("g (int64[n, 3] x) => (int64[] y, int64[] z) { y = ArgMax <axis = 1, select_last_index = 1> (x) z = ArgMin <axis = 0, keepdims = 0> (x) }", 13, np.int64, ((5, 3), (1, 3))),
    "integers_have_slopes": ("g (int32[n, 3] x) => (int32[] y) <int32[3] s = {2, -1, 0}> { y = PRelu(x, s) }", 17, np.int32, ((5, 3), (1, 3))),
    "integers_shrink_by_real_numbers": ("g (int32[n] x) => (int32[] y) { y = Shrink <lambd = 1.5, bias = 0.7> (x) }", 17, np.int32, ((17,), (1,))),
    "functions_of_bytes": ("g (uint8[n] x) => (uint8[] y, uint8[] z) { y = Abs(x) z = Sign(x) }", 17, np.uint8, ((17,), (1,))),
    "integers_to_a_real_power": ("g (int32[n] x) => (int32[] y) <float[1] e = {1.5}> { a = Abs(x) y = Pow(a, e) }", 17, np.int32, ((17,), (1,))),
    "a_comparison_of_extents_is_data": ("g (float[n, 3] x) => (bool[] y) { s = Shape(x) c = Constant <value_int = 2> () y = Less(s, c) }", 17, np.float32, ((5, 3), (1, 3))),
    "numbers_that_were_bytes_for_a_moment": ("g (float[n, 4] x) => (float[] y) <float s = {0.125}, uint8 z = {6}> { q = QuantizeLinear(x, s, z) y = DequantizeLinear(q, s, z) }", 17, np.float32, ((4, 4), (1, 4))),
    "a_computed_kernel_is_packed_from_rows": ("g (float[1, 3, 5, 4] x) => (float[] y) { i = Constant <value_ints = [1]> () e = Constant <value_ints = [3]> () a = Constant <value_ints = [2]> () s = Slice(x, i, e, a) w = Neg(s) y = Conv(x, w) }", 17, np.float32, ((1, 3, 5, 4), (1, 3, 5, 4))),
    "softmax_over_several_dynamic_axes": ("g (float[2, n, m] x) => (float[] y) { y = Softmax <axis = 1> (x) }", 11, np.float32, ((2, 3, 5), (2, 1, 4))),
    "local_response_of_a_dynamic_plane": ("g (float[2, 3, h, w] x) => (float[] y) { y = LRN <size = 3> (x) }", 17, np.float32, ((2, 3, 3, 5), (2, 3, 1, 4))),
    "dynamic_pixels_become_channels": ("g (float[n, c, h, w] x) => (float[] y) { y = SpaceToDepth <blocksize = 2> (x) }", 17, np.float32, ((2, 3, 4, 6), (1, 1, 2, 8))),
    "dynamic_channels_become_pixels": ("g (float[n, c, h, w] x) => (float[] y) { y = DepthToSpace <blocksize = 2, mode = \"CRD\"> (x) }", 17, np.float32, ((2, 8, 1, 3), (1, 4, 2, 5))),
}  # fmt: skip


def values(dtype: type, shape: tuple[int, ...]) -> Array:
    generator = np.random.default_rng(sum(shape))
    if np.issubdtype(dtype, np.integer):
        return np.asarray(generator.integers(0 if dtype is np.uint8 else -9, 10, shape)).astype(dtype)
    return np.asarray(generator.uniform(-2, 2, shape)).astype(dtype)


@pytest.mark.parametrize("name", FINDINGS)
def test_finding(name: str) -> None:
    text, opset, dtype, shapes = FINDINGS[name]
    model = onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["" : {opset}]>\n{text}')
    engine = prepare(model)
    for shape in shapes:
        feed = {"x": values(dtype, shape)}
        if len(model.graph.input) > 1:
            feed["s"] = np.array([3, 2, 2], np.int64)
        (expected,) = evaluate(model, [feed])
        for output, actual in zip(expected, engine.run(feed), strict=True):
            reference = expected[output]
            assert (actual.dtype, actual.shape) == (reference.dtype, reference.shape)
            if reference.dtype.kind == "f":
                # Some ten roundings to float32, one to float16.
                assert relative_error(actual, reference) <= (1e-3 if reference.dtype == np.float16 else 1e-5)
            else:
                np.testing.assert_array_equal(actual, reference)


def test_a_product_rounded_to_float16_becomes_a_part_between_words() -> None:
    """The product's kernel is for all devices, those that copy two bytes are not."""
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 17]>\n'
        "g (float[3, 16] x, float[2, 16] w, float[3, 3] s, float[3, 2] r) => (float[] y)"
        "{ p = Gemm <transB = 1, alpha = 0.75> (x, w) y = Concat <axis = 1> (p, s, r, r) }"
    )
    feed = {"x": values(np.float32, (3, 16)), "w": values(np.float32, (2, 16)), "s": values(np.float32, (3, 3))}
    feed["r"] = values(np.float32, (3, 2))
    engine = prepare(model, configure=lambda config: config.set_flag(trt.BuilderFlag.FP16))
    (expected,) = evaluate(model, [feed])
    assert relative_error(engine.run(feed)[0], expected["y"]) <= 2e-3  # float16 factors and results
