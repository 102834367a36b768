"""Rows of operators that choose, place, count, shift and fill elements, of recurrent networks, signals and integers."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto
from operator_row import Array, Row, f32, i64, scalar

_INT32 = np.int32


def _u8(*shape: int) -> Array:
    return np.random.default_rng(5).integers(0, 255, shape).astype(np.uint8)


def _i32(*numbers: int) -> Array:
    return np.array(numbers, np.int32)


def _recurrent(op: str, gates: int) -> list[Row]:
    """Input [length 5, batch 3, 7], 4 hidden units; W, R, B are weights."""
    rows = []
    for direction, count in (("forward", 1), ("reverse", 1), ("bidirectional", 2)):
        weights = (f32(count, gates * 4, 7), f32(count, gates * 4, 4), f32(count, 2 * gates * 4))
        attributes = {"hidden_size": 4, "direction": direction}
        rows.append(Row(op, ((5, 3, 7),), attributes, weights, outputs=2, note=direction, tolerance=2e-5))
    lengths = np.array([5, 1, 3], np.int32)
    weights = (f32(1, gates * 4, 7), f32(1, gates * 4, 4), f32(1, 2 * gates * 4), lengths)
    rows.append(Row(op, ((5, 3, 7),), {"hidden_size": 4}, weights, outputs=2, note="lengths", tolerance=2e-5))
    return rows


_LABELS = i64(0, 4, 2)
_SCALE = scalar(0.02)

DATA: list[Row] = [
    # Chosen by data.
    Row("NonZero", ((3, 5),), dtype=np.bool_),
    Row("Compress", ((3, 5),), {"axis": 1}, (np.array([True, False, True, True, False]),)),
    Row("Compress", ((3, 5),), {}, (np.array([False, True, True]),), note="flat"),
    Row("Unique", ((17,),), {"sorted": 1}, dtype=_INT32, low=-3, high=3, outputs=4),
    Row("Unique", ((5, 2),), {"axis": 0, "sorted": 0}, dtype=_INT32, low=0, high=2, outputs=4, note="axis"),
    Row("Trilu", ((5, 7),), {"upper": 0}, opset=14),
    Row("Trilu", ((2, 5, 5),), {}, (np.array(-1, np.int64),), opset=14, note="k"),
    Row("GatherElements", ((3, 5),), {"axis": 1}, (np.array([[0, -1, 2], [4, 0, 1], [2, 2, 3]], np.int64),)),
    Row("GatherND", ((3, 5, 7),), {}, (i64(0, 4, 2, -1).reshape(2, 2),)),
    Row("GatherND", ((3, 5, 7),), {"batch_dims": 1}, (i64(0, 4, 2).reshape(3, 1),), note="batch"),
    Row("OneHot", ((3, 5),), {"axis": 1}, (np.array(4, np.int64), _i32(-2, 7)), dtype=np.int32, low=-4, high=4),
    Row("Hardmax", ((3, 5, 7),), {"axis": 1}),
    # Placed.
    *(Row(op, ((3, 5),), {"axis": 1}, (np.array([[0, -1], [4, 0], [2, 3]], np.int64), f32(3, 2)), opset=opset) for op, opset in (("ScatterElements", 13), ("Scatter", 10))),
    *(Row("ScatterElements", ((3, 5),), {"axis": 1, "reduction": how}, (np.array([[0, 0], [4, 0], [2, 2]], np.int64), f32(3, 2)), opset=18, note=how) for how in ("add", "mul", "min", "max")),
    *(Row("ScatterND", ((4, 5),), {"reduction": how}, (i64(1, 3, 1).reshape(3, 1), f32(3, 5)), opset=18, note=how) for how in ("add", "mul", "min", "max")),
    Row("ScatterND", ((4, 5),), {}, (i64(1, 3, 0, 0).reshape(2, 2), f32(2)), note="elements"),
    Row("TensorScatter", ((2, 3, 5, 4), (2, 3, 2, 4)), {"mode": "linear"}, (i64(1, 3),), opset=24),
    Row("ReverseSequence", ((5, 3, 2),), {"time_axis": 0, "batch_axis": 1}, (i64(5, 1, 3),)),
    Row("CenterCropPad", ((5, 9, 3),), {"axes": [0, 1]}, (i64(8, 4),), opset=18),
    # Counted, summed and shifted.
    *(Row(op, ((3, 5, 7),), {"exclusive": exclusive, "reverse": reverse}, (np.array(1, np.int64),), opset=opset, note=f"{exclusive}{reverse}") for op, opset in (("CumSum", 14), ("CumProd", 26)) for exclusive in (0, 1) for reverse in (0, 1)),
    Row("Det", ((3, 4, 4),), tolerance=2e-5),
    Row("Det", ((3, 1, 1),)),
    Row("Einsum", ((3, 5), (5, 17)), {"equation": "ij,jk->ik"}),
    Row("Einsum", ((7, 7),), {"equation": "ii->i"}),
    Row("Einsum", ((3, 1, 5),), {"equation": "i j k -> "}),
    Row("Einsum", ((2, 3, 4, 5), (2, 1, 5, 7)), {"equation": "...ij,...jk"}),
    Row("Einsum", ((2, 3, 5, 4), (2, 3, 7, 4)), {"equation": "bhid,bhjd->bhij"}),
    Row("Einsum", ((3, 5, 17), (3, 17)), {"equation": "bij,bj->ib"}),
    Row("Einsum", ((3, 5), (3, 7)), {"equation": "bc,bd->"}),
    Row("Einsum", ((2, 3), (3, 4), (4, 5)), {"equation": "ij,jk,kl->li"}),
    Row("Einsum", ((2, 3, 4), (2, 4, 5), (2, 5, 1), (1, 7)), {"equation": "bij,bjk,bkl,lm->mbi"}),
    Row("Einsum", ((3,), (5,), (3, 5)), {"equation": "i,j,ij->"}),
    Row("Einsum", ((3, 1), (4, 5), (5, 6)), {"equation": "ij,jk,kl->il"}),
    Row("Einsum", ((1, 2, 1, 2), (2, 1, 2, 1)), {"equation": "abcd,efgh->abcdefgh"}),
    Row("Einsum", ((2, 1, 3), (3, 17), (17, 5)), {"equation": "...i,ij,jk->...k"}),
    Row("Einsum", ((3, 3), (3, 5), (5,)), {"equation": "ii,ij,j->i"}),
    Row("Einsum", ((3, 5), (3, 5)), {"equation": "ij,ij->i"}, dtype=_INT32, low=-9, high=9, note="i32"),
    *(Row(op, ((3, 5), (5,)), dtype=_INT32, low=-1000, high=1000, opset=18) for op in ("BitwiseAnd", "BitwiseOr", "BitwiseXor")),
    Row("BitwiseNot", ((3, 5),), dtype=_INT32, low=-1000, high=1000, opset=18),
    *(Row("BitShift", ((3, 5),), {"direction": way}, (np.array([[0, 1, 2, 3, 7]], np.uint8),), dtype=np.uint8, low=0, high=255, opset=11, note=way) for way in ("LEFT", "RIGHT")),
    Row("BitCast", ((3, 5),), {"to": TensorProto.INT32}, opset=26),
    Row("EyeLike", ((5, 7),), {"k": -1, "dtype": TensorProto.FLOAT}),
    Row("EyeLike", ((5, 7),), {"k": 2, "dtype": TensorProto.INT64}, note="i64"),
    # Signals.
    *(Row(op, ((),), {"periodic": periodic}, dtype=np.int64, low=17, high=18, opset=17, note=f"periodic{periodic}") for op in ("BlackmanWindow", "HammingWindow", "HannWindow") for periodic in (0, 1)),
    Row("DFT", ((2, 17, 1),), {}, (np.array(20, np.int64), np.array(1, np.int64)), opset=20, tolerance=2e-5),
    Row("DFT", ((2, 16, 2),), {"inverse": 1}, opset=20, note="inverse", tolerance=2e-5),
    Row("DFT", ((2, 17, 1),), {"onesided": 1}, opset=20, note="onesided", tolerance=2e-5),
    Row("STFT", ((2, 33, 1),), {}, (np.array(5, np.int64), np.hanning(9).astype(np.float32)), opset=17, tolerance=2e-5),
    Row("TfIdfVectorizer", ((2, 9),), {"mode": "TF", "min_gram_length": 1, "max_gram_length": 2, "max_skip_count": 1, "ngram_counts": [0, 3], "ngram_indexes": [0, 1, 2, 3, 4], "pool_int64s": [1, 2, 3, 1, 2, 2, 3]}, dtype=_INT32, low=0, high=4),
    # Losses.
    *(Row("NegativeLogLikelihoodLoss", ((3, 5),), {"reduction": how}, (_LABELS, f32(5) + 2), note=how) for how in ("none", "sum", "mean")),
    *(Row("SoftmaxCrossEntropyLoss", ((3, 5),), {"reduction": how, "ignore_index": 4}, (_LABELS,), outputs=2, note=how) for how in ("none", "sum", "mean")),
    # Recurrent networks.
    *_recurrent("RNN", 1),
    *_recurrent("GRU", 3),
    *_recurrent("LSTM", 4),
    # Eight bits.
    Row("QuantizeLinear", ((3, 17),), {}, (_SCALE, np.array(7, np.uint8))),
    Row("QuantizeLinear", ((3, 5),), {"axis": 0}, (np.array([0.02, 0.01, 0.5], np.float32), np.zeros(3, np.int8)), note="channel"),
    Row("DequantizeLinear", ((3, 17),), {}, (_SCALE, np.array(7, np.uint8)), dtype=np.uint8, low=0, high=255),
    Row("DynamicQuantizeLinear", ((3, 17),), outputs=3),
    Row("MatMulInteger", ((3, 17),), {}, (_u8(17, 5), np.array(9, np.uint8), np.array(120, np.uint8)), dtype=np.uint8, low=0, high=255),
    Row("ConvInteger", ((1, 3, 7, 9),), {"pads": [1, 1, 1, 1]}, (_u8(5, 3, 3, 3), np.array(9, np.uint8), np.array(120, np.uint8)), dtype=np.uint8, low=0, high=255),
    Row("QLinearMatMul", ((3, 17),), {}, (_SCALE, np.array(9, np.uint8), _u8(17, 5), _SCALE, np.array(120, np.uint8), scalar(0.7), np.array(100, np.uint8)), dtype=np.uint8, low=0, high=255),
    Row("QLinearConv", ((1, 3, 7, 9),), {}, (_SCALE, np.array(9, np.uint8), _u8(5, 3, 3, 3), _SCALE, np.array(120, np.uint8), scalar(0.7), np.array(100, np.uint8)), dtype=np.uint8, low=0, high=255),
]  # fmt: skip
