"""Attention: masks, causality, heads that share keys, beside its formula in numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorvk as trt
from networks import Array, Shop, f32

SOFTMAX = trt.AttentionNormalizationOp.SOFTMAX


@pytest.fixture
def shop() -> Shop:
    return Shop()


def attention(q: Array, k: Array, v: Array, seen: Array | None = None, bias: Any = 0.0) -> Array:
    group = q.shape[1] // k.shape[1]
    scores = q @ k.repeat(group, 1).swapaxes(2, 3) + bias
    powers = np.exp(scores) * (1 if seen is None else seen)
    return powers / powers.sum(-1, keepdims=True) @ v.repeat(group, 1)


def inputs(shop: Shop, q: Array, k: Array, v: Array) -> tuple[list[Any], dict[str, Array]]:
    feed = {"q": q, "k": k, "v": v}
    return [shop.input(*a.shape, name=n) for n, a in feed.items()], feed


@pytest.mark.parametrize("key_heads", [4, 2, 1])
@pytest.mark.parametrize("mask", ["none", "causal", "bool", "added"])
def test_attention(shop: Shop, key_heads: int, mask: str) -> None:
    batch, heads, sq, s, d, dv = 2, 4, 3, 5, 7, 6
    q, k, v = f32(batch, heads, sq, d), f32(batch, key_heads, s, d), f32(batch, key_heads, s, dv)
    tensors, feed = inputs(shop, q, k, v)
    layer = shop.network.add_attention(*tensors, SOFTMAX, mask == "causal")
    assert layer.norm_op == SOFTMAX and layer.causal == (mask == "causal") and not layer.decomposable
    seen, bias = None, 0.0
    if mask == "causal":
        seen = np.tri(sq, s, dtype=bool)
    elif mask == "bool":
        seen = f32(1, 1, sq, s) > -0.5
        layer.mask = shop.constant(seen)
    elif mask == "added":
        bias = f32(batch, 1, 1, s)
        layer.mask = shop.constant(bias)
    assert (layer.mask is not None) == (mask in ("bool", "added")) and layer.num_outputs == 1
    y = shop.output(layer.get_output(0))
    assert tuple(y.shape) == (batch, heads, sq, dv)
    np.testing.assert_allclose(shop.run(feed)["y"], attention(q, k, v, seen, bias), rtol=1e-5, atol=1e-5)


def test_the_last_query_sees_all_keys(shop: Shop) -> None:
    q, k, v = f32(1, 2, 3, 4), f32(1, 2, 5, 4), f32(1, 2, 5, 4, seed=1)
    tensors, feed = inputs(shop, q, k, v)
    layer = shop.network.add_attention_v2(*tensors, SOFTMAX, trt.CausalMaskKind.LOWER_RIGHT)
    assert layer.causal_kind == trt.CausalMaskKind.LOWER_RIGHT
    shop.output(layer.get_output(0))
    seen = np.tri(3, 5, 2, dtype=bool)
    np.testing.assert_allclose(shop.run(feed)["y"], attention(q, k, v, seen), rtol=1e-5, atol=1e-5)


def test_without_normalization(shop: Shop) -> None:
    q, k, v = f32(1, 2, 3, 4), f32(1, 2, 5, 4), f32(1, 2, 5, 4, seed=1)
    tensors, feed = inputs(shop, q, k, v)
    layer = shop.network.add_attention(*tensors, trt.AttentionNormalizationOp.NONE, False)
    shop.output(layer.get_output(0))
    np.testing.assert_allclose(shop.run(feed)["y"], q @ k.swapaxes(2, 3) @ v, rtol=1e-5, atol=1e-5)


def test_an_attention_is_two_layers_and_an_object(shop: Shop) -> None:
    tensors, _ = inputs(shop, f32(1, 2, 3, 4), f32(1, 2, 5, 4), f32(1, 2, 5, 4))
    layer = shop.network.add_attention(*tensors, SOFTMAX, False)
    layer.name, layer.metadata, layer.decomposable = "att", "note", True
    assert (layer.name, layer.metadata, layer.decomposable) == ("att", "note", True)
    kinds = [shop.network.get_layer(i) for i in range(shop.network.num_layers)]
    assert [k.type for k in kinds] == [trt.LayerType.ATTENTION_INPUT, trt.LayerType.ATTENTION_OUTPUT]
    assert all(k.attention is layer for k in kinds)
    assert layer.num_inputs == 3 and layer.get_input(1) is tensors[1] and layer.get_output(1) is None


def test_mistakes_are_told_at_the_call(shop: Shop) -> None:
    tensors, _ = inputs(shop, f32(1, 3, 3, 4), f32(1, 2, 5, 4), f32(1, 2, 5, 4))
    assert shop.network.add_attention(*tensors, SOFTMAX, False) is None
    assert "a multiple of the key's" in shop.error()
    assert shop.network.add_attention(shop.input(3, 4, name="z"), *tensors[1:], SOFTMAX, False) is None
    assert "[batch, heads, sequence, size]" in shop.error()
    layer = shop.network.add_attention(tensors[1], tensors[1], tensors[2], SOFTMAX, True)
    with pytest.raises(RuntimeError, match="was given a mask and is causal"):
        layer.mask = shop.constant(np.ones((1, 1, 5, 5), np.bool_))
    assert layer.mask is None
    assert not layer.set_input(7, tensors[0])
    assert "there is no input 7" in shop.error()
