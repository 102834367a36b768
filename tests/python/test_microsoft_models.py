"""Models as ONNX Runtime's tools fuse, optimize and quantize them give ONNX Runtime's results."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from engines import build_plan, infer, load, relative_error
from microsoft_models import (
    HEADS,
    HIDDEN,
    STEPS,
    Array,
    bert,
    bert_feed,
    image_feed,
    images,
    language,
    language_feed,
    recurrent,
    recurrent_feed,
)
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static
from onnxruntime.quantization.matmul_bnb4_quantizer import MatMulBnb4Quantizer

Level = onnxruntime.GraphOptimizationLevel
BERT_PROFILE = dict.fromkeys(bert_feed(), ((1, STEPS), (3, STEPS), (4, STEPS)))


def operators(model: onnx.ModelProto) -> set[str]:
    return {node.op_type for node in model.graph.node if node.domain == "com.microsoft"}


def run_reference(model: onnx.ModelProto, feed: dict[str, Array]) -> Array:
    """As the model says, on one thread: threads quantize their own rows of a state."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.graph_optimization_level = Level.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, feed)[0])


def error_of(model: onnx.ModelProto, feed: dict[str, Array], profile: Any = None) -> float:
    context = load(build_plan(model.SerializeToString(), profile, level=0)).create_execution_context()
    (result,) = infer(context, feed).values()
    return relative_error(result, run_reference(model, feed))


def optimized(model: onnx.ModelProto, folder: Path, level: Any) -> onnx.ModelProto:
    """What ONNX Runtime itself makes of a model before it runs it."""
    path = folder / "optimized.onnx"
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(path)
    options.graph_optimization_level = level
    options.log_severity_level = 3
    onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return onnx.load(path)


def fused(model: onnx.ModelProto) -> onnx.ModelProto:
    """What the optimizer for transformers makes of BERT; the steps of it that need no other packages."""
    transformers = pytest.importorskip("onnxruntime.transformers.onnx_model_bert")
    bert_model = transformers.BertOnnxModel(model, HEADS, HIDDEN)
    bert_model.fuse_gelu()
    bert_model.fuse_reshape()
    bert_model.fuse_attention()
    bert_model.fuse_bias_gelu(False)
    bert_model.prune_graph()
    result: onnx.ModelProto = bert_model.model
    if not any(opset.domain == "com.microsoft" for opset in result.opset_import):
        result.opset_import.append(onnx.helper.make_opsetid("com.microsoft", 1))
    return result


def quantized_dynamically(model: onnx.ModelProto, folder: Path, **more: Any) -> onnx.ModelProto:
    path = folder / "dynamic.onnx"
    quantize_dynamic(model, path, extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT}, **more)
    return onnx.load(path)


class Images(CalibrationDataReader):
    def __init__(self) -> None:
        self.feeds: Iterator[dict[str, Array]] = iter([image_feed(seed) for seed in range(4)])

    def get_next(self) -> Any:
        return next(self.feeds, None)


def quantized_statically(folder: Path, **more: Any) -> onnx.ModelProto:
    path = folder / "static.onnx"
    quantize_static(images(), path, Images(), **more)
    return onnx.load(path)


# Some hundred float32 operations behind each other; the same model without fusions differs as much.
FLOAT = 2e-5
# Where a last bit differs, a number is quantized to the next step: 1/255 of a range, through what follows.
DYNAMIC = 2e-2


def test_bert_fused_by_the_transformers_tool() -> None:
    model = fused(bert())
    assert operators(model) >= {"Attention", "BiasGelu"}
    assert error_of(model, bert_feed(), BERT_PROFILE) <= FLOAT


def test_bert_fused_and_optimized(tmp_path: Path) -> None:
    model = optimized(fused(bert()), tmp_path, Level.ORT_ENABLE_EXTENDED)
    assert operators(model) >= {"Attention", "BiasGelu", "SkipLayerNormalization"}
    assert error_of(model, bert_feed(), BERT_PROFILE) <= FLOAT


def test_bert_optimized(tmp_path: Path) -> None:
    model = optimized(bert(), tmp_path, Level.ORT_ENABLE_EXTENDED)
    assert operators(model) >= {"FusedMatMul", "BiasGelu", "SkipLayerNormalization"}
    assert error_of(model, bert_feed(), BERT_PROFILE) <= FLOAT


def test_fused_bert_quantized_dynamically(tmp_path: Path) -> None:
    model = quantized_dynamically(fused(bert()), tmp_path)
    assert operators(model) >= {"QAttention"}
    assert error_of(model, bert_feed(), BERT_PROFILE) <= DYNAMIC


@pytest.mark.parametrize("weights", [QuantType.QInt8, QuantType.QUInt8], ids=str)
@pytest.mark.parametrize("per_channel", [False, True], ids=["tensor", "channel"])
def test_bert_quantized_dynamically(tmp_path: Path, weights: Any, per_channel: bool) -> None:
    model = quantized_dynamically(bert(), tmp_path, weight_type=weights, per_channel=per_channel)
    assert error_of(model, bert_feed(), BERT_PROFILE) <= DYNAMIC


