"""Operands that an operator cannot work with are one sentence, at build or when it runs; nothing else is read."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import tensorvk as trt
from engines import CollectingLogger, build_plan, infer
from onnx import TensorProto, helper, numpy_helper
from operator_row import Array, f32, i64
from tensorvk import onnx_backend

INF = float("inf")


@dataclass(frozen=True)
class Case:
    """One node; `inputs` are fed unless their place is in `constants`. None is an absent input."""

    op: str
    inputs: tuple[Array | None, ...]
    words: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)
    constants: tuple[int, ...] = ()
    domain: str = ""
    outputs: int = 1
    note: str = ""

    @property
    def id(self) -> str:
        return f"{self.op}-{self.note}" if self.note else self.op


def model_of(case: Case) -> tuple[Any, list[Array]]:
    """The model and what it is fed."""
    names = ["" if x is None else f"x{i}" for i, x in enumerate(case.inputs)]
    given = {f"x{i}": x for i, x in enumerate(case.inputs) if x is not None}
    constants = {f"x{i}" for i in case.constants}
    outputs = [f"y{i}" for i in range(case.outputs)]
    graph = helper.make_graph(
        [helper.make_node(case.op, names, outputs, domain=case.domain, **case.attributes)],
        "test",
        [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)
            for name, x in given.items()
            if name not in constants
        ],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(given[name], name) for name in sorted(constants)],
    )
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    return model, [x for name, x in given.items() if name not in constants]


def run(case: Case) -> list[Array]:
    model, feed = model_of(case)
    return [np.asarray(y) for y in onnx_backend.prepare(model).run(feed)]


def ones(*shape: int, dtype: Any = np.float32) -> Array:
    return np.ones(shape, dtype)


def number(value: float, dtype: Any) -> Array:
    return np.array(value, dtype)


NONE = ones(0, dtype=np.int64)
BOXES = (ones(1, 3, 4), ones(1, 1, 3))
MEL = (number(8, np.int64), number(16, np.int64), number(8192, np.int64))
IMAGE = ones(1, 1, 4, 4)
NGRAMS: dict[str, Any] = {"min_gram_length": 1, "max_gram_length": 2, "mode": "TF", "ngram_counts": [0]}
FAR = i64(899100, 899100, 899100, 899100).reshape(1, 1, 2, 2)
TABLE = ones(4, 8, dtype=np.uint8)

REFUSED = [
    # One number is needed: none would be read from foreign memory.
    Case("NonMaxSuppression", (*BOXES, NONE), "needs one number", note="count"),
    Case("NonMaxSuppression", (*BOXES, i64(3), ones(0)), "needs one number", note="overlap"),
    Case("NonMaxSuppression", (*BOXES, i64(3), ones(1), ones(2)), "needs one number", note="score"),
    Case("Trilu", (ones(3, 3), NONE), "needs one number"),
    Case("Trilu", (ones(3, 3), ones(1)), "needs an integer", note="real"),
    Case("Dropout", (ones(3), ones(0), number(1, np.bool_)), "needs one number", note="ratio"),
    Case("Dropout", (ones(3), ones(1), ones(0, dtype=np.bool_)), "needs one number", note="training"),
    Case("MelWeightMatrix", (*MEL, ones(0), ones(1)), "needs one number", note="low"),
    Case("MelWeightMatrix", (*MEL, ones(1), ones(2)), "needs one number", note="high"),
    # Regions far outside or without a number.
    *(
        Case("MaxRoiPool", (IMAGE, np.array([region], np.float32)), words, {"pooled_shape": [2, 2]}, note=note)
        for note, region, words in [
            ("infinite", [0, 0, 0, 3, INF], "coordinate inf"),
            ("nan", [0, float("nan"), 0, 3, 3], "coordinate nan"),
            ("far", [0, 0, 0, 3, 1e30], "coordinate 1e"),
            ("image", [INF, 0, 0, 3, 3], "image inf"),
        ]
    ),
    Case(
        "MaxUnpool",
        (ones(1, 1, 2, 2), FAR, i64(1, 1, 4, 1000000)),
        "padding",
        {"kernel_shape": [1, 1], "pads": [501, 501, 500, 500]},
        note="pads",
    ),
    Case(
        "MaxUnpool",
        (ones(1, 1, 2, 2), FAR, i64(1, 1, 4, 1000000)),
        "'kernel_shape'",
        {"kernel_shape": [-1000, -1000]},
        note="kernel",
    ),
    Case(
        "TfIdfVectorizer",
        (i64(1, 1, 2),),
        "place",
        NGRAMS | {"ngram_indexes": [0], "pool_int64s": [1] * 5000},
        note="repeated",
    ),
    Case(
        "TfIdfVectorizer",
        (i64(1, 1, 2),),
        "does not fit",
        NGRAMS | {"ngram_indexes": [2**63 - 1], "pool_int64s": [1]},
        note="far",
    ),
    # Blocks whose number of bits or elements is beyond 64 bits.
    Case(
        "MatMulNBits",
        (ones(1, 8), ones(2, 1, 0, dtype=np.uint8), ones(2)),
        "block_size",
        {"K": 8, "N": 2, "bits": 4, "block_size": 2**62},
        (1, 2),
        "com.microsoft",
    ),
    Case(
        "MatMulBnb4",
        (ones(1, 8), ones(8, dtype=np.uint8), ones(0)),
        "block_size",
        {"K": 8, "N": 2, "quant_type": 0, "block_size": 2**63 - 1},
        (1, 2),
        "com.microsoft",
    ),
    Case(
        "GatherBlockQuantized",
        (TABLE, i64(1), ones(4, 0)),
        "block_size",
        {"bits": 8, "quantize_axis": 1, "block_size": 2**63 - 1},
        (),
        "com.microsoft",
    ),
    Case(
        "QGemm",
        (
            ones(2, 3, dtype=np.uint8),
            number(1, np.float32),
            number(0, np.uint8),
            ones(3, 8, dtype=np.uint8),
            ones(2, 1),
            number(0, np.uint8),
        ),
        "as input 4",
        {},
        (1, 2, 4, 5),
        "com.microsoft",
    ),
    # Elements of another type are not read as float32.
    Case(
        "DeformConv",
        (ones(1, 1, 8, 8), ones(1, 1, 3, 3, dtype=np.int8), np.zeros((1, 18, 6, 6), np.float32)),
        "one type",
    ),
    Case("ConvTranspose", (ones(1, 1, 8, 8), ones(1, 1, 3, 3, dtype=np.int8)), "one type"),
    Case(
        "LSTM",
        (ones(2, 1, 3), ones(1, 16, 3, dtype=np.int32), ones(1, 16, 4, dtype=np.int32)),
        "one type",
        {"hidden_size": 4},
    ),
    # Negative extents.
    Case(
        "Resize",
        (IMAGE, None, None, i64(1, 1, -3, -3)),
        "extents must not be negative",
        {"mode": "linear", "antialias": 1},
    ),
    Case(
        "MaxUnpool",
        (ones(1, 1, 2, 2), FAR),
        "extents must not be negative",
        {"kernel_shape": [1, 1], "pads": [501, 501, 500, 500]},
        note="extent",
    ),
]


W, R = ones(1, 12, 3), ones(1, 12, 3)
LOSS = (ones(2, 3), i64(0, 1))
REGIONS = (IMAGE, ones(1, 4), i64(0))
UPDATES = (ones(4, 4), i64(0).reshape(1, 1))
# Words and numbers in attributes that the operator does not know: told when the model is read.
REFUSED_ATTRIBUTES = [
    Case("Resize", (IMAGE, None, np.array([1, 1, 2, 2], np.float32)), "'mode' = 'lanczos'", {"mode": "lanczos"}, (2,)),
    Case(
        "Resize",
        (IMAGE, None, None, i64(1, 1, 5, 3)),
        "'keep_aspect_ratio_policy' = 'both'",
        {"mode": "linear", "keep_aspect_ratio_policy": "both"},
        (3,),
        note="policy",
    ),
    Case("GridSample", (IMAGE, ones(1, 3, 3, 2)), "'mode' = 'none'", {"mode": "none"}),
    Case("GridSample", (IMAGE, ones(1, 3, 3, 2)), "'padding_mode' = 'none'", {"padding_mode": "none"}, note="padding"),
    Case("ScatterElements", (*UPDATES, ones(1, 1)), "'reduction' = 'mean'", {"reduction": "mean"}),
    Case("ScatterND", (*UPDATES, ones(1, 4)), "'reduction' = 'mean'", {"reduction": "mean"}),
    Case("LSTM", (ones(2, 1, 3), W, R), "activation 'Foo'", {"hidden_size": 3, "activations": ["Foo", "Tanh", "Tanh"]}),
    Case(
        "LSTM", (ones(2, 1, 3), W, R), "2 'activations'", {"hidden_size": 3, "activations": ["Tanh"] * 2}, note="count"
    ),
    Case("GRU", (ones(2, 1, 3), ones(1, 9, 3), ones(1, 9, 3)), "activation 'Bar'", {"activations": ["Tanh", "Bar"]}),
    Case("RNN", (ones(2, 1, 3), ones(1, 3, 3), ones(1, 3, 3)), "activation 'Bar'", {"activations": ["Bar"]}),
    Case("BitShift", (ones(3, dtype=np.uint8),) * 2, "'direction' = 'UP'", {"direction": "UP"}),
    Case("RoiAlign", REGIONS, "'mode' = 'min'", {"mode": "min"}),
    Case("DFT", (ones(1, 8, 2), None, number(9, np.int64)), "axis 9", {}, (2,)),
    Case("DFT", (ones(1, 8, 2), None, number(2, np.int64)), "real and imaginary", {}, (2,), note="last"),
    Case("NegativeLogLikelihoodLoss", LOSS, "'reduction' = 'max'", {"reduction": "max"}),
    Case("SoftmaxCrossEntropyLoss", LOSS, "'reduction' = 'max'", {"reduction": "max"}),
    Case("LpPool", (IMAGE,), "'p' = -1", {"kernel_shape": [2, 2], "p": -1}),
    Case("GlobalLpPool", (IMAGE,), "'p' = 0", {"p": 0}),
    Case(
        "TfIdfVectorizer",
        (i64(1, 2),),
        "'mode' = 'FT'",
        NGRAMS | {"ngram_indexes": [0], "pool_int64s": [1], "mode": "FT"},
    ),
]


@pytest.mark.parametrize("case", REFUSED_ATTRIBUTES, ids=lambda case: case.id)
def test_a_bad_attribute_is_an_error_of_the_node(case: Case) -> None:
    model, _ = model_of(case)
    with pytest.raises(RuntimeError, match="^Node 0 .*" + re.escape(case.words)):
        onnx_backend.prepare(model)


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.id)
def test_a_bad_operand_is_one_sentence(case: Case) -> None:
    with pytest.raises((onnx_backend.UnsupportedModel, RuntimeError), match=re.escape(case.words)) as error:
        run(case)
    assert "\n" not in str(error.value).strip()


def test_a_region_with_swapped_corners_has_no_samples() -> None:
    x = np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4)
    regions = np.array([[3, 3, 0, 0], [3, 0, 0, 3]], np.float32)
    (y,) = run(Case("RoiAlign", (x, regions, i64(0, 0)), attributes={"output_height": 1, "output_width": 1}))
    np.testing.assert_array_equal(y.ravel(), [0, 0])


def test_a_large_region_takes_no_memory_per_sample() -> None:
    """40,000 x 40,000 samples of 64 bytes would be 100 GB; all but a few lie outside of the image."""
    regions = np.array([[0, 0, 40000, 40000]], np.float32)
    (y,) = run(Case("RoiAlign", (IMAGE, regions, i64(0)), attributes={"output_height": 1, "output_width": 1}))
    assert 0 < y[0, 0, 0, 0] < 1e-6


def test_corners_of_a_region_are_rounded_as_float32() -> None:
    """5 * 0.7 is 3.5 in float32, which is rounded up, and less in double."""
    x = np.arange(72, dtype=np.float32).reshape(1, 1, 8, 9)
    regions = np.array([[0, 0, 0, 5, 5]], np.float32)
    (y,) = run(Case("MaxRoiPool", (x, regions), attributes={"pooled_shape": [1, 1], "spatial_scale": 0.7}))
    assert y.item() == x[0, 0, 4, 4]


def test_words_no_farther_apart_than_the_row_is_long() -> None:
    attributes = NGRAMS | {
        "max_skip_count": 10**12,
        "ngram_counts": [0, 1],
        "ngram_indexes": [0, 1],
        "pool_int64s": [1, 1, 2],
    }
    (y,) = run(Case("TfIdfVectorizer", (i64(1, 1, 2),), attributes=attributes))
    np.testing.assert_array_equal(y, [2, 2])


def test_an_index_far_outside_a_table_gives_zeros() -> None:
    attributes = {"bits": 8, "quantize_axis": 1, "block_size": 16}
    (y,) = run(
        Case(
            "GatherBlockQuantized",
            (TABLE, i64(2**63 - 1, 1), ones(4, 1)),
            attributes=attributes,
            domain="com.microsoft",
        )
    )
    np.testing.assert_array_equal(y, [[0] * 8, [1 - 128] * 8])


# The last is a prime that took minutes when large factors were summed term by term.
@pytest.mark.parametrize("length", [101, 2 * 211, 101 * 103, 100003])
@pytest.mark.parametrize("inverse", [0, 1])
def test_fourier_transform_of_a_length_with_large_factors(length: int, inverse: int) -> None:
    x = f32(1, length, 2)
    begin = time.process_time()
    (y,) = run(Case("DFT", (x, None, number(1, np.int64)), attributes={"inverse": inverse}))
    assert time.process_time() - begin < 20
    signal = x[..., 0].astype(np.float64) + 1j * x[..., 1]
    expected = np.fft.ifft(signal) if inverse else np.fft.fft(signal)
    # The result is rounded to float32, the transform itself computes in float64.
    np.testing.assert_allclose(y[..., 0] + 1j * y[..., 1], expected, rtol=0, atol=1e-7 * np.abs(expected).max())


# Two negative extents have a positive number of elements, so that sizes in bytes tell nothing, and nobody else looks at
# the shapes of tensors inside a network.
MADE = helper.make_node("ConstantOfShape", ["s"], ["a"], value=numpy_helper.from_array(np.array([7], np.float32)))
NEGATIVE = {
    "constant": ([MADE], i64(-2, -3)),
    "expand": (
        [helper.make_node("Constant", [], ["c"], value_float=1.0), helper.make_node("Expand", ["c", "s"], ["a"])],
        i64(-2, -3),
    ),
    "resize": ([helper.make_node("Resize", ["x", "", "", "s"], ["a"], mode="nearest")], i64(-2, -3)),
    "pad": ([helper.make_node("Pad", ["x", "s"], ["a"])], i64(-3, -3, -3, -3)),
    "reshape": ([helper.make_node("Reshape", ["x", "s"], ["a"])], i64(-4, -4)),
    "tile": ([helper.make_node("Tile", ["x", "s"], ["a"])], i64(-2, -3)),
    "transpose": ([MADE, helper.make_node("Transpose", ["a"], ["b"])], i64(-20, -30)),
    "concat": ([MADE, helper.make_node("Concat", ["a", "a"], ["b"], axis=0)], i64(-20, -30)),
}


@pytest.mark.parametrize("known", [False, True], ids=["data", "constant"])
@pytest.mark.parametrize("name", NEGATIVE)
def test_a_pair_of_negative_extents_inside_a_network(name: str, known: bool) -> None:
    nodes, numbers = NEGATIVE[name]
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        [*nodes, helper.make_node("ReduceSum", [nodes[-1].output[0]], ["y"], keepdims=0)],
        "test",
        [info("x", TensorProto.FLOAT, [4, 4])] + [info("s", TensorProto.INT64, numbers.shape)] * (not known),
        [info("y", TensorProto.FLOAT, [])],
        [numpy_helper.from_array(numbers, "s")] * known,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    with pytest.raises((onnx_backend.UnsupportedModel, RuntimeError), match=r"negative|positive numbers|extents of 1"):
        onnx_backend.prepare(model).run([ones(4, 4)] + [numbers] * (not known))


def test_a_dynamic_shape_that_makes_a_pair_of_negative_extents() -> None:
    pads = numpy_helper.from_array(i64(-3, -3, -3, -3), "p")
    nodes = [helper.make_node("Pad", ["x", "p"], ["a"]), helper.make_node("ReduceSum", ["a"], ["y"], keepdims=0)]
    info = helper.make_tensor_value_info
    x, y = info("x", TensorProto.FLOAT, ["n", "m"]), info("y", TensorProto.FLOAT, [])
    graph = helper.make_graph(nodes, "test", [x], [y], [pads])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    plan = build_plan(model.SerializeToString(), {"x": ((2, 2), (8, 8), (9, 9))}, level=0)
    logger = CollectingLogger()
    context = trt.Runtime(logger).deserialize_cuda_engine(plan).create_execution_context()
    assert not context.set_input_shape("x", (2, 2))
    assert "has the extent -4; extents must not be negative" in logger.errors()[-1]
    assert infer(context, {"x": ones(7, 8)})["y"] == 2
