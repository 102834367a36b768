"""Nodes of ONNX Runtime's domain com.microsoft, one a case: what exporters, optimizers and quantizers write.

Shapes are odd on purpose. A case without a reference of its own is compared with ONNX Runtime's CPU provider.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from microsoft_attention_table import ATTENTION
from microsoft_case import Array, Case, f, f32, i32, u8, z8
from microsoft_quantized_table import QUANTIZED
from microsoft_standard_table import STANDARD


def gelu(x: Array) -> Array:
    erf = np.vectorize(math.erf, otypes=[np.float64])
    return np.asarray(x * 0.5 * (1.0 + erf(x / np.sqrt(2.0))))


def softmax(x: Array) -> Array:
    power = np.exp(x - x.max(-1, keepdims=True))
    return np.asarray(power / power.sum(-1, keepdims=True))


ACTIVATIONS = [
    Case("Gelu", "3d", (f32(3, 1, 17),)),
    Case("FastGelu", "plain", (f32(3, 17),)),
    Case("FastGelu", "bias", (f32(3, 17), f32(17, seed=1))),
    Case("BiasGelu", "3d", (f32(2, 3, 33), f32(33, seed=1))),
    Case("QuickGelu", "default", (f32(5, 7),)),
    Case("QuickGelu", "alpha", (f32(5, 7),), {"alpha": 1.0}),
    Case("ScaledSiLU", "alpha", (f32(3, 5),), {"alpha": 2.0}),
    Case("ScaledSiLU", "scale", (f32(3, 5), np.array(0.5, np.float32))),
    Case("GatedAdd", "rows", (f32(2, 3, 5), f32(2, 3, 5, seed=1), f32(2, 3, 1, seed=2))),
    Case(
        "LinearAttentionGate", "beta", (f32(2, 5, 3), f32(3, seed=2), f32(3, seed=3), f32(2, 5, 3, seed=1)), outputs=2
    ),
    Case("GatedRMSNorm", "silu", (f32(2, 3, 10), f32(5, seed=1), f32(2, 3, 10, seed=2))),
    Case(
        "GatedRMSNorm",
        "sigmoid",
        (f32(3, 7), f32(7, seed=1), f32(3, 7, seed=2)),
        {"activation": "sigmoid", "epsilon": 1e-3},
    ),
    Case("BiasAdd", "3d", (f32(2, 9, 5), f32(5, seed=1), f32(2, 9, 5, seed=2)), reference=lambda x, b, s: x + b + s),
    Case(
        "BiasSplitGelu",
        "3d",
        (f32(2, 3, 34), f32(34, seed=1)),
        reference=lambda x, b: (x + b)[..., :17] * gelu((x + b)[..., 17:]),
    ),
    Case(
        "BiasSoftmax",
        "inner",
        (f32(2, 3, 5, 7), f32(2, 1, 1, 7, seed=1)),
        {"axis": 3, "is_inner_broadcast": 1},
        reference=lambda x, b: softmax(x + b),
    ),
    Case(
        "BiasSoftmax",
        "flattens",
        (f32(2, 3, 5), f32(3, 5, seed=1)),
        {"axis": 1, "is_inner_broadcast": 0},
        reference=lambda x, b: softmax((x + b).reshape(2, 15)).reshape(2, 3, 5),
    ),
    Case(
        "BiasDropout", "residual", (f32(3, 5), f32(5, seed=1), f32(3, 5, seed=2)), reference=lambda x, b, r: x + b + r
    ),
]


def layer_norm(x: Array, scale: Array, shift: Array | float = 0.0, epsilon: float = 1e-5, axes: Any = -1) -> Array:
    x = x.astype(np.float64)
    y = (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + epsilon)
    return np.asarray(y * scale + shift)


def group_norm(x: Array, scale: Array, shift: Array, groups: int, swish: bool) -> Array:
    n, h, w, c = x.shape
    grouped = x.reshape(n, h, w, groups, c // groups)
    y = layer_norm(grouped, np.ones(1), 0.0, 1e-5, (1, 2, 4)).reshape(x.shape) * scale + shift
    return np.asarray(y / (1.0 + np.exp(-y)) if swish else y)


def skip_group_norm(x: Array, scale: Array, shift: Array, skip: Array, bias: Array) -> list[Array]:
    total = x + (skip[:, None, None] if skip.ndim == 2 else skip) + bias
    return [group_norm(total, scale, shift, 3, True), total]


def first(*shape: int) -> tuple[int, ...]:
    return (shape[0], shape[-1], *shape[1:-1])


HIDDEN = (2, 5, 33)
NORMALIZATIONS = [
    Case("SkipLayerNormalization", "plain", (f32(*HIDDEN), f32(*HIDDEN, seed=1), f32(33, seed=2), f32(33, seed=3))),
    Case(
        "SkipLayerNormalization",
        "bias and sum",
        (f32(*HIDDEN), f32(5, 33, seed=1), f32(33, seed=2), f32(33, seed=3), f32(33, seed=4)),
        {"epsilon": 1e-5},
        outputs=4,
        unused=(1, 2),
    ),
    Case(
        "SkipLayerNormalization",
        "statistics",
        (f32(*HIDDEN), f32(*HIDDEN, seed=1), f32(33, seed=2), f32(33, seed=3)),
        {"epsilon": 1e-5},
        outputs=3,
        reference=lambda x, s, g, b: [
            layer_norm(x + s, g, b),
            (x + s).mean(-1, keepdims=True),
            1.0 / np.sqrt((x + s).var(-1, keepdims=True) + 1e-5),
        ],
    ),
    Case(
        "SkipSimplifiedLayerNormalization",
        "bias and sum",
        (f32(*HIDDEN), f32(*HIDDEN, seed=1), f32(33, seed=2), f32(33, seed=3)),
        {"epsilon": 1e-5},
        outputs=4,
        unused=(1, 2),
    ),
    Case(
        "GroupNorm",
        "swish",
        (f32(2, 5, 7, 9), f32(9, seed=1), f32(9, seed=2)),
        {"groups": 3, "activation": 1},
        reference=lambda x, s, b: group_norm(x, s, b, 3, True),
    ),
    Case(
        "GroupNorm",
        "channels first",
        (f32(2, 9, 5, 7), f32(9, seed=1), f32(9, seed=2)),
        {"groups": 3, "activation": 0, "channels_last": 0},
        reference=lambda x, s, b: group_norm(x.transpose(0, 2, 3, 1), s, b, 3, False).transpose(0, 3, 1, 2),
    ),
    Case(
        "SkipGroupNorm",
        "image",
        (f32(2, 5, 7, 9), f32(9, seed=1), f32(9, seed=2), f32(2, 5, 7, 9, seed=3), f32(9, seed=4)),
        {"groups": 3, "activation": 1},
        outputs=2,
        reference=skip_group_norm,
    ),
    Case(
        "SkipGroupNorm",
        "channels",
        (f32(2, 5, 7, 9), f32(9, seed=1), f32(9, seed=2), f32(2, 9, seed=3), f32(9, seed=4)),
        {"groups": 3, "activation": 1},
        outputs=2,
        reference=skip_group_norm,
    ),
]

IDS = i32(3, 1, 4, 1, 5, 9, 2, 6, 5, 3).reshape(2, 5)
SEGMENTS = i32(0, 0, 1, 1, 1, 0, 1, 1, 0, 0).reshape(2, 5)
MASK = i32(1, 1, 1, 0, 0, 1, 1, 1, 1, 1).reshape(2, 5)
TABLES = (f32(11, 17), f32(7, 17, seed=1), f32(2, 17, seed=2), f32(17, seed=3), f32(17, seed=4))
QUANTIZED_TABLES = (u8(11, 17), u8(7, 17, seed=1), u8(2, 17, seed=2), u8(17, seed=3), u8(17, seed=4))
SCALES = tuple(f(0.01 + 0.003 * i) for i in range(5))
ZEROS = tuple(z8(118 + 4 * i) for i in range(5))
EMBEDDINGS = [
    Case("EmbedLayerNormalization", "words", (IDS, None, TABLES[0], TABLES[1], None, *TABLES[3:]), outputs=2),
    Case("EmbedLayerNormalization", "mask", (IDS, SEGMENTS, *TABLES, MASK), outputs=3),
    Case("EmbedLayerNormalization", "positions", (IDS, SEGMENTS, *TABLES, MASK, IDS[:, ::-1] % 7), outputs=2),
    Case("QEmbedLayerNormalization", "mask", (IDS, SEGMENTS, *QUANTIZED_TABLES, MASK, *SCALES, *ZEROS), outputs=2),
    Case(
        "QEmbedLayerNormalization",
        "words",
        (
            IDS,
            None,
            *QUANTIZED_TABLES[:2],
            None,
            *QUANTIZED_TABLES[3:],
            None,
            *SCALES[:2],
            None,
            *SCALES[3:],
            *ZEROS[:2],
            None,
            *ZEROS[3:],
        ),
        outputs=2,
    ),
]

IMAGE = (2, 3, 9, 11)
KERNEL = (5, 3, 3, 3)
PADDED = {"pads": [1, 1, 0, 2], "strides": [2, 1]}


def as_last(x: Array) -> Array:
    return np.ascontiguousarray(np.moveaxis(x, 1, -1))


def fast_gelu(x: Array) -> Array:
    return np.asarray(0.5 * x * (1.0 + np.tanh(np.sqrt(2.0 / np.pi) * (x + 0.044715 * x**3))))


def dilated(x: Array, w: Array, b: Array, z: Array) -> Array:
    """Convolution with PADDED, channels last, plus z, through Relu."""
    x = np.pad(x.astype(np.float64), ((0, 0), (1, 0), (1, 2), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), (1, 2))[:, ::2]
    return np.maximum(np.einsum("nhwcij,ocij->nhwo", windows, w.astype(np.float64)) + b + z, 0.0)


PRODUCTS = [
    Case("FusedConv", "relu", (f32(*IMAGE), f32(*KERNEL, seed=1), f32(5, seed=2)), {"activation": "Relu"}),
    Case(
        "FusedConv",
        "sum and clip",
        (f32(*IMAGE), f32(*KERNEL, seed=1), f32(5, seed=2), f32(2, 5, 4, 12, seed=3)),
        {"activation": "Clip", "activation_params": [-1.0, 3.0], **PADDED},
    ),
    Case(
        "FusedConv",
        "leaky",
        (f32(*IMAGE), f32(*KERNEL, seed=1)),
        {"activation": "LeakyRelu", "activation_params": [0.2]},
    ),
    Case(
        "NhwcFusedConv",
        "sum",
        (f32(2, 9, 11, 3), f32(*KERNEL, seed=1), f32(5, seed=2), f32(2, 4, 12, 5, seed=3)),
        {"activation": "Relu", **PADDED},
        reference=dilated,
    ),
    Case(
        "FusedGemm",
        "relu",
        (f32(5, 7), f32(3, 7, seed=1), f32(3, seed=2)),
        {"activation": "Relu", "transB": 1, "alpha": 0.5, "beta": 2.0},
    ),
    Case("FusedMatMul", "alpha", (f32(2, 3, 5, 7), f32(7, 9, seed=1)), {"alpha": 0.125}),
    Case("FusedMatMul", "transposed", (f32(2, 7, 5), f32(2, 9, 7, seed=1)), {"transA": 1, "transB": 1}),
    Case("FusedMatMul", "batch of a", (f32(5, 2, 3, 7), f32(2, 3, 7, 9, seed=1)), {"transBatchA": 1}),
    Case("FusedMatMul", "batches", (f32(5, 2, 7), f32(7, 2, 9, seed=1)), {"transBatchA": 1, "transBatchB": 1}),
    Case(
        "FusedMatMul",
        "batch and transposed",
        (f32(7, 2, 5), f32(2, 9, 7, seed=1)),
        {"transBatchA": 1, "transA": 1, "transB": 1},
    ),
    Case("FusedMatMul", "vector", (f32(7), f32(7, 9, seed=1)), {"alpha": 3.0}),
    Case("TransposeMatMul", "b", (f32(2, 5, 7), f32(2, 9, 7, seed=1)), {"transB": 1}),
    Case(
        "FusedMatMulActivation",
        "tanh",
        (f32(5, 7), f32(7, 9, seed=1)),
        {"activation": "Tanh"},
        reference=lambda a, b: np.tanh(a @ b),
    ),
    Case(
        "GemmFastGelu",
        "bias",
        (f32(3, 7), f32(7, 9, seed=1), f32(9, seed=2)),
        reference=lambda x, w, b: fast_gelu(x @ w + b),
    ),
]


def n_bits(
    n: int, k: int, bits: int, block: int, *, zeros: str = "", group: bool = False, bias: bool = False, note: str = ""
) -> Case:
    blocks = -(-k // block)
    b = u8(n, blocks, block * bits // 8, seed=bits)
    zero = {"": None, "packed": u8(n, (blocks * bits + 7) // 8, seed=1), "float": f32(n, blocks, low=0.0, high=3.0)}[
        zeros
    ]
    index = (np.arange(k, dtype=np.int32)[::-1] // block).astype(np.int32) if group else None
    scales = f32(n, blocks, low=0.01, high=0.1, seed=3)
    inputs: list[Array | None] = [f32(3, 5, k, seed=4), b, scales, zero, index, f32(n, seed=5) if bias else None]
    while inputs[-1] is None:
        inputs.pop()
    attributes = {"N": n, "K": k, "bits": bits, "block_size": block}
    # ONNX Runtime's own kernels sum in another order over the blocks.
    return Case("MatMulNBits", f"{bits} bits {note}", tuple(inputs), attributes, (1, 2, 3, 4), tolerance=3e-5)


def bnb4(kind: int) -> Case:
    n, k, block = 5, 32, 16
    inputs = (f32(3, k), u8(n * k // 2), f32(n * k // block, low=0.1, high=2.0))
    return Case(
        "MatMulBnb4", ("fp4", "nf4")[kind], inputs, {"N": n, "K": k, "block_size": block, "quant_type": kind}, (1, 2)
    )


FEW_BITS = [
    n_bits(5, 33, 4, 16, note="plain"),
    n_bits(5, 48, 4, 16, zeros="packed", note="zero points"),
    n_bits(5, 64, 4, 32, zeros="float", note="float zero points"),
    n_bits(3, 64, 4, 16, group=True, note="groups"),
    n_bits(17, 33, 4, 16, bias=True, note="bias"),
    n_bits(5, 33, 8, 16, note="plain"),
    n_bits(5, 48, 8, 16, zeros="packed", bias=True, note="zero points and bias"),
    n_bits(8, 64, 2, 16, note="plain"),
    n_bits(8, 64, 2, 32, zeros="packed", note="zero points"),
    bnb4(0),
    bnb4(1),
    Case("GatherBlockQuantized", "4 bits", (u8(7, 16), IDS % 7, f32(7, 2)), {"block_size": 16, "bits": 4}, (0, 2)),
    Case(
        "GatherBlockQuantized",
        "zero points",
        (u8(7, 24), IDS.astype(np.int64) % 7 - 3, f32(7, 3), u8(7, 2, seed=1)),
        {"block_size": 16, "bits": 4},
        (0, 2, 3),
    ),
    Case(
        "GatherBlockQuantized",
        "8 bits",
        (u8(7, 33), IDS % 7, f32(7, 3), u8(7, 3, seed=1)),
        {"block_size": 16, "bits": 8},
        (0, 2, 3),
    ),
    Case(
        "GatherBlockQuantized",
        "3d",
        (u8(5, 3, 16), i32(4, 0, 2), f32(5, 3, 2)),
        {"block_size": 16, "quantize_axis": 2},
        (0, 2),
    ),
]
TABLE = [*ACTIVATIONS, *NORMALIZATIONS, *EMBEDDINGS, *PRODUCTS, *FEW_BITS, *ATTENTION, *QUANTIZED, *STANDARD]
