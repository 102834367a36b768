"""Attention of ONNX Runtime's domain com.microsoft: masks, caches, packed inputs."""

from __future__ import annotations

from typing import Any

import numpy as np
from microsoft_case import Array, Case, f, f32, i8, i32, s8, u8, z8

# Scores pass an exponential and two sums: errors of 1e-6 are usual, relative to the result.
TOLERANCE = 2e-5
BATCH, STEPS, HEADS, SIZE = 2, 5, 3, 7
WIDTH = HEADS * SIZE

X = f32(BATCH, STEPS, 9)
W = f32(9, 3 * WIDTH, seed=1, low=-0.5, high=0.5)
B = f32(3 * WIDTH, seed=2)
PAST = f32(2, BATCH, HEADS, 4, SIZE, seed=3)


def padding(keys: int) -> Array:
    return np.array([[1] * keys, [0] + [1] * (keys - 2) + [0]], np.int32)


def attention(
    note: str, *more: Array | None, outputs: int = 1, weights: Array = W, bias: Array | None = B, **attributes: Any
) -> Case:
    return Case(
        "Attention", note, (X, weights, bias, *more), {"num_heads": HEADS, **attributes}, (1, 2), outputs, TOLERANCE
    )


def softmax(x: Array) -> Array:
    power = np.exp(x - x.max(-1, keepdims=True))
    return np.asarray(power / power.sum(-1, keepdims=True))


def heads(x: Array) -> Array:
    return x.astype(np.float64).reshape(*x.shape[:2], HEADS, -1).transpose(0, 2, 1, 3)


def attend(q: Array, k: Array, v: Array, bias: Array | float = 0.0) -> Array:
    y = softmax(q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1]) + bias) @ v
    return np.asarray(y.transpose(0, 2, 1, 3).reshape(y.shape[0], y.shape[2], -1))


def without_bias(x: Array, w: Array) -> Array:
    return attend(*(heads(part) for part in np.split(x.astype(np.float64) @ w, 3, -1)))


def masked_by_image(x: Array, w: Array, b: Array, mask: Array) -> Array:
    """A mask of four dimensions holds all positions; queries and keys are the first ones."""
    q, k, v = np.split(x.astype(np.float64) @ w + b, 3, -1)
    seen = mask[:, :, : x.shape[1], : x.shape[1]]
    return attend(heads(q), heads(k), heads(v), np.where(seen > 0, 0.0, -10000.0))


SELF = [
    attention("plain"),
    # ONNX Runtime 1.31 crashes without a bias.
    Case("Attention", "without bias", (X, W), {"num_heads": HEADS}, (1,), 1, TOLERANCE, reference=without_bias),
    attention("causal", unidirectional=1),
    attention("scale", scale=0.5),
    attention("mask of keys", padding(STEPS)),
    attention("mask of scores", np.tril(np.ones((BATCH, STEPS, STEPS), np.int32))),
    attention("mask that says nothing", np.ones((BATCH, 1), np.int32)),
    attention("ends of keys", i32(3, 5)),
    attention("ends and starts of keys", i32(4, 5, 0, 2)),
    attention("filter", padding(STEPS), mask_filter_value=-3.0),
    attention("cache", None, PAST, outputs=2),
    attention("cache, causal, mask", padding(STEPS + 4), PAST, outputs=2, unidirectional=1),
    attention("bias of scores", None, None, f32(1, HEADS, STEPS, STEPS, seed=5)),
    attention(
        "wide values",
        bias=f32(2 * WIDTH + 6, seed=2),
        weights=f32(9, 2 * WIDTH + 6, seed=1),
        qkv_hidden_sizes=[WIDTH, WIDTH, 6],
    ),
    Case(
        "Attention",
        "mask of images",
        (X, W, B, np.tril(np.ones((BATCH, 1, 8, 8), np.int32))),
        {"num_heads": HEADS},
        (1, 2),
        1,
        TOLERANCE,
        reference=masked_by_image,
    ),
]

Q = f32(BATCH, STEPS, WIDTH)
K = f32(BATCH, 8, WIDTH, seed=1)
V = f32(BATCH, 8, WIDTH, seed=2)
APART_K = f32(BATCH, HEADS, 8, SIZE, seed=1)
APART_V = f32(BATCH, HEADS, 8, SIZE, seed=2)
PAST_K = f32(BATCH, HEADS, 4, SIZE, seed=3)
PAST_V = f32(BATCH, HEADS, 4, SIZE, seed=4)


def multi(note: str, *inputs: Array | None, **more: Any) -> Case:
    attributes = {"num_heads": HEADS, **more.pop("attributes", {})}
    return Case("MultiHeadAttention", note, inputs, attributes, tolerance=TOLERANCE, **more)


