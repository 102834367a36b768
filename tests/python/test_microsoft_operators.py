"""Every offered operator of com.microsoft gives ONNX Runtime's result, or numpy's where that has no kernel."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import tensorvk as trt
from engines import CollectingLogger, build_plan, infer, load, relative_error, repeated, run_once
from microsoft_attention_table import ATTENTION
from microsoft_case import Array, Case, f32, i32, u8
from microsoft_table import ACTIVATIONS, EMBEDDINGS, NORMALIZATIONS, PRODUCTS, TABLE
from onnx import helper
from onnxruntime.capi import onnxruntime_pybind11_state


def make_model(case: Case) -> onnx.ModelProto:
    names = ["" if x is None else f"x{i}" for i, x in enumerate(case.inputs)]
    outputs = ["" if i in case.unused else f"y{i}" for i in range(case.outputs)]
    node = helper.make_node(case.op, names, outputs, domain="com.microsoft", name="node", **case.attributes)
    given = [(i, x) for i, x in enumerate(case.inputs) if x is not None]
    values = [
        helper.make_tensor_value_info(f"x{i}", helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)
        for i, x in given
        if i not in case.constants
    ]
    constants = [onnx.numpy_helper.from_array(x, f"x{i}") for i, x in given if i in case.constants]
    results = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(case.types[i]), None)
        if i in case.types
        else onnx.ValueInfoProto(name=name)  # ONNX Runtime infers its type
        for i, name in enumerate(outputs)
        if name
    ]
    graph = helper.make_graph([node], "test", values, results, constants)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def feed_of(case: Case) -> dict[str, Array]:
    return {f"x{i}": x for i, x in enumerate(case.inputs) if x is not None and i not in case.constants}


def run_reference(model: bytes, feed: dict[str, Array]) -> list[Array]:
    """One thread: ONNX Runtime quantizes the states of sequences by the ranges that each thread sees."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return [np.asarray(y) for y in session.run(None, feed)]


def expected_of(case: Case) -> list[Array]:
    if case.reference is None:
        return run_reference(make_model(case).SerializeToString(), feed_of(case))
    result = case.reference(*(x for x in case.inputs if x is not None))
    # numpy computes some with float64, which no operator gives.
    return [
        y.astype(np.float32) if y.dtype == np.float64 else y for y in (result if isinstance(result, list) else [result])
    ]


# Share of a quantized result's numbers that may be off by a case's steps: a mistake is off nearly everywhere.
MOST_OFF = 0.05


def expect_close(actual: Array, expected: Array, tolerance: float, steps: int) -> None:
    assert actual.shape == expected.shape
    assert actual.dtype == expected.dtype
    if np.issubdtype(actual.dtype, np.floating):
        assert relative_error(actual, expected) <= tolerance
    else:
        difference = np.abs(actual.astype(np.int64) - expected.astype(np.int64))
        assert difference.max(initial=0) <= steps
        assert np.count_nonzero(difference) <= MOST_OFF * difference.size


@pytest.mark.parametrize("case", TABLE, ids=lambda case: case.id)
def test_operator_gives_the_result_of_onnx_runtime(case: Case) -> None:
    outputs = run_once(make_model(case).SerializeToString(), feed_of(case), level=0)
    actual = [outputs[name] for name in sorted(outputs)]
    expected = expected_of(case)
    if case.valid is not None:
        actual, expected = case.valid(actual), case.valid(expected)
    assert len(actual) == len(expected)
    for a, e in zip(actual, expected, strict=True):
        expect_close(a, e, case.tolerance, case.steps)


def in_half(case: Case) -> Case:
    halves = tuple(x.astype(np.float16) if x is not None and x.dtype == np.float32 else x for x in case.inputs)
    return replace(case, inputs=halves)


# Numbers of float16 have a step of 5e-4, and intermediate results are rounded to it too; sums keep float32 inside.
HALF = 5e-3
# What ONNX's types forbid in float16, or what adds up numbers beyond its range.
ONLY_FLOAT = {
    "QEmbedLayerNormalization",
    "QAttention",
    "DynamicQuantizeLSTM",
    "DynamicQuantizeMatMul",
    "GridSample",
    "Range",
}
# Outputs that the operator gives in float32 whatever its input is: mean and inverse deviation.
STATISTICS = {("SkipLayerNormalization", "y1"), ("SkipLayerNormalization", "y2")}


@pytest.mark.parametrize(
    "case",
    [c for c in (*ACTIVATIONS, *NORMALIZATIONS, *EMBEDDINGS, *PRODUCTS, *ATTENTION) if c.op not in ONLY_FLOAT],
    ids=lambda case: case.id,
)
def test_operator_in_float16_is_near_the_one_in_float32(case: Case) -> None:
    """ONNX Runtime's CPU provider has few kernels for float16: the same numbers in float32 are the reference."""
    half = in_half(case)
    outputs = run_once(make_model(half).SerializeToString(), feed_of(half), level=0)
    actual = [outputs[name] for name in sorted(outputs)]
    rounded = tuple(x.astype(np.float32) if x is not None and x.dtype == np.float16 else x for x in half.inputs)
    expected = [
        e if e.dtype != np.float32 or (case.op, name) in STATISTICS else e.astype(np.float16)
        for name, e in zip(sorted(outputs), expected_of(replace(case, inputs=rounded)), strict=True)
    ]
    if case.valid is not None:
        actual, expected = case.valid(actual), case.valid(expected)
    for a, e in zip(actual, expected, strict=True):
        expect_close(a, e, HALF, 0)


def domain_operators() -> set[str]:
    schemas = onnxruntime_pybind11_state.get_all_operator_schema()
    return {schema.name for schema in schemas if schema.domain == "com.microsoft"}


