"""What a model gives: by ONNX Runtime, or by ONNX's own evaluator where the former refuses the model."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from .draw import Array, Value, is_fixed
from .recipe import onnx_type

IR_VERSION = 10
Feed = Mapping[str, Array]


def _session(model: onnx.ModelProto) -> Any:
    options = onnxruntime.SessionOptions()
    # One thread: making a pool of them costs more than a small model does. No optimization: the model as it is written.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def evaluate(model: onnx.ModelProto, feeds: Sequence[Feed]) -> list[dict[str, Array]]:
    """The outputs of each feed. Raises what the evaluators raise when both refuse."""
    names = [output.name for output in model.graph.output]
    try:
        session = _session(model)
        results = [session.run(names, dict(feed)) for feed in feeds]
    except Exception:  # ONNX Runtime's exceptions have no common class
        return define(model, feeds)
    return [dict(zip(names, map(np.asarray, result), strict=True)) for result in results]


def define(model: onnx.ModelProto, feeds: Sequence[Feed]) -> list[dict[str, Array]]:
    """By ONNX's own evaluator."""
    names = [output.name for output in model.graph.output]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        evaluator = ReferenceEvaluator(model)
        results = [evaluator.run(names, dict(feed)) for feed in feeds]
    return [dict(zip(names, map(np.asarray, result), strict=True)) for result in results]


def value_info(value: Value) -> onnx.ValueInfoProto:
    dims = [dim[0] if is_fixed(dim) else f"{value.name}_{axis}" for axis, dim in enumerate(value.dims)]
    return helper.make_tensor_value_info(value.name, onnx_type(value.dtype), dims)


def make_model(
    nodes: Sequence[onnx.NodeProto], values: Sequence[Value], outputs: Sequence[onnx.ValueInfoProto], opset: int
) -> onnx.ModelProto:
    """`values`: constants become initializers, others inputs."""
    constants = [numpy_helper.from_array(v.samples[0], v.name) for v in values if v.is_constant]
    inputs = [value_info(v) for v in values if not v.is_constant]
    graph = helper.make_graph(list(nodes), "random", inputs, list(outputs), constants)
    domains = sorted({node.domain for node in nodes if node.domain})
    opsets = [helper.make_opsetid("", opset), *(helper.make_opsetid(domain, 1) for domain in domains)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)


def feeds_of(values: Sequence[Value]) -> list[dict[str, Array]]:
    inputs = [v for v in values if not v.is_constant]
    runs = len(inputs[0].samples) if inputs else 1
    return [{v.name: v.samples[run] for v in inputs} for run in range(runs)]


_TYPES = {TensorProto.FLOAT: TensorProto.DOUBLE, TensorProto.FLOAT16: TensorProto.DOUBLE}


def in_double(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same model with float64 in place of all floating types."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    _widen(copy.graph)
    return copy


def _widen_tensor(tensor: onnx.TensorProto) -> None:
    if tensor.data_type in _TYPES:
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float64), tensor.name))


def _widen(graph: onnx.GraphProto) -> None:
    for value in [*graph.input, *graph.output, *graph.value_info]:
        kind = value.type.tensor_type
        kind.elem_type = _TYPES.get(kind.elem_type, kind.elem_type)
    for tensor in graph.initializer:
        _widen_tensor(tensor)
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.name in ("to", "dtype"):
                attribute.i = _TYPES.get(attribute.i, attribute.i)
            if attribute.HasField("t"):
                _widen_tensor(attribute.t)
            if attribute.HasField("g"):
                _widen(attribute.g)


def widened(feed: Feed) -> dict[str, Array]:
    return {name: array.astype(np.float64) if array.dtype.kind == "f" else array for name, array in feed.items()}