def packed(x: Array, count: int) -> list[Array]:
    return [heads(x[:, :, :, i].reshape(BATCH, -1, WIDTH)) for i in range(count)]


def packed_all(x: Array, b: Array) -> Array:
    parts = [part + heads(bias[None, None]) for part, bias in zip(packed(x, 3), np.split(b, 3), strict=True)]
    return attend(*parts)


MULTI_HEAD = [
    multi("plain", Q, K, V),
    multi("bias", Q, K, V, B),
    multi("mask of keys", Q, K, V, None, padding(8)),
    multi("lengths of keys", Q, K, V, B, i32(3, 8)),
    multi("mask of scores", Q, K, V, None, np.tril(np.ones((BATCH, STEPS, 8), np.int32), 3)),
    multi("bias of scores", Q, K, V, None, None, f32(BATCH, 1, STEPS, 8, seed=5)),
    multi("cache", Q, K[:, :5], V[:, :5], None, None, None, PAST_K, PAST_V, outputs=3),
    multi(
        "cache, causal",
        Q,
        K[:, :5],
        V[:, :5],
        B,
        None,
        None,
        PAST_K,
        PAST_V,
        outputs=3,
        attributes={"unidirectional": 1},
    ),
    multi("keys of a cache", Q, APART_K, APART_V),
    multi("keys of a cache, bias", Q, APART_K, APART_V, B),
    multi("scores", Q, K, V, None, padding(8), outputs=4, unused=(1, 2), types={3: np.dtype(np.float32)}),
    multi(
        "packed keys and values",
        Q,
        f32(BATCH, 8, HEADS, 2, SIZE, seed=1),
        reference=lambda q, kv: attend(heads(q), *packed(kv, 2)),
    ),
    multi("packed", f32(BATCH, STEPS, HEADS, 3, SIZE), None, None, B, reference=packed_all),
]

POSITIONS = np.array([[0, 1, 2, 3, 4], [3, 4, 5, 6, 7]], np.int64)
ANGLES = f32(16, 4, low=-1.0, high=1.0), f32(16, 4, low=-1.0, high=1.0, seed=1)
ROTARY = [
    Case("RotaryEmbedding", "flat", (f32(2, 5, 24), POSITIONS, *ANGLES)),
    Case("RotaryEmbedding", "apart", (f32(2, 3, 5, 8), POSITIONS, *ANGLES)),
    Case("RotaryEmbedding", "interleaved", (f32(2, 3, 5, 8), POSITIONS, *ANGLES), {"interleaved": 1}),
    Case("RotaryEmbedding", "offset", (f32(2, 5, 24), np.array([3], np.int64), *ANGLES)),
    Case("RotaryEmbedding", "part", (f32(2, 5, 36), POSITIONS, *ANGLES), {"num_heads": 3, "rotary_embedding_dim": 8}),
]

# Four query heads share two key heads. ONNX Runtime rotates heads whose size is a multiple of 16.
SHARED, OWN, GROUP_SIZE = 2, 4, 16
COSINES = f32(32, 8, low=-1.0, high=1.0), f32(32, 8, low=-1.0, high=1.0, seed=1)


def grouped(
    note: str,
    steps: int,
    past: int | None,
    lengths: tuple[int, ...],
    *more: Array | None,
    packs: bool = False,
    total: int | None = None,
    outputs: int = 3,
    **attributes: Any,
) -> Case:
    """`lengths`: keys of each sequence, the new ones included. A prompt's queries beyond its length mean nothing."""
    batch = len(lengths)
    size = (OWN + 2 * SHARED) if packs else OWN
    new = [f32(batch, steps, size * GROUP_SIZE)]
    new += [] if packs else [f32(batch, steps, SHARED * GROUP_SIZE, seed=seed) for seed in (1, 2)]
    caches = [None if past is None else f32(batch, SHARED, past, GROUP_SIZE, seed=seed) for seed in (3, 4)]
    inputs = [
        *new,
        *([None, None] if packs else []),
        *caches,
        np.array(lengths, np.int32) - 1,
        np.array(total or max(lengths), np.int32),
    ]
    padded = [min(steps, length) for length in lengths]

    def valid(results: list[Array]) -> list[Array]:
        rows = [results[0][i, :count] for i, count in enumerate(padded)]
        kept = [x[i, :, :length] for x in results[1:3] for i, length in enumerate(lengths)]
        return [*rows, *kept, *results[3:]]

    # The total length is a shape: what the cache is as long as.
    constants = (6,)
    given = {"num_heads": OWN, "kv_num_heads": SHARED, **attributes}
    return Case("GroupQueryAttention", note, (*inputs, *more), given, constants, outputs, TOLERANCE, valid=valid)