def parser() -> Any:
    logger = CollectingLogger()
    return trt.OnnxParser(trt.Builder(logger).create_network(1), logger)


def test_every_supported_operator_has_a_case() -> None:
    supported = {name for name in domain_operators() if parser().supports_operator(f"com.microsoft.{name}")}
    assert len(supported) > 50  # the question is answered at all
    assert supported == {case.op for case in TABLE}


def test_no_two_operands_of_a_case_are_the_same_numbers() -> None:
    assert not [case.id for case in TABLE if repeated(case.inputs)]


def test_ids_are_unique() -> None:
    ids = [case.id for case in TABLE]
    assert len(ids) == len(set(ids))


def test_an_operator_that_is_not_offered_is_refused_by_name() -> None:
    refused = parser()
    assert not refused.parse(make_model(Case("MurmurHash3", "x", (np.arange(3, dtype=np.int32),))).SerializeToString())
    assert refused.num_errors == 1
    assert "'com.microsoft.MurmurHash3' is not offered" in refused.get_error(0).desc()


FORMS = [
    (
        Case(
            "GroupQueryAttention",
            "",
            (*(f32(1, 1, 16) for _ in range(5)), i32(0), i32(1)),
            {"num_heads": 1, "kv_num_heads": 1, "sliding_window_cache": 1},
        ),
        "'sliding_window_cache'",
    ),
    (Case("Attention", "", (f32(1, 3, 8), f32(8, 24), f32(24)), {"num_heads": 2, "do_rotary": 1}), "'do_rotary'"),
    (Case("CDist", "", (f32(3, 5), f32(2, 5)), {"metric": "cosine"}), "'metric' is 'cosine'"),
    (Case("FusedConv", "", (f32(1, 1, 3, 3), f32(1, 1, 3, 3)), {"activation": "Elu"}), "'activation' is 'Elu'"),
    (Case("MatMulIntegerToFloat", "", (u8(3, 5), u8(5, 2), f32(3), f32(2))), "has to be one number"),
    (Case("BiasDropout", "", (f32(3, 5), f32(5)), outputs=2), "output 1 (mask)"),
]


@pytest.mark.parametrize(("case", "words"), FORMS, ids=lambda x: getattr(x, "op", ""))
def test_a_form_that_is_not_offered_is_refused_by_name(case: Case, words: str) -> None:
    refused = parser()
    assert not refused.parse(make_model(case).SerializeToString())
    assert refused.num_errors == 1
    assert words in refused.get_error(0).desc()


def decoder() -> onnx.ModelProto:
    """One GroupQueryAttention as decoders of language models have it: lengths come from the attention mask."""
    nodes = [
        helper.make_node("ReduceSum", ["mask", "one"], ["lengths"], keepdims=0),
        helper.make_node("Sub", ["lengths", "one"], ["last"]),
        helper.make_node("Cast", ["last"], ["seqlens"], to=onnx.TensorProto.INT32),
        helper.make_node("Shape", ["mask"], ["shape"]),
        helper.make_node("Gather", ["shape", "index"], ["total_64"], axis=0),
        helper.make_node("Cast", ["total_64"], ["total"], to=onnx.TensorProto.INT32),
        helper.make_node(
            "GroupQueryAttention",
            ["qkv", "", "", "past_key", "past_value", "seqlens", "total", "cos", "sin"],
            ["y", "key", "value"],
            domain="com.microsoft",
            num_heads=4,
            kv_num_heads=2,
            do_rotary=1,
        ),
    ]
    floats = onnx.TensorProto.FLOAT
    inputs = [
        helper.make_tensor_value_info("qkv", floats, ["batch", "steps", 8 * 16]),
        helper.make_tensor_value_info("past_key", floats, ["batch", 2, "past", 16]),
        helper.make_tensor_value_info("past_value", floats, ["batch", 2, "past", 16]),
        helper.make_tensor_value_info("mask", onnx.TensorProto.INT64, ["batch", "total"]),
    ]
    constants = [
        onnx.numpy_helper.from_array(np.array([1], np.int64), "one"),
        onnx.numpy_helper.from_array(np.array(1, np.int64), "index"),
        onnx.numpy_helper.from_array(f32(32, 8), "cos"),
        onnx.numpy_helper.from_array(f32(32, 8, seed=1), "sin"),
    ]
    graph = helper.make_graph(
        nodes, "decoder", inputs, [onnx.ValueInfoProto(name=n) for n in ("y", "key", "value")], constants
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def test_a_decoder_grows_its_cache_token_by_token() -> None:
    model = decoder().SerializeToString()
    cache = ((1, 2, 0, 16), (1, 2, 4, 16), (1, 2, 12, 16))
    profile = {
        "qkv": ((1, 1, 128), (1, 1, 128), (1, 6, 128)),
        "past_key": cache,
        "past_value": cache,
        "mask": ((1, 1), (1, 5), (1, 14)),
    }
    context = load(build_plan(model, profile, level=0)).create_execution_context()
    past = [np.zeros((1, 2, 0, 16), np.float32)] * 2
    for step, count in enumerate((5, 1, 1, 3, 1)):
        total = past[0].shape[2] + count
        feed = {
            "qkv": f32(1, count, 128, seed=step),
            "past_key": past[0],
            "past_value": past[1],
            "mask": np.ones((1, total), np.int64),
        }
        actual = infer(context, feed)
        for name, expected in zip(("y", "key", "value"), run_reference(model, feed), strict=True):
            assert relative_error(actual[name], expected) <= 2e-5  # as the cases of the operator itself
        past = [actual["key"], actual["value"]]