def test_bert_quantized_dynamically_and_optimized(tmp_path: Path) -> None:
    model = optimized(quantized_dynamically(bert(), tmp_path), tmp_path, Level.ORT_ENABLE_EXTENDED)
    assert operators(model) >= {"DynamicQuantizeMatMul", "MatMulIntegerToFloat"}
    assert error_of(model, bert_feed(), BERT_PROFILE) <= DYNAMIC


@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
def test_lstm_quantized_dynamically(tmp_path: Path, direction: str) -> None:
    model = quantized_dynamically(recurrent(direction), tmp_path)
    assert operators(model) == {"DynamicQuantizeLSTM"}
    assert error_of(model, recurrent_feed()) <= DYNAMIC


# The largest probability is 49 steps of 1/256: one step.
STATIC = 2.1e-2


@pytest.mark.parametrize("per_channel", [False, True], ids=["tensor", "channel"])
@pytest.mark.parametrize("activations", [QuantType.QUInt8, QuantType.QInt8], ids=str)
def test_images_quantized_to_operators(tmp_path: Path, activations: Any, per_channel: bool) -> None:
    model = quantized_statically(
        tmp_path,
        quant_format=QuantFormat.QOperator,
        activation_type=activations,
        weight_type=QuantType.QInt8,
        per_channel=per_channel,
    )
    assert operators(model) >= {
        "QLinearAdd",
        "QLinearConcat",
        "QLinearSigmoid",
        "QLinearAveragePool",
        "QGemm",
        "QLinearSoftmax",
    }
    assert error_of(model, image_feed(9)) <= STATIC


def test_images_quantized_by_pairs(tmp_path: Path) -> None:
    model = quantized_statically(tmp_path, quant_format=QuantFormat.QDQ, per_channel=True)
    assert error_of(model, image_feed(9)) <= STATIC


def test_images_quantized_by_pairs_of_the_domain(tmp_path: Path) -> None:
    model = quantized_statically(tmp_path, quant_format=QuantFormat.QDQ, extra_options={"UseQDQContribOps": True})
    assert operators(model) == {"QuantizeLinear", "DequantizeLinear"}
    assert error_of(model, image_feed(9)) <= STATIC


def test_images_quantized_and_optimized(tmp_path: Path) -> None:
    """ONNX Runtime puts channels last where a convolution is quantized."""
    model = optimized(quantized_statically(tmp_path, quant_format=QuantFormat.QDQ), tmp_path, Level.ORT_ENABLE_ALL)
    assert operators(model) >= {"QLinearConv", "QLinearSigmoid", "QLinearGlobalAveragePool"}
    assert error_of(model, image_feed(9)) <= STATIC


def test_images_optimized(tmp_path: Path) -> None:
    model = optimized(images(), tmp_path, Level.ORT_ENABLE_EXTENDED)
    assert operators(model) >= {"FusedConv"}
    assert error_of(model, image_feed()) <= FLOAT


def weights_only(**config: Any) -> onnx.ModelProto:
    # Here, because it alone of ONNX Runtime's tools needs the package onnx-ir.
    from onnxruntime.quantization.matmul_nbits_quantizer import DefaultWeightOnlyQuantConfig, MatMulNBitsQuantizer

    quantizer = MatMulNBitsQuantizer(language(), algo_config=DefaultWeightOnlyQuantConfig(block_size=16, **config))
    quantizer.process()
    result: onnx.ModelProto = quantizer.model.model
    return result


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("symmetric", [False, True])
def test_weights_of_few_bits(bits: int, symmetric: bool) -> None:
    model = weights_only(bits=bits, is_symmetric=symmetric)
    assert operators(model) == {"MatMulNBits"}
    assert error_of(model, language_feed()) <= FLOAT


@pytest.mark.parametrize("symmetric", [False, True])
def test_tables_of_four_bits(symmetric: bool) -> None:
    model = weights_only(bits=4, is_symmetric=symmetric, op_types_to_quantize=("MatMul", "Gather"))
    assert operators(model) == {"MatMulNBits", "GatherBlockQuantized"}
    assert error_of(model, language_feed()) <= FLOAT


def test_weights_of_four_bits_by_pairs() -> None:
    model = weights_only(bits=4, is_symmetric=True, quant_format=QuantFormat.QDQ)
    assert error_of(model, language_feed()) <= FLOAT


@pytest.mark.parametrize("kind", [MatMulBnb4Quantizer.FP4, MatMulBnb4Quantizer.NF4], ids=["fp4", "nf4"])
def test_weights_of_four_bit_floats(kind: int) -> None:
    quantizer = MatMulBnb4Quantizer(language(), kind, 16)
    quantizer.process()
    model: onnx.ModelProto = quantizer.model.model
    assert operators(model) == {"MatMulBnb4"}
    assert error_of(model, language_feed()) <= FLOAT