def normalized_heads(q: Array, k: Array, v: Array, _: Array, __: Array, q_scale: Array, k_scale: Array) -> Array:
    def apart(x: Array, scale: Array | None = None) -> Array:
        y = x.astype(np.float64).reshape(1, 5, -1, GROUP_SIZE).transpose(0, 2, 1, 3)
        y = y if scale is None else y / np.sqrt((y**2).mean(-1, keepdims=True) + 1e-6) * scale
        return np.repeat(y, OWN // y.shape[1], 1)

    return attend(apart(q, q_scale), apart(k, k_scale), apart(v), np.where(np.tri(5) > 0, 0.0, -np.inf))


GROUPED = [
    grouped("prompt", 5, None, (5,)),
    grouped("padded prompt", 5, None, (5, 3)),
    grouped("packed prompt", 5, None, (5,), packs=True),
    grouped("prompt, empty cache", 5, 0, (5,)),
    grouped("token", 1, 6, (7,)),
    grouped("tokens of different lengths", 1, 6, (7, 4)),
    grouped("rotary prompt", 5, None, (5, 4), *COSINES, do_rotary=1),
    grouped("rotary token", 1, 6, (7, 3), *COSINES, do_rotary=1),
    grouped("rotary packed interleaved", 1, 6, (7, 3), *COSINES, packs=True, do_rotary=1, rotary_interleaved=1),
    grouped("buffer longer than the keys", 1, 9, (5, 3)),
    grouped("window", 7, None, (7,), local_window_size=3),
    grouped("window of a token", 1, 6, (7,), local_window_size=3),
    grouped("soft cap", 5, None, (5,), softcap=2.0),
    grouped("smooth", 5, None, (5,), smooth_softmax=1),
    grouped("scale", 5, None, (5,), scale=0.25),
    grouped("bias", 5, None, (5,), None, None, None, f32(1, OWN, 5, 5, seed=5)),
    grouped("sink", 1, 6, (7,), None, None, None, None, f32(OWN, seed=5)),
    grouped("positions", 1, 6, (7, 3), *COSINES, np.array([[6], [2]], np.int64), do_rotary=1),
    grouped("two ways", 5, None, (5,), causal=0),
    Case(
        "GroupQueryAttention",
        "norms",
        (
            *(f32(1, 5, n * GROUP_SIZE, seed=n) for n in (OWN, SHARED)),
            f32(1, 5, SHARED * GROUP_SIZE, seed=7),
            None,
            None,
            i32(4),
            np.array(5, np.int32),
            *(None,) * 7,
            f32(GROUP_SIZE, seed=5),
            f32(GROUP_SIZE, seed=6),
        ),
        {"num_heads": OWN, "kv_num_heads": SHARED},
        (6,),
        1,
        TOLERANCE,
        reference=normalized_heads,
    ),
]

QUANTIZED_X = u8(BATCH, STEPS, 9)
QUANTIZED_W = i8(9, 3 * WIDTH, seed=1)


def quantized(
    note: str,
    *more: Array | None,
    w: Array = QUANTIZED_W,
    scale: Array | None = None,
    outputs: int = 1,
    **attributes: Any,
) -> Case:
    scales = f(0.02) if scale is None else scale
    return Case(
        "QAttention",
        note,
        (QUANTIZED_X, w, B, f(0.01), scales, *more),
        {"num_heads": HEADS, **attributes},
        (1, 2),
        outputs,
        TOLERANCE,
    )


QUANTIZED = [
    quantized("plain", None, z8(128)),
    quantized("mask", i32(3, 5), z8(120), s8(3)),
    quantized("mask of keys", padding(STEPS), z8(120)),
    quantized(
        "per column", None, z8(128), i8(3 * WIDTH, seed=4, low=-3, high=4), scale=f32(3 * WIDTH, low=0.01, high=0.03)
    ),
    quantized("cache, causal", None, z8(128), s8(0), PAST, outputs=2, unidirectional=1),
    quantized("uint8 weights", None, z8(128), z8(100), w=u8(9, 3 * WIDTH, seed=1)),
]

LINEAR = [
    Case(
        "LinearAttention",
        rule,
        (
            f32(2, 5, 4 * 3),
            f32(2, 5, 2 * 3, seed=1, low=-0.5, high=0.5),
            f32(2, 5, 2 * 7, seed=2),
            f32(2, 2, 3, 7, seed=3),
            f32(2, 5, 2, seed=4, low=-1.0, high=0.0) if "gated" in rule else None,
            f32(2, 5, 2, seed=5, low=0.0, high=1.0) if "delta" in rule else None,
        ),
        {"q_num_heads": 4, "kv_num_heads": 2, "update_rule": rule},
        outputs=2,
        tolerance=TOLERANCE,
    )
    for rule in ("linear", "gated", "delta", "gated_delta")
]

ATTENTION = [*LINEAR, *SELF, *MULTI_HEAD, *ROTARY, *GROUPED, *QUANTIZED]
