"""Small models as exporters write them: what ONNX Runtime's tools fuse and quantize in the tests."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

Array = np.ndarray[Any, Any]
STEPS, HIDDEN, HEADS, WORDS = 7, 32, 4, 19


class Graph:
    """Nodes one behind the other, with weights of a seeded generator."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(0)
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, value: Any) -> str:
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def weights(self, *shape: int) -> str:
        return self.constant((self.rng.standard_normal(shape) * 0.2).astype(np.float32))

    def add(self, op: str, *inputs: str, outputs: int = 1, **attributes: Any) -> str:
        name = f"{op}_{len(self.nodes)}"
        names = [f"{name}_out{i or ''}" for i in range(outputs)]
        self.nodes.append(helper.make_node(op, list(inputs), names, name=name, **attributes))
        return names[0]

    def dense(self, x: str, rows: int, columns: int) -> str:
        return self.add("Add", self.add("MatMul", x, self.weights(rows, columns)), self.weights(columns))

    def layer_norm(self, x: str) -> str:
        scale = self.constant(np.linspace(0.5, 1.5, HIDDEN, dtype=np.float32))
        return self.add("LayerNormalization", x, scale, self.weights(HIDDEN), axis=-1, epsilon=1e-12)

    def model(self, inputs: dict[str, tuple[int, list[Any]]], result: str, rank: int) -> onnx.ModelProto:
        values = [helper.make_tensor_value_info(name, *form) for name, form in inputs.items()]
        shape = [f"d{i}" for i in range(rank)]
        output = helper.make_tensor_value_info("result", TensorProto.FLOAT, shape)
        self.nodes.append(helper.make_node("Identity", [result], ["result"], name="result"))
        graph = helper.make_graph(self.nodes, "model", values, [output], self.constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def bert() -> onnx.ModelProto:
    """Embeddings and one layer, as PyTorch exports them."""
    g = Graph()
    words = g.add("Gather", g.weights(WORDS, HIDDEN), "input_ids")
    x = g.add("Add", words, g.add("Gather", g.weights(2, HIDDEN), "token_type_ids"))
    positions = g.add("Gather", g.weights(16, HIDDEN), g.constant(np.arange(STEPS, dtype=np.int64)[None]))
    x = g.layer_norm(g.add("Add", x, positions))
    mask = g.add("Unsqueeze", "attention_mask", g.constant(np.array([1], np.int64)))
    mask = g.add("Unsqueeze", mask, g.constant(np.array([2], np.int64)))
    mask = g.add("Sub", g.constant(np.float32(1)), g.add("Cast", mask, to=TensorProto.FLOAT))
    mask = g.add("Mul", mask, g.constant(np.float32(-10000)))

    def heads(y: str, order: list[int]) -> str:
        shape = g.constant(np.array([0, 0, HEADS, HIDDEN // HEADS], np.int64))
        return g.add("Transpose", g.add("Reshape", y, shape), perm=order)

    q = heads(g.dense(x, HIDDEN, HIDDEN), [0, 2, 1, 3])
    k = heads(g.dense(x, HIDDEN, HIDDEN), [0, 2, 3, 1])
    v = heads(g.dense(x, HIDDEN, HIDDEN), [0, 2, 1, 3])
    scores = g.add("Div", g.add("MatMul", q, k), g.constant(np.float32(np.sqrt(HIDDEN // HEADS))))
    weights = g.add("Softmax", g.add("Add", scores, mask), axis=-1)
    y = g.add("Transpose", g.add("MatMul", weights, v), perm=[0, 2, 1, 3])
    y = g.add("Reshape", y, g.constant(np.array([0, 0, HIDDEN], np.int64)))
    x = g.layer_norm(g.add("Add", g.dense(y, HIDDEN, HIDDEN), x))
    h = g.dense(x, HIDDEN, 2 * HIDDEN)
    erf = g.add("Erf", g.add("Div", h, g.constant(np.float32(np.sqrt(2)))))
    h = g.add("Mul", h, g.add("Add", erf, g.constant(np.float32(1))))
    h = g.add("Mul", h, g.constant(np.float32(0.5)))
    x = g.layer_norm(g.add("Add", g.dense(h, 2 * HIDDEN, HIDDEN), x))
    names = ("input_ids", "attention_mask", "token_type_ids")
    return g.model({name: (TensorProto.INT64, ["batch", STEPS]) for name in names}, x, 3)


def bert_feed(seed: int = 0) -> dict[str, Array]:
    rng = np.random.default_rng(seed)
    mask = np.ones((3, STEPS), np.int64)
    mask[0, 5:] = 0
    mask[2, 2:] = 0
    return {
        "input_ids": rng.integers(0, WORDS, (3, STEPS)),
        "attention_mask": mask,
        "token_type_ids": rng.integers(0, 2, (3, STEPS)),
    }


def images() -> onnx.ModelProto:
    """Convolutions, pooling, a residual, branches joined and resized, a classifier."""
    g = Graph()

    def conv(x: str, inputs: int, maps: int, **attributes: Any) -> str:
        return g.add("Conv", x, g.weights(maps, inputs, 3, 3), g.weights(maps), pads=[1, 1, 1, 1], **attributes)

    x = g.add("Relu", conv("image", 3, 8, strides=[2, 2]))
    x = g.add("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    residual = g.add("Add", conv(g.add("LeakyRelu", conv(x, 8, 8), alpha=0.1), 8, 8), x)
    gate = g.add("Sigmoid", conv(residual, 8, 8))
    gated = g.add("Mul", residual, gate)
    small = g.add("AveragePool", gated, kernel_shape=[2, 2], strides=[2, 2])
    sizes = g.constant(np.array([1, 1, 2, 2], np.float32))
    wide = g.add(
        "Resize", small, "", sizes, mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor"
    )
    joined = g.add("Concat", gated, wide, axis=1)
    pooled = g.add("Flatten", g.add("GlobalAveragePool", joined))
    y = g.add("Gemm", pooled, g.weights(10, 16), g.weights(10), transB=1)
    return g.model({"image": (TensorProto.FLOAT, [2, 3, 32, 32])}, g.add("Softmax", y, axis=-1), 2)


def image_feed(seed: int = 0) -> dict[str, Array]:
    return {"image": np.random.default_rng(seed).uniform(-1, 1, (2, 3, 32, 32)).astype(np.float32)}


def recurrent(direction: str) -> onnx.ModelProto:
    g = Graph()
    d = 2 if direction == "bidirectional" else 1
    g.add("LSTM", "x", g.weights(d, 24, 5), g.weights(d, 24, 6), g.weights(d, 48), direction=direction, hidden_size=6)
    return g.model({"x": (TensorProto.FLOAT, [9, 2, 5])}, g.nodes[-1].output[0], 4)


def recurrent_feed(seed: int = 0) -> dict[str, Array]:
    return {"x": np.random.default_rng(seed).uniform(-1, 1, (9, 2, 5)).astype(np.float32)}


def language() -> onnx.ModelProto:
    """A table of words and two products: what weight-only quantizers change."""
    g = Graph()
    x = g.add("Gather", g.weights(WORDS, HIDDEN), "ids")
    x = g.add("Sigmoid", g.add("MatMul", x, g.weights(HIDDEN, 48)))
    return g.model({"ids": (TensorProto.INT64, [3, 5])}, g.add("MatMul", x, g.weights(48, 17)), 3)


def language_feed(seed: int = 0) -> dict[str, Array]:
    return {"ids": np.random.default_rng(seed).integers(0, WORDS, (3, 5))}
